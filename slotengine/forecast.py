"""
What is expected of the next days, as values: who will ask, which slots open, which seats empty.

A forecast is learned from the store's own history with the priors of the field
(``slotengine.learning``); nothing in it names a patient.
"""

import hashlib
from datetime import timedelta
from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from slotengine.codes import Mode, Priority, Profession, SourceKind
from slotengine.domain import Id, Instant, TerritoryName, Value

HOURS_A_DAY = 24
DAYS_A_WEEK = 7
SHARE_ERROR = 1e-6
"""How far shares may be from adding up to 1: rounding of some thousand doubles."""

Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Wish = Annotated[tuple[Profession, ...], Field(min_length=1)]
"""The professions that a referral asks for, any of them."""


class Arrival(Value):
    """One referral of the past as far as a forecast reads it."""

    at: Instant
    source: SourceKind
    priority: Priority
    professions: Wish
    insee: str | None


class Opening(Value):
    """One slot of the past: when it was published and what it was."""

    published_at: Instant
    practitioner: Id
    site: Id
    start: Instant
    minutes: Annotated[int, Field(ge=1)]
    seats: Annotated[int, Field(ge=1)]
    modes: tuple[Mode, ...]


class Endings(Value):
    """How bookings of the past ended: confirmed in all, cancelled and missed among them."""

    confirmed: Annotated[int, Field(ge=0)] = 0
    cancelled: Annotated[int, Field(ge=0)] = 0
    missed: Annotated[int, Field(ge=0)] = 0


class History(Value):
    """What the store knows of the past of a territory, from ``since`` to ``until``."""

    since: Instant
    until: Instant
    arrivals: tuple[Arrival, ...] = ()
    openings: tuple[Opening, ...] = ()
    endings: Endings = Endings()


class Kind(Value):
    """A kind of referral: what the rules read of it, and its share of all that come."""

    source: SourceKind
    priority: Priority
    professions: Wish
    insee: str | None
    share: Rate


class OpeningRate(Value):
    """A slot that is likely to open: where, when, and with which chance it will by then."""

    practitioner: Id
    site: Id
    start: Instant
    minutes: Annotated[int, Field(ge=1)]
    seats: Annotated[int, Field(ge=1)]
    modes: tuple[Mode, ...]
    chance: Annotated[float, Field(ge=0, le=1)]


class Forecast(Value):
    """
    Expected referrals hour by hour from ``as_of``, who they are, and what else will happen.

    ``hourly[h]`` are expected in ``[as_of + h hours, + 1 hour)``, weekday, holiday, lean and the
    share already past included; ``kinds`` shares add up to 1 (none when nothing is expected).
    ``cancel_chance`` is that of a confirmed booking, ``miss_chance`` that of a patient who does not
    come. ``days_seen`` open days of history are behind it: 0 means priors only.
    """

    territory: TerritoryName
    as_of: Instant
    hourly: tuple[Rate, ...]
    kinds: tuple[Kind, ...]
    openings: tuple[OpeningRate, ...] = ()
    cancel_chance: Annotated[float, Field(ge=0, le=1)]
    miss_chance: Annotated[float, Field(ge=0, le=1)]
    days_seen: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _shares_add_up(self) -> "Forecast":
        total = sum(kind.share for kind in self.kinds)
        if self.kinds and abs(total - 1) > SHARE_ERROR:
            msg = f"shares of kinds add up to {total:.6f}, not 1"
            raise ValueError(msg)
        if sum(self.hourly) > 0 and not self.kinds:
            msg = "referrals are expected, but of no kind"
            raise ValueError(msg)
        return self

    @property
    def horizon(self) -> timedelta:
        """How far it looks."""
        return timedelta(hours=len(self.hourly))

    @property
    def expected(self) -> float:
        """Expected referrals in all."""
        return sum(self.hourly)

    @cached_property
    def digest(self) -> str:
        """A digest of all of it, kept with the prices that it gave."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()
