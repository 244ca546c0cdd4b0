"""Any agendas one after another, with bookings in between: nobody is ever moved silently."""

from datetime import datetime, timedelta
from typing import Any

from builders import NOW, referral, slot
from counter import counter
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from slotengine.adapters.agenda import Agenda
from slotengine.codes import SlotState
from slotengine.domain import Slot, TimeWindow
from slotengine.engine import Engine
from slotengine.store import SqlStore

WINDOW = TimeWindow(start=NOW, end=NOW + timedelta(days=2))
NAMES = "abcd"

NO_SHRINKING = (Phase.explicit, Phase.generate)
"""A sequence is short as it is, and making it shorter takes minutes."""

_HOURS = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.integers(2, 12), st.integers(1, 2)), max_size=len(NAMES)
)
_FULL = st.fixed_dictionaries({name: st.tuples(st.integers(2, 12), st.just(2)) for name in NAMES})
_MORE = st.lists(_HOURS | _FULL | st.just("book") | st.just("cancel"), min_size=1, max_size=5)
_STEPS = st.tuples(_FULL, _MORE).map(lambda drawn: [drawn[0], "book", "book", *drawn[1]])


def listed(hours: dict[str, tuple[int, int]]) -> dict[str, Slot]:
    """Slots of half an hour at the full and half hours of the day, none over another."""
    free: dict[int, Slot] = {}
    for name, (half, seats) in sorted(hours.items()):
        free.setdefault(
            half,
            slot(f"cabinet:{name}", after_minutes=30 * half, minutes=30, capacity=seats),
        )
    return {one.id: one for one in free.values()}


def standing(store: SqlStore, engine: Engine, now: datetime) -> dict[str, Slot]:
    """Gives the slot under each active booking on a slot of the agenda."""
    slots = {one.id: one for one in engine.agenda("d1", WINDOW)}
    active = store.read(lambda unit: unit.active_bookings(sorted(slots)), now=now)
    return {one.id: slots[one.slot] for one in active}


def base(slot_id: str) -> str:
    return slot_id.partition("~")[0]


@settings(deadline=None, derandomize=True, max_examples=12, phases=NO_SHRINKING)
@given(_STEPS)
def test_every_booking_stands_on_an_open_slot_of_the_last_agenda_or_became_an_incident(
    steps: list[Any],
) -> None:
    store = SqlStore.open("sqlite://")
    engine = counter(store, slot("other", after_minutes=2000, practitioner="d2"))
    said: dict[str, Slot] = {}
    for number, step in enumerate(steps):
        now = NOW + timedelta(seconds=number)
        before = standing(store, engine, now)
        if step == "book":
            engine.place(referral(str(number)), now=now, confirm=True)
        elif step == "cancel":
            for booking in sorted(before)[:1]:
                engine.cancel(booking, reason="test", now=now)
        else:
            said = listed(step)
            given_ = {"territory": "giennois", "window": WINDOW, "now": now}
            agenda = Agenda(name="cabinet", slots=tuple(said.values()))
            report = engine.reconcile(agenda, **given_, allow_withdrawals=True)
            after = standing(store, engine, now)
            lost = {one.lost.id for one in report.incidents}
            # Whoever lost a seat is named; whoever kept it has the same hour at the same place.
            assert before.keys() - after.keys() == lost
            for id_ in before.keys() & after.keys():
                assert when(before[id_]) == when(after[id_])
            for id_ in lost:
                listed_now = said.get(base(before[id_].id))
                assert listed_now is None or when(listed_now) != when(before[id_])
            found = {one.replacement.id for one in report.incidents if one.replacement}
            assert after.keys() - before.keys() <= found
            events = engine.events(limit=100_000)
            again = engine.reconcile(agenda, **given_, allow_withdrawals=True)
            assert (again.created, again.changed, again.withdrawn) == (0, 0, ())
            assert engine.events(limit=100_000) == events
        for under in standing(store, engine, now).values():
            assert under.state is SlotState.OPEN
            assert when(said[base(under.id)]) == when(under)
        open_now = {
            base(one.id) for one in engine.agenda("d1", WINDOW) if one.state is SlotState.OPEN
        }
        assert open_now == set(said)
    engine.dispose()


def when(one: Slot) -> tuple[datetime, datetime, str, str]:
    return one.start, one.end, one.site, one.practitioner
