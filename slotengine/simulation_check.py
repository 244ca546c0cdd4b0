"""
The independent check of a run, in plain Python: was every step of the ledger allowed?

It reads nouns and instants, asks the rules of the plan's validator
(``slotengine.solver.check_rules``), and shares no code with clerk, arcs or costs.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from slotengine.domain import Referral, Slot, by_id
from slotengine.problem import Problem, Violation
from slotengine.simulation_clerk import Entry
from slotengine.simulation_run import Run
from slotengine.solver.check_figures import Figures
from slotengine.solver.check_rules import Rules

MINUTE = timedelta(minutes=1)


def violations(run: Run) -> list[Violation]:
    """
    Gives everything in a run that the world does not allow; nothing when it is sound.

    A seat given twice, a referral seated twice, a step before the referral or the slot was known,
    a rule broken, a promise moved too late, outside its terms, or dropped, and an end that is not
    what the ledger says.
    """
    return _Replay(run).found()


def plain_value(run: Run) -> int:
    """Gives value less cost of those who came, added up a second time from the nouns."""
    world = run.world
    rules, slots = Rules(world.problem), _slots_by_seat(world.problem)
    total = 0
    for row, seat in enumerate(run.seat_of.tolist()):
        if seat < 0 or world.misses[row]:
            continue
        referral, slot = world.problem.referrals[row], slots[seat]
        ends = world.ends[row]
        if ends is None or slot.start <= ends:
            figures = rules.modes(referral, slot)[0]
            total += world.policy.values.of(referral.priority) - figures.cost
    return total


class _Replay:
    """The ledger read line by line."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.world = run.world
        self.rules = Rules(run.world.problem)
        self.by_slot = {slot.id: at for at, slot in enumerate(run.world.problem.slots)}
        self.slot = _slots_by_seat(run.world.problem)
        self.seat_of: dict[int, int] = {}
        self.row_of: dict[int, int] = {}
        self.promised: set[int] = set()
        self.settled: set[int] = set()

    def found(self) -> list[Violation]:
        """Gives all violations."""
        found = [one for entry in self.run.ledger for one in self._entry(entry)]
        return [*found, *self._end()]

    def _entry(self, entry: Entry) -> Iterator[Violation]:
        at = self.world.problem.as_of + timedelta(microseconds=entry.at_us)
        row, seat = entry.row, entry.seat
        if entry.step in ("book", "promise"):
            if row in self.seat_of:
                yield _wrong("referral.twice", row, f"seat {self.seat_of[row]} and {seat}")
            yield from self._given(row, seat, at)
            self._put(row, seat)
            if entry.step == "promise":
                self.promised.add(row)
        elif entry.step == "move":
            yield from self._moved(row, seat, at)
        elif entry.step == "settle":
            if row not in self.promised:
                yield _wrong("promise.unknown", row, "announced, never promised")
            self.settled.add(row)
        elif entry.step == "drop":
            yield _wrong("promise.broken", row, f"lost seat {seat}")
            self._lift(row)
        else:
            ends = self.world.ends[row]
            if ends is None or ends > at:
                yield _wrong("referral.freed", row, "its need had not ended")
            self._lift(row)

    def _given(self, row: int, seat: int, at: datetime) -> Iterator[Violation]:
        referral, slot = self.world.problem.referrals[row], self.slot[seat]
        if self.row_of.get(seat, row) != row:
            yield _wrong("seat.twice", row, f"seat {seat} is of row {self.row_of[seat]}")
        if referral.received_at > at:
            yield _wrong("referral.future", row, "seated before it came")
        ends = self.world.ends[row]
        if ends is not None and ends <= at:
            yield _wrong("referral.gone", row, "seated after its need ended")
        if self.world.published[self.by_slot[slot.id]] > at:
            yield _wrong("seat.future", row, f"seat {seat} was not published")
        yield from self._pair(row, referral, slot, at)

    def _pair(self, row: int, referral: Referral, slot: Slot, at: datetime) -> Iterator[Violation]:
        refusal = self.rules.refusal(referral, slot)
        if refusal is not None:
            yield _wrong(refusal, row, f"slot {slot.id}")
            return
        best: Figures = self.rules.modes(referral, slot)[0]
        arrival = at + self.world.policy.notice + best.travel_minutes * MINUTE
        if arrival > slot.start:
            yield _wrong("reach", row, f"slot {slot.id} starts before the patient arrives")

    def _moved(self, row: int, seat: int, at: datetime) -> Iterator[Violation]:
        notice = self.world.policy.promises.notice
        if row not in self.promised or row not in self.seat_of:
            yield _wrong("promise.unknown", row, "moved, never promised")
        else:
            before = self.slot[self.seat_of[row]]
            if row in self.settled or before.start - notice <= at:
                yield _wrong("promise.fixed", row, f"moved from slot {before.id} after its notice")
            if self.slot[seat].start - notice < at:
                yield _wrong("promise.notice", row, f"moved to seat {seat} too late to be told")
            self._lift(row, promise=True)
        yield from self._given(row, seat, at)
        self._put(row, seat)

    def _end(self) -> Iterator[Violation]:
        for row, seat in enumerate(self.run.seat_of.tolist()):
            if self.seat_of.get(row, -1) != seat:
                yield _wrong("ledger", row, f"ends on seat {seat}, the ledger says otherwise")
        for row, seat in self.seat_of.items():
            if self.row_of.get(seat) != row:
                yield _wrong("seat.twice", row, f"seat {seat} ends with two")
        for row in sorted(self.promised - self.seat_of.keys()):
            yield _wrong("promise.broken", row, "ends without a seat")

    def _put(self, row: int, seat: int) -> None:
        self.seat_of[row] = seat
        self.row_of[seat] = row

    def _lift(self, row: int, *, promise: bool = False) -> None:
        seat = self.seat_of.pop(row, None)
        if seat is not None and self.row_of.get(seat) == row:
            del self.row_of[seat]
        if not promise:
            self.promised.discard(row)


def _slots_by_seat(problem: Problem) -> list[Slot]:
    known = by_id(problem.slots)
    return [known[name] for name, _ in problem.free_seats]


def _wrong(rule: str, row: int, detail: str) -> Violation:
    return Violation(rule=rule, subject=f"row {row}", detail=detail)
