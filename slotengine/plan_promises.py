"""
Promises through a night: a plan is written seat by seat, and none of them may lose its own by it.

The plan moves many at once, in chains and circles, so all seats are given up before they are given
again. Where the day took one meanwhile, what the plan gave away is taken back until each promise
has its old seat or a new one; this ends at the latest where all of them sat before.
"""

from collections.abc import Iterator
from datetime import datetime

from slotengine.answers import Conflict
from slotengine.codes import BookingStatus
from slotengine.domain import Booking
from slotengine.errors import BookingError, SlotTakenError
from slotengine.keeping import reseat
from slotengine.ports import Seated, SeatedPromise, Unit
from slotengine.problem import Plan, Problem, TravelMatrix
from slotengine.promising import broken_aloud

CONFLICT = "plan_conflict"
"""Why a seat was sought again."""

GIVEN_BACK = "planned again, but the new seat was lost: as it was"
"""Why a promise has its old seat again."""

YIELDED = "a promise needed the seat"
"""Why somebody lost a seat that the plan had just given."""


class Keeping:
    """Where open promises sat before a plan was written, and that they sit somewhere after it."""

    def __init__(self, unit: Unit, problem: Problem, plan: Plan) -> None:
        self._unit, self._problem = unit, problem
        self._planned = [one.referral for one in plan.assignments]
        self.promises = {one.promise.referral: one for one in unit.open_promises(problem.territory)}
        self._before = {one.booking.id for one in unit.seated("referral", self._planned)}
        self._yielded: list[Conflict] = []

    def restored(self, *, now: datetime, matrix: TravelMatrix | None) -> tuple[Conflict, ...]:
        """
        Gives each promise that the plan left without a seat its old one back.

        One that the plan did not know of (the day made it meanwhile) is not moved by it either.

        Returns
        -------
        tuple of Conflict
            Who lost a seat of the plan to it.
        """
        unit = self._unit
        present = self._bookings([*self.promises])
        waiting = [referral for referral, one in self.promises.items() if self._lost(one, present)]
        newcomers = self._newcomers() if waiting else {}
        while waiting:
            referral = waiting.pop()
            moved = present.get(referral)
            if moved is not None:
                unit.end_booking(moved.id, BookingStatus.CANCELLED, GIVEN_BACK)
                newcomers.pop(moved.id, None)
            if not self._back(self.promises[referral], newcomers, waiting):
                found, _ = reseat(unit, referral, now=now, matrix=matrix, why=CONFLICT)
                if found is None:
                    # No seat of its own and none within its terms.
                    broken_aloud(unit, self.promises[referral], CONFLICT)
        return tuple(self._yielded)

    def _lost(self, one: SeatedPromise, present: dict[str, Booking]) -> bool:
        now_at = present.get(one.promise.referral)
        if now_at is None:
            return True
        return one.promise.referral not in self._problem.promised and now_at.id != one.booking.id

    def _bookings(self, referrals: list[str]) -> dict[str, Booking]:
        return {
            one.booking.referral: one.booking for one in self._unit.seated("referral", referrals)
        }

    def _newcomers(self) -> dict[str, Seated]:
        """Gives the bookings that the plan made, by id: nobody was told of any of them."""
        return {
            one.booking.id: one
            for one in self._unit.seated("referral", self._planned)
            if one.booking.id not in self._before
        }

    def _back(self, one: SeatedPromise, newcomers: dict[str, Seated], waiting: list[str]) -> bool:
        """Takes a promise's old seat again; whoever of the plan is in the way yields."""
        unit = self._unit
        for yielding in (None, *self._in_the_way(one, newcomers)):
            if yielding is not None:
                self._yield(yielding, waiting)
                del newcomers[yielding.booking.id]
            try:
                unit.attempt(
                    lambda: unit.take_seat(
                        one.promise.referral,
                        unit.slot(one.slot.id),
                        mode=one.booking.mode,
                        status=BookingStatus.PROMISED,
                        why=GIVEN_BACK,
                    )
                )
            except SlotTakenError:
                continue
            except BookingError:
                return False
            return True
        return False

    def _in_the_way(self, one: SeatedPromise, newcomers: dict[str, Seated]) -> Iterator[Seated]:
        """Gives who may have taken the seat or what was left of the practitioner's cap."""
        same = (
            other
            for other in newcomers.values()
            if other.slot.practitioner == one.slot.practitioner
        )
        yield from sorted(
            same,
            key=lambda other: (
                other.slot.id != one.slot.id,
                other.booking.referral in self.promises,
                abs(other.slot.start - one.slot.start),
                other.booking.id,
            ),
        )

    def _yield(self, other: Seated, waiting: list[str]) -> None:
        referral = other.booking.referral
        self._unit.end_booking(other.booking.id, BookingStatus.CANCELLED, YIELDED)
        if referral in self.promises:
            waiting.append(referral)
        else:
            self._yielded.append(Conflict(referral=referral, slot=other.slot.id, why=YIELDED))
