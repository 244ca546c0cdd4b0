"""Any agendas one after another, with bookings in between: nobody is ever moved silently."""

from datetime import timedelta
from typing import Any

from builders import NOW, referral, slot
from counter import counter
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.adapters.agenda import Agenda
from slotengine.codes import SlotState
from slotengine.domain import Slot, TimeWindow
from slotengine.store import SqlStore

WINDOW = TimeWindow(start=NOW, end=NOW + timedelta(days=2))
NAMES = "abcd"

_HOURS = st.dictionaries(
    st.sampled_from(NAMES), st.tuples(st.integers(2, 12), st.integers(1, 2)), max_size=len(NAMES)
)
_STEPS = st.lists(_HOURS | st.just("book") | st.just("cancel"), min_size=2, max_size=7)


def listed(hours: dict[str, tuple[int, int]]) -> dict[str, Slot]:
    """Slots of half an hour at the full and half hours of the day, none over another."""
    free: dict[int, Slot] = {}
    for name, (half, seats) in sorted(hours.items()):
        free.setdefault(
            half,
            slot(f"cabinet:{name}", after_minutes=30 * half, minutes=30, capacity=seats),
        )
    return {one.id: one for one in free.values()}


@settings(deadline=None, derandomize=True, max_examples=40)
@given(_STEPS)
def test_every_booking_stands_on_an_open_slot_of_the_last_agenda_or_became_an_incident(
    steps: list[Any],
) -> None:
    store = SqlStore.open("sqlite://")
    engine = counter(store, slot("other", after_minutes=2000, practitioner="d2"))
    said: dict[str, Slot] = {}
    bookings: dict[str, Slot] = {}
    try:
        for number, step in enumerate(steps):
            now = NOW + timedelta(seconds=number)
            if step == "book":
                found = engine.place(referral(str(number)), now=now, confirm=True).booking
                if found is not None and found.slot.startswith("cabinet:"):
                    bookings[found.id] = said[found.slot.partition("~")[0]]
            elif step == "cancel" and bookings:
                first = min(bookings)
                engine.cancel(first, reason="test", now=now)
                del bookings[first]
            elif isinstance(step, dict):
                said = listed(step)
                given_ = {"territory": "giennois", "window": WINDOW, "now": now}
                agenda = Agenda(name="cabinet", slots=tuple(said.values()))
                report = engine.reconcile(agenda, **given_, allow_withdrawals=True)
                for incident in report.incidents:
                    # Whoever lost a seat is named, and whoever is named lost it for a reason.
                    lost = bookings.pop(incident.lost.id)
                    again = said.get(incident.lost.slot.partition("~")[0])
                    assert again is None or (again.start, again.end) != (lost.start, lost.end)
                    if incident.replacement is not None:
                        base = incident.replacement.slot.partition("~")[0]
                        if base in said:
                            bookings[incident.replacement.id] = said[base]
                events = engine.events(limit=100_000)
                again_ = engine.reconcile(agenda, **given_, allow_withdrawals=True)
                assert (again_.created, again_.changed, again_.withdrawn) == (0, 0, ())
                assert engine.events(limit=100_000) == events
            standing = {one.id: one for one in engine.agenda("d1", WINDOW)}
            for id_, promised in bookings.items():
                held = standing[engine.booking(id_).slot]
                assert held.state is SlotState.OPEN
                assert (held.start, held.end) == (promised.start, promised.end)
                assert said[held.id.partition("~")[0]].start == held.start
            still = {one.id.partition("~")[0] for one in standing.values()
                     if one.state is SlotState.OPEN}  # fmt: skip
            assert still == set(said)
    finally:
        engine.dispose()
