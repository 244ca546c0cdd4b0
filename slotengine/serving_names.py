"""
Distinguished names of client certificates: who is asking, by CN and OU.

As proxies write them: RFC 4514 (``CN=a,OU=b``, backslashes before what would end a part), the older
slash form of OpenSSL (``/C=FR/CN=a``), and Envoy's header that holds one of them in quotes.
"""

import re
from urllib.parse import quote

from slotengine.domain import Value
from slotengine.errors import InputError

MAX_NAME = 1_000
"""Characters of a name that are read: X.520 allows some 64 a part. Our choice."""

MAX_ACTOR_ID = 120
"""Characters of an actor's id (``domain.Id``)."""

_HEX = re.compile(r"\\([0-9A-Fa-f]{2})")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9.-]*|[0-9.]+")


class Subject(Value):
    """CN and OU of who may ask; a certificate may have several OU, one of them must be this."""

    cn: str
    ou: str

    @classmethod
    def read(cls, text: str) -> "Subject":
        """
        Reads ``CN=...,OU=...``.

        Raises
        ------
        InputError
            When there is not exactly one of each.
        """
        name = parsed(text)
        cns, ous = (name or {}).get("CN", []), (name or {}).get("OU", [])
        if len(cns) != 1 or len(ous) != 1:
            raise InputError("a client is named CN=...,OU=..., one of each")
        return cls(cn=cns[0], ou=ous[0])

    def names(self, name: dict[str, list[str]]) -> bool:
        """Tells whether a certificate's name is this one: its only CN, and one of its OU."""
        return name.get("CN", []) == [self.cn] and self.ou in name.get("OU", [])


def parsed(text: str) -> dict[str, list[str]] | None:
    r"""
    Gives the values of each type of a distinguished name, or None where it can't be read.

    Examples
    --------
    >>> parsed("CN=sas.example,OU=318751275100020,O=ANS,C=FR")["OU"]
    ['318751275100020']
    >>> parsed("/C=FR/O=ANS/OU=318751275100020/CN=sas.example")["CN"]
    ['sas.example']
    >>> parsed("CN=a\\,OU=b,OU=c")
    {'CN': ['a,OU=b'], 'OU': ['c']}
    """
    if not text or len(text) > MAX_NAME:
        return None
    slashes = text.startswith("/")
    parts = _split(text[1:] if slashes else text, "/" if slashes else ",+")
    if parts is None:
        return None
    found: dict[str, list[str]] = {}
    for part in parts:
        kind, sign, value = part.partition("=")
        if not sign or not _TYPE.fullmatch(kind.strip()):
            return None
        read = _value(value.strip())
        if read is None:
            return None
        found.setdefault(kind.strip().upper(), []).append(read)
    return found


def _split(text: str, ends: str) -> list[str] | None:
    """Gives the parts between unescaped, unquoted signs."""
    parts, current, quoted, escaped = [], "", False, False
    for sign in text:
        if not escaped and not quoted and sign in ends:
            parts.append(current)
            current = ""
            continue
        quoted ^= sign == '"' and not escaped
        escaped = sign == "\\" and not escaped
        current += sign
    return None if quoted or escaped else [*parts, current]


def _value(text: str) -> str | None:
    """Gives a value without quotes and backslashes; hex pairs are bytes of UTF-8."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    raw = bytearray()
    at = 0
    while at < len(text):
        pair = _HEX.match(text, at)
        if pair:
            raw.append(int(pair[1], 16))
            at = pair.end()
            continue
        # A backslash before anything else stands for that sign.
        at += text[at] == "\\"
        raw += text[at : at + 1].encode()
        at += 1
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def envoy_subject(header: str) -> str | None:
    """
    Gives the subject of Envoy's ``X-Forwarded-Client-Cert``, of its last element.

    The last one was written by the proxy that we trust; those before it came with the request.

    Examples
    --------
    >>> envoy_subject('By=x;Subject="CN=evil,OU=1",Hash=aa;Subject="CN=sas.example,OU=2"')
    'CN=sas.example,OU=2'
    """
    elements = _split(header, ",") if len(header) <= MAX_NAME * 8 else None
    if not elements:
        return None
    found = []
    for pair in _split(elements[-1], ";") or []:
        key, sign, value = pair.strip().partition("=")
        if sign and key.lower() == "subject":
            found.append(value[1:-1].replace('\\"', '"') if value.startswith('"') else value)
    return found[0] if len(found) == 1 else None


def actor_id(name: str) -> str:
    """Gives an id of ours for a name: without spaces and accents."""
    return quote(name, safe="-._~@:/+")[:MAX_ACTOR_ID] or "-"
