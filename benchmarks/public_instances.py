"""
Public instances and their published figures: OR-Library assignment and generalised assignment.

The files are data, not ours: a folder of them is given from outside. Every reader refuses a file
whose numbers don't add up to what its head says.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

ASSIGN_FOLDER = "orlib_assign"
ASSIGN_FIGURES = "OPTIMA.txt"
ASSIGN_PREFIX = "assign"
SPARSE_PREFIX = "assignp"
"""Files of this name list ``i j c`` and allow no other pair; the others hold a whole matrix."""

GAP_FOLDER = "gap"
GAP_FIGURES = "BOUNDS.txt"
GAP_SENSES = {"_Min": False, "_Max": True}
"""How a published figure says whether costs are minimised or profits maximised."""


class FormatError(Exception):
    """A file of public instances is not what its kind says; the message names file and fault."""


class Published(NamedTuple):
    """What is known of an instance: the optimum lies in ``[lower, upper]``."""

    lower: int
    upper: int

    @property
    def optimum(self) -> int | None:
        """The optimum where it is known, else None."""
        return self.lower if self.lower == self.upper else None


class Assigning(NamedTuple):
    """
    Every row on one of as many columns, at the least cost.

    ``row``, ``col`` (A,) int32 from 0 and ``cost`` (A,) int64 are the allowed pairs.
    """

    name: str
    row: Indices
    col: Indices
    cost: Ints
    size: int
    published: Published


class Capped(NamedTuple):
    """
    Every job on one agent, each agent within its resource: practitioners with a cap in minutes.

    ``value`` and ``effort`` (agents, jobs) int64, ``cap`` (agents,) int64; ``maximise`` tells that
    values are profits.
    """

    name: str
    value: Ints
    effort: Ints
    cap: Ints
    maximise: bool
    published: Published


def assignments(folder: Path) -> list[Assigning]:
    """Reads the assignment files that have a published optimum, smallest first."""
    figures = _figures(folder / ASSIGN_FOLDER / ASSIGN_FIGURES, columns=1)
    read = [
        assignment(_numbers(folder / ASSIGN_FOLDER / f"{name}.txt"), name, Published(best, best))
        for name, (best,) in figures.items()
        if name.startswith(ASSIGN_PREFIX)
    ]
    return sorted(read, key=lambda one: (len(one.cost), one.name))


def gaps(folder: Path) -> list[Capped]:
    """Reads the generalised assignment files that have published bounds, smallest first."""
    figures = _figures(folder / GAP_FOLDER / GAP_FIGURES, columns=2)
    read = []
    for name, (lower, upper) in figures.items():
        file, sense = name[:-4], name[-4:]
        if sense not in GAP_SENSES:
            raise FormatError(f"{GAP_FIGURES}: {name} says neither minimise nor maximise")
        numbers = _numbers(folder / GAP_FOLDER / file)
        bounds = Published(lower, upper)
        read.append(generalised(numbers, name, bounds, maximise=GAP_SENSES[sense]))
    return sorted(read, key=lambda one: (one.value.size, one.name))


def assignment(numbers: Ints, name: str, published: Published) -> Assigning:
    """Makes an instance of a file's numbers: a size, then a matrix or lines ``i j c`` from 1."""
    size, rest = int(numbers[0]), numbers[1:]
    if name.startswith(SPARSE_PREFIX):
        if len(rest) % 3:
            raise FormatError(f"{name}: {len(rest)} numbers are not lines of three")
        triples = rest.reshape(-1, 3)
        row, col = triples[:, 0] - 1, triples[:, 1] - 1
        cost = triples[:, 2]
        if len(row) and not 0 <= min(row.min(), col.min()) <= max(row.max(), col.max()) < size:
            raise FormatError(f"{name}: an index is outside 1 to {size}")
    else:
        if len(rest) != size * size:
            raise FormatError(f"{name}: {len(rest)} costs, expected {size} x {size}")
        row, col = np.divmod(np.arange(size * size), size)
        cost = rest
    return Assigning(name, row.astype(np.int32), col.astype(np.int32), cost, size, published)


def generalised(numbers: Ints, name: str, published: Published, *, maximise: bool) -> Capped:
    """Makes an instance of a file's numbers: agents, jobs, both matrices by agent, and the caps."""
    agents, jobs = (int(number) for number in numbers[:2])
    rest, cells = numbers[2:], agents * jobs
    if len(rest) != 2 * cells + agents:
        raise FormatError(f"{name}: {len(rest)} numbers, expected {2 * cells + agents}")
    return Capped(
        name,
        rest[:cells].reshape(agents, jobs),
        rest[cells : 2 * cells].reshape(agents, jobs),
        rest[2 * cells :],
        maximise,
        published,
    )


def _numbers(file: Path) -> Ints:
    words = file.read_text(encoding="ascii").split()
    try:
        numbers = np.array([int(word) for word in words], dtype=np.int64)
    except ValueError as wrong:
        raise FormatError(f"{file.name} holds something else than whole numbers") from wrong
    if len(numbers) < 2:
        raise FormatError(f"{file.name} is empty")
    return numbers


def _figures(file: Path, *, columns: int) -> dict[str, tuple[int, ...]]:
    """Reads lines of a name and its figures; any other line is prose."""
    found = {}
    for line in file.read_text(encoding="ascii").splitlines():
        name, *figures = line.split() or [""]
        if len(figures) == columns and all(figure.isdigit() for figure in figures):
            found[name] = tuple(int(figure) for figure in figures)
    return found
