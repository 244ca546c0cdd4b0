"""The contract of territories, supply, referrals and events, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from builders import NOW, TOWN, north_of, patient, policy, practitioner, referral, site, slot
from desk import CLERK, HOLD, Desk

from slotengine.codes import Mode, Priority, ReferralState, SlotState, SourceKind
from slotengine.domain import TimeWindow
from slotengine.errors import InputError, TransitionError, UnknownIdError, UnknownTerritoryError
from slotengine.store import SqlStore

DAY = TimeWindow(start=NOW, end=NOW + timedelta(days=1))


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    return Desk.beside(store, "d1", "d2", neighbour="d3")


def test_a_territory_has_the_policy_that_was_saved_last(desk: Desk) -> None:
    second = policy(version=2, comfort_minutes=30)
    desk.do(lambda unit: unit.save_policy(second))
    assert desk.ask(lambda unit: unit.policy("giennois")) == second
    assert desk.ask(lambda unit: unit.policy("senart")) == policy(territory="senart")
    first = policy()
    desk.do(lambda unit: unit.save_policy(first))
    assert desk.ask(lambda unit: unit.policy("giennois")) == first
    assert desk.ask(lambda unit: unit.territories()) == ("giennois", "senart")


def test_every_policy_that_was_ever_saved_is_kept(desk: Desk) -> None:
    from sqlalchemy import select

    from slotengine import tables

    for minutes in (10, 20, 30):
        desk.do(lambda unit, minutes=minutes: unit.save_policy(policy(comfort_minutes=minutes)))
    kept = desk.ask(
        lambda unit: unit._connection.execute(
            select(tables.policy.c.digest).where(tables.policy.c.territory == "giennois")
        ).all()
    )
    # Ten and thirty minutes; twenty is what the territory began with.
    assert len(kept) == 3


def test_an_unknown_territory_is_named_with_the_known_ones(desk: Desk) -> None:
    with pytest.raises(UnknownTerritoryError) as unknown:
        desk.ask(lambda unit: unit.policy("nowhere"))
    assert unknown.value.known == ("giennois", "senart")


def test_practitioners_and_sites_count_what_is_new_or_changed(desk: Desk) -> None:
    def put(*values: Any) -> int:
        return desk.do(lambda unit: unit.put_practitioners(values))

    assert put(practitioner("d1"), practitioner("d9")) == 1
    assert put(practitioner("d1", max_age=3)) == 1
    assert put(practitioner("d1", max_age=3)) == 0
    assert put() == 0
    moved = site(location=north_of(TOWN, 500))
    assert desk.do(lambda unit: unit.put_sites([moved])) == 1
    desk.publish(slot())
    assert desk.ask(lambda unit: unit.sites([slot()])) == (moved,)
    assert desk.ask(lambda unit: unit.practitioners([slot(), slot()])) == (
        practitioner("d1", max_age=3),
    )


def test_a_slot_is_created_then_the_same_then_changed(desk: Desk) -> None:
    assert desk.publish(slot()) == {"slot1": "created"}
    assert desk.publish(slot()) == {"slot1": "same"}
    assert desk.publish(slot(version=9)) == {"slot1": "same"}
    later = slot(after_minutes=180, modes=(Mode.AMB, Mode.VR))
    assert desk.publish(later) == {"slot1": "changed"}
    assert desk.ask(lambda unit: unit.slot("slot1")) == later.replaced(version=2)
    assert [kind for kind in desk.kinds() if kind.startswith("slot.")] == [
        "slot.published",
        "slot.changed",
    ]


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"after_minutes": 121}, "booked"),
        ({"minutes": 16}, "booked"),
        ({"practitioner": "d2"}, "booked"),
        ({"site": "s2"}, "booked"),
        ({"capacity": 1}, "booked"),
        ({"modes": (Mode.VR,)}, "booked"),
        ({"state": SlotState.WITHDRAWN}, "booked"),
        ({"capacity": 3}, "changed"),
        ({"modes": (Mode.AMB, Mode.VR)}, "changed"),
        ({"shared_with": ("senart",)}, "changed"),
    ],
    ids=str,
)
def test_a_booked_slot_is_not_moved_under_its_booking(
    desk: Desk, change: dict[str, Any], outcome: str
) -> None:
    desk.do(lambda unit: unit.put_sites([site("s2")]))
    before = slot(capacity=2)
    desk.publish(before)
    first = desk.hold(desk.refer("1"), before)
    desk.confirm(desk.hold(desk.refer("2"), before))
    desk.end(first)
    # Seat 1 is confirmed, seat 0 is free again.
    wanted = slot(**{"capacity": 2, **change})
    assert desk.publish(wanted) == {"slot1": outcome}
    stored = desk.ask(lambda unit: unit.slot("slot1"))
    assert stored == (wanted.replaced(version=2) if outcome == "changed" else before)


def test_a_slot_may_move_once_the_hold_on_it_ran_out(desk: Desk) -> None:
    desk.publish(slot())
    desk.hold(desk.refer(), slot())
    moved = slot(after_minutes=300)
    assert desk.publish(moved, now=NOW + HOLD - timedelta(microseconds=1)) == {"slot1": "booked"}
    assert desk.publish(moved, now=NOW + HOLD) == {"slot1": "changed"}


def test_another_territorys_id_an_unknown_practitioner_and_site_are_not_taken_over(
    desk: Desk,
) -> None:
    desk.publish(slot())
    assert desk.publish(
        slot(territory="senart", practitioner="d3"),
        slot("a", practitioner="d3"),
        slot("b", site="nowhere"),
        slot("c", after_minutes=600),
    ) == {"slot1": "foreign", "a": "unknown", "b": "unknown", "c": "created"}


@pytest.mark.parametrize(
    ("starts", "minutes", "outcome"),
    [
        (105, 15, "created"),
        (105, 16, "overlap"),
        (134, 5, "overlap"),
        (135, 5, "created"),
        (122, 5, "overlap"),
        (100, 60, "overlap"),
    ],
)
def test_a_practitioners_open_slots_may_touch_but_not_overlap(
    desk: Desk, starts: int, minutes: int, outcome: str
) -> None:
    """The slot that is there is [120, 135) minutes from now."""
    desk.publish(slot())
    wanted = slot("slot2", after_minutes=starts, minutes=minutes)
    assert desk.publish(wanted) == {"slot2": outcome}
    other = slot("slot3", after_minutes=starts, minutes=minutes, practitioner="d2")
    assert desk.publish(other) == {"slot3": "created"}


def test_a_whole_day_moves_in_one_publication(desk: Desk) -> None:
    def day(shift: int) -> list[Any]:
        return [slot(f"slot{i}", after_minutes=120 + 15 * i + shift) for i in range(4)]

    assert set(desk.publish(*day(0)).values()) == {"created"}
    assert set(desk.publish(*day(10)).values()) == {"changed"}
    assert set(desk.publish(*day(0)).values()) == {"changed"}


def test_overlapping_slots_of_one_publication_let_the_first_in(desk: Desk) -> None:
    assert desk.publish(slot("a"), slot("b")) == {"a": "created", "b": "overlap"}


def test_a_withdrawn_slot_stays_withdrawn_and_makes_room(desk: Desk) -> None:
    desk.publish(slot())
    desk.do(lambda unit: unit.withdraw_slot("slot1", "ill"))
    assert desk.publish(slot(after_minutes=130)) == {"slot1": "same"}
    assert desk.ask(lambda unit: unit.slot("slot1")).state is SlotState.WITHDRAWN
    assert desk.publish(slot("slot2")) == {"slot2": "created"}


def test_a_territory_sees_its_own_slots_and_those_shared_with_it(desk: Desk) -> None:
    own = slot()
    shared = slot("slot2", territory="senart", practitioner="d3", shared_with=("giennois",))
    private = slot("slot3", territory="senart", practitioner="d3", after_minutes=300)
    desk.publish(own)
    desk.publish(shared, private)
    assert desk.ask(lambda unit: unit.slots("giennois", DAY)) == (own, shared)
    assert desk.ask(lambda unit: unit.slots("senart", DAY)) == (shared, private)
    assert desk.ask(lambda unit: unit.practitioners((own, shared))) == (
        practitioner("d1"),
        practitioner("d3", territory="senart"),
    )
    desk.publish(shared.replaced(shared_with=()))
    assert desk.ask(lambda unit: unit.slots("giennois", DAY)) == (own,)


def test_a_window_holds_its_start_and_not_its_end(desk: Desk) -> None:
    first, last = slot("a", after_minutes=60), slot("b", after_minutes=120)
    desk.publish(last, first)
    window = TimeWindow(start=first.start, end=last.start)
    assert desk.ask(lambda unit: unit.slots("giennois", window)) == (first,)
    assert desk.ask(lambda unit: unit.agenda("d1", window)) == (first,)
    assert desk.ask(lambda unit: unit.agenda("d1", DAY)) == (first, last)
    assert desk.ask(lambda unit: unit.agenda("d2", DAY)) == ()


def test_instants_keep_their_microseconds_and_come_back_in_utc(desk: Desk) -> None:
    paris = timezone(timedelta(hours=1))
    start = datetime(2026, 11, 23, 11, 0, 0, 123456, tzinfo=paris)
    odd = slot().replaced(start=start, end=start + timedelta(minutes=15))
    desk.publish(odd)
    read = desk.ask(lambda unit: unit.slot("slot1"))
    assert read.start == datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
    window = TimeWindow(start=start, end=start + timedelta(microseconds=1))
    assert desk.ask(lambda unit: unit.slots("giennois", window)) == (odd,)


def test_a_referral_is_added_once_and_found_by_what_makes_it_unique(desk: Desk) -> None:
    value = desk.refer("42")
    assert desk.do(lambda unit: unit.add_referral(value, "other digest")) is False
    found = desk.ask(lambda unit: unit.find_referral("giennois", SourceKind.PHARMACY, "42"))
    assert found is not None
    assert (found.referral, found.digest) == (value, value.content_digest())
    assert desk.ask(lambda unit: unit.stored_referral(value.id)) == found
    for elsewhere in (("senart", SourceKind.PHARMACY), ("giennois", SourceKind.NURSE)):
        assert desk.ask(lambda unit, at=elsewhere: unit.find_referral(*at, "42")) is None
    with pytest.raises(UnknownIdError):
        desk.ask(lambda unit: unit.stored_referral("r-nothing"))


def test_one_id_can_not_stand_for_two_references(desk: Desk) -> None:
    value = desk.refer("1")
    with pytest.raises(InputError, match="another reference"):
        desk.refer("2", id=value.id)


def test_amending_replaces_the_content_and_keeps_the_state(desk: Desk) -> None:
    value = desk.refer()
    desk.do(lambda unit: unit.set_referral_state(value.id, ReferralState.WAITING))
    amended = value.replaced(priority=Priority.STAT, patient=patient("typed again"))
    desk.do(lambda unit: unit.replace_referral(amended, "second"))
    stored = desk.ask(lambda unit: unit.stored_referral(value.id))
    assert stored.referral == amended.replaced(state=ReferralState.WAITING)
    assert stored.digest == "second"
    key = amended.patient.key
    assert len(desk.ask(lambda unit: unit.patient_referrals("giennois", [key]))) == 1
    assert desk.ask(lambda unit: unit.patient_referrals("senart", [key])) == ()
    assert desk.ask(lambda unit: unit.patient_referrals("giennois", [value.patient.key])) == ()
    assert desk.kinds()[-1] == "referral.amended"


def test_amending_can_not_change_what_a_booking_leans_on(desk: Desk) -> None:
    desk.publish(slot())
    value = desk.refer()
    with pytest.raises(InputError, match="reference"):
        desk.do(lambda unit: unit.replace_referral(value.replaced(reference="2"), "d"))
    desk.hold(value, slot())
    with pytest.raises(InputError, match="patient"):
        desk.do(lambda unit: unit.replace_referral(value.replaced(patient=patient("x")), "d"))
    with pytest.raises(UnknownIdError):
        desk.do(lambda unit: unit.replace_referral(value.replaced(id="r-nothing"), "d"))


def test_a_referral_that_is_over_takes_no_further_step(desk: Desk) -> None:
    value = desk.refer()
    desk.do(lambda unit: unit.set_referral_state(value.id, ReferralState.REFUSED, "call 15"))
    for state in ReferralState:
        with pytest.raises(TransitionError):
            desk.do(lambda unit, state=state: unit.set_referral_state(value.id, state))
    with pytest.raises(TransitionError, match="refused"):
        desk.do(lambda unit: unit.replace_referral(value, "d"))
    assert desk.ask(lambda unit: unit.patient_referrals("giennois", [value.patient.key])) == ()


@pytest.mark.parametrize("state", ["promised", "held", "booked", "received"])
def test_no_word_alone_gives_a_referral_a_seat(desk: Desk, state: str) -> None:
    value = desk.refer()
    with pytest.raises(TransitionError):
        desk.do(lambda unit: unit.set_referral_state(value.id, ReferralState(state)))


def test_referrals_are_listed_by_state_in_their_territory(desk: Desk) -> None:
    values = [desk.refer(str(number)) for number in range(3)]
    desk.refer("0", territory="senart")
    desk.do(lambda unit: unit.set_referral_state(values[0].id, ReferralState.WAITING))

    def listed(*states: ReferralState) -> set[str]:
        return {value.id for value in desk.ask(lambda unit: unit.referrals("giennois", states))}

    assert listed(ReferralState.WAITING) == {values[0].id}
    assert listed(ReferralState.RECEIVED) == {values[1].id, values[2].id}
    assert listed() == set()


def test_every_change_is_in_the_feed_with_its_actor_and_only_ids(desk: Desk) -> None:
    desk.publish(slot())
    who = desk.refer()
    booking = desk.confirm(desk.hold(who, slot()))
    desk.end(booking)
    events = desk.ask(lambda unit: unit.events(None, 100))
    assert [event.kind for event in events] == [
        "slot.published",
        "referral.received",
        "booking.held",
        "referral.held",
        "booking.confirmed",
        "referral.booked",
        "booking.cancelled",
        "referral.waiting",
    ]
    last = events[-2]
    assert (last.referral, last.slot, last.booking) == (who.id, "slot1", booking.id)
    assert (last.why, last.actor, last.at, last.territory) == ("asked", CLERK, NOW, "giennois")
    assert len({event.cursor for event in events}) == len(events)


def test_a_work_that_fails_leaves_neither_change_nor_event(desk: Desk) -> None:
    def fail(unit: Any) -> None:
        unit.add_referral(referral(), "d")
        unit.event("giennois", "host.note")
        raise KeyError("the host's own")

    with pytest.raises(KeyError):
        desk.do(fail)
    assert desk.kinds() == []
    assert desk.ask(lambda unit: unit.referrals("giennois", list(ReferralState))) == ()


def test_the_feed_is_read_in_pages_without_gap_or_repetition(desk: Desk) -> None:
    for number in range(7):
        desk.refer(str(number))
    whole = desk.ask(lambda unit: unit.events(None, 100))
    read: list[Any] = []
    cursor = None
    while page := desk.ask(lambda unit: unit.events(cursor, 3)):  # noqa: B023 (called at once)
        read += page
        cursor = page[-1].cursor
    assert tuple(read) == whole
    desk.refer("8")
    assert [e.kind for e in desk.ask(lambda unit: unit.events(cursor, 3))] == ["referral.received"]


@pytest.mark.parametrize(
    "cursor",
    ["", "1", "e1", "e-1", "e1-", "e1-1 ", "é1-1", "e1-fffffffffffffffff", "e1-" + "f" * 16],
)
def test_a_cursor_that_is_not_ours_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        desk.ask(lambda unit: unit.events(cursor, 1))


def test_a_page_has_at_least_one_event(desk: Desk) -> None:
    with pytest.raises(InputError, match="limit"):
        desk.ask(lambda unit: unit.events(None, 0))


def test_an_event_carries_no_field_of_its_own_invention(desk: Desk) -> None:
    desk.do(lambda unit: unit.event("giennois", "host.note", referral="r-1", why=None))
    assert desk.ask(lambda unit: unit.events(None, 1))[0].referral == "r-1"
    with pytest.raises(InputError, match="name"):
        desk.do(lambda unit: unit.event("giennois", "host.note", name="somebody"))


def test_a_naive_now_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="time zone"):
        desk.store.read(lambda unit: unit.territories(), now=datetime(2026, 1, 1))  # noqa: DTZ001 (the naive one is the test)
