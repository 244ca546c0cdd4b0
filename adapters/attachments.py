"""
Documents that go along with an answer: a medical summary (VSM), a letter, an XDM archive.

Opaque: nobody here looks inside. They come from the host at the moment of sending and are kept
nowhere: no solver, no table and no log has them.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from slotengine.errors import InputError

MAX_DOCUMENT_BYTES = 10 * 1024 * 1024
"""Of one document; MSSanté operators take mails of 10 MB at least. Our choice."""

MAX_DOCUMENTS = 5
"""With one answer. Our choice."""

MAX_NAME_CHARS = 80

XDM_NAME = "IHE_XDM.zip"
"""The one attachment of a health document sent as an XDM archive (MSSanté, ANS)."""

MEDIA_TYPES = frozenset(
    {"application/pdf", "application/zip", "text/xml", "application/xml", "text/plain"}
)
"""PDF, XDM archive, CDA, plain text. Others are not opened at the other end either."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Document:
    """
    A document as bytes, shown to nobody: its repr has neither name nor content.

    Raises
    ------
    InputError
        When it is empty, too large, or of a media type that is not sent.
    """

    name: str = field(repr=False)
    media_type: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.media_type not in MEDIA_TYPES:
            raise InputError(f"a document's media type is one of {', '.join(sorted(MEDIA_TYPES))}")
        if not self.content:
            raise InputError("a document is empty")
        if len(self.content) > MAX_DOCUMENT_BYTES:
            raise InputError(
                f"a document has {len(self.content)} bytes, {MAX_DOCUMENT_BYTES} are allowed"
            )
        object.__setattr__(self, "name", safe_name(self.name))


def safe_name(name: str) -> str:
    """
    Gives a file name without folders, accents, controls or a leading dot.

    Examples
    --------
    >>> safe_name("../../Synthèse médicale.pdf"), safe_name(" .htaccess"), safe_name("été/")
    ('Synthese_medicale.pdf', 'htaccess', 'document')
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("_", plain).strip("._")[-MAX_NAME_CHARS:] or "document"
