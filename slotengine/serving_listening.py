"""Where a server listens, and the certificates that it shows and asks for; HTTP and MLLP alike."""

import ssl
from ipaddress import ip_address
from pathlib import Path

from slotengine.domain import Value
from slotengine.errors import InputError


def is_loopback(host: str) -> bool:
    """
    Tells whether only this machine can reach an address.

    Examples
    --------
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Tls(Value):
    """
    Files of our own TLS: our certificate and key, and the authority of the clients'.

    ``revoked`` is a list of revoked certificates (CRL) of that authority, in PEM; default none, and
    then nothing is known of revocation.
    """

    certificate: Path
    key: Path
    client_authority: Path
    revoked: Path | None = None

    def context(self) -> ssl.SSLContext:
        """
        Gives the TLS settings: 1.2 at least, a client certificate demanded.

        Raises
        ------
        InputError
            When a file can't be read or does not hold what it should.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(self.certificate, self.key)
            context.load_verify_locations(self.client_authority)
            if self.revoked is not None:
                context.load_verify_locations(self.revoked)
                context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        except OSError as unreadable:
            kind = type(unreadable).__name__
            raise InputError(f"the files of TLS can't be used ({kind})") from unreadable
        return context
