from datetime import timedelta
from typing import Any

import pytest
from brute_force import Pairs, solve
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

from slotengine.codes import Audience, Mobility, Mode, Priority, Profession, SlotState
from slotengine.domain import Motive, TimeWindow
from slotengine.problem import LEVELS, Pin, Plan, Problem, Unserved
from slotengine.reasons import Reason, ReasonCode, Rule
from slotengine.seat_prices import SeatPrice
from slotengine.solver.check import check

TEN_KM = north_of(TOWN, 10_000)
"""10,000 * (1.1 + 0.3 * exp(-10,000 / 20,000)) = 12,819.6 road metres; 17.1 minutes at 45 km/h."""

URGENT, ASAP, ROUTINE = (
    referral("1"),
    referral("2", priority=Priority.ASAP, patient=patient("p2", location=TEN_KM)),
    referral("3", priority=Priority.ROUTINE),
)
PINNED = Pin(referral="r-pinned", patient="somebody", slot="slot1", seat=0)

FIGURES: Pairs = {
    # Wait times weight (2, 4, 1), all within half of 24 h; 18 minutes of travel weigh 36.
    (URGENT.id, "slot1"): (Mode.AMB, 0, 0, 120, 240),
    (URGENT.id, "slot2"): (Mode.AMB, 0, 0, 240, 480),
    (ASAP.id, "slot1"): (Mode.AMB, 12_820, 18, 120, 516),
    (ASAP.id, "slot2"): (Mode.AMB, 12_820, 18, 240, 996),
    (ROUTINE.id, "slot1"): (Mode.AMB, 0, 0, 120, 120),
    (ROUTINE.id, "slot2"): (Mode.AMB, 0, 0, 240, 240),
}


def three_for_two_seats(**changes: Any) -> Problem:
    fields: dict[str, Any] = {
        "slots": (slot("slot1", capacity=2), slot("slot2", after_minutes=240)),
        "referrals": (URGENT, ASAP, ROUTINE),
        "pins": (PINNED,),
    }
    return problem(**{**fields, **changes})


def rules_broken(asked: Problem, plan: Plan) -> set[str]:
    return {violation.rule for violation in check(asked, plan)}


@pytest.fixture
def asked() -> Problem:
    return three_for_two_seats()


@pytest.fixture
def plan(asked: Problem) -> Plan:
    return solve(asked, FIGURES)


def seated(plan: Plan, referral_id: str, **changes: Any) -> Plan:
    """Gives the plan with one assignment changed."""
    return plan.replaced(
        assignments=tuple(
            one.replaced(**changes) if one.referral == referral_id else one
            for one in plan.assignments
        )
    )


def test_the_optimal_plan_breaks_nothing(asked: Problem, plan: Plan) -> None:
    assert {(one.referral, one.slot) for one in plan.assignments} == {
        (ASAP.id, "slot1"),
        (URGENT.id, "slot2"),
    }
    assert plan.objective[:6] == (0, 0, 0, 0, 1, 996)
    assert check(asked, plan) == []


def test_the_plan_of_nothing_breaks_nothing() -> None:
    empty = problem(referrals=(), slots=())
    assert check(empty, solve(empty, {})) == []


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("plan.territory", {"territory": "sologne"}),
        ("plan.as_of", {"as_of": NOW + timedelta(seconds=1)}),
        ("plan.problem", {"problem_digest": "0" * 32}),
        ("plan.policy_version", {"policy_version": 2}),
        ("plan.policy", {"policy_digest": "0" * 32}),
        ("plan.travel", {"travel_name": "roads@1"}),
    ],
)
def test_a_plan_of_another_problem_is_refused(
    asked: Problem, plan: Plan, rule: str, changes: dict[str, Any]
) -> None:
    assert rules_broken(asked, plan.replaced(**changes)) == {rule}


def test_a_dropped_referral_is_missing(asked: Problem, plan: Plan) -> None:
    assert rules_broken(asked, plan.replaced(unserved=())) == {"referral.missing"}
    fewer = plan.replaced(assignments=plan.assignments[1:])
    assert rules_broken(asked, fewer) == {"referral.missing"}


def test_a_referral_has_one_verdict(asked: Problem, plan: Plan) -> None:
    both = (*plan.unserved, plan.unserved[0].replaced(referral=URGENT.id))
    assert rules_broken(asked, plan.replaced(unserved=both)) == {"referral.twice"}


def test_an_unknown_referral_is_named(asked: Problem, plan: Plan) -> None:
    stranger = plan.unserved[0].replaced(referral="r-unknown")
    changed = plan.replaced(unserved=(*plan.unserved, stranger))
    (violation,) = check(asked, changed)
    assert (violation.rule, violation.subject) == ("referral.unknown", "r-unknown")


def test_an_unserved_referral_has_a_reason(asked: Problem, plan: Plan) -> None:
    silent = Unserved.model_construct(referral=ROUTINE.id, reasons=())
    changed = Plan.model_construct(**{**dict(plan), "unserved": (silent,)})
    assert rules_broken(asked, changed) == {"unserved.reason"}


def test_a_reason_must_be_true(asked: Problem, plan: Plan) -> None:
    def saying(code: ReasonCode, **figures: int) -> set[str]:
        reason = Reason(code=code, figures=dict(figures))
        return rules_broken(
            asked, plan.replaced(unserved=(Unserved(referral=ROUTINE.id, reasons=(reason,)),))
        )

    assert saying(ReasonCode.SEATS_TAKEN, seats=2) == set()
    assert saying(ReasonCode.SEATS_TAKEN, seats=3) == {"unserved.reason"}
    assert saying(ReasonCode.TRAVEL) == {"unserved.reason"}
    assert saying(ReasonCode.NO_SLOT) == {"unserved.reason"}


def test_a_seat_is_given_once(asked: Problem, plan: Plan) -> None:
    wait_and_cost = {"wait_minutes": 120, "cost": 240}
    doubled = seated(plan, URGENT.id, slot="slot1", seat=1, **wait_and_cost)
    assert rules_broken(asked, doubled) == {"seat.twice"}


def test_a_pinned_seat_does_not_move(asked: Problem, plan: Plan) -> None:
    assert rules_broken(asked, seated(plan, ASAP.id, seat=0)) == {"seat.pinned"}


def test_a_seat_exists(asked: Problem, plan: Plan) -> None:
    assert rules_broken(asked, seated(plan, ASAP.id, seat=2)) == {"seat.unknown"}
    assert rules_broken(asked, seated(plan, ASAP.id, slot="nowhere")) == {"seat.unknown"}


def test_seats_of_a_slot_are_taken_in_order() -> None:
    roomy = problem(slots=(slot(capacity=3),), referrals=(URGENT, ROUTINE))
    plan = solve(roomy, FIGURES)
    first, second = plan.assignments
    assert check(roomy, plan) == []
    swapped = (first.replaced(seat=second.seat), second.replaced(seat=first.seat))
    assert rules_broken(roomy, plan.replaced(assignments=swapped)) == {"seat.order"}
    late = (first, second.replaced(seat=2))
    assert rules_broken(roomy, plan.replaced(assignments=late)) == {"seat.order"}


AT_TOWN = (Mode.AMB, 0, 0, 120, 240)
TOO_FAR = (Mode.AMB, 12_820, 18, 120, 276)
REFUSED: dict[Rule, tuple[dict[str, Any], dict[str, Any], Any]] = {
    # Changes to the slot, to the referral, and the figures the pair would have.
    Rule.SHARING: ({"territory": "sologne"}, {}, AT_TOWN),
    Rule.PROFESSION: ({}, {"professions": (Profession.MIDWIFE,)}, AT_TOWN),
    Rule.SPECIALTY: ({}, {"specialties": ("SM26",)}, AT_TOWN),
    Rule.MODE: ({"modes": (Mode.VR,)}, {}, AT_TOWN),
    Rule.AUDIENCE: ({"audiences": (Audience.SNP,)}, {}, AT_TOWN),
    Rule.AGE: ({"practitioner": "child-doctor"}, {}, AT_TOWN),
    Rule.MOTIVE: ({}, {"motive": Motive(system="hub", code="M00")}, AT_TOWN),
    Rule.OPENING: ({"state": SlotState.WITHDRAWN}, {}, AT_TOWN),
    Rule.WINDOW: (
        {},
        {"windows": (TimeWindow(start=NOW, end=NOW + timedelta(minutes=134)),)},
        AT_TOWN,
    ),
    # 119 minutes are the whole deadline, 59 its half: 2 * (120 + 61^2 // 59) = 366.
    Rule.DEADLINE: (
        {},
        {"deadline": NOW + timedelta(minutes=119)},
        (Mode.AMB, 0, 0, 120, 366),
    ),
    Rule.PATIENT_BUSY: ({}, {"patient": patient("busy")}, AT_TOWN),
    Rule.PATHWAY: ({}, {"pathway": "second-recourse", "step": 1, "follows": "r-before"}, AT_TOWN),
    Rule.GROUP: ({}, {"group": "siblings"}, AT_TOWN),
    Rule.MOBILITY: ({}, {"patient": patient(mobility=Mobility.HOMEBOUND)}, AT_TOWN),
    Rule.ACCESS: ({"site": "stairs"}, {"patient": patient(mobility=Mobility.WHEELCHAIR)}, AT_TOWN),
    Rule.LOCATION: ({}, {"patient": patient(location=None)}, AT_TOWN),
    Rule.TRAVEL: (
        {},
        {"max_travel_metres": 12_819, "patient": patient(location=TEN_KM)},
        TOO_FAR,
    ),
    # 10 minutes of notice and 18 of travel end after 27 minutes; 2 * 27 + 36 = 90.
    Rule.REACH: (
        {"start": NOW + timedelta(minutes=27)},
        {"patient": patient(location=TEN_KM)},
        (Mode.AMB, 12_820, 18, 27, 90),
    ),
    Rule.TOUR: ({"practitioner": "visitor"}, {}, AT_TOWN),
    Rule.CAP: ({"practitioner": "full"}, {}, AT_TOWN),
    # Worth 10,000 - 240 to this one, and one weighted minute more to those who come later.
    Rule.KEPT: ({"id": "priced"}, {}, AT_TOWN),
}


def test_every_rule_is_tried() -> None:
    assert set(REFUSED) == set(Rule)


@pytest.mark.parametrize("rule", Rule)
def test_a_pair_that_breaks_a_rule_is_named_by_it(rule: Rule) -> None:
    slot_changes, referral_changes, figures = REFUSED[rule]
    wanted = slot().replaced(**slot_changes)
    asking = referral(**referral_changes)
    other_slot = slot("taken", after_minutes=130, practitioner="d2")
    busy = Pin(
        referral="r-other", patient=patient("busy").key, slot="taken", seat=0, group="siblings"
    )
    # 17 minutes lie between the end of the visit and the slot, and 18 between the two places.
    visit = slot("visit", after_minutes=88, practitioner="visitor", modes=(Mode.HH,))
    visited = Pin(
        referral="r-home", patient="p", slot="visit", seat=0, mode=Mode.HH, location=TEN_KM
    )
    asked = problem(
        practitioners=(
            practitioner(refused_motives=("M00",)),
            practitioner("d2"),
            practitioner("child-doctor", max_age=39),
            practitioner("visitor"),
            practitioner("full", max_bookings_per_day=0),
        ),
        sites=(site(), site("stairs", accessible=False)),
        slots=(wanted, other_slot, visit),
        referrals=(asking,),
        pins=(busy, visited),
        prices=[SeatPrice(slot="priced", price=9_761)] if wanted.id == "priced" else (),
    )
    pairs = {(asking.id, wanted.id): figures}
    plan = solve(asked, {}, illegal=pairs, force={asking.id: wanted.id})
    assert rules_broken(asked, plan) == {rule.value}
    assert check(asked, solve(asked, {}, refused=ReasonCode(rule.value))) == []


def test_a_mode_that_was_not_asked_for_is_refused(asked: Problem, plan: Plan) -> None:
    assert rules_broken(asked, seated(plan, URGENT.id, mode=Mode.VR)) == {"mode.refused"}


def test_the_cheaper_of_two_modes_must_be_taken() -> None:
    both = (Mode.AMB, Mode.VR)
    asked = problem(
        slots=(slot(modes=both),),
        referrals=(referral(modes=both, patient=patient(location=TEN_KM)),),
    )
    key = (asked.referrals[0].id, "slot1")
    by_video, travelling = (Mode.VR, 0, 0, 120, 240), (Mode.AMB, 12_820, 18, 120, 276)
    assert check(asked, solve(asked, {key: by_video})) == []
    dearer = solve(asked, {key: by_video}, illegal={key: travelling}, force=dict([key]))
    assert rules_broken(asked, dearer) == {"mode.dearer"}


@pytest.mark.parametrize("name", ["travel_metres", "travel_minutes", "wait_minutes", "cost"])
def test_a_wrong_figure_is_named(asked: Problem, plan: Plan, name: str) -> None:
    figure = next(getattr(one, name) for one in plan.assignments if one.referral == ASAP.id)
    tolerance = 1 if name == "travel_metres" else 0
    for off in (-1 - tolerance, 1 + tolerance):
        changed = seated(plan, ASAP.id, **{name: figure + off})
        assert rules_broken(asked, changed) == {f"figure.{name}"}


@pytest.mark.parametrize("off", [-1, 1])
def test_one_metre_of_rounding_is_forgiven(asked: Problem, plan: Plan, off: int) -> None:
    assert rules_broken(asked, seated(plan, ASAP.id, travel_metres=12_820 + off)) == set()


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_an_altered_objective_is_named(asked: Problem, plan: Plan, level: int) -> None:
    altered = [*plan.objective]
    altered[level] += 1
    (violation,) = check(asked, plan.replaced(objective=tuple(altered)))
    assert (violation.rule, violation.subject) == ("objective", LEVELS[level])


def test_an_objective_of_too_few_levels_is_named(asked: Problem, plan: Plan) -> None:
    assert rules_broken(asked, plan.replaced(objective=plan.objective[:-1])) == {"objective"}


def test_a_worse_plan_is_refused_however_consistent(asked: Problem) -> None:
    swapped = solve(asked, FIGURES, force={URGENT.id: "slot1", ASAP.id: "slot2"})
    gaps = check(asked, swapped)
    assert [(gap.rule, gap.subject, gap.detail) for gap in gaps][:1] == [
        ("certificate.gap", "2", "objective 1236, bound 996")
    ]
    less_urgent = solve(asked, FIGURES, force={URGENT.id: "slot1", ROUTINE.id: "slot2"})
    assert ("certificate.gap", "1b") in {
        (gap.rule, gap.subject) for gap in check(asked, less_urgent)
    }


def _unchecked(**changes: Any) -> Problem:
    """Gives a Problem that its own validator would refuse."""
    return Problem.model_construct(**{**dict(three_for_two_seats(pins=())), **changes})


def test_one_patient_is_not_in_two_places() -> None:
    twin = ROUTINE.replaced(patient=URGENT.patient)
    slots = (slot("slot1"), slot("slot2", after_minutes=134, practitioner="d2"))
    both = tuple(sorted((URGENT, twin), key=lambda one: one.id))
    asked = _unchecked(
        practitioners=(practitioner(), practitioner("d2")), slots=slots, referrals=both
    )
    figures = {
        (URGENT.id, "slot1"): (Mode.AMB, 0, 0, 120, 240),
        (ROUTINE.id, "slot2"): (Mode.AMB, 0, 0, 134, 134),
    }
    assert rules_broken(asked, solve(asked, figures)) >= {"patient.two_places"}
    touching = (slots[0], slot("slot2", after_minutes=135, practitioner="d2"))
    apart = _unchecked(
        practitioners=(practitioner(), practitioner("d2")), slots=touching, referrals=both
    )
    figures[ROUTINE.id, "slot2"] = (Mode.AMB, 0, 0, 135, 135)
    assert "patient.two_places" not in rules_broken(apart, solve(apart, figures))


def test_one_practitioner_is_not_in_two_places() -> None:
    slots = (slot("slot1"), slot("slot2", after_minutes=134))
    asked = _unchecked(slots=slots, referrals=(URGENT,))
    figures = {
        (URGENT.id, "slot1"): (Mode.AMB, 0, 0, 120, 240),
        (URGENT.id, "slot2"): (Mode.AMB, 0, 0, 134, 268),
    }
    assert rules_broken(asked, solve(asked, figures)) == set()
    taken = Pin(referral="r-other", patient="somebody", slot="slot2", seat=0)
    pinned = _unchecked(slots=slots, referrals=(URGENT,), pins=(taken,))
    del figures[URGENT.id, "slot2"]
    assert rules_broken(pinned, solve(pinned, figures)) == {"practitioner.two_places"}


def test_violations_name_ids_and_never_a_patient(asked: Problem, plan: Plan) -> None:
    wrong = seated(plan, ASAP.id, seat=0, cost=1).replaced(unserved=(), objective=())
    text = "".join(violation.model_dump_json() for violation in check(asked, wrong))
    assert ASAP.id in text
    for one in asked.referrals:
        assert one.patient.key not in text
        assert str(one.patient.location and one.patient.location.lat) not in text


def test_a_policy_of_other_weights_gives_other_costs() -> None:
    dear = policy(travel_weight=10)
    asked = problem(policy=dear, referrals=(ASAP,))
    key = (ASAP.id, "slot1")
    # 4 * 120 of waiting and 10 * 18 of travel.
    assert check(asked, solve(asked, {key: (Mode.AMB, 12_820, 18, 120, 660)})) == []
