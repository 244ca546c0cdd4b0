"""How far and how long, a second time: a great circle made a road, or a host's own table."""

import math
from collections.abc import Mapping

from slotengine.domain import Location
from slotengine.policy import Detour
from slotengine.problem import Problem

EARTH_RADIUS_METRES = 6_371_008.8
"""Mean radius of the earth, IUGG."""

METRES_PER_KM = 1_000
MINUTES_PER_HOUR = 60


def ceil_div(number: int, by: int) -> int:
    """Gives a quotient of integers rounded up."""
    return -(-number // by)


def great_circle_metres(here: Location, there: Location) -> float:
    """
    Gives the great-circle distance on the mean sphere.

    Notes
    -----
    Haversine, after Sinnott (1984), Virtues of the Haversine, Sky & Telescope 68(2), 159.
    """
    lat1, lat2 = math.radians(here.lat), math.radians(there.lat)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(there.lon - here.lon) / 2
    square = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    # Rounding can lift the square of antipodes a hair above 1, where asin has no value.
    return 2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(min(1.0, square)))


def road_metres(here: Location, there: Location, detour: Detour) -> int:
    """Gives whole road metres: the great circle lengthened by the policy's detour, rounded."""
    straight = great_circle_metres(here, there)
    stretch = detour.base + detour.extra * math.exp(-straight / detour.scale_metres)
    return math.floor(straight * (detour.factor * stretch) + 0.5)


class Roads:
    """Answers how long the way between two places is in one problem; asked twice, computed once."""

    def __init__(self, problem: Problem) -> None:
        self._matrix = problem.matrix
        self._detour = problem.policy.detour
        self._car = problem.policy.speeds.car
        zones = () if problem.matrix is None else problem.matrix.zones
        self._zones: Mapping[str, int] = {zone: at for at, zone in enumerate(zones)}
        self._known: dict[tuple[Location, Location], int | None] = {}

    def way(self, start: Location, end: Location, speed: int) -> tuple[int, int] | None:
        """Gives metres, and minutes at a speed in km/h; None where no way leads there."""
        if self._matrix is None:
            metres = road_metres(start, end, self._detour)
            return metres, ceil_div(metres * MINUTES_PER_HOUR, speed * METRES_PER_KM)
        row = self._zones.get(start.matrix_zone or "")
        column = self._zones.get(end.matrix_zone or "")
        if row is None or column is None:
            return None
        cell_metres = self._matrix.metres[row][column]
        cell_minutes = self._matrix.minutes[row][column]
        if cell_metres is None or cell_minutes is None:
            return None
        # The table's minutes are by car; who is slower takes longer by the ratio of the speeds.
        return cell_metres, ceil_div(cell_minutes * self._car, speed)

    def car_minutes(self, start: Location, end: Location) -> int | None:
        """Gives minutes by car from one place to another; None where no way leads there."""
        key = (start, end)
        if key not in self._known:
            way = self.way(start, end, self._car)
            self._known[key] = None if way is None else way[1]
        return self._known[key]
