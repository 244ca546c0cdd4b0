"""The communes of France as a table: by INSEE code, by postcode, by name, by point."""

import gzip
import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from slotengine.adapters.commune_names import city_of_district, names_of

METRES_PER_DEGREE = 111_195
"""Of latitude, on a sphere of 6,371 km."""

CELLS_PER_DEGREE = 10
"""Cells of the grid in which the nearest commune is looked for: some 8 km by 11 km. Our choice."""

RINGS = 2
"""Cells around a point that are looked through at most: 15 km at least. Our choice."""

CORSICA = {"20": ("2A", "2B")}
"""Corsica's postcodes begin with 20, its INSEE codes with 2A or 2B."""

OVERSEAS = "97"
"""Postcodes and INSEE codes that begin so name their département by three digits."""


class Commune(NamedTuple):
    """A commune and the point that stands for it, in WGS 84 degrees."""

    insee: str
    name: str
    postcodes: tuple[str, ...]
    lat: float
    lon: float

    def metres_to(self, lat: float, lon: float) -> float:
        """Gives the distance to a point; flat, which is good enough for telling near from far."""
        north = lat - self.lat
        east = (lon - self.lon) * math.cos(math.radians(self.lat))
        return METRES_PER_DEGREE * math.hypot(north, east)


class Table:
    """Communes, findable; what is asked for seldom is made when it is asked for first."""

    def __init__(self, communes: Iterable[Commune]) -> None:
        self._by_code: dict[str, Commune] = {one.insee: one for one in communes}
        self._by_postcode: dict[str, tuple[Commune, ...]] = {}
        for one in self._by_code.values():
            for postcode in one.postcodes:
                self._by_postcode[postcode] = (*self._by_postcode.get(postcode, ()), one)
        self._cells: dict[tuple[int, int], list[Commune]] = {}
        self._names: dict[str, Mapping[str, tuple[Commune, ...]]] = {}

    def __len__(self) -> int:
        return len(self._by_code)

    def coded(self, insee: str) -> Commune | None:
        """Gives a commune by INSEE code; an arrondissement stands on its city's point."""
        found = self._by_code.get(insee)
        if found is None and (city := city_of_district(insee)) is not None:
            found = self._by_code.get(city)
            return None if found is None else found._replace(insee=insee)
        return found

    def of_postcode(self, postcode: str) -> tuple[Commune, ...]:
        """Gives the communes that share a postcode."""
        return self._by_postcode.get(postcode, ())

    def named(self, name: str, postcode: str) -> tuple[Commune, ...]:
        """Gives the communes of a bare name in the département that a postcode lies in."""
        start = postcode[:3] if postcode.startswith(OVERSEAS) else postcode[:2]
        return tuple(
            one
            for department in CORSICA.get(start, (start,))
            for one in self._names_in(department).get(name, ())
        )

    def nearest(self, lat: float, lon: float) -> Commune | None:
        """
        Gives the commune whose point is nearest, or None where none is within some 15 km.

        The nearest town hall, not the contour that holds the point: next to a border it may be
        the neighbour's.
        """
        if not self._cells:
            cells: dict[tuple[int, int], list[Commune]] = {}
            for one in self._by_code.values():
                cells.setdefault(_cell(one.lat, one.lon), []).append(one)
            self._cells = cells
        # How far the first ring reaches at least: one cell, which is narrower than it is high.
        reach = METRES_PER_DEGREE / CELLS_PER_DEGREE * math.cos(math.radians(lat))
        for rings in range(1, RINGS + 1):
            around = self._around(lat, lon, rings)
            best = min(around, key=lambda one: one.metres_to(lat, lon), default=None)
            if best is not None and best.metres_to(lat, lon) <= rings * reach:
                return best
        return None

    def _around(self, lat: float, lon: float, rings: int) -> list[Commune]:
        row, column = _cell(lat, lon)
        steps = range(-rings, rings + 1)
        return [
            one
            for north in steps
            for east in steps
            for one in self._cells.get((row + north, column + east), ())
        ]

    def _names_in(self, department: str) -> Mapping[str, tuple[Commune, ...]]:
        known = self._names.get(department)
        if known is None:
            found: dict[str, tuple[Commune, ...]] = {}
            for one in self._by_code.values():
                if one.insee.startswith(department):
                    for name in names_of(one.name):
                        found[name] = (*found.get(name, ()), one)
            # Only départements that are there: what others send must not fill the memory.
            if found:
                self._names[department] = found
            return found
        return known


def _cell(lat: float, lon: float) -> tuple[int, int]:
    return math.floor(lat * CELLS_PER_DEGREE), math.floor(lon * CELLS_PER_DEGREE)


@cache
def france() -> Table:
    """Gives all communes of France, read once (``data/README.md``)."""
    packed = (resources.files("slotengine.adapters") / "data" / "communes.csv.gz").read_bytes()
    return Table(_read(line) for line in gzip.decompress(packed).decode().splitlines())


def _read(line: str) -> Commune:
    insee, name, postcodes, lat, lon = line.split(";")
    return Commune(insee, name, tuple(postcodes.split("|")), float(lat), float(lon))
