"""
What a counter may do, in plain Python: read off the documents, with no line of the engine's.

The database is looked at before and after each verb. What changed must be what the verb says that
it does, and what anybody may read in docs/rules.md; everybody else must be as they were.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from slotengine import tables
from slotengine.answers import Event
from slotengine.domain import Referral

SEATED = {"promised": "promised", "held": "held", "confirmed": "booked"}
"""Statuses that have a seat, and where the referral stands then."""
PAST_THE_DOOR = timedelta(minutes=10)
"""``Policy.notice``: nobody is given a seat that starts sooner."""
AT_THE_COUNTER = timedelta(minutes=5)
"""``Policy.hold_for``."""
TO_ANSWER = timedelta(minutes=15)
"""``Policy.refill.hold_for``."""
TOLD_AHEAD = timedelta(hours=1)
"""``Policy.promises.notice``."""
GIVEN_BACK_AHEAD = timedelta(minutes=30)
"""``Policy.handback.before`` of these tests."""

METRES = {"s1": 0, "s2": 6_668}
"""Road metres from the town: 5,000 by air times 1.1 + 0.3 * exp(-0.25)."""
MINUTES = {"s1": 0, "s2": 9}
"""At 45 km/h, rounded up."""
YOUNGEST = {"d3": 50}
"""Whom doctors see from which age on."""
MOST_A_DAY = {"d1": 3}

MOVERS = frozenset({"hold", "place", "promise", "withdraw", "amend", "plan"})
"""Verbs by which somebody else's promise may move."""
ASKERS = frozenset({"refill", "tend", "cancel", "cancel_referral", "amend"})
"""Verbs by which a seat is held for somebody who waits."""
TELLERS = frozenset({"announce", "tend"})
"""Verbs that tell the hour of what was promised."""
REGULATORS = "regulators"
"""In the id of a slot that a pharmacy is never given."""


class Row(NamedTuple):
    """A booking as it is stored."""

    id: str
    referral: str
    slot: str
    seat: int
    status: str
    held_until: datetime | None
    told: bool
    patient: str
    practitioner: str
    start: datetime
    end: datetime

    def alive(self, now: datetime) -> bool:
        return self.status in SEATED and (self.status != "held" or _after(self.held_until, now))

    @property
    def movable(self) -> bool:
        return self.status == "promised" and not self.told


def _after(instant: datetime | None, now: datetime) -> bool:
    return instant is not None and instant > now


class Place(NamedTuple):
    """A slot as it is stored."""

    id: str
    practitioner: str
    site: str
    start: datetime
    end: datetime
    seats: int
    state: str
    version: int


class Word(NamedTuple):
    """A promise as it is stored."""

    before: datetime
    metres: int
    notice: timedelta
    state: str


class View(NamedTuple):
    """All that is stored, at one instant."""

    now: datetime
    rows: Mapping[str, Row]
    places: Mapping[str, Place]
    words: Mapping[str, Word]
    states: Mapping[str, str]

    def at(self, now: datetime) -> "View":
        return self._replace(now=now)

    @property
    def seated(self) -> dict[str, Row]:
        """Who has a seat, by referral; a hold that ran out is none."""
        return {row.referral: row for row in self.rows.values() if row.alive(self.now)}

    def on(self, slot: str) -> list[Row]:
        return [row for row in self.seated.values() if row.slot == slot]

    def room(self, slot: str) -> int:
        place = self.places[slot]
        return place.seats - len(self.on(slot)) if place.state == "open" else 0

    def given(self, practitioner: str) -> int:
        """How many bookings count on a practitioner's day: what stands and what took place."""
        return sum(
            row.practitioner == practitioner
            and (row.alive(self.now) or row.status in {"fulfilled", "noshow"})
            for row in self.rows.values()
        )


def seen(connection: Connection, now: datetime) -> View:
    """Reads everything by SQL."""
    booking, slot, promise = tables.booking.c, tables.slot.c, tables.promise.c
    rows = connection.execute(
        select(
            booking.id, booking.referral_id, booking.slot_id, booking.seat, booking.status,
            booking.held_until, booking.told_at.is_not(None), booking.patient_key,
            booking.practitioner, booking.starts_at, booking.ends_at,
        )
    )  # fmt: skip
    places = connection.execute(
        select(
            slot.id, slot.practitioner, slot.site, slot.starts_at, slot.ends_at,
            slot.capacity + slot.extra_capacity, slot.state, slot.version,
        )
    )  # fmt: skip
    words = connection.execute(
        select(
            promise.referral_id, promise.before_at, promise.within_metres,
            promise.notice_microseconds, promise.state,
        )
    )  # fmt: skip
    states = connection.execute(select(tables.referral.c.id, tables.referral.c.state))
    return View(
        now,
        {row[0]: Row(*row[:6], bool(row[6]), *row[7:]) for row in rows},
        {place[0]: Place(*place) for place in places},
        {
            who: Word(before, metres, timedelta(microseconds=notice), state)
            for who, before, metres, notice, state in words
        },
        {who: state for who, state in states},  # noqa: C416 - rows are no pairs for mypy
    )


def fits(asked: Referral, place: Place, now: datetime) -> bool:
    """Tells by docs/rules.md whether a slot could ever be this referral's, whoever sits there."""
    assert asked.deadline is not None
    assert asked.max_travel_metres is not None
    age = asked.patient.age or 0
    travel = timedelta(minutes=MINUTES[place.site])
    return (
        age >= YOUNGEST.get(place.practitioner, 0)
        and REGULATORS not in place.id
        and place.start <= asked.deadline
        and METRES[place.site] <= asked.max_travel_metres
        and now + PAST_THE_DOOR + travel <= place.start
    )


def in_the_way(asked: Referral, place: Place, view: View) -> bool:
    """Tells whether its patient is elsewhere then, or its practitioner's day is full."""
    others = [row for who, row in view.seated.items() if who != asked.id]
    mine = [row for row in others if row.patient == asked.patient.key]
    elsewhere = any(row.start < place.end and place.start < row.end for row in mine)
    own = view.seated.get(asked.id)
    used = view.given(place.practitioner) - (
        own is not None and own.practitioner == place.practitioner
    )
    return elsewhere or used >= MOST_A_DAY.get(place.practitioner, used + 1)


def free_for(asked: Referral, view: View, *, ahead: timedelta = timedelta(0)) -> list[str]:
    """Gives the slots of which a referral could have a seat that nobody sits on."""
    return [
        place.id
        for place in view.places.values()
        if view.room(place.id) > 0
        and fits(asked, place, view.now)
        and place.start >= view.now + ahead
        and not in_the_way(asked, place, view)
    ]


class Step(NamedTuple):
    """One verb: whom it was asked for, what was stored before and after it, and what it said."""

    verb: str
    subjects: Collection[str]
    before: View
    after: View
    events: Sequence[Event]
    turned_down: Collection[tuple[str, str]]

    def told(self, kind: str, referral: str) -> bool:
        return any(
            event.kind.startswith(kind) and event.referral == referral for event in self.events
        )

    def judged(self, asked: Mapping[str, Referral]) -> None:
        """Asserts that whoever was not asked for is as before, or as this verb may leave them."""
        old, new = self.before.seated, self.after.seated
        for who, referral in asked.items():
            was, now_is = old.get(who), new.get(who)
            self._promise_ended_rightly(who, now_is)
            if who in self.subjects or _same(was, now_is):
                continue
            allowed = self._allowed(was, now_is)
            assert allowed is not None, f"{self.verb} made {now_is} of {was}"
            allowed(referral, was, now_is)

    def _allowed(
        self, was: Row | None, now_is: Row | None
    ) -> Callable[[Referral, Row | None, Row | None], None] | None:
        """Gives what is to be asserted of a change, None where the verb may not make it."""
        planned = self.verb == "plan"
        if was is None:
            status = None if now_is is None else now_is.status
            asked = self._asked_in_turn if self.verb in ASKERS and status == "held" else None
            return self._planned if planned and status == "promised" else asked
        promised = _is_open(self.before.words.get(was.referral))
        found: Callable[[Referral, Row | None, Row | None], None] | None = None
        if was.status != "promised":
            found = None
        elif now_is is None:
            if not was.movable:
                found = self._broken if promised and self.verb in TELLERS else None
            elif planned and not promised:
                found = _nothing
            elif promised and (planned or self.verb in TELLERS):
                found = self._broken
        elif was.movable and now_is.movable and self.verb in MOVERS and (promised or planned):
            found = self._planned
        elif now_is.status == "held" and promised and self.verb == "tend":
            found = self._asked_once_broken
        elif now_is.status == "confirmed" and now_is.told and promised and self.verb in TELLERS:
            found = self._announced
        return found

    def _asked_in_turn(self, asked: Referral, _was: Row | None, now_is: Row | None) -> None:
        """A seat held for somebody who waits, who never turned that slot down."""
        assert now_is is not None
        now, place = self.after.now, self.after.places[now_is.slot]
        assert fits(asked, place, now)
        assert now_is.held_until == min(now + TO_ANSWER, place.start - PAST_THE_DOOR)
        assert (asked.id, place.id) not in self.turned_down
        state = self.before.states[asked.id]
        waited = asked.received_at + AT_THE_COUNTER <= now
        assert state != "received" or waited
        assert self.told("waitlist.offered", asked.id)

    def _planned(self, asked: Referral, was: Row | None, now_is: Row | None) -> None:
        """A seat that is the referral's to have, and keeps what it was promised."""
        assert now_is is not None
        place = self.after.places[now_is.slot]
        if was is None or was.slot != now_is.slot:
            assert fits(asked, place, self.after.now)
            word = self.after.words.get(asked.id)
            if word is not None and _is_open(word):
                assert place.start - word.notice >= self.after.now

    def _broken(self, asked: Referral, _was: Row | None, _now_is: Row | None) -> None:
        assert self.after.words[asked.id].state == "broken"

    def _asked_once_broken(self, asked: Referral, was: Row | None, now_is: Row | None) -> None:
        """Whose promise was broken comes first: another free seat is held for them at once."""
        self._broken(asked, was, now_is)
        self._asked_in_turn(asked, None, now_is)

    def _announced(self, asked: Referral, was: Row | None, now_is: Row | None) -> None:
        """The hour is told where the seat was, when it is due and not before."""
        assert was is not None
        assert now_is is not None
        assert (was.id, was.slot, was.seat) == (now_is.id, now_is.slot, now_is.seat)
        assert was.start - self.before.words[asked.id].notice <= self.after.now < was.start
        assert self.told("promise.announced", asked.id)

    def _promise_ended_rightly(self, who: str, now_is: Row | None) -> None:
        was, word = self.before.words.get(who), self.after.words.get(who)
        if word is None:
            assert was is None
            return
        if not _is_open(was):
            assert word == was or (who in self.subjects and _is_open(word)) or self._at_once(who)
            return
        assert was is not None
        if _is_open(word):
            assert word == was or (self.verb == "amend" and who in self.subjects)
        elif word.state == "kept":
            assert now_is is not None
            assert now_is.status == "confirmed"
        elif word.state == "given_up":
            assert who in self.subjects
            assert self.verb in {"cancel", "amend", "cancel_referral"}
        else:
            assert word.state == "broken"
            assert self.verb in {"withdraw", "plan", *TELLERS}
            assert self.told("incident.", who)

    def _at_once(self, who: str) -> bool:
        """Tells whether a promise was made and confirmed by one verb for this very referral."""
        return who in self.subjects and self.verb in {"place", "promise"}


def _nothing(_asked: Referral, _was: Row | None, _now_is: Row | None) -> None:
    """Nobody was told or promised anything."""


def _is_open(word: Word | None) -> bool:
    return word is not None and word.state == "open"


def _same(was: Row | None, now_is: Row | None) -> bool:
    if was is None or now_is is None:
        return was is now_is
    # A locum takes the booking along: whom the patient sees is looked at apart.
    return was._replace(practitioner="") == now_is._replace(practitioner="")
