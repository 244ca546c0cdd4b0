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


@pytest.mark.parametrize(
    ("price_set", "ours"),
    [
        (None, True),
        ("giennois:0a1b", True),
        ("senart:0a1b", False),
        ("giennois-sud:0a1b", False),
        ("an-id-of-another-make", True),
    ],
)
def test_a_token_s_prices_are_of_the_territory_that_their_id_names(price_set, ours) -> None:
    assert TOKEN.replaced(price_set=price_set).priced_in("giennois") is ours


def test_the_longest_ids_fit_into_a_token() -> None:
    long = "x" * 120
    widest = TOKEN.replaced(
        referral=long, slot=long, price_set=long, slot_version=10**9, mode=Mode.AMB
    )
    assert len(widest.text()) <= 700
    assert read_token(widest.text()) == widest


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_reading_raises_nothing_but_token_error(text: str) -> None:
    with pytest.raises(TokenError):
        read_token(text)
