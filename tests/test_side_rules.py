"""
Caps, groups and pathways of a night, planned: allowed, refused, exactly on the edge, absent.

Slots start two hours from now, so the first costs a patient 120 minutes of waiting, 2 weighted
minutes each for the urgent and 4 for those to be seen as soon as possible.
"""

from datetime import timedelta
from typing import Any

import pytest
from builders import patient, policy, practitioner, site, slot
from nights import (
    ASAP,
    DAY,
    HOME,
    ROUTINE,
    Night,
    agenda,
    asks,
    booked,
    night,
    planned,
)

from slotengine.codes import Mode, Profession
from slotengine.domain import Referral, TimeWindow
from slotengine.side_constraints import Caps, Effort, Groups, Pathway, Step

MINUTE = timedelta(minutes=1)
KNOWN: dict[str, Any] = {"patient": patient("known", own_practitioner="d1")}


def known(name: str, **changes: Any) -> Referral:
    """A patient of d1."""
    return asks(name, **{"patient": patient(name, own_practitioner="d1"), **changes})


TWO = agenda(120, 135)
BOTH = ({"a": "d1@120", "b": "d1@135"}, {}, 4 * 120 + 2 * 135)
ONLY_A = ({"a": "d1@120"}, {"b": "cap"}, 4 * 120)


def outcome(found: Night) -> tuple[dict[str, str], dict[str, str], int]:
    return found.seats, found.reasons, found.cost


CAPS = [
    ({}, BOTH),
    ({"bookings_per_day": 2}, BOTH),
    ({"bookings_per_day": 1}, ONLY_A),
    ({"bookings_per_day": 0}, ({}, {"a": "cap", "b": "cap"}, 0)),
    ({"bookings_per_week": 2}, BOTH),
    ({"bookings_per_week": 1}, ONLY_A),
    # A first visit of 15 minutes counts half as much again, rounded up: 23.
    ({"effort_minutes_per_day": 46}, BOTH),
    ({"effort_minutes_per_day": 45}, ONLY_A),
    ({"effort_minutes_per_day": 22}, ({}, {"a": "cap", "b": "cap"}, 0)),
    ({"effort_minutes_per_week": 46}, BOTH),
    ({"effort_minutes_per_week": 45}, ONLY_A),
]


@pytest.mark.parametrize(("caps", "wanted"), CAPS)
def test_a_cap_of_the_policy_or_the_practitioner_is_kept_and_reached(
    caps: dict[str, int], wanted: Any
) -> None:
    asked = (asks("a", **ASAP), asks("b"))
    assert outcome(planned(night(asked, TWO, policy=policy(caps=Caps(**caps))))) == wanted
    own = practitioner(**{f"max_{name}": most for name, most in caps.items()})
    assert outcome(planned(night(asked, TWO, practitioners=(own,)))) == wanted


@pytest.mark.parametrize(
    ("cap", "after_minutes", "fits"),
    [
        # 8 h UTC is 9 h in Paris: a new day begins after 900 minutes, a new week six days later.
        ("bookings_per_day", 899, False),
        ("bookings_per_day", 900, True),
        ("bookings_per_week", 900, False),
        ("bookings_per_week", 6 * DAY + 899, False),
        ("bookings_per_week", 6 * DAY + 900, True),
        ("effort_minutes_per_day", 899, False),
        ("effort_minutes_per_day", 900, True),
        ("effort_minutes_per_week", 6 * DAY + 899, False),
        ("effort_minutes_per_week", 6 * DAY + 900, True),
    ],
)
def test_a_cap_counts_over_the_local_day_or_the_week_from_monday(
    cap: str,
    after_minutes: int,
    fits: bool,  # noqa: FBT001 - a table of cases
) -> None:
    most = 1 if cap.startswith("bookings") else 45
    asked = (asks("a", **ASAP), asks("b"))
    found = planned(
        night(asked, agenda(120, after_minutes), policy=policy(caps=Caps(**{cap: most})))
    )
    assert found.reasons == ({} if fits else {"b": "cap"})


@pytest.mark.parametrize(
    ("effort", "how", "after_minutes", "each"),
    [
        (Effort(), {}, 120, 15),  # a patient of d1, at the practice, before 18 h
        (Effort(), {"patient": patient("x")}, 120, 23),
        (Effort(first_visit=0), {"patient": patient("x")}, 120, 15),
        (Effort(), {"patient": patient("x", own_practitioner="d2")}, 120, 23),
        (Effort(), HOME, 120, 30),
        (Effort(home_visit=10), HOME, 120, 17),  # 16.5
        (Effort(), {}, 524, 15),  # the second at 17:59 in Paris
        (Effort(), {}, 540, 19),  # 18 h: 15 * 1.25 = 18.75
        (Effort(late=0), {}, 540, 15),
        (Effort(), {**HOME, "patient": patient("x")}, 540, 42),  # 15 * 2.75 = 41.25
    ],
)
def test_first_visits_home_visits_and_late_ones_weigh_more(
    effort: Effort, how: dict[str, Any], after_minutes: int, each: int
) -> None:
    """Two alike fit a day of twice their effort, and not one of a minute less."""
    asked = tuple(
        known(name, **{**how, **priority, "patient": _renamed(how, name)})
        for name, priority in (("a", ASAP), ("b", {}))
    )
    slots = agenda(after_minutes, after_minutes + 15, modes=(Mode.AMB, Mode.HH))

    def with_room_for(minutes: int) -> dict[str, str]:
        rules = policy(effort=effort, caps=Caps(effort_minutes_per_day=minutes))
        return planned(night(asked, slots, policy=rules)).reasons

    assert with_room_for(2 * each) == {}
    assert with_room_for(2 * each - 1) == {"b": "cap"}


def _renamed(how: dict[str, Any], name: str) -> Any:
    given = how.get("patient", patient("known", own_practitioner="d1"))
    return given.replaced(key=patient(name).key)


def test_two_short_ones_are_served_rather_than_one_long_one_of_their_class() -> None:
    slots = (slot("long", after_minutes=120, minutes=30), *agenda(160, 175))
    late = TimeWindow(start=slots[1].start, end=slots[2].end)
    asked = tuple(known(name, windows=(late,), **ROUTINE) for name in "bc")
    rules = policy(caps=Caps(effort_minutes_per_day=30))
    early = {"windows": (TimeWindow(start=slots[0].start, end=slots[0].end),)}
    found = planned(night((known("a", **ROUTINE, **early), *asked), slots, policy=rules))
    assert found.reasons == {"a": "cap"}
    assert (found.unserved, found.cost) == ((0, 0, 0, 1), 160 + 175)
    # One class above, the long one comes first and the two short ones stay.
    found = planned(night((known("a", **early), *asked), slots, policy=rules))
    assert found.seats == {"a": "long"}
    assert found.reasons == {"b": "cap", "c": "cap"}
    assert (found.unserved, found.cost) == ((0, 0, 0, 2), 2 * 120)


def test_pins_take_their_part_of_a_cap_and_may_alone_pass_it() -> None:
    slots = agenda(60, 120, 135)
    pin = booked("d1@60")
    asked = (asks("a", **ASAP), asks("b"))

    def beside(effort: int, **changes: Any) -> dict[str, str]:
        rules = policy(caps=Caps(effort_minutes_per_day=effort))
        return planned(night(asked, slots, policy=rules, pins=(pin.replaced(**changes),))).reasons

    assert beside(69) == {}
    assert beside(68) == {"b": "cap"}
    assert beside(61, first_visit=False) == {}
    assert beside(60, first_visit=False) == {"b": "cap"}
    assert beside(84, mode=Mode.HH) == {}  # 15 * 2.5 = 37.5
    assert beside(83, mode=Mode.HH) == {"b": "cap"}
    assert beside(22) == {"a": "cap", "b": "cap"}


def test_who_could_go_elsewhere_makes_room_under_a_cap() -> None:
    """The first come takes the dearer seat, because the other has no choice."""
    elsewhere = agenda(600, giver="d2")
    asked = (asks("a"), asks("b", patient=patient("b", own_practitioner="d1")))
    only_d1 = {"windows": (TimeWindow(start=TWO[0].start, end=TWO[1].end),)}
    rules = policy(caps=Caps(bookings_per_day=1))
    found = planned(
        night((asked[0], asked[1].replaced(**only_d1)), (*TWO, *elsewhere), policy=rules)
    )
    assert found.seats == {"a": "d2@600", "b": "d1@120"}
    assert found.cost == 2 * 600 + 2 * 120


def siblings(*names: str, **changes: Any) -> tuple[Referral, ...]:
    return tuple(asks(name, group="g", **changes) for name in names)


@pytest.mark.parametrize(
    ("starts", "gap", "together"),
    [
        ((120, 135), 0, True),
        ((120, 136), 0, False),
        ((120, 136), 1, True),
        ((120, 145), 10, True),
        ((120, 146), 10, False),
        ((120, 135, 150), 0, True),
        ((120, 135, 151), 0, False),
        ((120, 140, 160), 5, True),
        ((120, 140, 161), 5, False),
    ],
)
def test_siblings_have_seats_in_a_row_or_none(
    starts: tuple[int, ...],
    gap: int,
    together: bool,  # noqa: FBT001 - a table of cases
) -> None:
    names = "abc"[: len(starts)]
    rules = policy(groups=Groups(gap_minutes=gap))
    found = planned(night(siblings(*names), agenda(*starts), policy=rules))
    if together:
        assert (sorted(found.seats), found.cost) == (list(names), 2 * sum(starts))
    else:
        assert found.reasons == dict.fromkeys(names, "group")
    free = planned(night(tuple(asks(name) for name in names), agenda(*starts), policy=rules))
    assert sorted(free.seats) == list(names)


def test_siblings_share_a_slot_of_several_seats() -> None:
    hall = slot("hall", capacity=2)
    assert set(planned(night(siblings("a", "b"), (hall,))).seats.values()) == {"hall"}
    three = siblings("a", "b", "c")
    beside = (hall, slot("next", after_minutes=135))
    assert planned(night(three, beside)).cost == 2 * (120 + 120 + 135)
    apart = (hall, slot("next", after_minutes=136))
    assert planned(night(three, apart)).reasons == dict.fromkeys("abc", "group")


def test_siblings_have_one_practitioner_at_one_site() -> None:
    two = siblings("a", "b")
    elsewhere = slot("next", after_minutes=135, site="s2")
    sites = (site(), site("s2"))
    none = {"a": "group", "b": "group"}
    assert planned(night(two, (*agenda(120), elsewhere), sites=sites)).reasons == none
    colleague = agenda(135, giver="d2")
    assert planned(night(two, (*agenda(120, 600), *colleague))).reasons == none


def test_somebody_else_may_sit_between_siblings_only_within_the_gap() -> None:
    slots = agenda(120, 135, 150)
    middle = TimeWindow(start=slots[1].start, end=slots[1].end)
    asked = (*siblings("a", "b", **ROUTINE), asks("u", windows=(middle,)))

    def with_gap(minutes: int) -> Night:
        return planned(night(asked, slots, policy=policy(groups=Groups(gap_minutes=minutes))))

    assert with_gap(14).reasons == {"a": "group", "b": "group"}
    assert set(with_gap(15).seats.values()) == {"d1@120", "d1@135", "d1@150"}


def test_siblings_yield_to_the_urgent_and_take_the_next_row() -> None:
    slots = agenda(120, 135, 165, 180)
    found = planned(night((*siblings("a", "b", **ROUTINE), asks("u", **ASAP)), slots))
    # u on the cheapest leaves 165 and 180; u on 165 leaves the first row: 4 * 165 + 255 is dearer.
    assert found.seats["u"] == "d1@120"
    assert found.cost == 4 * 120 + 165 + 180


@pytest.mark.parametrize(
    ("pinned", "free", "fits"),
    [
        (135, (120, 150), True),  # the pin stands between them
        (135, (120, 151), False),
        (150, (120, 135), True),
        (151, (120, 135), False),
        (104, (120, 135), False),
        (105, (120, 135), True),
    ],
)
def test_a_pinned_sibling_is_part_of_the_row(
    pinned: int,
    free: tuple[int, int],
    fits: bool,  # noqa: FBT001 - a table of cases
) -> None:
    slots = agenda(pinned, *free)
    own = booked(f"d1@{pinned}", group="g")
    found = planned(night(siblings("a", "b"), slots, pins=(own,)))
    assert found.reasons == ({} if fits else dict.fromkeys("ab", "group"))
    stranger = planned(night(siblings("a", "b"), slots, pins=(own.replaced(group=None),)))
    assert (stranger.reasons == {}) == (free == (120, 135))


def test_one_newcomer_sits_beside_the_pinned_sibling() -> None:
    pin = booked("d1@120", group="g")
    found = planned(night(siblings("a"), agenda(90, 120, 136), pins=(pin,)))
    assert found.reasons == {"a": "group"}
    found = planned(night(siblings("a"), agenda(90, 120, 135), pins=(pin,)))
    assert found.seats == {"a": "d1@135"}
    assert planned(night(siblings("a"), agenda(90, 120, 136))).seats == {"a": "d1@90"}


def chain(*gaps: tuple[int, int]) -> Pathway:
    steps = [Step(professions=(Profession.PHYSICIAN,))] + [
        Step(professions=(Profession.PHYSICIAN,), after_min=least * MINUTE, after_max=most * MINUTE)
        for least, most in gaps
    ]
    return Pathway(code="chain", name_fr="suite", name_en="chain", steps=tuple(steps))


def steps(*names: str) -> tuple[Referral, ...]:
    """The appointments of one patient, one after the other."""
    return tuple(
        asks(
            name,
            patient=patient("walker"),
            pathway="chain",
            step=at,
            follows=names[at - 1] if at else None,
        )
        for at, name in enumerate(names)
    )


@pytest.mark.parametrize(
    ("pause", "fits"), [(29, False), (30, True), (60, True), (61, False), (0, False)]
)
def test_a_second_step_comes_in_time(
    pause: int,
    fits: bool,  # noqa: FBT001 - a table of cases
) -> None:
    slots = agenda(120, 135 + pause)
    rules = policy(pathways=(chain((30, 60)),))
    found = planned(night(steps("a", "b"), slots, policy=rules))
    assert found.reasons == ({} if fits else {"b": "pathway"})
    # Without the pathway both are anybody's.
    free = (asks("a"), asks("b"))
    assert planned(night(free, slots, policy=rules)).reasons == {}


def test_a_first_step_goes_late_so_that_the_second_is_in_time() -> None:
    slots = (*agenda(120, 300), *agenda(345, giver="d2"))
    rules = policy(pathways=(chain((0, 30)),))
    # The second patient's slot is d2's at 345: 30 minutes after 315, when 300 ends.
    found = planned(night(steps("a", "b"), slots, policy=rules))
    assert found.seats == {"a": "d1@300", "b": "d2@345"}
    assert found.cost == 2 * (300 + 345)
    later = (*agenda(120, 300), *agenda(346, giver="d2"))
    found = planned(night(steps("a", "b"), later, policy=rules))
    assert (found.seats, found.reasons) == ({"a": "d1@120"}, {"b": "pathway"})


@pytest.mark.parametrize(
    ("starts", "served"),
    [
        ((120, 145, 170), "abc"),  # 10 minutes and 10 minutes: both as early as may be
        ((120, 144, 170), "ac-b"),
        ((120, 155, 190), "abc"),  # 20 and 20: both as late as may be
        ((120, 155, 191), "ab"),
        ((120, 145, 169), "ab"),
    ],
)
def test_a_third_step_needs_the_second_one(starts: tuple[int, ...], served: str) -> None:
    rules = policy(pathways=(chain((10, 20), (10, 20)),))
    found = planned(night(steps("a", "b", "c"), agenda(*starts), policy=rules))
    if served == "ac-b":
        # From 120 nothing is in time; from 144 the third slot is (11 minutes): two steps anyway.
        assert found.seats == {"a": "d1@144", "b": "d1@170"}
        assert found.reasons == {"c": "pathway"}
    else:
        assert "".join(sorted(found.seats)) == served
        assert found.reasons == {name: "pathway" for name in "abc" if name not in served}


def test_the_step_before_may_be_pinned_or_missing() -> None:
    rules = policy(pathways=(chain((30, 60)),))
    second = steps("a", "b")[1]
    pin = booked("d1@120", referral="a", patient=second.patient.key)
    for start, wanted in ((164, {"b": "pathway"}), (165, {}), (195, {}), (196, {"b": "pathway"})):
        found = planned(night((second,), agenda(120, start), policy=rules, pins=(pin,)))
        assert found.reasons == wanted
    assert planned(night((second,), agenda(120, 165), policy=rules)).reasons == {"b": "pathway"}
