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

    __slots__ = ("_fields", "_warnings")

    def __init__(self, fields: Mapping[str, Raw], warnings: Iterable[Warned] = ()) -> None:
        self._fields = fields
        self._warnings = list(warnings)

    def _doubt(self, field: str, kind: Kind) -> None:
        self._warnings.append(Warned(field=field, kind=kind))

    def _text(self, name: str) -> str | None:
        raw = self._fields.get(name)
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

    def _read(self, name: str, of: Callable[[str, str], _T]) -> _T | None:
        text = self._text(name)
        return None if text is None else of(name, text)

    def _items(self, name: str) -> list[tuple[str, str]]:
        """Gives each item of a list with its path; a single one keeps the bare name."""
        raw = self._fields.get(name)
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

    def _coded_items(self, name: str, table: Mapping[str, words.Coded]) -> tuple[words.Coded, ...]:
        return tuple(scalars.coded(path, text, table) for path, text in self._items(name))
