"""Who is let in: keys, certificates that a proxy forwards, names that try to look like others."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sas_world import BEARER, KEY, KEYS
from starlette.requests import HTTPConnection

from slotengine.domain import Actor
from slotengine.errors import InputError
from slotengine.serving import check_address
from slotengine.serving_auth import PEER, ApiKeys, ClientCertificate, ForwardedCertificate
from slotengine.serving_listening import is_loopback
from slotengine.serving_names import Subject, actor_id, envoy_subject, parsed
from slotengine.serving_tls import subject_of

SAS = Subject(cn="sas.example", ou="318751275100020")
NAME = "CN=sas.example,OU=318751275100020,O=ANS,C=FR"
PLATFORM = Actor(role="regulation_platform", id="sas.example")
BEHIND = ForwardedCertificate(["127.0.0.1", "10.0.0.0/28", "::1"], [SAS])


def asked(
    *headers: tuple[str, str], host: str | None = "127.0.0.1", **state: Any
) -> HTTPConnection:
    return HTTPConnection(
        {
            "type": "http",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            "client": None if host is None else (host, 40_000),
            "state": state,
        }
    )


# --- keys ---


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ([("authorization", f"Bearer {KEY}")], True),
        ([("authorization", f"bearer  {KEY} ")], True),
        ([("x-api-key", KEY)], True),
        ([], False),
        ([("authorization", f"Basic {KEY}")], False),
        ([("authorization", f"Bearer {KEY}x")], False),
        ([("authorization", "Bearer ")], False),
        ([("x-api-key", "")], False),
        ([("x-api-key", "k" * 501)], False),
        ([("x-api-key", KEY), ("x-api-key", KEY)], False),
        ([("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)], False),
        ([("x-api-key", "é")], False),
    ],
)
def test_a_key_is_known_by_its_hash(headers: list[tuple[str, str]], known: bool) -> None:  # noqa: FBT001 (a table)
    found = KEYS(asked(*headers))
    assert (found == Actor(role="api_client", id="tests")) is known


def test_keys_are_read_from_a_file_of_hashes(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    file.write_text(f"# clients\n\nportal: {digest.upper()}\nother={'0' * 64}\n")
    keys = ApiKeys.from_file(file)
    assert keys(asked(*BEARER.items())) == Actor(role="api_client", id="portal")
    assert KEY not in repr(keys)
    assert digest not in repr(keys)


@pytest.mark.parametrize(
    "text", ["", "# none\n", "portal\n", "portal: abc\n", f"a b: {'0' * 64}\n"]
)
def test_a_file_of_keys_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        ApiKeys.from_file(file)
    assert "abc" not in str(refused.value)


def test_a_missing_file_of_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        ApiKeys.from_file(tmp_path / "none")


# --- certificates that a proxy forwards ---

VERIFIED = ("x-ssl-client-verify", "SUCCESS")


@pytest.mark.parametrize(
    "headers",
    [
        [VERIFIED, ("x-ssl-client-s-dn", NAME)],
        [VERIFIED, ("x-ssl-client-s-dn", "/C=FR/O=ANS/OU=318751275100020/CN=sas.example")],
        [VERIFIED, ("x-ssl-client-s-dn", f"{NAME},OU=another")],
        [("x-forwarded-client-cert", f'By=x;Hash=aa;Subject="{NAME}";URI=')],
        [("x-forwarded-client-cert", f'Subject="CN=evil";Hash=bb,Subject="{NAME}";Hash=aa')],
    ],
)
def test_the_platform_is_known_by_cn_and_ou(headers: list[tuple[str, str]]) -> None:
    assert BEHIND(asked(*headers)) == PLATFORM


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-ssl-client-s-dn", NAME)],
        [("x-ssl-client-verify", "FAILED:certificate revoked"), ("x-ssl-client-s-dn", NAME)],
        [("x-ssl-client-verify", "NONE"), ("x-ssl-client-s-dn", NAME)],
        [VERIFIED, VERIFIED, ("x-ssl-client-s-dn", NAME)],
        [VERIFIED, ("x-ssl-client-s-dn", NAME), ("x-ssl-client-s-dn", NAME)],
        [VERIFIED, ("x-ssl-client-s-dn", NAME), ("x-forwarded-client-cert", f'Subject="{NAME}"')],
        [VERIFIED, ("x-ssl-client-s-dn", "CN=sas.example,O=ANS")],
        [VERIFIED, ("x-ssl-client-s-dn", "OU=318751275100020,O=ANS")],
        [VERIFIED, ("x-ssl-client-s-dn", r"CN=sas.example\,OU=318751275100020,O=ANS")],
        [VERIFIED, ("x-ssl-client-s-dn", f"{NAME},CN=other")],
        [VERIFIED, ("x-ssl-client-s-dn", "CN=SAS.example,OU=318751275100020")],
        [VERIFIED, ("x-ssl-client-s-dn", "nonsense")],
        [VERIFIED, ("x-ssl-client-s-dn", "C" * 2_000)],
        [("x-forwarded-client-cert", f'Subject="{NAME}",Subject="CN=evil,OU=1"')],
        [("x-forwarded-client-cert", f'Subject="{NAME}";Subject="{NAME}"')],
        [("x-forwarded-client-cert", "Hash=aa")],
        [("x-forwarded-client-cert", f'Subject="{NAME}')],
    ],
)
def test_who_is_not_the_platform_is_a_stranger(headers: list[tuple[str, str]]) -> None:
    assert BEHIND(asked(*headers)) is None


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("::1", True),
        ("10.0.0.15", True),
        ("10.0.0.16", False),
        ("192.0.2.1", False),
        ("not an address", False),
        (None, False),
    ],
)
def test_headers_count_from_a_trusted_proxy_only(host: str | None, trusted: bool) -> None:  # noqa: FBT001 (a table)
    found = BEHIND(asked(VERIFIED, ("x-ssl-client-s-dn", NAME), host=host))
    assert (found == PLATFORM) is trusted


@pytest.mark.parametrize(
    ("proxies", "clients"),
    [([], [SAS]), (["127.0.0.1"], []), (["10.0.0.1/8"], [SAS]), (["x"], [SAS])],
)
def test_a_proxy_or_client_that_is_none_is_refused(
    proxies: list[str], clients: list[Subject]
) -> None:
    with pytest.raises(InputError):
        ForwardedCertificate(proxies, clients)


def test_a_certificate_of_our_own_tls_is_known_by_cn_and_ou() -> None:
    known = ClientCertificate([SAS])
    assert known(asked(**{PEER: {"CN": ["sas.example"], "OU": ["1", SAS.ou]}})) == PLATFORM
    assert known(asked(**{PEER: {"CN": ["sas.example"], "OU": ["1"]}})) is None
    assert known(asked(**{PEER: None})) is None
    assert known(asked()) is None
    assert known(asked(VERIFIED, ("x-ssl-client-s-dn", NAME))) is None
    with pytest.raises(InputError):
        ClientCertificate([])


def test_the_subject_of_a_certificate_is_read_as_ssl_describes_it() -> None:
    described = {
        "subject": (
            (("countryName", "FR"),),
            (("organizationalUnitName", "1"), ("organizationalUnitName", "2")),
            (("commonName", "sas.example"),),
        )
    }
    assert subject_of(described) == {"OU": ["1", "2"], "CN": ["sas.example"]}
    assert subject_of({}) is None
    assert subject_of(None) is None


# --- names ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CN=a+OU=b,OU=c", {"CN": ["a"], "OU": ["b", "c"]}),
        ('CN="a,OU=b",OU=c', {"CN": ["a,OU=b"], "OU": ["c"]}),
        (r"CN=\C3\A9t\C3\A9", {"CN": ["été"]}),
        (r"CN=a\\,OU=b", {"CN": ["a\\"], "OU": ["b"]}),
        (" cn = a , ou = b ", {"CN": ["a"], "OU": ["b"]}),
        ("2.5.4.3=a", {"2.5.4.3": ["a"]}),
        ("CN=", {"CN": [""]}),
        ("", None),
        ("CN", None),
        ("=a", None),
        (r"CN=\FF", None),
        ('CN="a', None),
        ("CN=a\\", None),
        ("CN=a,,OU=b", None),
    ],
)
def test_a_distinguished_name_is_read_whole_or_not_at_all(
    text: str, found: dict[str, list[str]] | None
) -> None:
    assert parsed(text) == found


@pytest.mark.parametrize("text", ["CN=a", "OU=b", "CN=a,CN=b,OU=c", "CN=a,OU=b,OU=c", "x", ""])
def test_a_client_is_named_by_one_cn_and_one_ou(text: str) -> None:
    with pytest.raises(InputError):
        Subject.read(text)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.text(max_size=80))
def test_no_header_makes_the_readers_fail(text: str) -> None:
    parsed(text)
    envoy_subject(text)
    Actor(role="r", id=actor_id(text))


# --- where one may listen ---


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_anybody_may_listen_on_the_loopback(host: str) -> None:
    assert is_loopback(host)
    check_address(host, authenticated=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104 (refused)
def test_nobody_listens_elsewhere_without_authentication(host: str) -> None:
    with pytest.raises(InputError, match="authentication"):
        check_address(host, authenticated=False)
    check_address(host, authenticated=True)
