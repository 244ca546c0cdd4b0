"""``slotengine mllp`` as a process: a message in, its acknowledgment out, a quiet end."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from hl7_messages import read_all, ref
from shell import MORNING, Shell
from sources import PROJECT

COMMAND = [sys.executable, "-W", "error", "-c", "from slotengine.cli import main; main()"]
PLACE = ("--source", "hospital", "--territory", "pays-de-la-chatre")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_listener_takes_a_message_and_ends_when_told(loaded: Shell, sign: signal.Signals) -> None:
    key = ("--key-file", str(loaded.folder / "key"))
    words = ("mllp", *PLACE, *key, "--port", "0", "--json", "--db", loaded.url)
    with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            with socket.create_connection((told["host"], told["port"]), timeout=60) as connection:
                connection.sendall(b"\x0b" + ref(at="20260101080000") + b"\x1c\r")
                # Its clock is today's: the verdict is another test's.
                assert b"|3995\r" in connection.recv(10_000)
            os.kill(process.pid, sign)
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--host", "0.0.0.0"), "--client-ca"),  # noqa: S104 (refused)
        (("--cert", "cert.pem"), "go together"),
        (("--source", "wizard"), "unknown"),
        (("--territory", "nowhere"), "nowhere"),
    ],
)
def test_wrong_options_are_an_error_in_words(
    loaded: Shell, words: tuple[str, ...], fault: str
) -> None:
    done = loaded.run("mllp", *PLACE, *words, "--check", "--key-file", str(loaded.folder / "key"))
    assert done.returncode == 3
    assert fault in done.stderr


def test_messages_of_a_file_come_in_by_the_same_format(loaded: Shell) -> None:
    file = PROJECT / "tests" / "payloads" / "hl7v2" / "referrals.hl7"
    done = loaded.run(
        *("intake", "hospital", str(file), "--territory", "pays-de-la-chatre", "--now", MORNING),
        *("--key-file", str(loaded.folder / "key"), "--json"),
    )
    assert done.returncode == 7
    assert "PID-7" in done.stdout
    assert "ESSAI" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("referrals.hl7", ["New", "Rejected", "Cancel"]), ("appointments.hl7", ["New"]),
        ("visits.hl7", ["New"]),
    ],
)  # fmt: skip
def test_the_payloads_of_the_project_are_read(name: str, kinds: list[str]) -> None:
    data = (PROJECT / "tests" / "payloads" / "hl7v2" / name).read_bytes()
    assert [type(one).__name__ for one in read_all(data)] == kinds
