"""The small world of the counter's state machine: a verb is run and looked at from all sides."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TypeVar

import counter_model as model
from builders import NOW, TOWN, north_of, patient, policy, practitioner, referral, site, slot
from counter_model import Row, Step, View, fits, seen
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from sqlalchemy import Connection, text

from slotengine import tables
from slotengine.answers import Offer
from slotengine.codes import Audience, Priority
from slotengine.counter_rules import Commune, Handback, Pricing, PromiseRules
from slotengine.domain import Referral
from slotengine.engine import Engine
from slotengine.errors import SlotEngineError
from slotengine.store import SqlStore

T = TypeVar("T")

PEOPLE = 5
REFERENCES = 6
"""The last one is of the first one's patient."""
RED_FLAG = 4
"""The reference that is graded stat by a pharmacy: refused with "call 15"."""
DOCTORS = ("d1", "d2", "d3")
SITES = {"d1": "s1", "d2": "s2", "d3": "s1"}
AGES = (40, 60)
FIRST = (("d1", 6), ("d1", 10), ("d1", 22), ("d2", 3), ("d2", 8), ("d3", 12))
"""
Doctor, and quarters of an hour from the start. As many seats as needs, so that some are lost; one
so soon that its hour can't be told ahead.
"""
QUARTER = 15
PRIORITIES = (Priority.ROUTINE, Priority.URGENT, Priority.ASAP)
HOURS = (3, 6, 12)
priorities = st.sampled_from(PRIORITIES)
hours = st.sampled_from(HOURS)
references = st.integers(0, REFERENCES - 1)
any_number = st.integers(0, 60)
PRICED = Pricing(futures=2, horizon=timedelta(hours=12))
INHABITANTS = 30_000


def emptied(store: SqlStore) -> None:
    """Empties a database: far faster than a new one for each example, and than compiling anew."""
    names = [table.name for table in reversed(tables.metadata.sorted_tables)]
    in_one = f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"
    one_by_one = [f"DELETE FROM {name}" for name in names]

    def work(connection: Connection) -> None:
        for statement in [in_one] if connection.dialect.name == "postgresql" else one_by_one:
            connection.execute(text(statement))

    store.write(lambda unit: work(unit._connection), now=NOW)  # type: ignore[attr-defined] # behind the port


class World(RuleBasedStateMachine):
    """
    Three doctors, a handful of slots, six referrals of five patients, a clock that goes forward.

    It begins by emptying the database. ``idle`` is where a referral without a seat stands,
    ``seats`` how many a slot must have, ``gone`` how slots ended.
    """

    def __init__(self, store: SqlStore) -> None:
        super().__init__()
        emptied(store)
        self.store = store
        self.engine = Engine(store)
        self.now = NOW
        self.asked: dict[str, Referral] = {}
        self.idle: dict[str, str] = {}
        self.seats: dict[str, int] = {}
        self.gone: dict[str, str] = {}
        self.turned_down: set[tuple[str, str]] = set()
        self.offered: list[Offer] = []
        self.cursor: str | None = None
        self.view = View(NOW, {}, {}, {}, {})
        self.priced = False

    @initialize(
        priced=st.booleans(),
        promised=st.sampled_from((1, 2)),
        first=st.lists(st.tuples(priorities, hours), min_size=3, max_size=REFERENCES),
    )
    def opened(self, *, priced: bool, promised: int, first: list[tuple[Priority, int]]) -> None:
        """A day that has begun: most of the needs are there, most of the seats are taken."""
        self.priced = priced
        self.engine.set_policy(
            policy(
                pricing=PRICED if priced else Pricing(enabled=False),
                communes=(Commune(insee="44114", inhabitants=INHABITANTS, location=TOWN),),
                promises=PromiseRules(priorities=(Priority.ROUTINE, Priority.URGENT)[:promised]),
                handback=Handback(before=model.GIVEN_BACK_AHEAD),
            ),
            now=NOW,
        )
        self.engine.publish(
            "giennois",
            practitioners=[
                practitioner("d1", max_bookings_per_day=model.MOST_A_DAY["d1"]),
                practitioner("d2"),
                practitioner("d3", min_age=model.YOUNGEST["d3"]),
            ],
            sites=[site("s1"), site("s2", location=north_of(TOWN, 5_000))],
            now=NOW,
        )
        for who, quarter in FIRST:
            self.published(who, quarter, 0, for_regulators=False)
        for number, (priority, due) in enumerate(first):
            self.placed(number, priority, due, firm=False)

    def placed(self, number: int, priority: Priority, due: int, *, firm: bool) -> None:
        """Places a need, and judges the answer."""
        raise NotImplementedError

    def look(self) -> View:
        return self.store.read(lambda unit: seen(unit._connection, self.now), now=self.now)  # type: ignore[attr-defined] # a look behind the port

    def does(self, verb: str, work: Callable[[], T], *subjects: str) -> tuple[T, Step]:
        """Runs a verb; a refusal leaves everything as it was, what succeeds harms nobody."""
        before = self.view.at(self.now)
        try:
            outcome = work()
        except SlotEngineError:
            assert self.look() == before, f"a refused {verb} has changed something"
            assert not self.engine.events(self.cursor)
            raise
        return outcome, self.happened(verb, subjects, before)

    def happened(self, verb: str, subjects: Collection[str], before: View) -> Step:
        """Looks at what a verb did, and keeps the books."""
        events = self.engine.events(self.cursor)
        if events:
            self.cursor = events[-1].cursor
        self.view = self.look()
        step = Step(verb, subjects, before, self.view, events, frozenset(self.turned_down))
        step.judged(self.asked)
        for row in self.view.rows.values():
            ran_out = row.status == "expired" or (row.status == "held" and not row.alive(self.now))
            if ran_out:
                self.turned_down.add((row.referral, row.slot))
            if self.idle[row.referral] == "received":
                self.idle[row.referral] = "waiting"
        return step

    def request(self, number: int, priority: Priority, hours: int) -> Referral:
        """Gives a need; a reference keeps what it asks, which only an amendment may change."""
        known = self.known(number)
        if known is not None:
            return known
        who = number % PEOPLE
        made = referral(
            str(number),
            patient=patient(f"patient {who}", age=AGES[who % len(AGES)]),
            priority=Priority.STAT if number == RED_FLAG else priority,
            received_at=self.now,
            deadline=self.now + timedelta(hours=hours),
        )
        self.asked[made.id] = made
        self.idle[made.id] = "unknown"
        return made

    def known(self, number: int) -> Referral | None:
        return next((one for one in self.asked.values() if one.reference == str(number)), None)

    def received(self, asked: Referral) -> None:
        """Notes that a referral came in."""
        if self.idle[asked.id] == "unknown":
            self.idle[asked.id] = "refused" if asked.reference == str(RED_FLAG) else "received"

    def forgotten(self, asked: Referral) -> None:
        """Takes a need out of the books that was refused at the door."""
        if self.idle[asked.id] == "unknown":
            del self.asked[asked.id], self.idle[asked.id]

    def row(self, number: int) -> Row | None:
        """Gives any booking there ever was."""
        rows = sorted(self.view.rows.values())
        return rows[number % len(rows)] if rows else None

    def needs_met(self, asked: Referral) -> bool:
        """Tells whether the patient has a seat by another referral of the same need."""
        seated = self.view.at(self.now).seated
        return any(
            other.id != asked.id
            and other.patient.key == asked.patient.key
            and other.id in seated
            and other.deadline is not None
            and asked.deadline is not None
            and other.deadline >= asked.received_at
            and asked.deadline >= other.received_at
            for other in self.asked.values()
        )

    def stands(self, who: str) -> str:
        """Gives the one state that a referral is in."""
        row = self.view.seated.get(who)
        if row is not None:
            return model.SEATED[row.status]
        return self.idle[who]

    def is_a_good_seat(self, asked: Referral, slot_id: str) -> None:
        place = self.view.places[slot_id]
        assert fits(asked, place, self.now)
        if self.has_open_promise(asked.id):
            assert place.start - model.TOLD_AHEAD >= self.now

    def has_open_promise(self, who: str) -> bool:
        word = self.view.words.get(who)
        return word is not None and word.state == "open"

    def waits(self, who: str) -> None:
        if self.idle[who] == "received":
            self.idle[who] = "waiting"

    def published(self, who: str, quarter: int, extra: int, *, for_regulators: bool) -> None:
        made = slot(
            f"{who}-{quarter}{model.REGULATORS if for_regulators else ''}",
            after_minutes=quarter * QUARTER,
            practitioner=who,
            site=SITES[who],
            extra_capacity=extra,
            audiences=(Audience.SNP,) if for_regulators else (Audience.CPTS,),
        )
        before = self.view.at(self.now)
        report, step = self.does(
            "publish", lambda: self.engine.publish("giennois", slots=[made], now=self.now)
        )
        assert step.after.seated == before.seated
        old = before.places.get(made.id)
        overlaps = any(
            place.practitioner == who
            and place.state == "open"
            and place.id != made.id
            and place.start < made.end
            and made.start < place.end
            for place in before.places.values()
        )
        if old is None:
            assert (report.created, len(report.rejected)) == ((0, 1) if overlaps else (1, 0))
        if report.created:
            self.seats[made.id] = made.seats
        elif report.changed:
            assert old is not None
            self.seats[made.id] = step.after.places[made.id].seats
            assert self.seats[made.id] <= made.seats
