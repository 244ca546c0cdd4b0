"""Secure mails: what they carry, what they refuse, and a real SMTP server of this machine."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from slotengine.adapters.attachments import Document
from slotengine.adapters.out_mail import secure_mail
from slotengine.adapters.out_text import Text
from slotengine.errors import DeliveryError, InputError
from slotengine.sending_mail import MailServer

TEXT = Text(subject="Rendez-vous confirmé", body="Rendez-vous lundi 23 novembre, 14 h 10.\n")
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
PDF = Document("lettre.pdf", "application/pdf", b"%PDF-1.7 ...")
XDM = Document("IHE_XDM.zip", "application/zip", b"PK\x03\x04...")
FROM, TO = "cpts@giennois.mssante.fr", "cabinet@medecins.mssante.fr"


def mail(**changes: Any) -> EmailMessage:
    given: dict[str, Any] = {
        "sender": FROM,
        "to": [TO],
        "software": "SLE-001",
        "message_id": "b-1.2",
        "at": AT,
    }
    return secure_mail(TEXT, **{**given, **changes})


def test_a_mail_carries_text_headers_and_documents() -> None:
    made = message_from_bytes(mail(documents=[PDF], qualified_ins=True).as_bytes(), policy=default)
    assert made["Subject"] == "Rendez-vous confirmé"
    assert (made["X-MSS-NIL"], made["X-MSS-INS"]) == ("SLE-001", "O")
    assert made["X-MSS-CODECDA"] is None
    assert made["Message-ID"] == "<b-1.2@giennois.mssante.fr>"
    body = made.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == TEXT.body.strip()
    (document,) = made.iter_attachments()
    assert document.get_filename() == "lettre.pdf"
    assert document.get_content() == PDF.content


def test_an_archive_brings_its_codes_and_its_subject() -> None:
    made = mail(
        documents=[XDM, PDF],
        loinc=["11503-0", "18761-7"],
        qualified_ins=False,
        xdm_subject="Synthèse 20261123",
    )
    assert made.get_all("X-MSS-CODECDA") == ["11503-0", "18761-7"]
    assert made["X-MSS-INS"] == "N"
    assert made["Subject"] == "XDM/1.0/DDM+Synthèse 20261123"


@pytest.mark.parametrize(
    "changes",
    [
        {"to": []},
        {"to": ["someone@example.org"]},
        {"to": ["someone@notmssante.fr"]},
        {"to": [f"{TO}\r\nBcc: x@y.mssante.fr"]},
        {"sender": "cpts@giennois.fr"},
        {"software": "x\r\nX: y"},
        {"message_id": "b 1"},
        {"loinc": ["11503-0"]},
        {"xdm_subject": "Synthèse"},
        {"documents": [XDM], "loinc": ["none"]},
        {"documents": [XDM], "xdm_subject": "a\r\nBcc: x@y.mssante.fr"},
        {"documents": [XDM], "xdm_subject": "x" * 201},
        {"documents": [PDF] * 6},
    ],
)
def test_what_can_t_be_sent_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        mail(**changes)


def test_the_most_documents_and_the_domain_itself_are_allowed() -> None:
    mail(documents=[PDF] * 5, to=["cabinet@mssante.fr"])


class Box:
    """Takes mails, or answers what it is told to."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.rcpt = "250 OK"
        self.data = "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 (the same)
        if self.data.startswith("250"):
            self.taken.append(envelope.content)
        return self.data


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    kept = Box()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: SMTP(kept, hostname="localhost", loop=loop), "127.0.0.1", 0)
    )
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield kept, port

    async def stop() -> None:
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.gather(
            *(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True
        )

    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_mail_arrives_whole(box: tuple[Box, int]) -> None:
    kept, port = box
    MailServer("127.0.0.1", port).send(mail(documents=[PDF]))
    (taken,) = kept.taken
    read = message_from_bytes(taken, policy=default)
    assert read["Subject"] == TEXT.subject
    (document,) = read.iter_attachments()
    assert document.get_content() == PDF.content


@pytest.mark.parametrize(
    ("reply", "permanent"), [("550 no such mailbox", True), ("451 later", False)]
)
@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_a_refusal_says_its_code_and_not_whose(
    box: tuple[Box, int],
    step: str,
    reply: str,
    permanent: bool,  # noqa: FBT001 (a parameter)
) -> None:
    kept, port = box
    setattr(kept, step, reply)
    with pytest.raises(DeliveryError) as refused:
        MailServer("127.0.0.1", port).send(mail())
    assert refused.value.permanent is permanent
    assert refused.value.__cause__ is None
    assert "cabinet" not in str(refused.value)
    assert kept.taken == []


def test_nothing_goes_in_clear_over_a_network(
    box: tuple[Box, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from slotengine import sending_mail

    kept, port = box
    monkeypatch.setattr(sending_mail, "THIS_MACHINE", frozenset())
    with pytest.raises(DeliveryError, match="SMTPNotSupportedError"):
        MailServer("127.0.0.1", port).send(mail())
    assert kept.taken == []


def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(DeliveryError, match="no mail server") as refused:
        MailServer("127.0.0.1", 1).send(mail())
    assert not refused.value.permanent


def test_a_server_shows_no_password() -> None:
    assert "hidden" not in repr(MailServer("h", 1, user="u", password="hidden"))  # noqa: S106 (of a test)
