"""An offer's token names things; it grants nothing and holds no patient."""

import pytest
from builders import NOW, referral
from hypothesis import given, settings
from hypothesis import strategies as st

from slotengine.codes import Mode
from slotengine.errors import TokenError
from slotengine.tokens import MAX_TOKEN_LENGTH, OfferToken, read_token

TOKEN = OfferToken(
    referral=referral().id, slot="slot1", slot_version=3, mode=Mode.VR, expires_at=NOW
)


def test_a_token_survives_a_url() -> None:
    text = TOKEN.text()
    assert read_token(text) == TOKEN
    assert text.isascii()
    assert not set(text) & set("+/=?&# ")


def test_a_token_has_run_out_at_its_very_instant() -> None:
    from datetime import timedelta

    assert TOKEN.expired(NOW)
    assert not TOKEN.expired(NOW - timedelta(microseconds=1))


def test_a_longer_text_than_any_token_is_refused() -> None:
    with pytest.raises(TokenError, match="longer"):
        read_token("A" * (MAX_TOKEN_LENGTH + 1))
    with pytest.raises(TokenError, match="read"):
        read_token("A" * MAX_TOKEN_LENGTH)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_reading_raises_nothing_but_token_error(text: str) -> None:
    with pytest.raises(TokenError):
        read_token(text)
