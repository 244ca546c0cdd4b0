"""The verbs that look after a territory between referrals. ``Engine`` adds the desk's own."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from slotengine import (
    delivering,
    handing_back,
    reconciling,
    replacing,
    repricing,
    tending,
    waitlist,
)
from slotengine.adapters.agenda import Agenda
from slotengine.answers import (
    Announced,
    DeliveryReport,
    HandedBack,
    Refilled,
    ReplaceReport,
    TendReport,
    WaitingEntry,
)
from slotengine.destinations import Delivery, Outgoing
from slotengine.domain import Actor, TimeWindow
from slotengine.ports import Unit
from slotengine.queries import Queries
from slotengine.reconciling import AgendaReport
from slotengine.seat_prices import PriceSet


class Upkeep(Queries):
    """What time and other people's changes ask for; ``tend`` does all of it that is due."""

    def reprice(
        self, territory: str, *, now: datetime, seed: int = 0, actor: Actor | None = None
    ) -> PriceSet | None:
        """
        Computes what each free seat is worth to those who come later, and makes it count.

        Sampled and solved outside any transaction. None where the Policy wants no prices. The
        chance of a seat of everybody who waits comes with it and is noted, so that chances stated
        later are corrected by what became of these.
        """
        found = repricing.reprice(
            self._store, territory, now=now, seed=seed, matrix=self._travel, actor=actor
        )
        if found is None:
            return None
        self._store.write(
            lambda unit: waitlist.note_chances(unit, territory, found.served, now=now),
            now=now,
            actor=actor,
        )
        return found.prices

    def waitlist(
        self, territory: str, *, now: datetime, seed: int = 0, actor: Actor | None = None
    ) -> tuple[WaitingEntry, ...]:
        """
        Gives those who wait, in the order of the line, with the chance of a seat in time.

        The chance is the share of sampled futures in which they get one, corrected by what became
        of chances noted earlier; it is noted too, once a referral. None where the Policy wants no
        prices, and for a group, whose members need seats together.
        """
        served = self._served(territory, now=now, seed=seed)
        return self._store.write(
            lambda unit: waitlist.entries(unit, territory, served, now=now), now=now, actor=actor
        )

    def reconcile(
        self,
        agenda: Agenda,
        *,
        territory: str,
        window: TimeWindow,
        now: datetime,
        allow_withdrawals: bool = False,
        actor: Actor | None = None,
    ) -> AgendaReport:
        """
        Takes over an agenda: publishes what is new or changed, withdraws what vanished from it.

        Only slots that start in the window and have not begun, and only those of this agenda.
        Patients on a slot that vanished or moved are incidents and are seated again. An agenda that
        was not read to its end, or half of which vanished, is refused unless
        ``allow_withdrawals``: the report says so and nothing is written.

        Raises
        ------
        UnknownTerritoryError
            When the territory has no policy yet.
        InputError
            When a slot is of another territory or does not bear the agenda's name.
        """
        return self._store.write(
            lambda unit: reconciling.reconcile(
                unit,
                agenda,
                territory=territory,
                window=window,
                now=now,
                matrix=self._travel,
                allow_withdrawals=allow_withdrawals,
            ),
            now=now,
            actor=actor,
        )

    def _served(self, territory: str, *, now: datetime, seed: int) -> dict[str, float]:
        if not self.policy(territory).pricing.enabled:
            return {}
        market = self._store.read(
            lambda unit: repricing.load_market(unit, territory, now=now, matrix=self._travel),
            now=now,
        )
        return dict(repricing.price_set(market, now=now, seed=seed).served)

    def refill(
        self, territory: str, *, now: datetime, actor: Actor | None = None
    ) -> tuple[Refilled, ...]:
        """
        Holds free seats for those who wait: one seat each, for ``Policy.refill.hold_for``.

        Outside opening hours nobody is asked.
        """

        def work(unit: Unit) -> tuple[Refilled, ...]:
            tending.expire(unit, territory)
            return waitlist.refill(unit, territory, now=now, matrix=self._travel)

        return self._store.write(work, now=now, actor=actor)

    def hand_back(
        self, territory: str, *, now: datetime, actor: Actor | None = None
    ) -> tuple[HandedBack, ...]:
        """Gives empty seats back whose hour is near, or that are worth more to the practice."""

        def work(unit: Unit) -> tuple[HandedBack, ...]:
            tending.expire(unit, territory)
            return handing_back.hand_back(unit, territory, now=now)

        return self._store.write(work, now=now, actor=actor)

    def replace(
        self,
        practitioner: str,
        by: str,
        window: TimeWindow,
        *,
        now: datetime,
        actor: Actor | None = None,
    ) -> ReplaceReport:
        """
        Gives a practitioner's open slots that start in the window to a locum; bookings stay.

        A slot stays where it is, with its reason, when the locum has another profession, another
        slot then, no room, or could not see a patient who is booked on it.

        Raises
        ------
        InputError
            When somebody would replace themselves.
        """
        return self._store.write(
            lambda unit: replacing.replace(
                unit, practitioner, by, window, now=now, matrix=self._travel
            ),
            now=now,
            actor=actor,
        )

    def announce(
        self, territory: str, *, now: datetime, actor: Actor | None = None
    ) -> tuple[Announced, ...]:
        """Fixes promised seats whose hour is to be told by now; the host tells the patients."""

        def work(unit: Unit) -> tuple[Announced, ...]:
            tending.expire(unit, territory)
            return tending.announce(unit, territory, now=now)

        return self._store.write(work, now=now, actor=actor)

    def tend(self, territory: str, *, now: datetime, actor: Actor | None = None) -> TendReport:
        """
        Does all that time made due: expire, announce, refill, hand back, reprice, in this order.

        Each step is a transaction of its own. When one fails the others are still tried, then its
        error is raised; what the others did stands in the events. Promises come before everything
        that could take a seat.
        """
        steps = tending.Steps()
        expired = steps.tried(
            "expire",
            lambda: self._store.write(
                lambda unit: tending.expire(unit, territory), now=now, actor=actor
            ),
        )
        announced = steps.tried("announce", lambda: self.announce(territory, now=now, actor=actor))
        refilled = steps.tried("refill", lambda: self.refill(territory, now=now, actor=actor))
        back = steps.tried("hand back", lambda: self.hand_back(territory, now=now, actor=actor))
        priced = steps.tried("reprice", lambda: self._reprice_if_due(territory, now, actor))
        steps.end()
        return TendReport(
            expired=expired or (),
            announced=announced or (),
            refilled=refilled or (),
            handed_back=back or (),
            repriced=None if priced is None else priced.id,
        )

    def _reprice_if_due(
        self, territory: str, now: datetime, actor: Actor | None
    ) -> PriceSet | None:
        due = self._store.read(lambda unit: tending.prices_due(unit, territory, now=now), now=now)
        return self.reprice(territory, now=now, actor=actor) if due else None

    # --- messages to others ---

    def deliver(
        self,
        channels: Mapping[str, delivering.Channel],
        *,
        now: datetime,
        limit: int = 100,
        actor: Actor | None = None,
    ) -> DeliveryReport:
        """
        Sends the messages of the outbox that are due, to the destinations that have a channel.

        What the other side does not take is tried again later, at growing intervals, then marked
        as stuck; nothing is dropped. May run in several processes at once.
        """
        return delivering.deliver(self._store, channels, now=now, limit=limit, actor=actor)

    def outbox(
        self,
        territory: str | None = None,
        *,
        states: Sequence[Delivery] = (Delivery.PENDING, Delivery.STUCK),
        limit: int = 1_000,
    ) -> tuple[Outgoing, ...]:
        """Gives the newest messages that are not sent yet (or of other states), oldest first."""
        return self._store.read(lambda unit: unit.messages(territory, states, limit))

    def resend(self, message_id: int, *, now: datetime, actor: Actor | None = None) -> Outgoing:
        """
        Makes a stuck message due again.

        Raises
        ------
        UnknownIdError
            When there is no such message.
        TransitionError
            When it was sent.
        """
        return self._store.write(lambda unit: unit.rearm_message(message_id), now=now, actor=actor)
