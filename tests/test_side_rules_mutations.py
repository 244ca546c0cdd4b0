"""
Each rule between one referral, one slot and the pins, made wrong: the plan is refused for it.

``check`` shares no line with these functions, so it names the rule that they forgot.
"""

from datetime import timedelta
from typing import Any

import pytest
from builders import (
    NOW,
    TOWN,
    north_of,
    patient,
    policy,
    practitioner,
    problem,
    referral,
    site,
    slot,
)
from mutants import Mutant, apply, named, notices
from nights import HOME, TEN_KM, agenda, asks, booked, night

from slotengine.codes import Audience, Mobility, Mode, Profession, SlotState
from slotengine.domain import Motive, TimeWindow
from slotengine.side_constraints import Caps, Groups, HomeVisits, Pathway, Step
from slotengine.solver import hard_rules, pin_columns, pin_rules, workload

MINUTE = timedelta(minutes=1)


def one(asked: dict[str, Any] | None = None, **changes: Any) -> Any:
    """One referral and one slot that a rule parts."""
    return problem(referrals=(referral(**(asked or {})),), **changes)


EARLY = TimeWindow(start=NOW, end=NOW + 134 * MINUTE)
FAR = {"patient": patient(location=TEN_KM)}
BUSY = booked("other", patient=referral().patient.key)
COLLEAGUES = (practitioner(), practitioner("d2"))

HARD = [
    Mutant(
        hard_rules.sharing,
        "columns.slot_shared[slot]",
        "(slot >= 0)",
        one(slots=(slot(territory="sologne"),)),
        {"sharing"},
    ),
    Mutant(
        hard_rules.profession,
        "shared.astype(np.bool_)",
        "(shared >= 0)",
        one({"professions": (Profession.MIDWIFE,)}),
        {"profession"},
    ),
    Mutant(
        hard_rules.specialty,
        "columns.specialty_fits[wanted, held]",
        "(wanted >= 0) | (held >= 0)",
        one({"specialties": ("SM26",)}),
        {"specialty"},
    ),
    Mutant(
        hard_rules.mode,
        "columns.referral_modes[row] & columns.slot_modes[slot]",
        "columns.referral_modes[row] | columns.slot_modes[slot]",
        one({"modes": (Mode.VR,)}),
        {"unserved.reason"},  # in no mode can it be given: a later rule is said instead
    ),
    Mutant(
        hard_rules.audience,
        "columns.referral_audiences[row] & columns.slot_audiences[slot]",
        "columns.referral_audiences[row] | columns.slot_audiences[slot]",
        one(slots=(slot(audiences=(Audience.SNP,)),)),
        {"audience"},
    ),
    Mutant(
        hard_rules.age,
        "years <= columns",
        "years - 1 <= columns",
        one(practitioners=(practitioner(max_age=39),)),
        {"age"},
    ),
    Mutant(
        hard_rules.age,
        "(columns.slot_min_age[slot] <= years)",
        "(slot >= 0)",
        one(practitioners=(practitioner(min_age=41),)),
        {"age"},
    ),
    Mutant(
        hard_rules.motive,
        "columns.motive_fits[columns.referral_motive[row], columns.slot_motives[slot]]",
        "(row >= 0) | (slot >= 0)",
        one(
            {"motive": Motive(system="hub", code="M1")},
            practitioners=(practitioner(refused_motives=("M1",)),),
        ),
        {"motive"},
    ),
    Mutant(
        hard_rules.opening,
        "columns.slot_open[slot]",
        "(slot >= 0)",
        one(slots=(slot(opens_at=NOW + MINUTE),)),
        {"opening"},
    ),
    Mutant(
        hard_rules.opening,
        "columns.slot_open[slot]",
        "(slot >= 0)",
        one(slots=(slot(state=SlotState.WITHDRAWN),)),
        {"opening"},
    ),
    Mutant(
        hard_rules.window,
        "(opens <= start) & (end <= closes)",
        "(opens <= start) & (start <= closes)",
        one({"windows": (EARLY,)}),
        {"window"},
    ),
    Mutant(
        hard_rules.deadline,
        "columns.slot_start_us[slot] <=",
        "columns.slot_start_us[slot] - MINUTE_US <=",
        one({"deadline": NOW + 119 * MINUTE}),
        {"deadline"},
    ),
    Mutant(
        hard_rules.patient_busy,
        "(end <= begins)",
        "(start <= begins)",
        one(
            practitioners=COLLEAGUES,
            slots=(slot(), slot("other", after_minutes=134, practitioner="d2")),
            pins=(BUSY,),
        ),
        {"patient_busy"},
    ),
    Mutant(
        hard_rules.mobility,
        "(columns.referral_speed_kmh[way.row] > 0)",
        "(way.row >= 0)",
        one({"patient": patient(mobility=Mobility.HOMEBOUND)}),
        {"unserved.reason"},  # nobody without speed is ever there: a later rule is said instead
    ),
    Mutant(
        hard_rules.access,
        "accessible |",
        "~accessible |",
        one({"patient": patient(mobility=Mobility.WHEELCHAIR)}, sites=(site(accessible=False),)),
        {"access"},
    ),
    Mutant(
        hard_rules.location,
        "known | (way.mode is Mode.VR)",
        "known | True",
        one({"patient": patient(location=None)}),
        {"unserved.reason"},  # no way leads to nowhere: a later rule is said instead
    ),
    Mutant(
        hard_rules.travel,
        "<= limit",
        "<= limit + 1",
        one({**FAR, "max_travel_metres": 12_819}),
        {"travel"},
    ),
    Mutant(
        hard_rules.travel,
        "columns.policy.home_visit_metres",
        "LONGEST",
        one({**FAR, **HOME}, slots=(slot(**HOME),), policy=policy(home_visit_metres=12_819)),
        {"travel"},
    ),
    Mutant(
        hard_rules.reach,
        "arrival_us <=",
        "arrival_us - MINUTE_US <=",
        one(slots=(slot(after_minutes=9),)),
        {"reach"},
    ),
]
"""The way to the farm is 12,820 metres; notice is 10 minutes."""


@pytest.mark.parametrize("mutant", named(HARD))
def test_a_hard_rule_made_wrong_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert notices(mutant.asked) == set()
    apply(monkeypatch, mutant)
    assert mutant.noticed <= notices(mutant.asked)


def pathway(least: int, most: int) -> Pathway:
    times = {"after_min": least * MINUTE, "after_max": most * MINUTE}
    steps = (Step(professions=("10",)), Step(professions=("10",), **times))
    return Pathway(code="chain", name_fr="suite", name_en="chain", steps=steps)


def second_step(pause: int) -> Any:
    """The step before it is pinned; this one may come 30 to 60 minutes after."""
    second = asks("b", pathway="chain", follows="a", step=1)
    return night(
        (second,),
        agenda(120, 135 + pause),
        pins=(booked("d1@120", referral="a", patient=second.patient.key),),
        policy=policy(pathways=(pathway(30, 60),)),
    )


def sibling(gap: int, apart: int) -> Any:
    return night(
        (asks("a", group="g"),),
        agenda(120, 135 + apart),
        pins=(booked("d1@120", group="g"),),
        policy=policy(groups=Groups(gap_minutes=gap)),
    )


def visit(pause: int, care: int = 0, **where: Any) -> Any:
    """A pinned visit in town, then one at the farm, 18 minutes away."""
    asked = asks("b", **HOME, patient=patient("b", **{"location": TEN_KM, **where}))
    return night(
        (asked,),
        agenda(120, 135 + pause, **HOME),
        pins=(booked("d1@120", mode=Mode.HH, location=TOWN),),
        policy=policy(home_visits=HomeVisits(care_minutes=care)),
    )


def on_one_slot() -> Any:
    far = asks("b", **HOME, patient=patient("b", location=north_of(TOWN, 2_500)))
    pin = booked("s", mode=Mode.HH, location=TOWN)
    return night((far,), (slot("s", capacity=2, **HOME),), pins=(pin,))


def capped(*after_minutes: int, cap: str, most: int) -> Any:
    """One pinned first visit of 23 minutes, and somebody new who would be another."""
    rules = policy(caps=Caps(**{cap: most}))
    slots = agenda(60, *after_minutes)
    return night((asks("a"),), slots, pins=(booked("d1@60"),), policy=rules)


PINS = [
    Mutant(
        pin_columns._step_span,
        "end_us + step.after_min",
        "end_us - 60_000_000 + step.after_min",
        second_step(29),
        {"pathway"},
    ),
    Mutant(
        pin_columns._step_span,
        "end_us + step.after_max",
        "end_us + 60_000_000 + step.after_max",
        second_step(61),
        {"pathway"},
    ),
    Mutant(
        pin_rules.pathway,
        "(start <= latest)",
        "(start < latest)",
        second_step(60),
        {"unserved.reason", "not best"},
    ),
    Mutant(pin_columns._is_run, "<= gap", "<= gap + gap", sibling(5, 6), {"group"}),
    Mutant(pin_columns._is_run, "<= gap", "< gap", sibling(5, 5), {"unserved.reason", "not best"}),
    Mutant(
        pin_rules._at_peace,
        "way_us <= pause_us",
        "way_us <= pause_us + MINUTE_US",
        visit(17),
        {"tour"},
    ),
    Mutant(
        pin_rules._at_peace,
        "way_us <= pause_us",
        "way_us < pause_us",
        visit(18),
        {"unserved.reason", "not best"},
    ),
    Mutant(pin_rules._at_peace, "here == there", "here != there", on_one_slot(), {"tour"}),
    Mutant(
        pin_columns._stops,
        "max(slot.end, slot.start + _care(problem))",
        "slot.end",
        visit(22, care=20),
        {"tour"},
    ),
    Mutant(
        workload._left,
        "caps - _summed(len(caps), period, taken)",
        "caps",
        capped(120, cap="effort_minutes_per_day", most=45),
        {"cap"},
    ),
    Mutant(
        workload._left,
        "caps - _summed(len(caps), period, taken)",
        "caps",
        capped(1440, cap="bookings_per_week", most=1),
        {"cap"},
    ),
    Mutant(
        pin_rules.cap,
        "<= left[way.slot]",
        "< left[way.slot]",
        capped(120, cap="effort_minutes_per_day", most=46),
        {"unserved.reason", "not best"},
    ),
]


@pytest.mark.parametrize("mutant", named(PINS))
def test_a_rule_beside_the_pins_made_wrong_is_noticed(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notices(mutant.asked) == set()
    apply(monkeypatch, mutant)
    found = notices(mutant.asked)
    assert found & mutant.noticed, found
