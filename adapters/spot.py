"""Where a record stands in its payload, and what a message says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from slotengine.adapters.base import Rejected, Warned
from slotengine.adapters.kinds import Kind


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a record stands, for whoever mends it."""

    adapter: str
    record: int
    line: int | None
    paths: Mapping[str, str] | None = None

    def rejected(self, field: str, kind: Kind) -> Rejected:
        """Gives the fault of this record."""
        return Rejected(
            adapter=self.adapter,
            record=self.record,
            line=self.line,
            field=field,
            kind=kind,
            path=(self.paths or {}).get(field.partition("[")[0]),
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    What a message says about itself, beside its fields.

    ``warnings`` are the reader's own doubts; those about fields are added. ``partial``: an update
    that leaves out what has not changed, so nothing is missing in it.
    """

    message: str | None = None
    issued_at: datetime | None = None
    warnings: tuple[Warned, ...] = ()
    partial: bool = False


NO_ENVELOPE = Envelope()
