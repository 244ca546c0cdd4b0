"""Pathways through the engine: received once, planned in step, cancelled from a step on."""

from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, patient, policy, practitioner, referral, site, slot
from strategies import checked

from slotengine.codes import BookingStatus, Mode, Profession, ReferralState, SourceKind
from slotengine.domain import Referral, Slot
from slotengine.engine import Engine
from slotengine.errors import InputError, ReferralConflictError
from slotengine.pathways import steps_of
from slotengine.reasons import ReasonCode

MONTHS = timedelta(days=150)
DAY = 24 * 60
WHO = {
    "gp": practitioner("gp"),
    "heart": practitioner("heart", specialties=("SM04",)),
    "nurse": practitioner("nurse", profession=Profession.NURSE, specialties=()),
    "midwife": practitioner("midwife", profession=Profession.MIDWIFE, specialties=()),
    "feet": practitioner("feet", profession=Profession.PODIATRIST, specialties=()),
}


def at(who: str, minutes: int, **changes: Any) -> Slot:
    """A quarter of an hour of somebody, so many minutes from now."""
    return slot(f"{who}-{minutes}", practitioner=who, after_minutes=minutes, **changes)


def engine_with(*slots: Slot, **rules: Any) -> Engine:
    engine = Engine.open("sqlite://")
    engine.set_policy(policy(**rules), now=NOW)
    report = engine.publish(
        "giennois",
        practitioners=list(WHO.values()),
        sites=[site()],
        slots=slots,
        now=NOW,
    )
    assert report.rejected == ()
    return engine


def sent(**changes: Any) -> Referral:
    return referral("letter", **{"deadline": NOW + timedelta(days=2), **changes})


def night(engine: Engine) -> dict[str, str]:
    """Plans the night and gives step by step the slot of each."""
    problem = engine.problem("giennois", MONTHS, now=NOW)
    report = engine.plan("giennois", MONTHS, now=NOW)
    assert checked(problem, report.plan) is report.plan
    by_id = {one.id: one.reference for one in problem.referrals}
    return {by_id[one.referral]: one.slot for one in report.plan.assignments}


def slot_of(engine: Engine, reference: str) -> str | None:
    found = engine.booking_of(referral(reference).id, now=NOW)
    return None if found is None else found.slot


def test_every_step_has_its_own_referral_from_the_first(store: Any) -> None:
    engine = Engine(store)
    engine.set_policy(policy(), now=NOW)
    receipts = engine.refer_pathway(sent(), "type-2-diabetes", now=NOW)
    steps = [engine.referral(one.referral) for one in receipts]
    assert [one.reference for one in steps] == ["letter", "letter/2", "letter/3"]
    assert [one.step for one in steps] == [0, 1, 2]
    assert [one.follows for one in steps] == [None, steps[0].id, steps[1].id]
    assert [one.professions for one in steps] == [
        (Profession.PHYSICIAN,),
        (Profession.NURSE,),
        (Profession.PODIATRIST,),
    ]
    due = [one.deadline - NOW for one in steps]
    assert due == [timedelta(days=days) for days in (2, 2 + 21, 2 + 21 + 60)]
    assert {one.patient.key for one in steps} == {sent().patient.key}
    assert all(one.linked == () and not one.repeated for one in receipts)


def test_the_same_message_again_writes_nothing_even_when_it_came_later() -> None:
    engine = engine_with()
    undated = sent(deadline=None)
    first = engine.refer_pathway(undated, "elderly-home", now=NOW)
    kinds = [event.kind for event in engine.events()]
    later = NOW + timedelta(hours=3)
    again = engine.refer_pathway(undated.replaced(received_at=later), "elderly-home", now=later)
    assert [one.referral for one in again] == [one.referral for one in first]
    assert all(one.repeated for one in again)
    assert [event.kind for event in engine.events()] == kinds


def test_a_reference_that_came_without_the_pathway_is_a_conflict() -> None:
    engine = engine_with()
    engine.refer(sent(), now=NOW)
    with pytest.raises(ReferralConflictError):
        engine.refer_pathway(sent(), "elderly-home", now=NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"group": "family"}, "group"),
        ({"pathway": "second-recourse", "step": 1, "follows": "r-0"}, "a step"),
        ({"reference": "x" * 198}, "no room"),
    ],
)
def test_a_message_that_can_not_start_a_pathway_is_refused(changes: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        steps_of(sent().replaced(**changes), policy(), "elderly-home")


def test_a_reference_with_just_enough_room_starts_a_pathway() -> None:
    steps = steps_of(sent().replaced(reference="x" * 197), policy(), "elderly-home")
    assert len(steps[1].reference) == 199


def test_an_unknown_pathway_is_refused_and_nothing_is_written() -> None:
    engine = engine_with()
    with pytest.raises(InputError, match="pathway"):
        engine.refer_pathway(sent(), "no-such-way", now=NOW)
    assert engine.waiting("giennois") == ()


def test_a_red_flag_stops_the_whole_way() -> None:
    engine = engine_with()
    flagged = sent(motive={"system": "hub", "code": "M03.01"})
    (receipt,) = engine.refer_pathway(flagged, "elderly-home", now=NOW)
    assert receipt.state is ReferralState.REFUSED


@pytest.mark.parametrize(
    ("code", "slots", "expected"),
    [
        # Nurse ends 2 h 15 from now; the physician within 7 days of that, edge included.
        (
            "elderly-home",
            (at("nurse", 120), at("gp", 60), at("gp", 135 + 7 * DAY), at("gp", 150 + 7 * DAY)),
            {"letter": "nurse-120", "letter/2": f"gp-{135 + 7 * DAY}"},
        ),
        # 28 to 84 days after the first visit's end.
        (
            "post-partum-diabetes",
            (
                at("midwife", 120),
                at("midwife", 120 + 28 * DAY),
                at("midwife", 135 + 28 * DAY),
                at("midwife", 150 + 84 * DAY),
            ),
            {"letter": "midwife-120", "letter/2": f"midwife-{135 + 28 * DAY}"},
        ),
        # Nurse at least a day after the physician, podiatrist at least a day after the nurse.
        (
            "type-2-diabetes",
            (
                at("gp", 120),
                at("nurse", 120 + DAY),
                at("nurse", 135 + DAY),
                at("feet", 135 + 2 * DAY),
                at("feet", 150 + 2 * DAY),
            ),
            {
                "letter": "gp-120",
                "letter/2": f"nurse-{135 + DAY}",
                "letter/3": f"feet-{150 + 2 * DAY}",
            },
        ),
    ],
)
def test_the_shipped_pathways_are_planned_on_the_edge_of_their_gaps(
    code: str, slots: tuple[Slot, ...], expected: dict[str, str]
) -> None:
    engine = engine_with(*slots)
    engine.refer_pathway(sent(), code, now=NOW)
    assert night(engine) == expected


@pytest.mark.parametrize(("late", "served"), [(0, True), (1, False)])
def test_a_second_recourse_finds_the_specialist_until_the_last_minute(
    late: int, *, served: bool
) -> None:
    """The specialist within 21 days after the physician's slot ends, 2 h 15 from now."""
    edge = 135 + 21 * DAY + late
    engine = engine_with(at("gp", 120), at("heart", edge))
    engine.refer_pathway(sent(specialties=("SM04",)), "second-recourse", now=NOW)
    expected = {"letter": "gp-120"}
    assert night(engine) == (expected | {"letter/2": f"heart-{edge}"} if served else expected)


def test_the_next_step_is_offered_only_in_time_after_the_booked_one() -> None:
    engine = engine_with(at("nurse", 240), at("gp", 120), at("gp", 255), at("gp", 256 + 7 * DAY))
    _, second = engine.refer_pathway(sent(), "elderly-home", now=NOW)
    assert engine.offers(second.referral, now=NOW) == []
    (offer,) = engine.offers(referral("letter").id, now=NOW)
    engine.confirm(engine.hold(offer, now=NOW).id, now=NOW)
    assert [one.slot for one in engine.offers(second.referral, now=NOW)] == ["gp-255"]


def test_a_step_after_one_that_took_place_is_planned_in_time() -> None:
    engine = engine_with(at("nurse", 120), at("gp", 130 + 7 * DAY), at("gp", 150 + 7 * DAY))
    engine.refer_pathway(sent(), "elderly-home", now=NOW)
    (offer,) = engine.offers(referral("letter").id, now=NOW)
    booking = engine.hold(offer, now=NOW)
    engine.confirm(booking.id, now=NOW)
    engine.close(booking.id, BookingStatus.FULFILLED, now=NOW)
    assert night(engine) == {"letter/2": f"gp-{130 + 7 * DAY}"}


def test_a_step_whose_first_one_waits_elsewhere_is_left_out_with_its_reason() -> None:
    engine = engine_with(at("nurse", 120), at("gp", 240))
    engine.refer_pathway(sent(), "elderly-home", now=NOW)
    (offer,) = engine.offers(referral("letter").id, now=NOW)
    booking = engine.hold(offer, now=NOW)
    engine.confirm(booking.id, now=NOW)
    engine.close(booking.id, BookingStatus.NOSHOW, now=NOW)
    report = engine.plan("giennois", MONTHS, now=NOW)
    assert report.plan.assignments == ()
    assert [one.reasons[0].code for one in report.left_out] == [ReasonCode.PATHWAY]


def test_steps_of_one_profession_are_not_taken_for_one_need() -> None:
    engine = engine_with(at("midwife", 120), at("midwife", 150 + 28 * DAY))
    first, second = engine.refer_pathway(sent(), "post-partum-diabetes", now=NOW)
    assert (first.linked, second.linked) == ((), ())
    (offer,) = engine.offers(first.referral, now=NOW)
    engine.confirm(engine.hold(offer, now=NOW).id, now=NOW)
    assert night(engine) == {"letter/2": f"midwife-{150 + 28 * DAY}"}


def test_another_need_of_the_patient_waits_for_the_pathway_or_goes_first() -> None:
    engine = engine_with(at("nurse", 120), at("gp", 240), at("feet", 300))
    engine.refer_pathway(sent(priority="routine"), "elderly-home", now=NOW)
    other = referral(
        "other",
        patient=sent().patient,
        professions=(Profession.PODIATRIST,),
        priority="asap",
        source=SourceKind.NURSE,
    )
    engine.refer(other, now=NOW)
    report = engine.plan("giennois", MONTHS, now=NOW)
    assert [one.referral for one in report.plan.assignments] == [other.id]
    assert {one.reasons[0].code for one in report.left_out} == {ReasonCode.ANOTHER_NEED_FIRST}
    assert len(report.left_out) == 2


def test_cancelling_a_step_closes_the_later_ones_and_frees_their_seats() -> None:
    engine = engine_with(at("gp", 120), at("nurse", 150 + DAY), at("feet", 180 + 2 * DAY))
    first, second, third = engine.refer_pathway(sent(), "type-2-diabetes", now=NOW)
    assert len(night(engine)) == 3
    engine.cancel_referral(second.referral, reason="moved away", now=NOW)
    states = [engine.referral(one.referral).state for one in (first, second, third)]
    assert states == [ReferralState.PROMISED, ReferralState.CLOSED, ReferralState.CLOSED]
    assert slot_of(engine, "letter") == "gp-120"
    closed = [event.why for event in engine.events() if event.kind == "referral.closed"]
    assert closed == ["pathway: a step before was cancelled", "moved away"]
    again = engine.cancel_referral(second.referral, reason="moved away", now=NOW)
    assert again.repeated


def test_a_step_that_lost_its_seat_is_placed_before_the_confirmed_next_one() -> None:
    engine = engine_with(at("nurse", 120), at("nurse", 300), at("nurse", 240), at("gp", 270))
    first, second = engine.refer_pathway(sent(), "elderly-home", now=NOW)
    assert night(engine) == {"letter": "nurse-120", "letter/2": "gp-270"}
    engine.confirm(engine.booking_of(second.referral, now=NOW).id, now=NOW)
    engine.withdraw(["nurse-120"], reason="ill", now=NOW)
    assert slot_of(engine, "letter") == "nurse-240"
    engine.withdraw(["nurse-240"], reason="ill", now=NOW)
    assert engine.booking_of(first.referral, now=NOW) is None
    assert slot_of(engine, "letter/2") == "gp-270"


def test_a_home_visit_then_the_practice_is_one_way() -> None:
    """The nurse sees the patient at home; mode and place of each step are its own."""
    engine = engine_with(at("nurse", 120, modes=(Mode.HH,)), at("gp", 240))
    engine.refer_pathway(
        sent(modes=(Mode.AMB, Mode.HH), patient=patient("p", own_practitioner="gp")),
        "elderly-home",
        now=NOW,
    )
    assert night(engine) == {"letter": "nurse-120", "letter/2": "gp-240"}


def test_a_referral_that_names_a_pathway_starts_it_by_any_door() -> None:
    engine = engine_with(at("nurse", 120), at("gp", 240))
    asked = sent(pathway="elderly-home")
    placed = engine.place(asked, now=NOW, confirm=True)
    assert placed.booking is not None
    assert placed.booking.slot == "nurse-120"
    assert engine.refer(asked, now=NOW).repeated
    assert night(engine) == {"letter/2": "gp-240"}


def test_an_amendment_keeps_what_the_pathway_decides() -> None:
    engine = engine_with()
    first, _ = engine.refer_pathway(sent(), "elderly-home", now=NOW)
    engine.amend(sent(priority="asap"), now=NOW)
    amended = engine.referral(first.referral)
    assert (amended.priority, amended.professions) == ("asap", (Profession.NURSE,))
    assert (amended.pathway, amended.step) == ("elderly-home", 0)
    with pytest.raises(InputError, match="pathway"):
        engine.amend(sent(pathway="second-recourse"), now=NOW)


def test_an_amendment_does_not_start_a_pathway() -> None:
    engine = engine_with()
    engine.refer(sent(), now=NOW)
    with pytest.raises(InputError, match="pathway"):
        engine.amend(sent(pathway="elderly-home"), now=NOW)
