"""``slotengine outbox``: a real server on this machine is told of a booking made in the shell."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from builders import slot
from counter import PHARMACIST, counter
from shell import Shell

from slotengine.destinations import Destination, Form
from slotengine.engine import Engine


class Platform(BaseHTTPRequestHandler):
    """Takes Appointments, or answers what it is told to."""

    status: ClassVar[int] = 201
    taken: ClassVar[list[tuple[str, bytes]]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).taken.append((self.path, body))
        self.send_response(type(self).status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing: a test's output is read by people."""


@pytest.fixture
def platform() -> Iterator[type[Platform]]:
    fresh = type("Fresh", (Platform,), {"status": 201, "taken": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), fresh)
    fresh.url = f"http://127.0.0.1:{server.server_address[1]}/fhir"  # type: ignore[attr-defined]  # of this test
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield fresh
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def told(tmp_path: Path, platform: type[Platform]) -> Shell:
    """A database with one confirmed booking that the platform is to be told of."""
    from builders import NOW, policy, referral

    shell = Shell(tmp_path)
    with Engine.open(shell.url) as engine:
        counter(engine._store, slot("soon"))  # type: ignore[arg-type]  # the store behind it
        to = Destination(name="sas", form=Form.SAS, url=platform.url)  # type: ignore[attr-defined]  # of this test
        engine.set_policy(policy(destinations=(to,)), now=NOW)
        engine.place(referral(), now=NOW, confirm=True, actor=PHARMACIST)
    return shell


SEND = ("outbox", "send", "giennois", "--system", "urn:oid:1.2.250.1.999.1")
LATE = "2027-01-01T00:00:00+01:00"


def test_what_is_due_is_listed_sent_and_gone(told: Shell, platform: type[Platform]) -> None:
    (waiting,) = told.json("outbox", "list")["messages"]
    assert (waiting["destination"], waiting["state"]) == ("sas", "pending")
    done = told.run(*SEND, "--now", LATE)
    assert done.returncode == 0, done.stderr
    assert "Envoyés : 1. À renvoyer plus tard : 0. Bloqués : 0." in done.stdout
    ((path, body),) = platform.taken
    assert path.startswith("/fhir/Appointment?identifier=urn:oid:1.2.250.1.999.1%7C")
    assert json.loads(body)["status"] == "booked"
    assert told.json("outbox", "list")["messages"] == []
    assert len(told.json("outbox", "list", "--state", "sent")["messages"]) == 1


def test_what_is_refused_is_stuck_until_sent_again(told: Shell, platform: type[Platform]) -> None:
    platform.status = 422
    refused = told.run(*SEND, "--now", LATE)
    assert refused.returncode == 4
    listed = told.run("outbox", "list").stdout
    assert "bloqué, essais : 1 (answered 422)" in listed
    platform.status = 200
    assert told.json("outbox", "resend", "1", "--now", LATE)["state"] == "pending"
    assert told.json(*SEND, "--now", LATE)["sent"] == [1]
    again = told.run("outbox", "resend", "1", "--now", LATE)
    assert again.returncode == 4


def test_a_platform_that_is_away_is_tried_later(told: Shell, platform: type[Platform]) -> None:
    platform.status = 503
    later = told.run(*SEND, "--now", LATE)
    assert later.returncode == 4
    assert "À renvoyer plus tard : 1." in later.stdout


def test_a_territory_without_destinations_sends_nothing(loaded: Shell) -> None:
    done = loaded.json("outbox", "send", "pays-de-la-chatre", "--system", "urn:oid:1.2.3")
    assert done == {"sent": [], "postponed": [], "stuck": []}
    assert loaded.run("outbox", "list").stdout.strip() == "Messages : 0."


def test_an_hl7_receiver_is_told_over_mllp(tmp_path: Path) -> None:
    from builders import NOW, policy, referral

    taken: list[bytes] = []

    class Receiver(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            message = b""
            while not message.endswith(b"\x1c\r"):
                message += self.request.recv(65_536)
            taken.append(message)
            number = message.split(b"|")[9]
            ack = b"MSH|^~\\&|A|A|B|B|20261123||ACK|1|P|2.5\rMSA|AA|" + number + b"\r"
            self.request.sendall(b"\x0b" + ack + b"\x1c\r")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    shell = Shell(tmp_path)
    url = f"mllp://127.0.0.1:{server.server_address[1]}"
    with Engine.open(shell.url) as engine:
        counter(engine._store, slot("soon"))  # type: ignore[arg-type]  # the store behind it
        to = Destination(name="hospital", form=Form.HL7V2, url=url)
        engine.set_policy(policy(destinations=(to,)), now=NOW)
        engine.place(referral(), now=NOW, confirm=True, actor=PHARMACIST)
    done = shell.json(*SEND, "--now", LATE)
    server.shutdown()
    thread.join()
    server.server_close()
    assert done == {"sent": [1], "postponed": [], "stuck": []}
    (message,) = taken
    assert message.startswith(b"\x0bMSH|")
    assert b"SIU^S12" in message


def test_hl7_leaves_the_machine_with_certificates_only(tmp_path: Path) -> None:
    from builders import NOW, policy

    shell = Shell(tmp_path)
    for url, words in (
        ("mllp://hospital.test:2575", "--cert, --key and --ca"),
        ("https://hospital.test", "mllp://host:port"),
    ):
        with Engine.open(shell.url) as engine:
            to = Destination(name="hospital", form=Form.HL7V2, url=url)
            engine.set_policy(policy(destinations=(to,)), now=NOW)
        refused = shell.run(*SEND, "--now", LATE)
        assert (refused.returncode, words in refused.stderr) == (3, True)
