"""How values become arrays: integers, truths, bit masks, distinct values, spans and hashes."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from slotengine.codes import Audience, Mode, Profession

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NEVER = int(np.iinfo(np.int64).max)
"""Later than every instant; its negative lies before every instant."""

_Bit = TypeVar("_Bit", Mode, Profession, Audience)
_Key = TypeVar("_Key", bound=Hashable)
_Row = TypeVar("_Row")
_Column = TypeVar("_Column")


def hash64(text: str) -> int:
    """Gives the first 8 bytes, little endian, of BLAKE2b (digest size 8) of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def ints(values: Iterable[int]) -> Ints:
    """Gives integers as int64."""
    return np.fromiter(values, dtype=np.int64)


def flags(values: Iterable[bool]) -> Flags:
    """Gives truths as an array."""
    return np.fromiter(values, dtype=np.bool_)


def hashes(texts: Iterable[str]) -> Hashes:
    """Gives the 64-bit hash of each text."""
    return np.fromiter((hash64(text) for text in texts), dtype=np.uint64)


def mask(values: Iterable[_Bit], bits: dict[_Bit, int]) -> int:
    """Gives a bit mask of few codes."""
    found = 0
    for value in values:
        found |= bits[value]
    return found


def distinct(values: Iterable[_Key]) -> tuple[list[_Key], Indices]:
    """Gives the distinct values, first come first, and for each value its index among them."""
    seen: dict[_Key, int] = {}
    index = [seen.setdefault(value, len(seen)) for value in values]
    return list(seen), np.array(index, dtype=np.int32)


def spans(rows: list[list[tuple[int, int]]]) -> tuple[Ints, Ints]:
    """Gives starts and ends of a list of spans a row, padded to the longest list."""
    width = max((len(row) for row in rows), default=0)
    # Padding begins after all time and ends before it: it holds nothing and overlaps nothing.
    starts = np.full((len(rows), width), NEVER, dtype=np.int64)
    ends = np.full((len(rows), width), -NEVER, dtype=np.int64)
    for index, row in enumerate(rows):
        for column, (start, end) in enumerate(row):
            starts[index, column], ends[index, column] = start, end
    return starts, ends


def table(
    rows: Sequence[_Row], columns: Sequence[_Column], fits: Callable[[_Row, _Column], bool]
) -> Flags:
    """Gives which distinct value of one side fits which of the other, as (rows, columns) flags."""
    cells = [[fits(row, column) for column in columns] for row in rows]
    return np.array(cells, dtype=np.bool_).reshape(len(rows), len(columns))
