"""Small nights in which one side constraint binds, on its edge or a minute beyond it."""

from datetime import timedelta
from typing import Any

from builders import patient, policy, practitioner, site, slot
from nights import ASAP, HOME, ROUTINE, TEN_KM, agenda, asks, booked, night

from slotengine.codes import Mode, Priority
from slotengine.domain import TimeWindow
from slotengine.problem import Problem, Told
from slotengine.side_constraints import Caps, Floor, Groups, HomeVisits, Pathway, Spread, Step

MINUTE = timedelta(minutes=1)

A, B = asks("a", **ASAP), asks("b")
TWO = agenda(120, 135)


def capped(*starts: int, own: int | None = None, **caps: int) -> Problem:
    """Two first visits of 23 minutes; the cap has room for the more urgent one."""
    giver = practitioner(max_bookings_per_day=own)
    rules = policy(caps=Caps(**caps))
    return night((A, B), agenda(*(starts or (120, 135))), policy=rules, practitioners=(giver,))


def late(effort: int) -> Problem:
    known = [one.replaced(patient=patient(one.id, own_practitioner="d1")) for one in (A, B)]
    rules = policy(caps=Caps(effort_minutes_per_day=effort))
    return night(known, agenda(540, 555), policy=rules)


def at_home(effort: int) -> Problem:
    known = [
        one.replaced(patient=patient(one.id, own_practitioner="d1"), modes=(Mode.HH,))
        for one in (A, B)
    ]
    rules = policy(caps=Caps(effort_minutes_per_day=effort))
    return night(known, agenda(120, 135, **HOME), policy=rules)


def hall(effort: int) -> Problem:
    rules = policy(caps=Caps(effort_minutes_per_day=effort))
    return night((A, B), (slot("hall", capacity=2),), policy=rules)


def siblings(*slots: Any, gap: int = 0, **changes: Any) -> Problem:
    family = [asks(name, group="g") for name in "ab"]
    return night(family, slots, policy=policy(groups=Groups(gap_minutes=gap)), **changes)


APART = siblings(*agenda(120, 136))
TWO_SITES = siblings(
    *agenda(120, 500), slot("next", after_minutes=135, site="s2"), sites=(site(), site("s2"))
)
PINNED = siblings(*agenda(120, 135, 151), pins=(booked("d1@151", group="g"),))


def steps(pause: int, least: int = 30, most: int = 60) -> Problem:
    step = Step(professions=("10",), after_min=least * MINUTE, after_max=most * MINUTE)
    chain = Pathway(
        code="chain", name_fr="suite", name_en="chain", steps=(Step(professions=("10",)), step)
    )
    walker = {"patient": patient("walker"), "pathway": "chain"}
    asked = (asks("a", **ASAP, **walker), asks("b", follows="a", step=1, **walker))
    return night(asked, agenda(120, 135 + pause), policy=policy(pathways=(chain,)))


def first_goes_late() -> Problem:
    """Both have seats only if the first takes the dearer one."""
    asked = steps(30, least=0, most=30)
    more = agenda(300, 345)
    return asked.replaced(slots=(*agenda(120), *more))


def at(one: Any) -> dict[str, Any]:
    """Leaves a referral one slot."""
    return {"windows": (TimeWindow(start=one.start, end=one.end),)}


def contested() -> Problem:
    """One booking a day, one slot for each step; the more urgent later step can't come alone."""
    asked = steps(30, least=0)
    first, second = asked.slots
    later = (
        asked.referrals[0].replaced(**at(first), priority=Priority.URGENT),
        asked.referrals[1].replaced(**at(second), **ASAP),
    )
    rules = asked.policy.replaced(caps=Caps(bookings_per_day=1))
    return asked.replaced(referrals=later, policy=rules)


def first_nowhere() -> Problem:
    """The first step can't have a seat; the second could."""
    asked = steps(30)
    nowhere = asked.referrals[0].replaced(**at(slot(after_minutes=500)))
    return asked.replaced(referrals=(nowhere, asked.referrals[1]))


def own_is_too_late() -> Problem:
    """With the patient's own practitioner the first step is cheaper, and ends too late."""
    asked = steps(30)
    rules = asked.policy
    own = {"patient": asked.referrals[0].patient.replaced(own_practitioner="d2")}
    return night(
        [one.replaced(**own) for one in asked.referrals],
        (*asked.slots, *agenda(134, giver="d2")),
        policy=rules,
    )


def each_with_own() -> Problem:
    """Siblings would be best each with their own practitioner."""
    family = [
        asks(name, group="g", patient=patient(name, own_practitioner=own))
        for name, own in (("a", "d1"), ("b", "d2"))
    ]
    return night(family, (*TWO, *agenda(120, 135, giver="d2")))


FIRST_NOWHERE, OWN_IS_TOO_LATE, EACH_WITH_OWN = first_nowhere(), own_is_too_late(), each_with_own()
CONTESTED = contested()
ONE_SEAT = siblings(*agenda(120, 500), pins=(booked("d1@500"),))
LATER_HALL = siblings(*agenda(120, 150), slot("hall", after_minutes=300, capacity=2))


def visits(pause: int, care: int = 0) -> Problem:
    asked = (A.replaced(modes=(Mode.HH,)), asks("b", **HOME, patient=patient("b", location=TEN_KM)))
    rules = policy(home_visits=HomeVisits(care_minutes=care))
    return night(asked, agenda(120, 135 + pause, **HOME), policy=rules)


SHARED_SLOT = night(
    (A.replaced(modes=(Mode.HH,)), asks("b", **HOME, patient=patient("b", location=TEN_KM))),
    (slot("s", capacity=2, **HOME),),
)


def floored(percent: int) -> Problem:
    floor = Floor(percent=percent, priority=Priority.ROUTINE)
    asked = (A, *[asks(name, **ROUTINE) for name in "xyz"])
    return night(asked, TWO, policy=policy(floors=(floor,)))


def fair(give_percent: int, second: int) -> Problem:
    slots = (
        slot("early", capacity=2),
        slot("late", after_minutes=second, capacity=2, practitioner="d2"),
    )
    rules = policy(spread=Spread(give_percent=give_percent))
    return night((asks("a"), asks("b")), slots, policy=rules)


FAIR_BESIDE_PIN = fair(2, 124).replaced(pins=(booked("late", seat=1),))


def long_or_short() -> Problem:
    """Half an hour for one, or two quarters for two of the same class."""
    slots = (slot("long", minutes=30), *agenda(160, 175))
    own = [TimeWindow(start=one.start, end=one.end) for one in slots]
    asked = [
        asks(name, **ROUTINE, windows=(window,), patient=patient(name, own_practitioner="d1"))
        for name, window in zip("abc", own, strict=True)
    ]
    return night(asked, slots, policy=policy(caps=Caps(effort_minutes_per_day=30)))


LONG_OR_SHORT = long_or_short()


def told(most: int, *starts: int) -> Problem:
    said = (Told(referral="a", slot="d1@150"), Told(referral="b", slot="d1@165"))
    rules = policy(max_told_moves=most)
    return night((asks("a"), asks("b")), agenda(*starts, 150, 165), policy=rules, told=said)


TOLD_UNDER_CAP = night(
    (asks("a", **ROUTINE), asks("s", priority=Priority.STAT)),
    TWO,
    policy=policy(caps=Caps(bookings_per_day=1)),
    told=(Told(referral="a", slot="d1@120"),),
)
