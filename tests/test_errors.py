import pickle
import re
from inspect import isclass

import pytest

from slotengine import errors
from slotengine.errors import SlotEngineError

SAMPLES: dict[str, tuple[object, ...]] = {
    "ReferralFormatError": ("pharmacy_csv", "line 3: age", "not a number"),
    "UnknownTerritoryError": ("atlantis", ("giennois", "senart")),
    "SlotTakenError": ("slot1", "withdrawn"),
    "HoldExpiredError": ("b1",),
    "TransitionError": ("booking b1", "cancelled", "confirmed"),
    "DuplicateReferralError": ("r1", "is booked"),
    "ReferralConflictError": ("r1",),
    "ReferralPastError": ("r1", "deadline"),
    "UnknownIdError": ("slot", "slot9"),
    "SolverTimeoutError": (2.5,),
    "PlanRejectedError": (("seat.twice slot1#0", "objective 2"),),
}
"""Arguments of the errors that take more than a sentence."""

CLASSES: list[type[SlotEngineError]] = [
    each
    for each in vars(errors).values()
    if isclass(each) and issubclass(each, SlotEngineError) and each.__module__ == errors.__name__
]


def _printed_tree() -> dict[str, tuple[str | None, set[str]]]:
    """Reads name, parent (by indent) and further bases (in brackets) from the docstring."""
    found: dict[str, tuple[str | None, set[str]]] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"( +)(\w+Error)(?:\((\w+)\))?(?: +(.*))?$", line)
        if match is None:
            continue
        indent, name, base, words = len(match[1]), match[2], match[3], match[4] or ""
        above = [(depth, parent) for depth, parent in above if depth < indent]
        also = re.search(r"\(also (\w+)\)", words)
        bases = {each for each in (base, also and also[1]) if each}
        found[name] = (above[-1][1] if above else None, bases)
        above.append((indent, name))
    return found


def example(error: type[SlotEngineError]) -> SlotEngineError:
    return error(*SAMPLES.get(error.__name__, ("a sentence with slot1",)))


def test_the_printed_tree_is_the_tree() -> None:
    assert set(_printed_tree()) == {each.__name__ for each in CLASSES}


@pytest.mark.parametrize("error", CLASSES)
def test_every_exception_hangs_where_it_is_printed(error: type[SlotEngineError]) -> None:
    parent, bases = _printed_tree()[error.__name__]
    assert error.__bases__[0].__name__ == (parent or "Exception")
    assert {base.__name__ for base in error.__bases__[1:]} == bases


@pytest.mark.parametrize("error", CLASSES)
def test_every_exception_pickles_with_what_it_says(error: type[SlotEngineError]) -> None:
    raised = example(error)
    again = pickle.loads(pickle.dumps(raised))  # noqa: S301 - our own bytes
    assert type(again) is error
    assert str(again) == str(raised)
    assert vars(again) == vars(raised)


@pytest.mark.parametrize("error", CLASSES)
def test_every_exception_says_what_it_was_given(error: type[SlotEngineError]) -> None:
    text = str(example(error))
    first = SAMPLES.get(error.__name__, ("slot1",))[0]
    expected = str(first[0] if isinstance(first, tuple) else first)
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize("error", CLASSES)
def test_every_exception_tells_the_caller_what_to_do(error: type[SlotEngineError]) -> None:
    assert error.__doc__
    assert error.__doc__.count(".") >= 2 or error is SlotEngineError


def test_one_except_catches_all_and_standard_ones_still_work() -> None:
    assert all(issubclass(each, SlotEngineError) for each in CLASSES)
    assert issubclass(errors.PolicyError, ValueError)
    assert issubclass(errors.UnknownIdError, LookupError)
    assert issubclass(errors.UnknownTerritoryError, LookupError)


def test_an_unknown_territory_lists_the_known_ones() -> None:
    assert str(errors.UnknownTerritoryError("x", ("a", "b"))) == (
        "territory 'x' is unknown; known: a, b"
    )
    assert str(errors.UnknownTerritoryError("x")) == "territory 'x' is unknown"


def test_ids_are_attributes_too() -> None:
    assert errors.SlotTakenError("slot1").slot_id == "slot1"
    assert errors.UnknownIdError("slot", "s").id == "s"
    assert errors.TransitionError("b", "held", "noshow").wanted == "noshow"
    assert errors.PlanRejectedError(("one", "two")).violations == ("one", "two")
