"""The public names: a list that changes on purpose only."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import slotengine

PUBLIC = [
    "Actor",
    "Address",
    "Announced",
    "Assignment",
    "Audience",
    "Booking",
    "BookingError",
    "BookingStatus",
    "Candidate",
    "Caps",
    "CareLevel",
    "Chance",
    "Change",
    "ChangeKind",
    "ChangeSearch",
    "ClockError",
    "Commune",
    "Confirmations",
    "Conflict",
    "Counting",
    "Deadlines",
    "Delivery",
    "DeliveryError",
    "DeliveryReport",
    "Destination",
    "Detour",
    "DuplicateReferralError",
    "Effort",
    "Engine",
    "Event",
    "Explanation",
    "Floor",
    "Forecast",
    "Forecasting",
    "Form",
    "FunnelStep",
    "Groups",
    "Handback",
    "HandedBack",
    "History",
    "HoldExpiredError",
    "HomeVisits",
    "HorizonError",
    "Incident",
    "Incoming",
    "InputError",
    "Lang",
    "LevelDuals",
    "Limits",
    "Location",
    "Mobility",
    "Mode",
    "Motive",
    "NewSeat",
    "Notice",
    "Offer",
    "Offering",
    "OpeningHours",
    "OutOfHours",
    "Outgoing",
    "Pathway",
    "Patient",
    "Pin",
    "Placement",
    "Plan",
    "PlanRejectedError",
    "PlanReport",
    "Policy",
    "PolicyError",
    "Practitioner",
    "PriceSet",
    "Pricing",
    "Priority",
    "Problem",
    "ProblemError",
    "Profession",
    "Promise",
    "PromiseRules",
    "PromiseState",
    "PublishReport",
    "Reason",
    "ReasonCode",
    "Receipt",
    "Received",
    "Referral",
    "ReferralConflictError",
    "ReferralFormatError",
    "ReferralPastError",
    "ReferralState",
    "Refill",
    "Refilled",
    "RejectedItem",
    "ReplaceReport",
    "Requester",
    "Reserve",
    "Role",
    "Rule",
    "SchemaError",
    "SeatPrice",
    "SeatValue",
    "SeatValues",
    "Sex",
    "Shown",
    "Site",
    "Slot",
    "SlotEngineError",
    "SlotState",
    "SlotTakenError",
    "SolverError",
    "SolverTimeoutError",
    "SourceKind",
    "Speeds",
    "Spread",
    "Step",
    "Store",
    "StoreBusyError",
    "StoreError",
    "Structure",
    "TendReport",
    "TimeWindow",
    "TokenError",
    "Told",
    "TransitionError",
    "TravelMatrix",
    "UnknownIdError",
    "UnknownTerritoryError",
    "Unserved",
    "Violation",
    "WaitingEntry",
    "WaitingWeights",
    "WithdrawReport",
    "referral_id",
]


def _type_checked_imports() -> dict[str, str]:
    """Gives name and module of what type checkers are told, read from the source."""
    source = Path(slotengine.__file__).read_text(encoding="utf-8")
    return {
        alias.name: node.module or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slotengine.")
        for alias in node.names
    }


def test_the_public_names_are_these() -> None:
    assert slotengine.__all__ == PUBLIC


def test_every_public_name_opens() -> None:
    assert all(getattr(slotengine, name) is not None for name in PUBLIC)


def test_type_checkers_and_the_running_program_see_the_same_object() -> None:
    told = _type_checked_imports()
    assert sorted(told) == sorted(PUBLIC)
    for name, module in told.items():
        assert getattr(slotengine, name) is getattr(import_module(module), name)


def test_a_name_is_listed_before_it_was_opened() -> None:
    program = "import slotengine; print(set(slotengine.__all__) <= set(dir(slotengine)))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "True\n"


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'slotengine' has no attribute 'Refferal'") as caught:
        slotengine.Refferal  # type: ignore[attr-defined]  # noqa: B018 - the misspelling is the test
    assert caught.value.name == "Refferal"


def test_an_unknown_name_can_not_be_imported() -> None:
    with pytest.raises(ImportError):
        from slotengine import Refferal  # type: ignore[attr-defined]  # noqa: F401 - the misspelling is the test


def test_every_exception_is_public() -> None:
    from slotengine import errors

    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.SlotEngineError)
    }
    assert raised <= set(PUBLIC)
