"""
Side constraints over a whole plan, a second time: what its bookings and the pins do to each other.

What one booking does beside the pins alone is a rule of the pair and is named there.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from slotengine.codes import Mode
from slotengine.domain import Referral, Slot
from slotengine.problem import Assignment, Violation
from slotengine.solver.check_rules import Rules
from slotengine.solver.check_side import Booking, Load, in_time

TOGETHER = ("pathway", "group", "tour", "cap")
"""What the rest of a plan can refuse a referral, in the order in which it is asked."""


class Together:
    """The bookings of a plan beside the pins, for questions about all of them."""

    def __init__(self, rules: Rules, assignments: Sequence[Assignment]) -> None:
        self.rules = rules
        self.slot_of: dict[str, Slot] = {}
        self.bookings: dict[str, Booking] = {}
        for one in assignments:
            slot = rules.slots[one.slot]
            self.slot_of[one.referral] = slot
            referral = rules.referrals[one.referral]
            self.bookings[one.referral] = rules.side.booking(referral, slot, one.mode)
        self.load = Load(rules.side, [*rules.side.pinned, *self.bookings.values()])
        self.agendas: dict[str, list[tuple[str, Booking]]] = defaultdict(list)
        for referral_id, booking in self.bookings.items():
            self.agendas[booking.slot.practitioner].append((referral_id, booking))

    def violations(self) -> Iterator[Violation]:
        """Gives every side constraint that the plan breaks."""
        yield from self._caps()
        yield from self._groups()
        yield from self._pathways()
        yield from self._tours()
        yield from self._told()
        yield from self._promised()

    def refusal(self, referral: Referral, slot: Slot, mode: Mode) -> str | None:
        """Gives what refuses one more booking whose pair is allowed; None if nothing does."""
        if not self._follows(referral, slot):
            return "pathway"
        if referral.group is not None and self.rules.members[referral.group] > 1:
            return "group"
        booking = self.rules.side.booking(referral, slot, mode)
        agenda = self.agendas.get(slot.practitioner, ())
        if not all(self.rules.side.at_peace(booking, made) for _, made in agenda):
            return "tour"
        return None if self.load.room_for(booking) else "cap"

    def _caps(self) -> Iterator[Violation]:
        # Pins alone may pass a cap: that was decided before, and binds only what is added. Where
        # one booking passes it beside the pins alone, the rule of its pair has named it.
        side = self.rules.side
        pinned = Load(side, side.pinned)
        added = {
            span
            for booking in self.bookings.values()
            if pinned.room_for(booking)
            for span in side.spans(booking.slot)
        }
        for span, detail in self.load.over():
            if span in added:
                subject = f"{span.practitioner} {span.name}"
                yield Violation(rule="side.cap", subject=subject, detail=detail)

    def _groups(self) -> Iterator[Violation]:
        members: dict[str, list[str]] = defaultdict(list)
        for one in self.rules.problem.referrals:
            if one.group is not None:
                members[one.group].append(one.id)
        for group, ids in members.items():
            seated = [self.slot_of[id_] for id_ in ids if id_ in self.slot_of]
            if len(ids) < 2 or not seated:  # noqa: PLR2004 - one alone is no group
                continue
            if len(seated) < len(ids):
                detail = f"{len(seated)} of {len(ids)} have a seat"
                yield Violation(rule="side.group", subject=group, detail=detail)
            elif not self.rules.run_of(group, seated):
                detail = "not in a row with one practitioner at one site"
                yield Violation(rule="side.group", subject=group, detail=detail)

    def _pathways(self) -> Iterator[Violation]:
        for referral_id, slot in self.slot_of.items():
            referral = self.rules.referrals[referral_id]
            if not self._follows(referral, slot):
                detail = "the one before it has no seat, or not in time"
                yield Violation(rule="side.pathway", subject=referral_id, detail=detail)

    def _follows(self, referral: Referral, slot: Slot) -> bool:
        """Tells whether the one it follows, if the plan is to place it, has its seat in time."""
        if referral.follows is None or referral.follows not in self.rules.referrals:
            return True
        step = self.rules.step(referral)
        before = self.slot_of.get(referral.follows)
        if step is None or before is None:
            return False
        return in_time(before, slot, step.after_min, step.after_max)

    def _tours(self) -> Iterator[Violation]:
        if self.rules.policy.home_visits is None:
            return
        for agenda in self.agendas.values():
            for (one, here), (other, there) in combinations(agenda, 2):
                if not self.rules.side.at_peace(here, there):
                    detail = "no time for the way between them"
                    yield Violation(rule="side.tour", subject=f"{one} {other}", detail=detail)

    def _told(self) -> Iterator[Violation]:
        moved = 0
        for one in self.rules.problem.told:
            slot = self.slot_of.get(one.referral)
            if slot is None:
                detail = "was told a seat and has none"
                yield Violation(rule="side.told", subject=one.referral, detail=detail)
            elif slot.id != one.slot:
                moved += 1
        if moved > self.rules.policy.max_told_moves:
            detail = f"{moved} told bookings moved, at most {self.rules.policy.max_told_moves}"
            yield Violation(rule="side.told", subject="plan", detail=detail)

    def _promised(self) -> Iterator[Violation]:
        for referral_id in self.rules.problem.promised:
            if referral_id not in self.slot_of:
                detail = "was promised a seat and has none"
                yield Violation(rule="side.promised", subject=referral_id, detail=detail)
