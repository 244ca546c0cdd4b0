"""
Which stands may lie within reach of which homes, without asking about every pair.

On the sphere: a cell list over unit vectors, which knows neither poles nor an antimeridian. With a
host's matrix there is no geometry: the cells are its zones. Both name a few pairs too many and
never one too few; the rule TRAVEL decides.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, Protocol

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import LONGEST, MODE_BIT, NO_PLACE, Columns
from slotengine.solver.encoding import Flags, Indices, Ints, Reals
from slotengine.solver.stands import Stands
from slotengine.solver.travel import EARTH_METRES

NO_REACH = -1
"""Limit in metres of whoever does not travel in a mode."""

NOWHERE = -1
"""Cell of whoever travels in no mode, or lives nobody knows where."""

SLACK_METRES = 1.0
"""Added to straight limits: far above the error of a great circle, 0.1 m near antipodes."""

SLACK_COSINE = 1e-12
"""Taken off cosines of limits: far above the error of a dot product of unit vectors, 1e-15."""

SLACK_CHORD = 1e-9
"""Added to the width of cells: far above the error of a coordinate, 1e-15."""

CELLS_IN_REACH = 2
"""Cells that the longest limit spans. With 1, a third more pairs are looked at; 3 cost loops."""

SHORTEST_CELL_METRES = 500.0
"""Cells are at least this wide, so that their numbers fit 64 bits."""

ROWS_IN_CELL = 16
"""Cells are widened until this many rows share one on average: a block costs its set-up."""


class Block(NamedTuple):
    """
    Rows of one cell and the stands around it.

    ``row`` (N,) int32 ascending; ``stand`` (M,) int64 ascending; ``near`` (N, M) flags, True
    wherever a journey may be short enough; ``video`` (M,) flags: offered to these rows by video,
    from anywhere.
    """

    row: Indices
    stand: Ints
    near: Flags
    video: Flags


class _Limits(NamedTuple):
    """Longest journey in whole road metres of each row to a site, and to it from a site."""

    out: Ints
    home: Ints


class _Cells(Protocol):
    def cell(self) -> Ints:
        """Gives the cell of each row, ``NOWHERE`` included."""

    def around(self, cell: int) -> Ints:
        """Gives the stands that some row of a cell may reach, ascending."""

    def near(self, at: Ints, stand: Ints) -> Flags:
        """Gives which rows (by position) may reach which stands, as (N, M) flags."""


def blocks(columns: Columns, stands: Stands, row: Indices, at_once: int) -> Iterator[Block]:
    """
    Lists every pair of row and stand that may be within reach, block by block.

    Parameters
    ----------
    columns
        The Problem as arrays.
    stands
        Its slots by stand.
    row
        Ascending indices of the referrals asked about, at least one; each is in at most one block.
    at_once
        Rows of a block times slots of its stands are at most this, if one row allows it.
    """
    limits = _limits(columns, row)
    by_video = (columns.referral_modes[row] & MODE_BIT[Mode.VR]).astype(np.bool_)
    offered = (columns.slot_modes[stands.example] & MODE_BIT[Mode.VR]).astype(np.bool_)
    on_screen, nothing = np.flatnonzero(offered), np.zeros(0, dtype=np.int64)
    for reach, group in _cells(columns, stands, row, limits):
        # Video is offered from anywhere: who takes it is asked about more stands.
        key = reach.cell() * 2 + by_video[group]
        order = np.argsort(key, kind="stable")
        bounds = np.flatnonzero(np.diff(key[order], prepend=key[order][0] - 1))
        for members in np.split(order, bounds[1:]):
            cell, screen = divmod(int(key[members[0]]), 2)
            around = nothing if cell == NOWHERE else reach.around(cell)
            stand = np.union1d(around, on_screen) if screen else around
            if len(stand) == 0:
                continue
            video = offered[stand] if screen else np.zeros(len(stand), dtype=np.bool_)
            step = max(1, at_once // int(stands.size[stand].sum()))
            for begin in range(0, len(members), step):
                part = members[begin : begin + step]
                if cell == NOWHERE:
                    near = np.zeros((len(part), len(stand)), dtype=np.bool_)
                else:
                    near = reach.near(part, stand)
                yield Block(row[group[part]], stand, near, video)


def _limits(columns: Columns, row: Indices) -> _Limits:
    known = columns.referral_place[row] != NO_PLACE
    modes = columns.referral_modes[row]
    travels = known & (columns.referral_speed_kmh[row] > 0)
    out = travels & (modes & MODE_BIT[Mode.AMB]).astype(np.bool_)
    home = known & (modes & MODE_BIT[Mode.HH]).astype(np.bool_)
    return _Limits(
        np.where(out, columns.referral_max_metres[row], NO_REACH),
        np.where(home, min(columns.policy.home_visit_metres, LONGEST), NO_REACH),
    )


def _cells(
    columns: Columns, stands: Stands, row: Indices, limits: _Limits
) -> Iterator[tuple[_Cells, Ints]]:
    """Gives cells with the positions of the rows that they are for; each row is in one."""
    site = columns.slot_site[stands.example]
    place = columns.referral_place[row]
    # Who has no place is last in both tables, and has no limit either.
    if columns.matrix_metres is not None:
        zone = np.append(columns.place_zone, np.int32(NO_PLACE))[place]
        zones = _Zones(columns.matrix_metres, zone, columns.site_zone[site], limits)
        yield zones, np.arange(len(row))
        return
    # Road metres are at least straight metres times this (Policy.detour: extra is never negative).
    stretch = columns.policy.detour.factor * columns.policy.detour.base
    longest = np.maximum(limits.out, limits.home)
    straight = np.where(longest == NO_REACH, NO_REACH, (longest + 0.5) / stretch + SLACK_METRES)
    # Limits of one octave share a grid, so that one long way does not widen everybody's cells.
    octave = np.where(longest == NO_REACH, NOWHERE, np.frexp(longest)[1])
    practice = unit_vectors(columns.site_lat, columns.site_lon)[site]
    origin = np.zeros((1, 3))
    home = np.concatenate((unit_vectors(columns.place_lat, columns.place_lon), origin))[place]
    for one in np.unique(octave).tolist():
        group = np.flatnonzero(octave == one)
        yield _Sphere(home[group], practice, straight[group]), group


def unit_vectors(lat: Reals, lon: Reals) -> Reals:
    """Gives places in degrees as points of the unit sphere, (N, 3)."""
    phi, lam = np.radians(lat), np.radians(lon)
    vectors: Reals = np.column_stack(
        (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    )
    return vectors


class _Sphere:
    """Cubes that cut the unit sphere; a sorted list says which stands lie in each."""

    def __init__(self, home: Reals, stand: Reals, straight: Reals) -> None:
        """Takes homes and stands as unit vectors, and each home's limit in straight metres."""
        self._home, self._stand = home, stand
        angle = np.minimum(straight / EARTH_METRES, np.pi)
        self._cosine = np.cos(angle) - SLACK_COSINE
        self._nowhere = bool((straight < 0).all())
        chord = 2 * np.sin(np.max(angle, initial=0.0) / 2) + SLACK_CHORD
        self._width = max(chord / CELLS_IN_REACH, SHORTEST_CELL_METRES / EARTH_METRES)
        enough = max(1, len(home) // ROWS_IN_CELL)
        while self._width < 1 and len(np.unique(self._number(home))) > enough:
            self._width *= 2
        self._reach = int(np.ceil(chord / self._width))
        number = self._number(stand)
        self._order = np.argsort(number, kind="stable")
        self._sorted = number[self._order]

    @property
    def _across(self) -> int:
        # Cells beyond each face exist too, as far as the reach: no neighbour wraps around.
        return int(2 / self._width) + 2 * CELLS_IN_REACH + 2

    def _number(self, vector: Reals) -> Ints:
        at = ((vector + 1) / self._width).astype(np.int64) + CELLS_IN_REACH
        number: Ints = (at[:, 0] * self._across + at[:, 1]) * self._across + at[:, 2]
        return number

    def cell(self) -> Ints:
        if self._nowhere:
            return np.full(len(self._home), NOWHERE, dtype=np.int64)
        return self._number(self._home)

    def around(self, cell: int) -> Ints:
        steps = range(-self._reach, self._reach + 1)
        columns = np.array([x * self._across + y for x, y in product(steps, steps)])
        middle = cell + columns * self._across
        # Cells along the third axis have numbers in a row: one span each.
        low = np.searchsorted(self._sorted, middle - self._reach, side="left")
        high = np.searchsorted(self._sorted, middle + self._reach, side="right")
        spans = zip(low.tolist(), high.tolist(), strict=True)
        return np.sort(np.concatenate([self._order[begin:end] for begin, end in spans]))

    def near(self, at: Ints, stand: Ints) -> Flags:
        near: Flags = self._home[at] @ self._stand[stand].T >= self._cosine[at, None]
        return near


class _Zones:
    """A host's matrix: the cell of a home is its zone, and the matrix says what is around it."""

    def __init__(self, metres: Ints, home: Indices, practice: Indices, limits: _Limits) -> None:
        """Takes the zones of homes and of stands, and the limits of each home."""
        self._metres, self._home, self._practice, self._limits = metres, home, practice, limits
        self._listed = np.flatnonzero(practice != NO_PLACE)

    def cell(self) -> Ints:
        travels = np.maximum(self._limits.out, self._limits.home) > NO_REACH
        return np.where(travels, self._home, NOWHERE).astype(np.int64)

    def around(self, cell: int) -> Ints:
        members = np.flatnonzero(self._home == cell)
        there, back = self._ways(cell, self._listed)
        near = there <= self._limits.out[members].max()
        near |= back <= self._limits.home[members].max()
        found: Ints = self._listed[near]
        return found

    def near(self, at: Ints, stand: Ints) -> Flags:
        there, back = self._ways(int(self._home[at[0]]), stand)
        near: Flags = there <= self._limits.out[at, None]
        near |= back <= self._limits.home[at, None]
        # A stand outside the matrix may be here by video alone.
        near &= self._practice[stand] != NO_PLACE
        return near

    def _ways(self, zone: int, stand: Ints) -> tuple[Ints, Ints]:
        goal = self._practice[stand]
        return self._metres[zone, goal], self._metres[goal, zone]
