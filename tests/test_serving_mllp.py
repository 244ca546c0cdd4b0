"""MLLP over real sockets: frames, two clients at once, lost connections, a busy database."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext, SSLError

import hl7.mllp
import pytest
from builders import NOW, policy
from hl7_messages import PID, ref, rf1, with_field
from records import PARIS, VAULT
from sqlalchemy import create_engine, text

from slotengine.adapters import adapter_for
from slotengine.codes import SourceKind
from slotengine.domain import Actor, referral_id
from slotengine.engine import Engine
from slotengine.errors import InputError, UnknownIdError
from slotengine.serving_listening import Tls
from slotengine.serving_mllp import Bounded, Clerk, Listener, refuse_open_address
from slotengine.serving_mllp_desk import Desk

HOME = "127.0.0.1"
ACTOR = Actor(role="hospital", id="mllp")
REFERENCE = "ORBIS/R-1"
ID = referral_id("giennois", SourceKind.HOSPITAL, REFERENCE)

Talk = Callable[[int], Awaitable[None]]


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    with Engine.open(sqlite_url) as opened:
        opened.set_policy(policy(), now=NOW)
        yield opened


@pytest.fixture
def desk(engine: Engine) -> Desk:
    adapter = adapter_for(
        "hospital", territory="giennois", zone=PARIS, pseudonymiser=VAULT, format="hl7v2"
    )
    return Desk(adapter, engine, lambda: NOW, ACTOR)


def served(desk: Clerk, talk: Talk, **bounds: float) -> None:
    """Runs a listener on a free port of this machine while somebody talks to it."""

    async def run() -> None:
        listener = Listener(desk, bounds=Bounded(**bounds))  # type: ignore[arg-type]  # ints, and seconds
        port = await listener.start(HOME, 0)
        try:
            await asyncio.wait_for(talk(port), timeout=60)
        finally:
            await listener.stop()

    asyncio.run(run())


def framed(data: bytes) -> bytes:
    return b"\x0b" + data + b"\x1c\r"


async def answer(reader: asyncio.StreamReader) -> str:
    frame = await reader.readuntil(b"\x1c\r")
    assert frame.startswith(b"\x0bMSH|")
    return frame[1:-2].decode()


def verdict(acknowledgment: str) -> str:
    return acknowledgment.split("\r")[1]


async def said(port: int, *data: bytes) -> list[str]:
    """Sends pieces over one connection, ends it, and gives all that comes back."""
    reader, writer = await asyncio.open_connection(HOME, port)
    for piece in data:
        writer.write(piece)
        await writer.drain()
    writer.write_eof()
    back = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return [verdict(one.removeprefix("\x0b")) for one in back.split("\x1c\r") if one]


def test_a_message_is_stored_and_then_acknowledged(desk: Desk, engine: Engine) -> None:
    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOME, port)
        writer.write(framed(ref()))
        assert verdict(await answer(reader)) == "MSA|AA|3995"
        # Before the acknowledgment came, another connection could read it.
        assert engine.referral(ID).reference == REFERENCE
        writer.write(framed(ref(event="I14", number="3996")))
        assert verdict(await answer(reader)) == "MSA|AA|3996"
        assert engine.referral(ID).state == "closed"
        writer.close()
        await writer.wait_closed()

    served(desk, talk)


def test_another_library_is_understood(desk: Desk) -> None:
    async def talk(port: int) -> None:
        reader, writer = await hl7.mllp.open_hl7_connection(HOME, port, encoding="utf-8")
        writer.writeblock(ref())
        message = await reader.readmessage()
        assert str(message.segment("MSA")) == "MSA|AA|3995"
        writer.close()
        await writer.wait_closed()

    served(desk, talk)


def test_a_repeated_message_does_nothing_twice(desk: Desk, engine: Engine) -> None:
    async def talk(port: int) -> None:
        assert await said(port, framed(ref()), framed(ref())) == ["MSA|AA|3995"] * 2

    served(desk, talk)
    assert len(engine.waiting("giennois")) == 1


def test_a_connection_killed_before_the_answer_loses_and_doubles_nothing(
    desk: Desk, engine: Engine
) -> None:
    async def talk(port: int) -> None:
        _, writer = await asyncio.open_connection(HOME, port)
        writer.write(framed(ref()))
        await writer.drain()
        writer.transport.abort()
        assert await said(port, framed(ref())) == ["MSA|AA|3995"]

    served(desk, talk)
    assert len(engine.waiting("giennois")) == 1


def test_two_clients_at_once_are_both_served(desk: Desk, engine: Engine) -> None:
    async def one(port: int, first: int) -> None:
        frames = [
            framed(ref(rf1(f6=f"R-{n}^X"), with_field(PID, 3, f"{n}^^^X^PI"), number=str(n)))
            for n in range(first, first + 10)
        ]
        expected = [f"MSA|AA|{n}" for n in range(first, first + 10)]
        assert await said(port, *frames) == expected

    async def talk(port: int) -> None:
        await asyncio.gather(one(port, 100), one(port, 200))

    served(desk, talk)
    assert len(engine.waiting("giennois")) == 20


@pytest.mark.parametrize(
    "pieces",
    [
        (b"\x0b", ref()[:40], ref()[40:], b"\x1c", b"\r"),
        (b"\r\n", framed(ref()), b"\n"),
        (b"noise" + framed(ref()),),
        (b"\x0b" + ref()[:60] + framed(ref()),),
        (b"\x0b" + ref() + b"\x1c",),
        (b"\x1c\r" + framed(ref()),),
        (framed(b"\xef\xbb\xbf" + ref()),),
        (framed(ref().replace(b"\r", b"\n")),),
    ],
)
def test_broken_frames_and_what_stands_between_them_cost_no_message(
    desk: Desk, pieces: tuple[bytes, ...]
) -> None:
    async def talk(port: int) -> None:
        assert await said(port, *pieces) == ["MSA|AA|3995"]

    served(desk, talk)


def test_a_frame_without_an_end_is_no_message(desk: Desk, engine: Engine) -> None:
    async def talk(port: int) -> None:
        assert await said(port, b"\x0b" + ref()) == []

    served(desk, talk)
    with pytest.raises(UnknownIdError):
        engine.referral(ID)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"garbage", "MSA|AR|"),
        (b"", "MSA|AR|"),
        (ref(rf1(f6="")), "MSA|AE|3995"),
        (ref() + ref(number="2"), "MSA|AR|3995"),
        (ref().replace(b"REF^I12", b"ORU^R01"), "MSA|AR|3995"),
    ],
)
def test_what_can_not_be_taken_in_is_answered_and_the_connection_goes_on(
    desk: Desk, frame: bytes, expected: str
) -> None:
    async def talk(port: int) -> None:
        got = await said(port, framed(frame), framed(ref(number="9")))
        assert got == [expected, "MSA|AA|9"]

    served(desk, talk)


def test_a_frame_at_the_bound_is_read_and_one_above_it_ends_the_connection(desk: Desk) -> None:
    message = ref()

    async def talk(port: int) -> None:
        assert await said(port, framed(message)) == ["MSA|AA|3995"]
        over = message + b"ZZZ|x\r"
        assert await said(port, framed(over)) == ["MSA|AR|3995"]

    served(desk, talk, message_bytes=len(message))


def test_a_connection_that_says_nothing_is_ended(desk: Desk) -> None:
    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOME, port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    served(desk, talk, idle_seconds=0.05)


def test_a_frame_that_never_ends_is_given_up(desk: Desk) -> None:
    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOME, port)
        writer.write(b"\x0bMSH|")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    served(desk, talk, frame_seconds=0.05)


def test_one_connection_too_many_is_turned_away(desk: Desk) -> None:
    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOME, port)
        writer.write(framed(ref()))
        await answer(reader)
        second, other = await asyncio.open_connection(HOME, port)
        assert await second.read() == b""
        other.close()
        writer.write(framed(ref(number="2")))
        assert verdict(await answer(reader)) == "MSA|AA|2"
        writer.close()
        await writer.wait_closed()

    served(desk, talk, connections=1)


def test_a_stopped_listener_answers_what_it_has_taken(desk: Desk) -> None:
    async def run() -> None:
        listener = Listener(desk)
        port = await listener.start(HOME, 0)
        reader, writer = await asyncio.open_connection(HOME, port)
        idle, other = await asyncio.open_connection(HOME, port)
        writer.write(framed(ref()))
        assert verdict(await answer(reader)) == "MSA|AA|3995"
        await listener.stop()
        assert await reader.read() == b""
        assert await idle.read() == b""
        with pytest.raises(OSError, match=r"."):
            await asyncio.open_connection(HOME, port)
        writer.close()
        other.close()

    asyncio.run(run())


def test_a_port_that_is_taken_is_an_error_in_words(desk: Desk) -> None:
    async def run() -> None:
        first, second = Listener(desk), Listener(desk)
        port = await first.start(HOME, 0)
        with pytest.raises(InputError, match=f"port {port}"):
            await second.start(HOME, port)
        await first.stop()
        await second.stop()

    asyncio.run(run())


# --- the desk ---


def only(desk: Desk, data: bytes) -> str:
    (sent,) = desk.take(data)
    return sent.decode()


def test_what_the_engine_refuses_is_an_error(desk: Desk) -> None:
    past = only(desk, ref(rf1(f7="20261101", f8="20261102"), PID))
    assert verdict(past) == "MSA|AE|3995"
    assert "|207^" in past


def test_an_unknown_territory_is_an_error(desk: Desk) -> None:
    adapter = adapter_for("hospital", territory="nowhere", zone=PARIS, pseudonymiser=VAULT)
    lost = Desk(adapter, desk.engine, lambda: NOW, ACTOR)
    assert "|204^" in only(lost, ref())


def test_a_cancellation_that_comes_first_is_kept_and_accepted(desk: Desk, engine: Engine) -> None:
    cancel = ref(event="I14", number="2", at="20261123085700")
    assert verdict(only(desk, cancel)) == "MSA|AA|2"
    assert verdict(only(desk, ref())) == "MSA|AA|3995"
    assert engine.referral(ID).state == "closed"


def test_a_busy_database_asks_the_sender_to_come_again(
    sqlite_url: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slotengine.errors import StoreBusyError

    def busy(*_: object, **__: object) -> None:
        raise StoreBusyError("locked")

    with monkeypatch.context() as patched:
        patched.setattr(desk.engine, "receive", busy)
        locked = only(desk, ref())
    assert verdict(locked) == "MSA|AR|3995"
    assert "|206^" in locked
    with create_engine(sqlite_url).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM slotengine_referral")).scalar() == 0
    assert verdict(only(desk, ref())) == "MSA|AA|3995"


def test_a_bug_of_ours_is_answered_and_not_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("ESSAI-TROIS")

    monkeypatch.setattr(desk.engine, "receive", bug)
    with caplog.at_level("DEBUG", logger="slotengine.mllp"):
        sent = only(desk, ref())
    assert verdict(sent) == "MSA|AR|3995"
    assert "|207^" in sent
    assert "ESSAI" not in sent + caplog.text
    assert "a bug of ours" in caplog.text


def test_answers_are_numbered_apart_and_within_twenty_signs(desk: Desk) -> None:
    numbers = {only(desk, ref()).split("|")[9] for _ in range(3)}
    assert len(numbers) == 3
    assert all(len(number) <= 18 for number in numbers), "a second answer adds two signs"


def test_a_clerk_that_fails_costs_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def take(self, data: bytes) -> tuple[bytes, ...]:
            raise RuntimeError(data.decode())

        refuse_large = take

    async def talk(port: int) -> None:
        assert await said(port, framed(ref())) == []
        assert await said(port, framed(ref())) == []

    with caplog.at_level("DEBUG"):
        served(Broken(), talk)
    assert "a bug of ours" in caplog.text
    assert "ESSAI" not in caplog.text


# --- who may connect ---


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_this_machine_may_listen_to_itself(host: str) -> None:
    refuse_open_address(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "ward.example", ""])  # noqa: S104 (refused)
def test_an_address_that_others_reach_needs_client_certificates(host: str) -> None:
    with pytest.raises(InputError, match="client-ca"):
        refuse_open_address(host, None)
    refuse_open_address(host, Tls(certificate=Path("c"), key=Path("k"), client_authority=Path("a")))


def test_files_that_hold_no_certificate_are_an_error_in_words(tmp_path: Path) -> None:
    for name in "cka":
        (tmp_path / name).write_text("no certificate")
    with pytest.raises(InputError, match="TLS"):
        Tls(
            certificate=tmp_path / "c", key=tmp_path / "k", client_authority=tmp_path / "a"
        ).context()
    with pytest.raises(InputError, match="FileNotFoundError"):
        Tls(
            certificate=tmp_path / "x", key=tmp_path / "k", client_authority=tmp_path / "a"
        ).context()


@pytest.fixture
def certificate(tmp_path: Path) -> Tls:
    """A certificate of this machine that is also the authority of its one client."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",  # noqa: S607 (the one of the path)
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return Tls(certificate=cert, key=key, client_authority=cert)


@pytest.mark.parametrize("known", [True, False])
def test_a_client_without_our_authority_s_certificate_is_not_heard(
    desk: Desk,
    certificate: Tls,
    known: bool,  # noqa: FBT001 (the table's)
) -> None:
    async def run() -> str:
        listener = Listener(desk)
        port = await listener.start(HOME, 0, tls=certificate)
        context = SSLContext(PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certificate.certificate)
        if known:
            context.load_cert_chain(certificate.certificate, certificate.key)
        got = b""
        with suppress(SSLError, ConnectionError):
            reader, writer = await asyncio.open_connection(HOME, port, ssl=context)
            writer.write(framed(ref()))
            with suppress(asyncio.IncompleteReadError):
                got = await reader.readuntil(b"\x1c\r")
            writer.close()
            with suppress(SSLError, ConnectionError):
                await writer.wait_closed()
        await listener.stop()
        return got.decode()

    back = asyncio.run(run())
    assert ("MSA|AA|3995" in back) is known
