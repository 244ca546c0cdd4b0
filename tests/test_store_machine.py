"""A state machine against a dict: any order of publish, refer, hold, confirm, cancel, withdraw."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from builders import NOW, patient, practitioner, slot
from desk import Desk
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from slotengine.codes import ACTIVE, BookingStatus, ReferralState
from slotengine.domain import Booking, Referral, Slot
from slotengine.errors import BookingError, HoldExpiredError, TransitionError
from slotengine.store import SqlStore, recount
from slotengine.transitions import REFERRAL_AFTER

CAP = 3
GIVEN = {BookingStatus.FULFILLED, BookingStatus.NOSHOW}
PEOPLE = 3
"""Few patients, so that they meet themselves."""
QUARTERS = 4
"""Few hours, so that slots of two doctors overlap."""


class Desks(RuleBasedStateMachine):
    """The model knows bookings and slots as dicts and decides by plain loops."""

    referrals = Bundle("referrals")
    slots = Bundle("slots")
    bookings = Bundle("bookings")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = SqlStore.open(f"sqlite:///{Path(self.folder.name) / 'machine.sqlite'}")
        self.desk = Desk(self.store)
        self.desk.settle(doctors=("d1", "d2"))
        self.desk.do(lambda unit: unit.put_practitioners([practitioner(max_bookings_per_day=CAP)]))
        self.now = NOW
        self.known: dict[str, Referral] = {}
        self.open: dict[str, Slot] = {}
        self.booked: dict[str, Booking] = {}
        self.closed: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def alive(self, booking: Booking) -> bool:
        expired = booking.held_until is not None and booking.held_until <= self.now
        return booking.status in ACTIVE and not expired

    def living(self) -> list[Booking]:
        return [booking for booking in self.booked.values() if self.alive(booking)]

    def where(self, booking: Booking) -> Slot:
        return self.desk.ask(lambda unit: unit.slot(booking.slot))

    @rule(
        target=slots,
        doctor=st.sampled_from(["d1", "d2"]),
        quarter=st.integers(0, QUARTERS),
        long=st.booleans(),
        capacity=st.integers(1, 2),
    )
    def publish(self, doctor: str, quarter: int, *, long: bool, capacity: int) -> str:
        id_ = f"{doctor}-{quarter}-{long}"
        wanted = slot(
            id_,
            practitioner=doctor,
            after_minutes=600 + 15 * quarter,
            minutes=30 if long else 15,
            capacity=capacity,
        )
        outcome = self.desk.publish(wanted, now=self.now)[id_]
        before = self.open.get(id_)
        overlaps = any(
            other.practitioner == doctor
            and other.id != id_
            and other.start < wanted.end
            and wanted.start < other.end
            for other in self.open.values()
        )
        withdrawn = before is None and outcome == "same"
        if before is None and not withdrawn:
            assert outcome == ("overlap" if overlaps else "created")
        shrunk = any(b.slot == id_ and b.seat >= capacity for b in self.living())
        if before is not None:
            same = before.capacity == capacity
            assert outcome == ("same" if same else "booked" if shrunk else "changed")
        if outcome in {"created", "changed"}:
            self.open[id_] = self.desk.ask(lambda unit: unit.slot(id_))
        return id_

    @rule(target=referrals, person=st.integers(1, PEOPLE))
    def refer(self, person: int) -> str:
        value = self.desk.refer(
            str(len(self.known)), patient=patient(f"person {person}"), now=self.now
        )
        self.known[value.id] = value
        return value.id

    def refusal(self, who: Referral, where: Slot | None) -> bool:
        """Says by plain loops whether nobody may give this seat to this referral now."""
        if where is None or who.id in self.closed:
            return True
        living = self.living()
        seats = [b for b in living if b.slot == where.id]
        # What took place counts on its practitioner's day; what was cancelled does not.
        given = [b for b in self.booked.values() if b.status in GIVEN] + living
        day = [b for b in given if self.where(b).practitioner == where.practitioner]
        elsewhere = [
            b
            for b in living
            if self.known[b.referral].patient.key == who.patient.key
            and self.where(b).start < where.end
            and where.start < self.where(b).end
        ]
        return (
            len(seats) >= where.capacity
            or (where.practitioner == "d1" and len(day) >= CAP)
            or bool(elsewhere)
            or any(b.referral == who.id for b in living)
        )

    @rule(target=bookings, who=referrals, where=slots, minutes=st.integers(0, 3))
    def take(self, who: str, where: str, minutes: int) -> str:
        """Holds for some minutes, or promises (0)."""
        person, place = self.known[who], self.open.get(where)
        refused = self.refusal(person, place)
        try:
            given = place if place is not None else slot(where)
            if minutes:
                until = self.now + timedelta(minutes=minutes)
                booking = self.desk.hold(person, given, now=self.now, until=until)
            else:
                booking = self.desk.promise(person, given, now=self.now)
        except BookingError:
            assert refused
            return ""
        assert not refused
        self.booked[booking.id] = booking
        return booking.id

    @rule(which=bookings)
    def confirm(self, which: str) -> None:
        if not which:
            return
        before = self.booked[which]
        try:
            after = self.desk.confirm(before, now=self.now)
        except HoldExpiredError:
            assert not self.alive(before)
            return
        except TransitionError:
            assert before.status not in ACTIVE
            return
        assert self.alive(before)
        self.booked[which] = after

    @rule(
        which=bookings,
        how=st.sampled_from(
            [BookingStatus.CANCELLED, BookingStatus.FULFILLED, BookingStatus.NOSHOW]
        ),
    )
    def end(self, which: str, how: BookingStatus) -> None:
        if not which:
            return
        before = self.booked[which]
        allowed = before.status is how or (
            self.alive(before)
            and (how is BookingStatus.CANCELLED or before.status is BookingStatus.CONFIRMED)
        )
        try:
            after = self.desk.end(before, how, now=self.now)
        except TransitionError:
            assert not allowed
            return
        assert allowed
        self.booked[which] = after
        if after.status is not BookingStatus.CANCELLED:
            self.closed.add(after.referral)

    @rule(which=consumes(slots))
    def withdraw(self, which: str) -> None:
        if which not in self.open:
            return
        lost = self.desk.do(lambda unit: unit.withdraw_slot(which, "ill"), now=self.now)
        assert {booking.id for booking in lost} == {
            booking.id for booking in self.living() if booking.slot == which
        }
        del self.open[which]
        for booking in lost:
            self.booked[booking.id] = self.desk.ask(
                lambda unit, id_=booking.id: unit.booking(id_), now=self.now
            )
            assert self.booked[booking.id].status is BookingStatus.CANCELLED

    @rule(minutes=st.integers(1, 2))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def expire(self) -> None:
        self.desk.do(lambda unit: unit.expire_holds("giennois"), now=self.now)
        for id_ in self.booked:
            stored = self.desk.ask(lambda unit, id_=id_: unit.booking(id_), now=self.now)
            assert stored.status is not BookingStatus.HELD or self.alive(stored)

    @invariant()
    def seats_and_referrals_have_one_active_booking(self) -> None:
        active = self.desk.ask(lambda unit: unit.active_bookings(list(self.open)), now=self.now)
        living = self.living()
        assert {booking.id for booking in active} == {booking.id for booking in living}
        assert len({(booking.slot, booking.seat) for booking in active}) == len(active)
        assert len({booking.referral for booking in active}) == len(active)

    @invariant()
    def counters_are_right(self) -> None:
        def work(unit: Any) -> dict[str, tuple[int, int]]:
            return recount(unit._connection)

        assert self.desk.ask(work, now=self.now) == {}

    @invariant()
    def every_referral_is_in_the_one_state_that_its_booking_says(self) -> None:
        def work(unit: Any) -> dict[str, ReferralState]:
            listed = unit.referrals("giennois", list(ReferralState))
            return {value.id: value.state for value in listed}

        states = self.desk.ask(work, now=self.now)
        assert set(states) == set(self.known)
        for id_, state in states.items():
            latest = self.desk.ask(
                lambda unit, id_=id_: [
                    unit.booking(b.id) for b in self.booked.values() if b.referral == id_
                ],
                now=self.now,
            )
            open_ones = [b for b in latest if b.status in ACTIVE]
            assert len(open_ones) <= 1
            if open_ones:
                assert state is REFERRAL_AFTER[open_ones[0].status]
            else:
                unseated = ReferralState.CLOSED if id_ in self.closed else ReferralState.WAITING
                assert state is (unseated if latest else ReferralState.RECEIVED)


TestDesks = Desks.TestCase
TestDesks.settings = settings(
    deadline=None,
    derandomize=True,
    max_examples=40,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
