"""A coordinator's desk over a store: the few verbs that store tests need, one transaction each."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from builders import NOW, policy, practitioner, referral, site
from sqlalchemy import text

from slotengine.codes import BookingStatus, Mode
from slotengine.domain import Actor, Booking, Referral, Slot
from slotengine.ports import Unit
from slotengine.problem import Assignment, Plan, Unserved
from slotengine.reasons import Reason, ReasonCode
from slotengine.store import SqlStore, recount

T = TypeVar("T")

HOLD = timedelta(minutes=5)
CLERK = Actor(role="pharmacist", id="10000000001")


class Desk:
    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def do(self, work: Callable[[Unit], T], *, now: datetime = NOW) -> T:
        return self.store.write(work, now=now, actor=CLERK)

    def ask(self, work: Callable[[Unit], T], *, now: datetime = NOW) -> T:
        return self.store.read(work, now=now)

    def settle(self, territory: str = "giennois", doctors: Sequence[str] = ("d1",)) -> None:
        """A territory with one site and these doctors, uncapped."""

        def work(unit: Unit) -> None:
            unit.save_policy(policy(territory=territory))
            unit.put_sites([site(territory=territory)])
            unit.put_practitioners([practitioner(id_, territory=territory) for id_ in doctors])

        self.do(work)

    @classmethod
    def beside(cls, store: SqlStore, *doctors: str, neighbour: str = "d9") -> "Desk":
        """Two territories: one with these doctors, and a neighbour with one of its own."""
        ready = cls(store)
        ready.settle(doctors=doctors)
        ready.settle("senart", doctors=(neighbour,))
        return ready

    def publish(self, *slots: Slot, now: datetime = NOW) -> dict[str, str]:
        return dict(self.do(lambda unit: unit.put_slots(slots), now=now))

    def refer(self, reference: str = "1", *, now: datetime = NOW, **changes: Any) -> Referral:
        value = referral(reference, **changes)
        self.do(lambda unit: unit.add_referral(value, value.content_digest()), now=now)
        return value

    def hold(
        self, who: Referral, where: Slot, *, now: datetime = NOW, until: datetime | None = None
    ) -> Booking:
        return self.do(
            lambda unit: unit.take_seat(
                who.id,
                where,
                mode=Mode.AMB,
                status=BookingStatus.HELD,
                held_until=until or now + HOLD,
            ),
            now=now,
        )

    def promise(self, who: Referral, where: Slot, *, now: datetime = NOW) -> Booking:
        return self.do(
            lambda unit: unit.take_seat(
                who.id, where, mode=Mode.AMB, status=BookingStatus.PROMISED
            ),
            now=now,
        )

    def confirm(self, booking: Booking, *, now: datetime = NOW) -> Booking:
        return self.do(lambda unit: unit.confirm(booking.id), now=now)

    def end(
        self, booking: Booking, status: Any = BookingStatus.CANCELLED, *, now: datetime = NOW
    ) -> Booking:
        return self.do(lambda unit: unit.end_booking(booking.id, status, "asked"), now=now)

    def state(self, who: Referral) -> str:
        return self.ask(lambda unit: unit.stored_referral(who.id)).referral.state.value

    def wrong_counters(self) -> dict[str, tuple[int, int]]:
        """What the counters say and what the bookings say, where they differ."""
        return self.ask(lambda unit: recount(unit._connection))  # type: ignore[attr-defined] # behind the port

    def rewrite_practitioner(self, old: str, new: str) -> None:
        """Gives all bookings of one to another, who may be elsewhere: no verb would do that."""
        for table in ("booking", "practitioner_day", "practitioner_week"):
            changed = text(
                f"UPDATE slotengine_{table} SET practitioner = :new WHERE practitioner = :old"
            )
            self.do(
                lambda unit, changed=changed: unit._connection.execute(  # type: ignore[misc] # behind the port
                    changed, {"new": new, "old": old}
                )
            )

    def kinds(self) -> list[str]:
        return [event.kind for event in self.ask(lambda unit: unit.events(None, 10_000))]


def planned(
    *rows: tuple[Referral, Slot, int],
    unserved: Sequence[Referral] = (),
    as_of: datetime = NOW,
    territory: str = "giennois",
) -> Plan:
    """A plan as the solver would hand it over; its proof is not the store's business."""
    return Plan(
        territory=territory,
        as_of=as_of,
        problem_digest="0" * 32,
        policy_version=1,
        policy_digest="0" * 32,
        travel_name="none@1",
        seed=7,
        assignments=tuple(
            Assignment(
                referral=who.id,
                slot=where.id,
                seat=seat,
                mode=Mode.AMB,
                travel_metres=0,
                travel_minutes=0,
                wait_minutes=0,
                cost=0,
            )
            for who, where, seat in rows
        ),
        unserved=tuple(
            Unserved(referral=who.id, reasons=(Reason(code=ReasonCode.SEATS_TAKEN),))
            for who in unserved
        ),
        objective=(0,),
        bound=(0,),
        proved_levels=1,
        duals=(),
        seconds=0.5,
    )
