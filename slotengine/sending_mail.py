"""Sending a mail over SMTP: encrypted, but to this very machine; nothing of it in an error."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from http import HTTPStatus

from slotengine.destinations import THIS_MACHINE
from slotengine.errors import DeliveryError

SECONDS = 30.0
"""Time limit of each step of a conversation. Our choice."""

PERMANENT = HTTPStatus.INTERNAL_SERVER_ERROR.value
"""SMTP replies from 500 on are refusals for good (RFC 5321)."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """
    Where mails are handed over.

    ``implicit_tls`` speaks TLS from the first byte (port 465); without it STARTTLS is demanded, and
    a server that does not offer it gets nothing. Plain text is for this machine only.
    """

    host: str
    port: int
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    implicit_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def send(self, mail: EmailMessage) -> None:
        """
        Hands a mail over, to all of its recipients or as failed.

        Raises
        ------
        DeliveryError
            When the server did not take it for everybody; permanent for a refusal for good.
        """
        try:
            with self._connection() as server:
                refused = server.send_message(mail)
        except smtplib.SMTPResponseException as answer:
            # Without its cause, here and below: servers repeat mailboxes in what they say.
            permanent = answer.smtp_code >= PERMANENT
            raise DeliveryError(f"mail refused ({answer.smtp_code})", permanent=permanent) from None
        except smtplib.SMTPRecipientsRefused as none:
            permanent = all(code >= PERMANENT for code, _ in none.recipients.values())
            raise DeliveryError("every recipient refused", permanent=permanent) from None
        except (smtplib.SMTPException, OSError) as lost:
            raise DeliveryError(f"no mail server ({type(lost).__name__})") from lost
        if refused:
            # Sent again, those who took it get it twice under one Message-ID: better than never.
            raise DeliveryError(f"{len(refused)} recipients refused", permanent=True)

    def _connection(self) -> smtplib.SMTP:
        if self.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=SECONDS, context=self.context()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        try:
            if not self.implicit_tls:
                self._encrypt(server)
            if self.user is not None:
                server.login(self.user, self.password or "")
        except BaseException:
            server.close()
            raise
        return server

    def _encrypt(self, server: smtplib.SMTP) -> None:
        """Goes over to TLS; a server that does not offer it raises, but on this machine."""
        server.ehlo()
        if server.has_extn("starttls") or self.host not in THIS_MACHINE:
            server.starttls(context=self.context())
