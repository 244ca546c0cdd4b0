"""
Many new referrals of one source at once: a few statements for all of them, not a few for each.

What is known of them is asked once and followed in memory. Only the plain ones are written
together; a message with a history, a red flag or a refusal goes the way of ``receiving_order``. The
database and its feed end up as if each had been referred alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from slotengine import offering
from slotengine.adapters.base import New
from slotengine.answers import Receipt, Received
from slotengine.codes import ReferralState
from slotengine.domain import Referral
from slotengine.errors import InputError
from slotengine.policy import Policy
from slotengine.ports import StoredReferral, Unit
from slotengine.ports_doors import Added, Incoming
from slotengine.receiving_order import (
    Turn,
    applied,
    incoming,
    is_noted,
    known_as,
    repeated,
    source_of,
)
from slotengine.receiving_steps import Steps
from slotengine.redflags import red_flags
from slotengine.referring import filled, reject_past, standing_among


class _KnownMeanwhileError(Exception):
    """One of those that were to be written together is in the database by now."""


class Newcomers:
    """A run of new referrals that start no pathway, of one territory and source."""

    def __init__(self, unit: Unit, run: Sequence[New], policy: Policy, steps: Steps) -> None:
        self._unit = unit
        self._run = run
        self._policy = policy
        self._steps = steps
        self._closed = offering.out_of_hours(policy, steps.now)
        self._answers: dict[int, Received] = {}
        # What is to be written together: where it stands in the run, and its row of the inbox.
        self._plain: dict[int, tuple[Added, Incoming | None]] = {}
        self._territory, self._source = source_of(run[0])
        references = sorted({one.referral.reference for one in run})
        self._known = dict(unit.find_referrals(self._territory, self._source, references))
        self._rows: dict[str, list[Incoming]] = defaultdict(list)
        for row in unit.messages_about(self._territory, self._source, references):
            self._rows[row.reference].append(row)
        keys = sorted({one.referral.patient.key for one in run})
        self._open: dict[str, list[Referral]] = {key: [] for key in keys}
        for other in unit.patient_referrals(self._territory, keys):
            self._open[other.patient.key].append(other)

    def received(self) -> list[Received]:
        """Receives them in their order; gives one answer each."""
        for at, one in enumerate(self._run):
            self._receive(at, one)
        self._write_plain()
        return [self._answers[at] for at in range(len(self._run))]

    def _receive(self, at: int, one: New) -> None:
        rows = self._rows.get(one.referral.reference, ())
        known = self._known.get(one.referral.reference)
        if known is not None and is_noted(one):
            before = known_as(incoming(one, "applied", now=self._steps.now, rows=rows), rows)
            if before is not None and before.state != "refused":
                self._answers[at] = repeated(one, before, self._standing(known))
                return
        elif known is not None and not _waits(rows):
            if known.digest == one.referral.content_digest():
                self._answers[at] = applied(self._answered(self._standing(known)))
                return
        elif not rows and self._joins_the_plain(at, one):
            return
        self._alone(at, one)

    def _joins_the_plain(self, at: int, one: New) -> bool:
        """Puts a referral with those that are written together; False where it is not plain."""
        try:
            asked = filled(one.referral, self._policy)
            reject_past(asked, self._policy, self._steps.now)
        except InputError:
            return False
        if asked.state is not ReferralState.RECEIVED:
            asked = asked.replaced(state=ReferralState.RECEIVED)
        if red_flags(asked, self._policy):
            return False
        receipt = standing_among(asked, self._policy, self._open_of(asked), repeated=False)
        linked = receipt.linked[0] if receipt.linked else None
        added = Added(asked, one.referral.content_digest(), linked)
        row = incoming(one, "applied", now=self._steps.now) if is_noted(one) else None
        self._plain[at] = (added, row)
        self._answers[at] = applied(self._answered(receipt))
        self._known[asked.reference] = StoredReferral(referral=asked, digest=added.digest)
        self._open[asked.patient.key].append(asked)
        if row is not None:
            self._rows[asked.reference].append(row)
        return True

    def _write_plain(self) -> None:
        """Writes those that came together so far; one by one where somebody else wrote one too."""
        together, self._plain = self._plain, {}
        if not together:
            return

        def work() -> None:
            added = [one for one, _ in together.values()]
            rows = [row for _, row in together.values() if row is not None]
            if self._unit.add_referrals(added) != len(added):
                raise _KnownMeanwhileError
            if self._unit.keep_messages(rows) != len(rows):
                raise _KnownMeanwhileError

        try:
            self._unit.attempt(work)
        except _KnownMeanwhileError:
            for at in together:
                self._alone(at, self._run[at])

    def _alone(self, at: int, one: New) -> None:
        """Takes a referral by itself, after those that came before it."""
        self._write_plain()
        reference, key = one.referral.reference, one.referral.patient.key
        turn = Turn(self._unit, self._steps, self._about(reference))
        self._answers[at] = turn.take(one)
        self._rows[reference] = self._about(reference)
        self._known.pop(reference, None)
        self._known.update(self._unit.find_referrals(self._territory, self._source, [reference]))
        if turn.touched:
            # What had waited may have changed whose referral it is.
            self._open.clear()
        self._open.pop(key, None)

    def _about(self, reference: str) -> list[Incoming]:
        return list(self._unit.messages_about(self._territory, self._source, [reference]))

    def _open_of(self, referral: Referral) -> list[Referral]:
        key = referral.patient.key
        if key not in self._open:
            self._open[key] = list(self._unit.patient_referrals(self._territory, [key]))
        return sorted(self._open[key], key=lambda one: one.id)

    def _standing(self, known: StoredReferral) -> Receipt:
        return standing_among(known.referral, self._policy, self._open_of(known.referral))

    def _answered(self, receipt: Receipt) -> Receipt:
        """Adds who answers while the territory is closed, as ``offering.answered``."""
        if not self._closed or receipt.state is ReferralState.REFUSED:
            return receipt
        return receipt.replaced(reasons=receipt.reasons + self._closed)


def _waits(rows: Iterable[Incoming]) -> bool:
    return any(row.state == "waiting" for row in rows)
