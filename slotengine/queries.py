"""The verbs that only ask. ``Engine`` adds those that change something."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from slotengine import explaining, offering, planning
from slotengine.answers import Event, Offer, Receipt
from slotengine.directory import Role
from slotengine.domain import Booking, Promise, Referral, Slot, TimeWindow
from slotengine.explanations import ChangeSearch, Explanation, SeatValue
from slotengine.policy import Policy
from slotengine.ports import Store
from slotengine.problem import Limits, Problem, TravelMatrix
from slotengine.seat_prices import PriceSet
from slotengine.transitions import UNPLACED

MAX_OFFERS = 20
"""Requesters see offers, never an agenda."""

TOP_SEATS = 5
"""Cells of which ``more_seats`` tells by default. Our choice: calls that a morning has room for."""


class Queries:
    """What a host may ask of a store; no answer changes anything."""

    def __init__(self, store: Store, *, travel: TravelMatrix | None = None) -> None:
        self._store = store
        self._travel = travel

    def policy(self, territory: str) -> Policy:
        """Gives the territory's present policy, or raises UnknownTerritoryError."""
        return self._store.read(lambda unit: unit.policy(territory))

    def territories(self) -> tuple[str, ...]:
        """Gives the names of the territories in the store."""
        return self._store.read(lambda unit: unit.territories())

    def referral(self, referral_id: str) -> Referral:
        """Gives one referral with its present state, or raises UnknownIdError."""
        return self._store.read(lambda unit: unit.stored_referral(referral_id).referral)

    def waiting(self, territory: str) -> tuple[Referral, ...]:
        """Gives the referrals that need a seat and have none."""
        return self._store.read(lambda unit: unit.referrals(territory, sorted(UNPLACED)))

    def offers(self, referral_id: str, *, now: datetime, limit: int = 3) -> list[Offer]:
        """
        Gives the best seats that may be had now, best first: ``limit`` at most, and ``MAX_OFFERS``.

        Those whose value is less than their cost and price are not offered, nor is what the plain
        reserve keeps where there are no prices. Offers differ from each other by
        ``Policy.offering``.
        """
        most = max(0, min(limit, MAX_OFFERS))
        return self._store.read(
            lambda unit: offering.offers(
                unit, referral_id, now=now, limit=most, matrix=self._travel
            ),
            now=now,
        )

    def booking(self, booking_id: str) -> Booking:
        """Gives one booking, or raises UnknownIdError."""
        return self._store.read(lambda unit: unit.booking(booking_id))

    def booking_of(self, referral_id: str, *, now: datetime) -> Booking | None:
        """Gives the referral's active booking; a hold that ran out is none."""
        return self._store.read(lambda unit: unit.booking_of(referral_id), now=now)

    def promise_of(self, referral_id: str) -> Promise | None:
        """Gives the latest promise to a referral, open or ended; None when there never was one."""
        return self._store.read(lambda unit: unit.promise_of(referral_id))

    def prices(self, territory: str) -> PriceSet | None:
        """
        Gives the territory's current seat prices, None when there never were any.

        They tell how much is expected: for coordinators only.
        """
        return self._store.read(lambda unit: unit.current_prices(territory))

    def slot(self, slot_id: str) -> Slot:
        """Gives one slot, whatever its state, or raises UnknownIdError."""
        return self._store.read(lambda unit: unit.slot(slot_id))

    def roles(self, practitioners: Sequence[str]) -> tuple[Role, ...]:
        """Gives what may be shown of these practitioners and their sites, in every territory."""
        return self._store.read(lambda unit: unit.roles(practitioners))

    def agenda(self, practitioner: str, window: TimeWindow) -> tuple[Slot, ...]:
        """Gives one practitioner's slots that start in the window, by start."""
        return self._store.read(lambda unit: unit.agenda(practitioner, window))

    def problem(
        self, territory: str, horizon: timedelta | None = None, *, now: datetime
    ) -> Problem:
        """Gives what ``plan`` would solve now, to replay, check or explain it."""
        return self._night(territory, horizon, now=now)[0]

    def _night(
        self, territory: str, horizon: timedelta | None, *, now: datetime
    ) -> tuple[Problem, tuple[Receipt, ...]]:
        return self._store.read(
            lambda unit: planning.load(
                unit, territory, now=now, horizon=horizon, matrix=self._travel
            ),
            now=now,
        )

    def explain(self, referral_id: str, *, now: datetime, breakdown: bool = False) -> Explanation:
        """
        Says why a referral has its seat, or none.

        Default: what a requester may read. ``breakdown`` adds the funnel of rules, the reasons and
        the runner-up, which tell of other patients' seats: for coordinators only.
        """
        return self._store.read(
            lambda unit: explaining.explain(
                unit, referral_id, now=now, breakdown=breakdown, matrix=self._travel
            ),
            now=now,
        )

    def smallest_change(
        self, referral_id: str, *, now: datetime, limits: Limits | None = None
    ) -> ChangeSearch:
        """
        Searches the smallest change with which the night as planned now would serve a referral.

        By video, farther, later, or one more seat; verified by solving with the change. It tells of
        other patients' seats: for coordinators only. Nothing is written.
        """
        territory = self.referral(referral_id).territory
        problem, left_out = self._night(territory, None, now=now)
        if any(one.id == referral_id for one in problem.referrals):
            return explaining.smallest_change(problem, referral_id, limits=limits or Limits())
        found = self.explain(referral_id, now=now, breakdown=True)
        reasons = next((one.reasons for one in left_out if one.referral == referral_id), ())
        return explaining.without_search(found, reasons)

    def more_seats(
        self,
        territory: str,
        horizon: timedelta | None = None,
        *,
        now: datetime,
        top: int = TOP_SEATS,
        limits: Limits | None = None,
    ) -> tuple[SeatValue, ...]:
        """
        Gives where one more seat would bring most to the night as planned now, best first.

        By half-day, profession and commune; each gain is that of a plan solved with the seat. For
        coordinators. Nothing is written.
        """
        problem, _ = self._night(territory, horizon, now=now)
        return explaining.more_seats(problem, top=top, limits=limits or Limits())

    def events(self, after: str | None = None, limit: int = 1000) -> tuple[Event, ...]:
        """Gives state changes after a cursor, in order, at least once, ids only."""
        return self._store.read(lambda unit: unit.events(after, limit))
