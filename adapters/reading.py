"""Reading the fields of a record: one text, one list, one value; and the doubts on the way."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from slotengine.adapters import scalars, words
from slotengine.adapters.base import MAX_FIELD_CHARS, MAX_LIST_ITEMS, Warned
from slotengine.adapters.fields import LIST_SEPARATOR, Raw
from slotengine.adapters.kinds import Kind
from slotengine.adapters.scalars import BadValue

_T = TypeVar("_T")


class Reading:
    """The fields of one record while it is read."""

    __slots__ = ("fields", "warnings")

    def __init__(self, fields: Mapping[str, Raw], warnings: Iterable[Warned] = ()) -> None:
        self.fields = fields
        self.warnings = list(warnings)

    def doubt(self, field: str, kind: Kind) -> None:
        """Notes a doubt about a field that is read all the same."""
        self.warnings.append(Warned(field=field, kind=kind))

    def text(self, name: str) -> str | None:
        """Gives a field's text without the space around it, or None."""
        raw = self.fields.get(name)
        # Most fields of most records are empty.
        if not raw:
            return None
        if isinstance(raw, tuple):
            raise BadValue(name, Kind.WRONG_TYPE)
        return self._clean(name, raw)

    def _clean(self, name: str, raw: str) -> str | None:
        text = raw.strip()
        if len(text) > MAX_FIELD_CHARS:
            raise BadValue(name, Kind.TOO_LONG)
        if not text.isprintable() and not all(
            sign.isprintable() or sign.isspace() for sign in text
        ):
            # NUL, escapes, lone surrogates: no honest field holds them, and they break stores.
            raise BadValue(name, Kind.CONTROL_CHARACTER)
        return text or None

    def read(self, name: str, of: Callable[[str, str], _T]) -> _T | None:
        """Gives what a field's text means, or None where nothing is said."""
        text = self.text(name)
        return None if text is None else of(name, text)

    def items(self, name: str) -> list[tuple[str, str]]:
        """Gives each item of a list with its path; a single one keeps the bare name."""
        raw = self.fields.get(name)
        if not raw:
            return []
        parts = raw if isinstance(raw, tuple) else tuple(raw.split(LIST_SEPARATOR))
        if len(parts) > MAX_LIST_ITEMS:
            raise BadValue(name, Kind.TOO_MANY)
        texts = [self._clean(name, part) for part in parts]
        written = [text for text in texts if text is not None]
        if len(written) == 1:
            return [(name, written[0])]
        return [(f"{name}[{index}]", text) for index, text in enumerate(written)]

    def coded_items(self, name: str, table: Mapping[str, words.Coded]) -> tuple[words.Coded, ...]:
        """Gives the codes of a list of words."""
        return tuple(scalars.coded(path, text, table) for path, text in self.items(name))
