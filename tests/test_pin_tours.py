"""Home visits beside what is booked: the way by car, care at home, one place on one slot."""

from typing import Any

import pytest
from booked import pin, refused
from builders import TOWN, north_of, patient, policy, practitioner, problem, referral, site, slot

from slotengine.codes import Mode
from slotengine.problem import Pin, Problem
from slotengine.reasons import Rule
from slotengine.side_constraints import HomeVisits
from slotengine.solver import rank

ZONES = ("clinic", "booked-home", "new-home", "island")
MINUTES = (
    (0, 6, 5, None),
    (7, 0, 20, None),
    (5, 25, 0, None),
    (None, None, None, 0),
)
"""By car from row to column, not the same there and back."""

NO_CARE_TIME = HomeVisits()

CLINIC, BOOKED_HOME, NEW_HOME, ISLAND = (
    north_of(TOWN, 100.0 * at).replaced(zone=zone) for at, zone in enumerate(ZONES)
)


def tour(
    *pins: Pin,
    after_minutes: int,
    mode: Mode = Mode.HH,
    home: Any = NEW_HOME,
    visits: HomeVisits | None = NO_CARE_TIME,
    **changes: Any,
) -> Problem:
    """``booked`` runs from 120 to 135 minutes after now, ``new`` takes 15 minutes."""
    metres = tuple(tuple(None if cell is None else 10 for cell in row) for row in MINUTES)
    fields = {
        "policy": policy(home_visits=visits),
        "sites": (site(location=CLINIC),),
        "slots": (
            slot("booked", modes=tuple(Mode), capacity=2),
            slot("new", after_minutes=after_minutes, modes=tuple(Mode)),
        ),
        "referrals": (referral(patient=patient(location=home), modes=(mode,)),),
        "pins": pins,
        "matrix": {"name": "t", "version": "1", "zones": ZONES, "metres": metres,
                   "minutes": MINUTES},
    }  # fmt: skip
    return problem(**{**fields, **changes})


VISIT = pin(mode=Mode.HH, location=BOOKED_HOME)
AT_SITE = pin(mode=Mode.AMB)


@pytest.mark.parametrize(
    ("after_minutes", "rule"),
    [(154, Rule.TOUR), (155, None), (80, None), (81, Rule.TOUR)],
)
def test_between_two_homes_lies_the_way(after_minutes: int, rule: Rule | None) -> None:
    """20 minutes after the pinned visit, 25 on the way back before it."""
    assert refused(tour(VISIT, after_minutes=after_minutes)) is rule


@pytest.mark.parametrize(
    ("after_minutes", "rule"),
    [(139, Rule.TOUR), (140, None), (100, None), (101, Rule.TOUR)],
)
def test_from_and_to_a_pin_at_the_site_lies_the_way_too(
    after_minutes: int, rule: Rule | None
) -> None:
    """5 minutes either way."""
    assert refused(tour(AT_SITE, after_minutes=after_minutes)) is rule


@pytest.mark.parametrize(
    ("after_minutes", "rule"),
    [(141, Rule.TOUR), (142, None), (99, None), (100, Rule.TOUR)],
)
def test_a_booking_at_the_site_waits_for_who_is_on_the_road(
    after_minutes: int, rule: Rule | None
) -> None:
    """7 minutes back from the pinned visit, 6 minutes to it."""
    assert refused(tour(VISIT, after_minutes=after_minutes, mode=Mode.AMB)) is rule


@pytest.mark.parametrize(
    ("care", "after_minutes", "rule"),
    [
        (30, 169, Rule.TOUR),
        (30, 170, None),
        (30, 65, None),
        (30, 66, Rule.TOUR),
        (10, 155, None),
        (10, 154, Rule.TOUR),
    ],
)
def test_care_takes_at_least_its_time(care: int, after_minutes: int, rule: Rule | None) -> None:
    """Half an hour from the start where the slot is shorter; never less than the slot."""
    visits = HomeVisits(care_minutes=care)
    assert refused(tour(VISIT, after_minutes=after_minutes, visits=visits)) is rule


def test_care_at_the_site_ends_with_its_slot() -> None:
    """The pinned one's, and that of a new booking 6 minutes before the pinned visit."""
    long_care = HomeVisits(care_minutes=60)
    assert refused(tour(AT_SITE, after_minutes=140, visits=long_care)) is None
    assert refused(tour(VISIT, after_minutes=99, mode=Mode.AMB, visits=long_care)) is None


def test_a_pin_at_the_site_is_at_the_site_wherever_its_patient_lives() -> None:
    """5 minutes from the clinic, 20 from the patient's home."""
    somebody = AT_SITE.replaced(location=BOOKED_HOME)
    assert refused(tour(somebody, after_minutes=140)) is None


def test_between_two_sites_the_slots_are_believed() -> None:
    asked = tour(
        AT_SITE,
        after_minutes=0,
        mode=Mode.AMB,
        sites=(site(location=CLINIC), site("s2", location=BOOKED_HOME)),
        slots=(slot("booked"), slot("new", after_minutes=135, site="s2")),
    )
    assert refused(asked) is None


@pytest.mark.parametrize(
    "untouched",
    [
        tour(AT_SITE, after_minutes=135, mode=Mode.AMB),
        tour(VISIT, after_minutes=135, mode=Mode.VR),
        tour(pin(mode=Mode.VR), after_minutes=135),
        tour(pin(mode=Mode.HH), after_minutes=135),
        tour(VISIT, after_minutes=135, visits=None),
        tour(after_minutes=135),
    ],
    ids=["both at the site", "by video", "pin by video", "pin of unknown place", "policy", "free"],
)
def test_nothing_is_asked(untouched: Problem) -> None:
    assert refused(untouched) is None


def test_a_colleagues_visit_is_the_colleagues() -> None:
    asked = tour(
        VISIT,
        after_minutes=135,
        practitioners=(practitioner("d1"), practitioner("d2")),
        slots=(
            slot("booked", modes=(Mode.HH,), practitioner="d2"),
            slot("new", after_minutes=135, modes=(Mode.HH,)),
        ),
    )
    assert refused(asked) is None


def test_no_way_is_never_in_time() -> None:
    on_island = pin(mode=Mode.HH, location=ISLAND)
    unlisted = pin(mode=Mode.HH, location=ISLAND.replaced(zone="unlisted"))
    for lost in (on_island, unlisted):
        assert refused(tour(lost, after_minutes=1_000)) is Rule.TOUR
        assert refused(tour(lost, after_minutes=1_000, mode=Mode.AMB)) is Rule.TOUR


def test_every_pin_of_the_practitioner_must_be_at_peace() -> None:
    """Late enough after one visit, too early before the other: 25 minutes back to its place."""
    slots = (
        slot("booked", modes=(Mode.HH,)),
        slot("next", after_minutes=194, modes=(Mode.HH,)),
        slot("new", after_minutes=155, modes=(Mode.HH,)),
    )
    other = VISIT.replaced(referral="r-next", slot="next")
    assert refused(tour(VISIT, after_minutes=0, slots=slots)) is None
    assert refused(tour(VISIT, other, after_minutes=0, slots=slots)) is Rule.TOUR
    later = (slots[0], slot("next", after_minutes=195, modes=(Mode.HH,)), slots[2])
    assert refused(tour(VISIT, other, after_minutes=0, slots=later)) is None


@pytest.mark.parametrize(
    ("home", "mode", "pinned", "rule"),
    [
        (BOOKED_HOME, Mode.HH, VISIT, None),
        (NEW_HOME, Mode.HH, VISIT, Rule.TOUR),
        (NEW_HOME, Mode.AMB, VISIT, Rule.TOUR),
        (NEW_HOME, Mode.AMB, pin(mode=Mode.HH, location=CLINIC), None),
        (CLINIC, Mode.HH, AT_SITE, None),
        (NEW_HOME, Mode.HH, AT_SITE, Rule.TOUR),
        (BOOKED_HOME.replaced(zone="new-home"), Mode.HH, VISIT, Rule.TOUR),
        (NEW_HOME, Mode.HH, pin(mode=Mode.HH), None),
    ],
)
def test_on_one_slot_both_are_at_one_place(
    home: Any, mode: Mode, pinned: Pin, rule: Rule | None
) -> None:
    assert refused(tour(pinned, after_minutes=900, home=home, mode=mode), "booked") is rule


def test_one_place_has_one_zone_without_a_travel_table_too() -> None:
    for zone, rule in (("booked-home", None), ("new-home", Rule.TOUR)):
        home = BOOKED_HOME.replaced(zone=zone)
        asked = tour(VISIT, after_minutes=900, home=home, matrix=None)
        assert refused(asked, "booked") is rule


def test_without_a_travel_table_the_way_is_the_great_circle() -> None:
    """
    15 km straight are d * (1.1 + 0.3 * exp(-0.75)) = 18,626 road metres.

    At 45 km/h, 750 metres a minute, that is 24.8, so 25 minutes.
    """
    far = pin(mode=Mode.HH, location=north_of(TOWN, 15_000))
    for after_minutes, rule in ((159, Rule.TOUR), (160, None), (80, None), (81, Rule.TOUR)):
        asked = tour(far, after_minutes=after_minutes, home=TOWN, matrix=None)
        assert refused(asked) is rule


def test_where_the_tour_leaves_no_time_the_practice_is_offered() -> None:
    asked = tour(AT_SITE, after_minutes=135)
    both = asked.referrals[0].replaced(modes=(Mode.AMB, Mode.HH))
    (offer,) = [
        one for one in rank(asked.replaced(referrals=(both,)), both.id) if one.slot == "new"
    ]
    assert offer.mode is Mode.AMB
