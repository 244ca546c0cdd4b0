"""
What the cells of a workbook say, as the text that a table of text would hold.

A date is a number with a style, a text a number in a table of texts; a number keeps all its
digits, or is told as damaged.
"""

import re
from collections import deque
from datetime import datetime
from functools import lru_cache

from slotengine.adapters.base import MAX_COLUMNS, MAX_FIELD_CHARS
from slotengine.adapters.kinds import Kind
from slotengine.adapters.tabular_cells import SPREADSHEET_ERRORS
from slotengine.adapters.tabular_xlsx_package import UnreadableError

MAX_SHARED_STRINGS = 1_000_000
"""Different texts of a workbook. Our choice."""

MAX_STYLES = 65_536
"""Styles of a workbook; Excel has as many."""

MAX_CELL_CHARS = 32 * MAX_FIELD_CHARS
"""Characters that are kept of a cell; Excel has 32,767, no field takes more than 1,000."""

EXACT_BELOW = 10**15
"""Spreadsheets keep 15 digits of a number; an identifier with more has lost some."""

UNCALCULATED = "#CALC!"
"""Stands for a formula whose result was not stored."""

NO_TEXT = "#REF!"
"""Stands for a text that the table of texts does not have."""

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SURROGATES = range(0xD800, 0xE000)
_LETTERS = re.compile(r"[A-Z]{1,3}")
_PADDED = re.compile(r"0{2,20}")
_ASIDE = re.compile(r'\[[^\]]*\]|"[^"]*"|\\.|_.|\*.')

GENERAL, DATE, MOMENT = "general", "date", "moment"
Style = str | int
"""How a number is shown: ``GENERAL``, ``DATE``, ``MOMENT``, or a count of digits with zeros."""


@lru_cache(maxsize=1024)
def column_number(letters: str) -> int:
    """
    Gives the number of a column from 0.

    Examples
    --------
    >>> column_number("A"), column_number("Z"), column_number("AA")
    (0, 25, 26)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def column_letters(number: int) -> str:
    """
    Gives the letters of a column from 0.

    Examples
    --------
    >>> column_letters(0), column_letters(25), column_letters(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        letters = chr(ord("A") + letter) + letters
        number -= 1
    return letters


def style_of(code: str) -> Style:
    """
    Gives how a number format shows a number.

    Examples
    --------
    >>> style_of("dd/mm/yyyy"), style_of('[$-40C]d mmmm yyyy" à "hh:mm;@'), style_of("00000")
    ('date', 'moment', 5)
    >>> style_of("General"), style_of("0.00"), style_of("[Red]0")
    ('general', 'general', 'general')
    """
    from openpyxl.styles.numbers import is_date_format

    if _PADDED.fullmatch(code):
        return len(code)
    if not is_date_format(code):
        return GENERAL
    shown = _ASIDE.sub("", code.partition(";")[0]).lower()
    return MOMENT if "h" in shown or "s" in shown else DATE


def unescaped(text: str) -> str:
    r"""
    Gives a text with the signs that XML can't hold.

    Examples
    --------
    >>> unescaped("a_x000D_b"), unescaped("a_x005F_x000D_b")
    ('a\rb', 'a_x000D_b')
    """
    return _ESCAPED.sub(_unescaped, text) if "_x" in text else text


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return found[0] if code in _SURROGATES else chr(code)


def number_text(value: str, style: Style, *, since_1904: bool) -> str:
    """Gives a number as it is shown, with all its digits; one that lost some, in powers of ten."""
    try:
        number = float(value)
        if style in {DATE, MOMENT}:
            return _moment_text(number, style, since_1904=since_1904)
        whole = int(value) if value.lstrip("-").isdecimal() else int(number)
    except (ValueError, OverflowError):
        return value
    if abs(number) >= EXACT_BELOW:
        return f"{number:.5E}"
    if whole != number:
        return repr(number)
    return str(whole).zfill(style) if isinstance(style, int) else str(whole)


def _moment_text(number: float, style: Style, *, since_1904: bool) -> str:
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

    moment = from_excel(number, MAC_EPOCH if since_1904 else WINDOWS_EPOCH)
    if not isinstance(moment, datetime):
        # A time of no day.
        return str(moment)
    # What a person sees is a day: no midnight is put behind it.
    return moment.date().isoformat() if style == DATE else moment.isoformat(" ")


class Texts:
    """Reads the table of texts, or any element's own: ``t`` elements, readings left out."""

    done = False

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._taking = False
        self._aside = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element."""
        del attributes
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._aside = True
        elif name == "t":
            self._taking = not self._aside

    def text(self, text: str) -> None:
        """Takes a piece of text."""
        if self._taking:
            self._parts.append(text)

    def end(self, name: str) -> None:
        """Takes the end of an element."""
        if name == "t":
            self._taking = False
        elif name == "rPh":
            self._aside = False
        elif name == "si":
            if len(self.texts) >= MAX_SHARED_STRINGS:
                raise UnreadableError(Kind.TOO_LARGE)
            self.texts.append(unescaped("".join(self._parts))[: MAX_CELL_CHARS + 1])


class Styles:
    """Reads how numbers are shown, by the number of the style."""

    done = False

    def __init__(self) -> None:
        self.styles: list[Style] = []
        self._codes: dict[str, str] = {}
        self._inside = ""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element."""
        if name in {"numFmts", "cellXfs"}:
            self._inside = name
        elif name == "numFmt" and self._inside == "numFmts" and len(self._codes) < MAX_STYLES:
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and self._inside == "cellXfs":
            if len(self.styles) >= MAX_STYLES:
                raise UnreadableError(Kind.TOO_LARGE)
            self.styles.append(self._style(attributes.get("numFmtId", "0")))

    def text(self, text: str) -> None:
        """Takes nothing: styles have no text."""

    def end(self, name: str) -> None:
        """Takes the end of an element."""
        if name == self._inside:
            self._inside = ""

    def _style(self, number: str) -> Style:
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        code = self._codes.get(number)
        if code is None:
            code = BUILTIN_FORMATS.get(int(number), "General") if number.isdecimal() else "General"
        return style_of(code)


class Sheet:
    """Reads rows: their numbers from 1 and their cells; a row waits in ``rows`` to be taken."""

    def __init__(self, texts: list[str], styles: list[Style], *, since_1904: bool) -> None:
        self.rows: deque[tuple[int, dict[int, str]]] = deque()
        self.done = False
        self._texts = texts
        self._styles = styles
        self._since_1904 = since_1904
        self._number = 0
        self._cells: dict[int, str] = {}
        self._column = -1
        self._type = "n"
        self._style: str | None = None
        self._parts: list[str] = []
        self._length = 0
        self._taking = False
        self._aside = False
        self._formula = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Takes the beginning of an element."""
        if name == "v" or (name == "t" and not self._aside):
            self._taking = True
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._aside = True
        elif name == "row":
            said = attributes.get("r", "")
            self._number = int(said) if said.isdecimal() else self._number + 1
            self._cells = {}
            self._column = -1

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        found = _LETTERS.match(attributes.get("r", ""))
        column = self._column + 1 if found is None else column_number(found[0])
        # Past the last allowed column all are one: whatever stands there is one too many.
        self._column = min(column, MAX_COLUMNS)
        self._type = attributes.get("t", "n")
        self._style = attributes.get("s")
        self._parts = []
        self._length = 0
        self._formula = False

    def text(self, text: str) -> None:
        """Takes a piece of text."""
        if self._taking and self._length <= MAX_CELL_CHARS:
            self._parts.append(text)
            self._length += len(text)

    def end(self, name: str) -> None:
        """Takes the end of an element."""
        if name in {"v", "t"}:
            self._taking = False
        elif name == "c":
            text = self._said()
            if text:
                self._cells[self._column] = text
        elif name == "rPh":
            self._aside = False
        elif name == "row":
            self.rows.append((self._number, self._cells))
        elif name == "sheetData":
            self.done = True

    def _said(self) -> str:
        value = "".join(self._parts)
        if self._type in {"str", "inlineStr"}:
            return unescaped(value)
        if not value:
            return UNCALCULATED if self._formula else ""
        return self._typed(value)

    def _typed(self, value: str) -> str:
        match self._type:
            case "s":
                at = int(value) if value.isdecimal() else len(self._texts)
                return self._texts[at] if at < len(self._texts) else NO_TEXT
            case "b":
                return "TRUE" if value == "1" else "FALSE"
            case "e":
                return value if value in SPREADSHEET_ERRORS else UNCALCULATED
            case "d":
                return value
            case _:
                return number_text(value, self._style_of(), since_1904=self._since_1904)

    def _style_of(self) -> Style:
        at = int(self._style) if self._style is not None and self._style.isdecimal() else 0
        return self._styles[at] if at < len(self._styles) else GENERAL
