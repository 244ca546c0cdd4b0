from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, problem, referral, slot
from random_problems import random_problem

from slotengine.codes import Audience, Mode, Priority, Profession
from slotengine.errors import UnknownIdError
from slotengine.explanations import Explanation
from slotengine.labels import Lang
from slotengine.problem import Pin, Problem
from slotengine.reasons import RULE, Reason, ReasonCode, Rule
from slotengine.side_constraints import Caps
from slotengine.solver.check_rules import Rules
from slotengine.solver.explain import (
    cost_lines,
    explain,
    for_requester,
    sentences,
    why_not,
)
from slotengine.solver.solve import solve

TEN_KM = north_of(TOWN, 10_000)
ASKING = referral("1")


def explained(asked: Problem, referral_id: str = ASKING.id) -> Explanation:
    return explain(asked, solve(asked), referral_id)


def left(explanation: Explanation) -> dict[str, int]:
    return {step.rule: step.seats_left for step in explanation.funnel}


def test_why_not_names_the_rule_or_none() -> None:
    asked = problem(
        slots=(
            slot("fits"),
            slot("late", after_minutes=24 * 60 + 1),
            slot("reserved", after_minutes=300, audiences=(Audience.SNP,)),
        )
    )
    assert why_not(asked, ASKING.id, "fits") is None
    assert why_not(asked, ASKING.id, "late") is Rule.DEADLINE
    assert why_not(asked, ASKING.id, "reserved") is Rule.AUDIENCE


def test_why_not_does_not_mind_that_a_seat_is_taken() -> None:
    taken = Pin(referral="r-x", patient=patient("x").key, slot="slot1", seat=0)
    assert why_not(problem(pins=(taken,)), ASKING.id, "slot1") is None


@pytest.mark.parametrize(("referral_id", "slot_id"), [("r-x", "slot1"), (ASKING.id, "x")])
def test_why_not_of_something_unknown_is_an_error(referral_id: str, slot_id: str) -> None:
    with pytest.raises(UnknownIdError, match="x is unknown"):
        why_not(problem(), referral_id, slot_id)


@pytest.mark.parametrize("seed", range(8))
def test_why_not_agrees_with_the_independent_rules(seed: int) -> None:
    asked = random_problem(seed)
    rules = Rules(asked)
    named = {
        (one.id, wanted.id): (why_not(asked, one.id, wanted.id), rules.refusal(one, wanted))
        for one in asked.referrals
        for wanted in asked.slots
    }
    assert all(said == found for said, found in named.values())


def test_a_referral_without_a_seat_has_its_funnel() -> None:
    asked = problem(
        practitioners=(practitioner(), practitioner("midwife", profession=Profession.MIDWIFE)),
        slots=(
            slot("a-midwife", practitioner="midwife", capacity=4),
            slot("b-reserved", after_minutes=200, audiences=(Audience.SNP,), capacity=3),
            slot("c-late", after_minutes=24 * 60 + 1, capacity=2),
            slot("d-far", after_minutes=300),
        ),
        referrals=(referral("1", max_travel_metres=0, patient=patient(location=TEN_KM)),),
    )
    explanation = explained(asked)
    assert not explanation.served
    assert explanation.seat is explanation.runner_up is None
    assert [reason.code for reason in explanation.reasons] == [ReasonCode.TRAVEL]
    steps = left(explanation)
    assert list(steps) == [*(rule.value for rule in Rule), "seats_taken"]
    assert steps["sharing"] == 10
    assert steps["profession"] == steps["mode"] == 6
    assert steps["audience"] == steps["window"] == 3
    assert steps["deadline"] == steps["location"] == 1
    assert steps["travel"] == steps["reach"] == steps["seats_taken"] == 0


def test_the_funnel_ends_with_the_seats_that_others_took() -> None:
    urgent = tuple(referral(f"asap {n}", priority=Priority.ASAP) for n in range(2))
    pinned = Pin(referral="r-x", patient=patient("x").key, slot="slot1", seat=0)
    asked = problem(slots=(slot(capacity=3),), referrals=(ASKING, *urgent), pins=(pinned,))
    explanation = explained(asked)
    assert explanation.reasons == (Reason(code=ReasonCode.SEATS_TAKEN, figures={"seats": 2}),)
    assert (left(explanation)["reach"], left(explanation)["seats_taken"]) == (2, 0)


SIDE_REASONS: dict[Rule, tuple[str, str, dict[str, Any]]] = {
    Rule.PATHWAY: (
        "L'étape précédente du parcours n'a pas de place qui convienne.",
        "The step before it in the pathway has no seat that would fit.",
        {"follows": "r-nowhere", "pathway": "elderly-home", "step": 1},
    ),
    Rule.GROUP: (
        "Aucune suite de places pour tout le groupe chez un même praticien.",
        "No run of seats for the whole group with one practitioner.",
        {"group": "family"},
    ),
    Rule.TOUR: (
        "Les trajets entre les visites à domicile ne le permettent pas.",
        "The ways between home visits leave no time for it.",
        {"modes": (Mode.HH,)},
    ),
    Rule.CAP: (
        "Les praticiens possibles ont atteint leur plafond.",
        "The possible practitioners have reached their limit.",
        {},
    ),
}


@pytest.mark.parametrize("rule", SIDE_REASONS)
def test_what_is_booked_already_is_a_reason_with_its_funnel(rule: Rule) -> None:
    """One pin at 10 h 30, 5 seats from 11 h on, and one rule that takes all of them."""
    french, english, asks = SIDE_REASONS[rule]
    asking = referral("1", **asks)
    visit = Pin(
        referral="r-pinned",
        patient=patient("x").key,
        slot="booked",
        seat=0,
        mode=Mode.HH,
        location=TEN_KM,
        group="family",
    )
    asked = problem(
        policy=policy(caps=Caps(bookings_per_day=1 if rule is Rule.CAP else None)),
        slots=(
            slot("booked", after_minutes=90, modes=(Mode.HH,)),
            slot("new", modes=(Mode.AMB, Mode.HH), capacity=5),
        ),
        referrals=(asking,),
        pins=(visit if rule is not Rule.CAP else visit.replaced(location=None, group=None),),
    )
    explanation = explained(asked, asking.id)
    assert [reason.code.value for reason in explanation.reasons] == [rule.value]
    order = list(Rule)
    steps = left(explanation)
    before, after = order[order.index(rule) - 1], order[order.index(rule) :]
    assert steps[before.value] == 5
    assert {steps[later.value] for later in after} == {0}
    assert sentences(asked, explanation, Lang.FR)[0] == french
    assert sentences(asked, explanation, Lang.EN)[0] == english
    assert for_requester(explanation).reasons == (Reason(code=ReasonCode.NO_FREE_SEAT),)


def test_a_served_referral_is_compared_with_the_best_seat_left() -> None:
    asked = problem(
        slots=(
            slot("slot1"),
            slot("slot2", after_minutes=180),
            slot("slot3", after_minutes=240, capacity=2),
            slot("slot4", after_minutes=300),
        ),
        referrals=(ASKING, referral("2", priority=Priority.ROUTINE)),
        pins=(Pin(referral="r-x", patient=patient("x").key, slot="slot3", seat=0),),
    )
    explanation = explained(asked)
    assert explanation.served
    assert explanation.seat is not None
    assert explanation.runner_up is not None
    # slot2 would be next best, but the routine referral sits there.
    assert (explanation.seat.slot, explanation.seat.cost) == ("slot1", 240)
    assert (explanation.runner_up.slot, explanation.runner_up.seat) == ("slot3", 1)
    assert explanation.runner_up.cost == 480
    assert explanation.reasons == ()
    assert left(explanation)["seats_taken"] == 4 - 1


def test_the_runner_up_is_none_when_nothing_else_fits() -> None:
    assert explained(problem()).runner_up is None


@pytest.mark.parametrize("seed", range(10))
def test_no_seat_left_free_is_better_than_the_one_given(seed: int) -> None:
    asked = random_problem(seed, slots=24)
    plan = solve(asked)
    for one in plan.assignments:
        runner_up = explain(asked, plan, one.referral).runner_up
        assert runner_up is None or runner_up.cost >= one.cost


@pytest.mark.parametrize("seed", range(10))
def test_reasons_and_funnel_tell_the_same(seed: int) -> None:
    asked = random_problem(seed)
    plan = solve(asked)
    for one in plan.unserved:
        explanation = explain(asked, plan, one.referral)
        assert explanation.reasons == one.reasons
        empty = [step.rule for step in explanation.funnel if step.seats_left == 0]
        assert empty[0] == one.reasons[0].code


def test_a_referral_that_the_plan_does_not_know_is_an_error() -> None:
    asked = problem()
    plan = solve(asked)
    with pytest.raises(UnknownIdError, match="r-x"):
        explain(asked, plan, "r-x")
    with pytest.raises(UnknownIdError, match="verdict"):
        explain(asked, plan.replaced(assignments=()), ASKING.id)


def test_cost_lines_add_up() -> None:
    asked = problem(
        practitioners=(practitioner(),),
        referrals=(referral("1", patient=patient(location=TEN_KM, own_practitioner="d9")),),
    )
    (seat,) = solve(asked).assignments
    assert tuple(cost_lines(asked, seat)) == (240, 36, 60)
    assert seat.cost == 336


def test_a_served_referral_is_told_in_both_languages() -> None:
    asked = problem(
        slots=(slot("slot1"), slot("slot2", after_minutes=180)),
        referrals=(referral("1", patient=patient(location=TEN_KM, own_practitioner="d9")),),
    )
    explanation = explained(asked)
    assert sentences(asked, explanation, Lang.FR) == (
        "Place : lundi 23 novembre, 11 h 00, médecin, au cabinet.",
        (
            "Coût en minutes pondérées : 336 (attente 120 min : 240, trajet 18 min (12,8 km) : 36, "
            "autre praticien que le sien : 60)."
        ),
        (
            "Meilleure place encore libre : lundi 23 novembre, 12 h 00, médecin, au cabinet "
            "(120 minutes pondérées de plus)."
        ),
    )
    assert sentences(asked, explanation, Lang.EN) == (
        "Seat: Monday 23 November, 11:00, doctor, at the practice.",
        (
            "Cost in weighted minutes: 336 (waiting 120 min: 240, travel 18 min (12.8 km): 36, "
            "not the patient's own practitioner: 60)."
        ),
        (
            "Best seat still free: Monday 23 November, 12:00, doctor, at the practice "
            "(120 weighted minutes more)."
        ),
    )


def test_a_video_seat_has_no_travel_to_tell_of() -> None:
    video: dict[str, Any] = {"modes": (Mode.VR,)}
    asked = problem(slots=(slot(**video),), referrals=(referral("1", **video),))
    assert sentences(asked, explained(asked), Lang.FR) == (
        "Place : lundi 23 novembre, 11 h 00, médecin, en téléconsultation.",
        "Coût en minutes pondérées : 240 (attente 120 min : 240).",
        "Aucune autre place libre ne convient.",
    )


def test_a_referral_without_a_seat_is_told_in_both_languages() -> None:
    asked = problem(referrals=(referral("1", deadline=NOW + timedelta(minutes=60)),))
    french, english = (sentences(asked, explained(asked), lang) for lang in (Lang.FR, Lang.EN))
    assert french[0] == "Aucun créneau avant l'échéance."
    assert english[0] == "No slot before the deadline."
    assert "Places restantes après « échéance » : 0" in french
    assert "Seats left after “deadline”: 0" in english
    assert len(french) == len(english) == 1 + len(Rule) + 1


def test_every_rule_has_words() -> None:
    assert set(RULE) == set(Rule)
    assert all(french and english for french, english in RULE.values())


def test_a_requester_reads_no_more_than_that_no_seat_fits() -> None:
    asked = problem(referrals=(referral("1", deadline=NOW + timedelta(minutes=60)),))
    told = for_requester(explained(asked))
    assert told.reasons == (Reason(code=ReasonCode.NO_FREE_SEAT),)
    assert told.funnel == ()
    assert sentences(asked, told, Lang.FR) == ("Aucune place libre ne convient.",)


def test_a_requester_keeps_the_seat_and_reads_nothing_of_others() -> None:
    asked = problem(slots=(slot("slot1"), slot("slot2", after_minutes=180)), policy=policy())
    whole = explained(asked)
    told = for_requester(whole)
    assert told.served
    assert told.seat == whole.seat
    assert (told.runner_up, told.funnel, told.reasons) == (None, (), ())
