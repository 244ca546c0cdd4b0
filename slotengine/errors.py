"""
Every exception that slotengine raises on purpose, in one tree.

::

    SlotEngineError
      InputError(ValueError)        the caller's data is wrong: mend it and call again
        ReferralFormatError         a payload can't be read as a whole (adapter, field, kind)
        PolicyError                 a policy can't be read or contradicts itself
        ProblemError                a planning problem is incomplete or contradicts itself
        HorizonError                a time lies too far away to be computed with
        ReferralPastError           all times that a referral asks for are past
        TokenError                  an offer's token can't be read
        UnknownTerritoryError       no such territory (also LookupError)
      BookingError                  the world said no: read the state and offer again
        SlotTakenError              the seat went to somebody else
        HoldExpiredError            the hold ran out before it was confirmed
        TransitionError             the booking or referral is past that step
        DuplicateReferralError      the referral, or its patient at that hour, has a booking
        ReferralConflictError       same reference, other content: amend() is the way
        UnknownIdError(LookupError) no such referral, slot or booking
      SolverError                   the solver could not keep its word
        SolverTimeoutError          nothing usable inside the limit
        PlanRejectedError           the independent check found violations; nothing was written
      DeliveryError                 another system did not take a message; it is kept
      StoreError                    anything from the database
        StoreBusyError              locked or too many conflicting transactions: try again
        SchemaError                 the database is older or newer than this library
        ClockError                  `now` lies behind a time the territory has already seen

"No slot fits" is an answer (`Placement` with reasons), never an exception. A message names ids, the
value found and the value allowed; never a patient's data.
"""

from datetime import timedelta
from typing import Any


class SlotEngineError(Exception):
    """Base of everything slotengine raises on purpose. Catch it to catch all of them."""


class InputError(SlotEngineError, ValueError):
    """The caller's data is wrong. Mend what the message names and call again."""


class ReferralFormatError(InputError):
    """
    The payload can't be read at all.

    Correct the file or name its format; single bad records are never raised, they come back as
    ``Rejected``.
    """

    def __init__(self, adapter: str, field: str, kind: str) -> None:
        super().__init__(f"{adapter}: {field}: {kind}")
        self.adapter = adapter
        self.field = field
        self.kind = kind

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.adapter, self.field, self.kind)


class PolicyError(InputError):
    """The policy can't be read or contradicts itself. Mend the field that the message names."""


class ProblemError(InputError):
    """The planning problem is incomplete or contradicts itself. Mend the id that is named."""


class HorizonError(InputError):
    """A slot starts too far away. Plan a nearer horizon."""


class ReferralPastError(InputError):
    """Every time the referral asks for is past. Ask the patient for new times and send it again."""

    def __init__(self, referral_id: str, what: str) -> None:
        super().__init__(f"referral {referral_id}: {what} is past")
        self.referral_id = referral_id
        self.what = what

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.referral_id, self.what)


class TokenError(InputError):
    """The text is not an offer's token. Ask for offers again."""


class UnknownTerritoryError(InputError, LookupError):
    """The territory is neither in the store nor in the fixtures. List the known ones first."""

    def __init__(self, territory: str, known: tuple[str, ...] = ()) -> None:
        listed = f"; known: {', '.join(known)}" if known else ""
        super().__init__(f"territory {territory!r} is unknown{listed}")
        self.territory = territory
        self.known = known

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.territory, self.known)


class BookingError(SlotEngineError):
    """The world said no. Read the present state and offer again."""


class SlotTakenError(BookingError):
    """The seat went to somebody else, or the slot changed. Take the next offer."""

    def __init__(self, slot_id: str, why: str = "taken") -> None:
        super().__init__(f"slot {slot_id} can't be held: {why}")
        self.slot_id = slot_id
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.slot_id, self.why)


class HoldExpiredError(BookingError):
    """The hold ran out before it was confirmed. Ask for offers again."""

    def __init__(self, booking_id: str) -> None:
        super().__init__(f"the hold of booking {booking_id} has expired")
        self.booking_id = booking_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.booking_id,)


class TransitionError(BookingError):
    """The booking or referral can't take that step from where it is. Read it and decide again."""

    def __init__(self, what: str, found: str, wanted: str) -> None:
        super().__init__(f"{what} is {found}, it can't be {wanted}")
        self.what = what
        self.found = found
        self.wanted = wanted

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.found, self.wanted)


class DuplicateReferralError(BookingError):
    """The referral, or the same patient at an overlapping hour, already has a booking. Read it."""

    def __init__(self, referral_id: str, why: str = "already has an active booking") -> None:
        super().__init__(f"referral {referral_id} {why}")
        self.referral_id = referral_id
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.referral_id, self.why)


class ReferralConflictError(BookingError):
    """The same reference came with other content. Call ``amend`` if the change is meant."""

    def __init__(self, referral_id: str) -> None:
        super().__init__(f"referral {referral_id} is known with other content; amend it")
        self.referral_id = referral_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.referral_id,)


class UnknownIdError(BookingError, LookupError):
    """Nothing has that id. Check which database and which territory you are in."""

    def __init__(self, what: str, id_: str) -> None:
        super().__init__(f"{what} {id_} is unknown")
        self.what = what
        self.id = id_

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.id)


class SolverError(SlotEngineError):
    """The solver could not keep its word. The plan was not used."""


class SolverTimeoutError(SolverError):
    """Nothing usable was found inside the limit. Give more seconds or a smaller horizon."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no plan within {seconds:g} s")
        self.seconds = seconds

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.seconds,)


class PlanRejectedError(SolverError):
    """The independent check found violations. Nothing was written; report them to us."""

    def __init__(self, violations: tuple[str, ...]) -> None:
        super().__init__(f"{len(violations)} violations, first: {violations[0]}")
        self.violations = violations

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.violations,)


class DeliveryError(SlotEngineError):
    """
    Another system did not take a message. It stays in the outbox; ``why`` names no patient.

    ``permanent``: sending it again as it is won't help. ``after``: how long the other side asks to
    be left alone.
    """

    def __init__(
        self, why: str, *, permanent: bool = False, after: timedelta = timedelta(0)
    ) -> None:
        super().__init__(why)
        self.why = why
        self.permanent = permanent
        self.after = after

    def __reduce__(self) -> tuple[Any, ...]:
        return _delivery_error, (type(self), self.why, self.permanent, self.after)


class StoreError(SlotEngineError):
    """The database refused. Its own error is the ``__cause__``."""


class StoreBusyError(StoreError):
    """The database stayed locked or kept conflicting. Try again; nothing was written."""


class SchemaError(StoreError):
    """The database is older or newer than this library. Run ``slotengine db upgrade`` or update."""


class ClockError(StoreError):
    """The caller's ``now`` lies behind a time the territory has already seen. Mend the clock."""


def _delivery_error(
    of: type[DeliveryError],
    why: str,
    permanent: bool,  # noqa: FBT001 (pickle gives them by place)
    after: timedelta,
) -> DeliveryError:
    return of(why, permanent=permanent, after=after)
