"""
Other ways to list which slots lie within reach of whom and have the profession wanted.

Each gets the same arrays and gives the pairs as ascending keys, referral times slots plus slot.
None prices a pair, which ours does in the same time. Importing a library is not counted for anyone.
"""

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from slotengine.policy import Detour
from slotengine.solver.columns import Columns

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

EARTH_METRES = 6_371_008.8
"""Mean radius of the earth (IUGG)."""

MOST_LOOPED_PAIRS = 10_000_000
"""A double loop in Python takes about a second for a million pairs."""

MOST_JOINED_PAIRS = 10_000_000
"""A cross join holds about 150 bytes a pair."""

HALVINGS = 60
"""Of an interval of 1,000 km: below a nanometre."""


class Question(NamedTuple):
    """Homes (R,) and slots (S,) in degrees, professions as bit masks, limits in road metres."""

    home_lat: Reals
    home_lon: Reals
    limit_metres: Ints
    wanted: Ints
    slot_lat: Reals
    slot_lon: Reals
    offered: Ints
    detour: Detour

    @property
    def pairs(self) -> int:
        """Number of pairs, allowed or not."""
        return len(self.wanted) * len(self.offered)


class Peer(NamedTuple):
    """A way to answer; the most pairs it is asked about; whether it rounds as the rules do."""

    name: str
    module: str
    answer: Callable[[Question], Ints]
    most_pairs: int | None
    rounds: bool

    def load(self) -> bool:
        """Imports what the peer needs; False where it is not installed."""
        try:
            import_module(self.module)
        except ImportError:
            return False
        return True


def question_of(columns: Columns) -> Question:
    """Gives the part of a problem without unknown places that peers are asked about."""
    place, site = columns.referral_place, columns.slot_site
    return Question(
        columns.place_lat[place],
        columns.place_lon[place],
        columns.referral_max_metres,
        columns.referral_professions,
        columns.site_lat[site],
        columns.site_lon[site],
        columns.slot_profession,
        columns.policy.detour,
    )


def _double_loop(question: Question) -> Ints:
    """Every referral and every slot, in plain Python."""
    bend = question.detour
    slots = list(
        zip(
            np.radians(question.slot_lat).tolist(),
            np.radians(question.slot_lon).tolist(),
            question.offered.tolist(),
            strict=True,
        )
    )
    homes = zip(
        np.radians(question.home_lat).tolist(),
        np.radians(question.home_lon).tolist(),
        question.limit_metres.tolist(),
        question.wanted.tolist(),
        strict=True,
    )
    found = []
    for row, (lat, lon, limit, wanted) in enumerate(homes):
        for slot, (slot_lat, slot_lon, offered) in enumerate(slots):
            if not wanted & offered:
                continue
            chord = (
                math.sin((slot_lat - lat) / 2) ** 2
                + math.cos(lat) * math.cos(slot_lat) * math.sin((slot_lon - lon) / 2) ** 2
            )
            metres = 2 * EARTH_METRES * math.asin(math.sqrt(chord))
            stretch = bend.factor * (bend.base + bend.extra * math.exp(-metres / bend.scale_metres))
            if math.floor(metres * stretch + 0.5) <= limit:
                found.append(row * len(slots) + slot)
    return np.array(found, dtype=np.int64)


def _cross_join(question: Question) -> Ints:
    """All pairs as one table, filtered by profession, then by distance."""
    import pandas as pd

    homes = pd.DataFrame(
        {
            "row": np.arange(len(question.wanted)),
            "home_phi": np.radians(question.home_lat),
            "home_lambda": np.radians(question.home_lon),
            "limit": question.limit_metres,
            "wanted": question.wanted,
        }
    )
    slots = pd.DataFrame(
        {
            "slot": np.arange(len(question.offered)),
            "slot_phi": np.radians(question.slot_lat),
            "slot_lambda": np.radians(question.slot_lon),
            "offered": question.offered,
        }
    )
    pairs = homes.merge(slots, how="cross")
    pairs = pairs[(pairs["wanted"] & pairs["offered"]) != 0]
    chord = (
        np.sin((pairs["slot_phi"] - pairs["home_phi"]) / 2) ** 2
        + np.cos(pairs["home_phi"])
        * np.cos(pairs["slot_phi"])
        * np.sin((pairs["slot_lambda"] - pairs["home_lambda"]) / 2) ** 2
    )
    road = _road(question.detour, 2 * EARTH_METRES * np.arcsin(np.sqrt(chord)))
    pairs = pairs[np.floor(road + 0.5) <= pairs["limit"]]
    found: Ints = (pairs["row"] * len(slots) + pairs["slot"]).to_numpy(dtype=np.int64)
    return found


def _tree(question: Question) -> Ints:
    """
    One k-d tree of unit vectors a profession, asked with each home's own chord.

    Its limit is a distance in floating point: where the road is less than half a metre longer than
    the limit, rounding to whole metres allows what the tree leaves out.
    """
    from scipy.spatial import cKDTree

    homes = _unit_vectors(question.home_lat, question.home_lon)
    slots = _unit_vectors(question.slot_lat, question.slot_lon)
    chord = 2 * np.sin(_straight(question) / EARTH_METRES / 2)
    found = []
    for one in np.unique(question.offered).tolist():
        of_it = np.flatnonzero(question.offered == one)
        asking = np.flatnonzero(question.wanted & one)
        tree = cKDTree(slots[of_it])
        near = tree.query_ball_point(homes[asking], chord[asking])
        many = np.fromiter(map(len, near), dtype=np.int64, count=len(asking))
        flat: Any = np.concatenate([np.asarray(part, dtype=np.int64) for part in [[], *near]])
        found.append(np.repeat(asking, many) * len(question.offered) + of_it[flat])
    return np.sort(np.concatenate(found))


def road_metres(question: Question, keys: Ints) -> Reals:
    """Gives the unrounded road of pairs in metres."""
    row, slot = keys // len(question.offered), keys % len(question.offered)
    homes = _unit_vectors(question.home_lat, question.home_lon)[row]
    slots = _unit_vectors(question.slot_lat, question.slot_lon)[slot]
    chord = np.linalg.norm(homes - slots, axis=1)
    return _road(question.detour, 2 * EARTH_METRES * np.arcsin(chord / 2))


def _road(detour: Detour, metres: Reals) -> Reals:
    bend = detour.extra * np.exp(-metres / detour.scale_metres)
    road: Reals = metres * (detour.factor * (detour.base + bend))
    return road


def _straight(question: Question) -> Reals:
    """Gives how far in a straight line each limit leads: roads grow with the line."""
    low = np.zeros(len(question.limit_metres))
    # A road is never shorter than half its line, as Policy bounds the factor.
    high = 2.0 * question.limit_metres
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        within = _road(question.detour, middle) <= question.limit_metres
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return low


def _unit_vectors(lat: Reals, lon: Reals) -> Reals:
    phi, lam = np.radians(lat), np.radians(lon)
    return np.column_stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)))


PEERS = (
    Peer("double loop", "math", _double_loop, MOST_LOOPED_PAIRS, rounds=True),
    Peer("pandas cross join", "pandas", _cross_join, MOST_JOINED_PAIRS, rounds=True),
    Peer("scipy cKDTree", "scipy.spatial", _tree, None, rounds=False),
)
