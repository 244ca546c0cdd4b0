"""Feeds of agendas: fetched whole within limits, or not at all, and their URL shown to nobody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from shell import MORNING, Shell

from slotengine import sending_feeds
from slotengine.errors import DeliveryError, InputError
from slotengine.sending_feeds import fetch

URL = "https://calendar.test/private-abc123/basic.ics"


def answering(answer: Any) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: answer)


def test_a_feed_is_given_whole() -> None:
    assert fetch(URL, transport=answering(httpx.Response(200, content=b"BEGIN"))) == b"BEGIN"


def test_exactly_the_limit_is_allowed_and_a_byte_more_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending_feeds, "MAX_DOCUMENT_BYTES", 5)
    assert fetch(URL, transport=answering(httpx.Response(200, content=b"BEGIN")))
    with pytest.raises(DeliveryError, match="more than 5 bytes"):
        fetch(URL, transport=answering(httpx.Response(200, content=b"BEGIN:")))


def test_a_feed_that_drips_is_given_up() -> None:
    def drops() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    seconds = iter([0.0, 60.0, 60.1])
    slow = answering(httpx.Response(200, content=drops()))
    with pytest.raises(DeliveryError, match="60 s"):
        fetch(URL, transport=slow, elapsed=lambda: next(seconds))


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500])
def test_anything_but_200_is_refused_and_no_redirect_followed(status: int) -> None:
    elsewhere = httpx.Response(status, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(DeliveryError, match=f"answered {status}") as refused:
        fetch(URL, transport=answering(elsewhere))
    assert "abc123" not in str(refused.value)


def test_no_error_repeats_the_url() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no {request.url}", request=request)

    with pytest.raises(DeliveryError) as refused:
        fetch(URL, transport=httpx.MockTransport(away))
    assert refused.value.__cause__ is None
    assert "abc123" not in str(refused.value)
    with pytest.raises(InputError) as plain:
        fetch(URL.replace("https", "http"))
    assert "abc123" not in str(plain.value)


def test_the_command_says_what_it_could_not_read(loaded: Shell, tmp_path: Path) -> None:
    asked = ("agenda", "--territory", "pays-de-la-chatre", "--now", MORNING)
    missing = loaded.run(*asked, str(tmp_path / "none.csv"))
    assert missing.returncode == 3
    assert "none.csv can't be read" in missing.stderr
    away = loaded.run(*asked, "http://127.0.0.1:1/private-abc123.ics")
    assert away.returncode == 4
    assert "abc123" not in away.stderr + away.stdout
