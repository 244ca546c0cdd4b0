from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from slotengine.domain import Location
from slotengine.fixtures import Flaw, FlawKind, Territory, load_raw, territory, validate
from slotengine.fixtures.communes import box_of
from slotengine.fixtures.validate import MARGIN_DEGREES


@cache
def made() -> Territory:
    return territory("giennois")


def moved(**place: Any) -> Territory:
    """The first site elsewhere; Gien lies near 47.69 N, 2.63 E."""
    first, *others = made().sites
    location = Location(**{"lat": 47.69, "lon": 2.63, "insee": "45155", **place})
    return made().replaced(sites=(first.replaced(location=location), *others))


def kinds(flaws: tuple[Flaw, ...]) -> list[FlawKind]:
    return [flaw.kind for flaw in flaws]


def test_a_generated_territory_is_clean() -> None:
    assert validate(made()) == ()


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ({"lat": 2.63, "lon": 47.69}, FlawKind.SWAPPED_COORDINATES),
        ({"lon": -2.63}, FlawKind.SIGN_FLIPPED),
        ({"lat": -47.69}, FlawKind.SIGN_FLIPPED),
        ({"lat": 48.85, "lon": 2.35}, FlawKind.OUTSIDE_TERRITORY),
        ({"insee": "45500"}, FlawKind.UNKNOWN_INSEE),
        ({"insee": "77067"}, FlawKind.FOREIGN_INSEE),
    ],
)
def test_a_misplaced_site_is_caught_by_exactly_its_kind(
    place: dict[str, Any], kind: FlawKind
) -> None:
    assert kinds(validate(moved(**place))) == [kind]


def test_a_postcode_in_place_of_the_insee_code_is_unknown() -> None:
    (flaw,) = validate(moved(insee="45500"))
    assert flaw == Flaw(id=made().sites[0].id, field="location.insee", kind=FlawKind.UNKNOWN_INSEE)


def test_a_place_without_insee_code_is_not_a_flaw() -> None:
    assert validate(moved(insee=None)) == ()


def test_the_margin_is_allowed_to_its_edge_and_not_beyond() -> None:
    north = box_of("giennois").north
    assert validate(moved(lat=north + MARGIN_DEGREES)) == ()
    assert kinds(validate(moved(lat=north + MARGIN_DEGREES + 0.0001))) == [
        FlawKind.OUTSIDE_TERRITORY
    ]


def test_a_misplaced_home_is_named_by_its_referral() -> None:
    whole = made()
    index, one = next(
        (index, one)
        for index, one in enumerate(whole.referrals)
        if one.patient.location is not None
    )
    home = one.patient.location
    assert home is not None
    swapped = home.replaced(lat=home.lon, lon=home.lat)
    changed = one.replaced(patient=one.patient.replaced(location=swapped))
    referrals = (*whole.referrals[:index], changed, *whole.referrals[index + 1 :])
    assert validate(whole.replaced(referrals=referrals)) == (
        Flaw(id=one.id, field="patient.location", kind=FlawKind.SWAPPED_COORDINATES),
    )


@pytest.mark.parametrize("field", ["practitioners", "sites", "slots", "requesters", "referrals"])
def test_an_id_given_twice_is_caught(field: str) -> None:
    values = getattr(made(), field)
    flaws = validate(made().replaced(**{field: (*values, values[0])}))
    assert flaws == (Flaw(id=values[0].id, field=f"{field}.id", kind=FlawKind.DUPLICATE_ID),)


def test_a_slot_at_a_site_that_is_not_listed_is_caught() -> None:
    first, *others = made().slots
    flaws = validate(made().replaced(slots=(first.replaced(site="nowhere"), *others)))
    assert flaws == (Flaw(id=first.id, field="site", kind=FlawKind.MISSING_SITE),)


def test_a_slot_of_a_practitioner_who_is_not_listed_is_caught() -> None:
    first, *others = made().slots
    flaws = validate(made().replaced(slots=(first.replaced(practitioner="nobody"), *others)))
    assert kinds(flaws) == [FlawKind.MISSING_PRACTITIONER]


Break = Callable[[dict[str, Any]], None]


def set_age(age: object) -> Break:
    def broken(raw: dict[str, Any]) -> None:
        raw["referrals"][0]["patient"]["age"] = age

    return broken


def set_slot(field: str, value: str) -> Break:
    def broken(raw: dict[str, Any]) -> None:
        raw["slots"][0][field] = value

    return broken


def set_received(raw: dict[str, Any]) -> None:
    raw["referrals"][0]["received_at"] = "2026-11-24T10:00:00"


def set_latitude(raw: dict[str, Any]) -> None:
    raw["sites"][0]["location"]["lat"] = 478.0


def set_not_a_number(raw: dict[str, Any]) -> None:
    raw["sites"][0]["location"]["lat"] = float("nan")


def set_unknown_field(raw: dict[str, Any]) -> None:
    raw["sites"][0]["colour"] = "blue"


@pytest.mark.parametrize(
    ("broken", "kind", "owner"),
    [
        (set_age(126), FlawKind.IMPOSSIBLE_AGE, "referrals"),
        (set_age(-1), FlawKind.IMPOSSIBLE_AGE, "referrals"),
        (set_received, FlawKind.NAIVE_TIME, "referrals"),
        (set_slot("start", "2026-11-25T09:00:00"), FlawKind.NAIVE_TIME, "slots"),
        (set_slot("end", "2026-11-24T00:00:00Z"), FlawKind.ENDS_BEFORE_START, "slots"),
        (set_latitude, FlawKind.IMPOSSIBLE_COORDINATES, "sites"),
        (set_not_a_number, FlawKind.IMPOSSIBLE_COORDINATES, "sites"),
        (set_unknown_field, FlawKind.UNREADABLE, "sites"),
    ],
)
def test_raw_data_that_pydantic_refuses_is_caught_by_exactly_its_kind(
    broken: Break, kind: FlawKind, owner: str
) -> None:
    raw = made().model_dump(mode="json")
    broken(raw)
    reading = load_raw(raw)
    assert reading.territory is None
    assert kinds(reading.flaws) == [kind]
    assert reading.flaws[0].id == raw[owner][0]["id"]


@pytest.mark.parametrize("age", [0, 125, None])
def test_the_youngest_the_oldest_and_an_absent_age_are_read(age: int | None) -> None:
    raw = made().model_dump(mode="json")
    set_age(age)(raw)
    reading = load_raw(raw)
    assert reading.territory is not None
    assert reading.flaws == ()


def test_raw_data_is_validated_after_it_is_read() -> None:
    raw = made().model_dump(mode="json")
    place = raw["sites"][0]["location"]
    place["lat"], place["lon"] = place["lon"], place["lat"]
    reading = load_raw(raw)
    assert reading.territory is not None
    assert kinds(reading.flaws) == [FlawKind.SWAPPED_COORDINATES]


def test_clean_raw_data_gives_the_same_territory() -> None:
    reading = load_raw(made().model_dump(mode="json"))
    assert reading.territory == made()
    assert reading.flaws == ()


def test_data_that_is_no_territory_at_all_is_reported_not_raised() -> None:
    reading = load_raw({"name": "giennois", "slots": 3})
    assert reading.territory is None
    assert set(kinds(reading.flaws)) == {FlawKind.UNREADABLE}


def test_a_flaw_never_carries_the_value_found() -> None:
    raw = made().model_dump(mode="json")
    raw["referrals"][0]["id"] = "an id with spaces"
    raw["referrals"][0]["patient"]["age"] = 4321
    reading = load_raw(raw)
    assert {flaw.id for flaw in reading.flaws} == {"unreadable"}
    assert "4321" not in reading.model_dump_json()
    assert "spaces" not in reading.model_dump_json()


def asked(**changes: dict[str, Any]) -> Territory:
    """The first referrals changed, by their place from ``r0`` on."""
    listed = list(made().referrals)
    for place, fields in changes.items():
        at = int(place.removeprefix("r"))
        listed[at] = listed[at].replaced(**fields)
    return made().replaced(referrals=tuple(listed))


def step(number: int, before: int | None = None, code: str = "elderly-home") -> dict[str, Any]:
    first = made().referrals[0]
    follows = None if before is None else made().referrals[before].id
    return {"pathway": code, "step": number, "follows": follows, "patient": first.patient}


def test_a_sibling_without_another_is_a_flaw_and_two_are_none() -> None:
    (flaw,) = validate(asked(r0={"group": "g"}))
    assert flaw == Flaw(id=made().referrals[0].id, field="group", kind=FlawKind.GROUP_OF_ONE)
    assert validate(asked(r0={"group": "g"}, r1={"group": "g"})) == ()


def test_a_step_after_the_one_before_is_clean() -> None:
    assert validate(asked(r0=step(0), r1=step(1, before=0))) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"r1": step(1, before=0)},
        {"r0": step(0, code="type-2-diabetes"), "r1": step(1, before=0)},
        {"r0": step(0), "r1": {**step(1, before=0), "follows": "r-nobody"}},
        {"r0": step(0), "r1": {**step(1, before=0), "patient": made().referrals[1].patient}},
        {
            "r0": step(0, code="type-2-diabetes"),
            "r1": step(2, before=0, code="type-2-diabetes"),
        },
    ],
)
def test_a_step_without_the_one_before_is_a_flaw(changes: dict[str, Any]) -> None:
    """No pathway, another pathway, nobody, another patient, a step left out."""
    (flaw,) = validate(asked(**changes))
    assert flaw == Flaw(id=made().referrals[1].id, field="follows", kind=FlawKind.MISSING_STEP)


def test_a_pathway_that_the_territory_does_not_have_is_a_flaw() -> None:
    assert kinds(validate(asked(r0=step(0, code="none")))) == [FlawKind.UNKNOWN_PATHWAY]
    beyond = asked(r0=step(1, before=2), r2=step(0), r1=step(2, before=0))
    (flaw,) = validate(beyond)
    assert (flaw.field, flaw.kind) == ("step", FlawKind.UNKNOWN_PATHWAY)
