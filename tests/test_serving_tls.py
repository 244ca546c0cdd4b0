"""A real server on the loopback: its own TLS, its limits, and how it stops."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW
from sas_world import KEYS, offered, open_engine, publish, question

from slotengine import serving
from slotengine.errors import InputError
from slotengine.serving_auth import ClientCertificate
from slotengine.serving_guard import MAX_HEADER_BYTES
from slotengine.serving_listening import Tls
from slotengine.serving_names import Subject
from slotengine.serving_tls import Connection

SAS = Subject(cn="sas.example", ou="318751275100020")
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="no openssl to make certificates with")


def _openssl(folder: Path, *words: str) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *words], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server, the platform, somebody else, and one who was revoked."""
    folder = tmp_path_factory.mktemp("papers")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    _openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
             "-subj", "/CN=Authority of the tests")  # fmt: skip
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=2\n"
        "private_key=ca.key\ncertificate=ca.pem\nserial=serial\nunique_subject=no\n"
        "rand_serial=yes\nnew_certs_dir=.\npolicy=p\ndefault_days=2\n[p]\ncommonName=supplied\n"
        "organizationalUnitName=optional\n"
    )
    names = {
        "server": "/CN=127.0.0.1",
        "platform": f"/OU={SAS.ou}/CN={SAS.cn}",
        "other": "/OU=1/CN=sas.example",
        "revoked": f"/OU={SAS.ou}/CN={SAS.cn}",
    }
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, subject in names.items():
        _openssl(folder, "req", *key, "-new", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                 "-subj", subject)  # fmt: skip
        _openssl(folder, "ca", "-batch", "-notext", "-config", "ca.cnf", "-in", f"{name}.csr",
                 "-out", f"{name}.pem", "-extfile", "san")  # fmt: skip
    _openssl(folder, "ca", "-config", "ca.cnf", "-revoke", "revoked.pem")
    _openssl(folder, "ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")
    return folder


@contextlib.contextmanager
def running(**options: Any) -> Iterator[int]:
    """A server in a thread, on a port that it took; told to stop at the end."""
    engine = open_engine()
    publish(engine, offered())
    tls: Tls | None = options.pop("tls", None)
    application = serving.app(engine, now=lambda: NOW, **options)
    made = serving.server(application, host="127.0.0.1", port=0, authenticated=True, tls=tls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=made.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            made.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


def files(papers: Path, *, revoked: bool = False) -> Tls:
    return Tls(
        certificate=papers / "server.pem",
        key=papers / "server.key",
        client_authority=papers / "ca.pem",
        revoked=papers / "crl.pem" if revoked else None,
    )


def status(port: int, papers: Path, who: str | None) -> int | str:
    """The status of a search with somebody's certificate, or that TLS let nobody in."""
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    if who is not None:
        context.load_cert_chain(papers / f"{who}.pem", papers / f"{who}.key")
    try:
        with httpx.Client(verify=context, timeout=20) as client:
            return client.get(f"https://127.0.0.1:{port}/Slot?{question()}").status_code
    except (httpx.TransportError, ssl.SSLError):
        return "refused"


@needs_openssl
def test_our_own_tls_lets_the_platform_in_and_nobody_else(papers: Path) -> None:
    known = ClientCertificate([SAS])
    with running(authenticate=known, tls=files(papers, revoked=True)) as port:
        found = [status(port, papers, who) for who in ("platform", "other", None, "revoked")]
    assert found == [200, 401, "refused", "refused"]


@needs_openssl
def test_without_a_list_nothing_is_known_of_what_was_revoked(papers: Path) -> None:
    with running(authenticate=ClientCertificate([SAS]), tls=files(papers)) as port:
        assert status(port, papers, "revoked") == 200


@needs_openssl
def test_files_of_tls_that_hold_something_else_are_refused(papers: Path, tmp_path: Path) -> None:
    good = files(papers)
    (tmp_path / "empty").touch()
    for name in ("certificate", "key", "client_authority"):
        for wrong in (tmp_path / "empty", tmp_path / "none"):
            with pytest.raises(InputError, match="TLS"):
                good.replaced(**{name: wrong}).context()
    assert good.context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_server_answers_and_stops_when_it_is_told_to() -> None:
    with running(authenticate=KEYS) as port, httpx.Client(timeout=20) as client:
        answer = client.get(f"http://127.0.0.1:{port}/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
        assert "server" not in answer.headers
        assert client.get(f"http://127.0.0.1:{port}/Slot?{question()}").status_code == 401


@pytest.mark.parametrize("count", [1, 20])
def test_headers_that_are_too_long_are_refused(count: int) -> None:
    sent = {f"x{number}": "y" * (MAX_HEADER_BYTES // count) for number in range(count)}
    with running(authenticate=KEYS) as port, httpx.Client(timeout=20) as client:
        answer = client.get(f"http://127.0.0.1:{port}/health", headers=sent)
        # 400 by the server where they come in pieces, else by us.
        assert answer.status_code in {400, 431}


def test_an_answer_does_not_wait_for_acknowledgements(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listening socket that names no protocol would make asyncio leave Nagle's algorithm on."""
    seen: list[int] = []
    made = Connection.connection_made

    def noting(self: Connection, transport: Any) -> None:
        made(self, transport)
        plain = transport.get_extra_info("socket")
        seen.append(plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(Connection, "connection_made", noting)
    with running(authenticate=KEYS) as port, httpx.Client(timeout=20) as client:
        assert client.get(f"http://127.0.0.1:{port}/health").status_code == 200
    assert seen
    assert all(seen)


def test_x_forwarded_for_does_not_make_a_stranger_a_proxy() -> None:
    from slotengine.serving_auth import ForwardedCertificate

    elsewhere = ForwardedCertificate(["192.0.2.7"], [SAS])
    sent = {
        "x-forwarded-for": "192.0.2.7",
        "x-ssl-client-verify": "SUCCESS",
        "x-ssl-client-s-dn": f"CN={SAS.cn},OU={SAS.ou}",
    }
    with running(authenticate=elsewhere) as port, httpx.Client(timeout=20, headers=sent) as client:
        assert client.get(f"http://127.0.0.1:{port}/Slot?{question()}").status_code == 401


def test_a_server_for_others_needs_authentication() -> None:
    application = serving.app(open_engine(), now=lambda: NOW)
    with pytest.raises(InputError, match="authentication"):
        serving.server(application, host="192.0.2.1", port=0, authenticated=False)
