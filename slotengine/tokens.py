"""
An offer's token: what it names, written so that it survives a URL.

It grants nothing by itself: ``hold`` checks the rules, the slot's version and the seat in the
database again, so it needs no signature. It holds ids only, never a patient.
"""

import base64
import binascii
from datetime import datetime

from pydantic import ValidationError

from slotengine.codes import Mode
from slotengine.domain import Id, Instant, Value
from slotengine.errors import TokenError

MAX_TOKEN_LENGTH = 1_000
"""Characters; three ids of at most 120 and the rest take 700 at most."""


PRICED_BY = ":"
"""Stands between the territory and the digest in the id of a set of prices."""


class OfferToken(Value):
    """What a token names."""

    referral: Id
    slot: Id
    slot_version: int
    mode: Mode
    price_set: Id | None = None
    expires_at: Instant

    def text(self) -> str:
        """Gives the opaque text."""
        raw = self.model_dump_json().encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def expired(self, now: datetime) -> bool:
        """Tells whether the offer has run out (at the very instant it has)."""
        return self.expires_at <= now

    def priced_in(self, territory: str) -> bool:
        """
        Tells whether its prices are of this territory, or of none.

        A set's id begins with its territory (``repricing``); other ids are not ours to read.
        """
        named, mark, _ = (self.price_set or "").partition(PRICED_BY)
        return not mark or named == territory


def read_token(text: str) -> OfferToken:
    """
    Reads a token.

    Raises
    ------
    TokenError
        When the text is not one; the text itself is not repeated.
    """
    if len(text) > MAX_TOKEN_LENGTH:
        raise TokenError(f"offer token is longer than {MAX_TOKEN_LENGTH} characters")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return OfferToken.model_validate_json(raw)
    except (binascii.Error, ValidationError, ValueError) as broken:
        raise TokenError("offer token can't be read") from broken
