"""
A confirmation as a secure mail (MSSanté), with documents of the host's beside it.

Source: «Référentiel socle MSSanté #2» (ANS): headers ``X-MSS-CODECDA`` (LOINC code of each CDA),
``X-MSS-INS`` (O or N), ``X-MSS-NIL`` (id of the sending software); an XDM archive travels as
``IHE_XDM.zip`` under the subject ``XDM/1.0/DDM+<title patient date>``.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from slotengine.adapters.attachments import MAX_DOCUMENTS, XDM_NAME, Document
from slotengine.adapters.out_text import Text
from slotengine.errors import InputError

SECURE_DOMAIN = "mssante.fr"
"""MSSanté mailboxes stand below it."""

XDM_SUBJECT = "XDM/1.0/DDM+"
MAX_SUBJECT_CHARS = 200

_MAILBOX = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._+\-]{0,62}[A-Za-z0-9])?@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")
_SOFTWARE = re.compile(r"[A-Za-z0-9._\-]{1,60}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def secure_mail(
    text: Text,
    *,
    sender: str,
    to: Sequence[str],
    software: str,
    message_id: str,
    at: datetime,
    documents: Sequence[Document] = (),
    loinc: Sequence[str] = (),
    qualified_ins: bool | None = None,
    xdm_subject: str | None = None,
) -> EmailMessage:
    """
    Gives the mail that carries a confirmation.

    Parameters
    ----------
    software
        ``X-MSS-NIL``: the number under which the sending software is registered.
    message_id
        Stable for one answer, so that a mail sent twice is seen to be one; its left part only.
    loinc
        ``X-MSS-CODECDA``: the LOINC code of each CDA, where a CDA in an XDM archive is attached.
    qualified_ins
        ``X-MSS-INS``: whether the documents bear a qualified INS. Default: not said.
    xdm_subject
        Title, patient and date, as the XDM rule wants them in the subject: given by the host at the
        moment of sending, and only beside an XDM archive. Default: the text's own subject.

    Raises
    ------
    InputError
        When a mailbox is not one of MSSanté, a header would hold a line break, or there are too
        many documents.
    """
    archive = any(document.name == XDM_NAME for document in documents)
    if not to:
        raise InputError("a mail needs a recipient")
    if len(documents) > MAX_DOCUMENTS:
        raise InputError(f"{len(documents)} documents were given, {MAX_DOCUMENTS} are allowed")
    if (loinc or xdm_subject is not None) and not archive:
        raise InputError(f"a CDA's code or an XDM subject goes with a document {XDM_NAME} only")
    made = EmailMessage(policy=SMTP)
    made["From"] = _mailbox(sender)
    made["To"] = ", ".join(_mailbox(one) for one in to)
    made["Subject"] = text.subject if xdm_subject is None else _xdm(xdm_subject)
    made["Date"] = format_datetime(at)
    domain = sender.rpartition("@")[2]
    made["Message-ID"] = f"<{_matching(_SOFTWARE, message_id, 'a message id')}@{domain}>"
    made["X-MSS-NIL"] = _matching(_SOFTWARE, software, "the software's number")
    for code in loinc:
        made["X-MSS-CODECDA"] = _matching(_LOINC, code, "a LOINC code")
    if qualified_ins is not None:
        made["X-MSS-INS"] = "O" if qualified_ins else "N"
    made.set_content(text.body)
    for document in documents:
        kind, _, sort = document.media_type.partition("/")
        made.add_attachment(document.content, maintype=kind, subtype=sort, filename=document.name)
    return made


def _mailbox(text: str) -> str:
    if not _MAILBOX.fullmatch(text):
        raise InputError("a mailbox is malformed")
    domain = text.rpartition("@")[2].lower()
    if domain != SECURE_DOMAIN and not domain.endswith("." + SECURE_DOMAIN):
        raise InputError(f"a mailbox stands outside {SECURE_DOMAIN}: health data does not go there")
    return text


def _xdm(title: str) -> str:
    if _CONTROL.search(title) or len(title) > MAX_SUBJECT_CHARS:
        raise InputError("an XDM subject is too long or holds a line break")
    return XDM_SUBJECT + title


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise InputError(f"{what} is malformed")
    return text
