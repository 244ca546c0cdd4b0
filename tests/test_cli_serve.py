"""``slotengine serve``: what it refuses, and a real process that answers and stops."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from shell import MORNING, Shell

from slotengine.adapters.sas_bundle import slots_bundle
from slotengine.domain import TimeWindow
from slotengine.engine import Engine

KEY = "a key of this test"
CLIENT = "CN=sas.example,OU=318751275100020"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(f"tests: {hashlib.sha256(KEY.encode()).hexdigest()}\n")
    return file


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "authentication"),  # noqa: S104 (refused)
        (["--host", "0.0.0.0", "--open-reading"], "authentication"),  # noqa: S104 (refused)
        (["--client", CLIENT], "--proxy"),
        (["--proxy", "127.0.0.1"], "client"),
        (["--proxy", "127.0.0.1", "--client", "CN=x"], "CN=...,OU=..."),
        (["--cert", "x"], "--cert-key"),
        (["--keys", "nowhere"], "can't be read"),
        (["--scheduling", "pharmacy:atlantis"], "atlantis"),
        (["--scheduling", "somebody:giennois"], "unknown"),
    ],
)
def test_what_can_not_be_served_is_refused(shell: Shell, words: list[str], said: str) -> None:
    done = shell.run("serve", "--check", *words)
    assert done.returncode == 3
    assert said in done.stderr


def test_everything_is_checked_without_listening(shell: Shell, keys: Path) -> None:
    words = ("--host", "192.0.2.1", "--keys", str(keys), "--proxy", "10.0.0.0/28")
    found = shell.json("serve", "--check", *words, "--client", CLIENT)
    assert found == {"host": "192.0.2.1", "port": 8080, "territories": 0, "authenticated": True}
    assert "Prêt à servir 0 territoire" in shell.run("serve", "--check").stdout
    shell.json("load", "pays-de-la-chatre", "--now", MORNING)
    asked = ("--keys", str(keys), "--scheduling", "pharmacy:pays-de-la-chatre")
    assert shell.json("serve", "--check", *asked)["territories"] > 0


def test_a_shipped_territory_shows_its_slots(shell: Shell) -> None:
    shell.json("load", "pays-de-la-chatre", "--now", MORNING)
    now = datetime.fromisoformat(MORNING)
    window = TimeWindow(start=now, end=now + timedelta(days=3))
    with Engine.open(shell.url) as engine:
        slots = engine._store.read(  # type: ignore[attr-defined]  # the store behind it
            lambda unit: unit.slots("pays-de-la-chatre", window), now=now
        )
        who = sorted({one.practitioner for one in slots})
        found = engine.availability(who, window, now=now)
        roles = engine.roles(who)
    shown = slots_bundle(found, base="https://a.test", link="https://a.test/Slot?x")
    assert len(shown.slots) > 0
    assert shown.left_out == ()
    # La Châtre and its neighbours share 36400 and 36230.
    assert {role.address.postcode[:2] for role in roles if role.address} == {"36"}


def test_a_server_answers_until_it_is_told_to_stop(shell: Shell, keys: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from slotengine.cli import main; main()", "serve"]
    command += ["--db", shell.url, "--port", str(port), "--keys", str(keys)]
    command += ["--key-file", str(shell.folder / "pseudonym.key"), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as server:
        try:
            health = _answered(f"http://127.0.0.1:{port}/health", server)
            assert health.json() == {"status": "alive"}
            asked = {"authorization": f"Bearer {KEY}"}
            nothing = httpx.get(f"http://127.0.0.1:{port}/nothing", headers=asked, timeout=20)
            assert nothing.status_code == 404
        finally:
            server.send_signal(signal.SIGTERM)
        printed, logged = server.communicate(timeout=60)
    assert json.loads(printed)["port"] == port
    assert "GET '/health' 200 -" in logged
    assert "GET '/nothing' 404 tests" in logged
    assert "Traceback" not in logged


def _answered(url: str, server: "subprocess.Popen[str]") -> httpx.Response:
    for _ in range(300):
        assert server.poll() is None
        try:
            return httpx.get(url, timeout=20)
        except httpx.TransportError:
            # Not a timing: until the process listens there is nothing else to wait for.
            time.sleep(0.2)
    pytest.fail("the server never answered")
