"""
Metres and minutes between patient and site: great circle with a detour, or a host's own matrix.

Everything is a whole number: metres are rounded once, minutes are rounded up once, so that no later
comparison depends on a float.
"""

from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import FAR, NO_PLACE, Columns
from slotengine.solver.encoding import Indices, Ints, Reals

EARTH_METRES = 6_371_008.8
"""Mean radius of the earth (IUGG)."""

MINUTES_PER_HOUR = 60
METRES_PER_KM = 1_000

DENSE_TABLE_FACTOR = 4
"""A table of all homes and sites is kept up to this many times the pairs; above, pairs sort."""


class Journeys(NamedTuple):
    """Whole metres and whole minutes of each pair; ``FAR`` where there is no way."""

    metres: Ints
    minutes: Ints


def great_circle_metres(lat_a: Reals, lon_a: Reals, lat_b: Reals, lon_b: Reals) -> Reals:
    """
    Gives the great-circle distance in metres between places in degrees, pair by pair.

    Notes
    -----
    Haversine, after Sinnott (1984), Virtues of the Haversine, Sky & Telescope 68(2), 159: exact
    for near places, where the spherical law of cosines loses its digits.
    """
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half_dphi = (phi_b - phi_a) / 2
    half_dlambda = np.radians(lon_b - lon_a) / 2
    chord = np.sin(half_dphi) ** 2 + np.cos(phi_a) * np.cos(phi_b) * np.sin(half_dlambda) ** 2
    # Rounding may push the square of the half chord of antipodes past 1.
    half_chord = np.sqrt(np.minimum(chord, 1.0))
    metres: Reals = 2 * EARTH_METRES * np.arcsin(half_chord)
    return metres


def road_metres(columns: Columns, straight_metres: Reals) -> Ints:
    """Gives whole road metres from great-circle metres by the Policy's detour formula."""
    detour = columns.policy.detour
    stretch = detour.factor * (
        detour.base + detour.extra * np.exp(-straight_metres / detour.scale_metres)
    )
    return np.floor(straight_metres * stretch + 0.5).astype(np.int64)


def minutes_at(metres: Ints, speed_kmh: Ints | int) -> Ints:
    """Gives whole minutes, rounded up, for whole metres at a speed above 0 km/h."""
    minutes: Ints = -(-metres * MINUTES_PER_HOUR // (speed_kmh * METRES_PER_KM))
    return minutes


def journeys(columns: Columns, row: Indices, slot: Indices, mode: Mode) -> Journeys:
    """
    Gives the journey of each pair of referral and slot in one mode.

    Parameters
    ----------
    columns
        The Problem as arrays.
    row, slot
        (A,) indices of referrals and slots. Patient and site are priced once, however many of the
        site's slots occur.
    mode
        AMB leads from patient to site at the patient's speed, HH from site to patient by car, VR
        nowhere.

    Returns
    -------
    Journeys
        (A,) int64 each. A patient without a place or, for AMB, who can't travel is ``FAR`` away.
    """
    if mode is Mode.VR:
        nothing = np.zeros(len(row), dtype=np.int64)
        return Journeys(nothing, nothing)
    patient, site, inverse = _distinct_pairs(columns, row, columns.slot_site[slot])
    place = columns.referral_place[patient]
    metres = np.full(len(patient), FAR, dtype=np.int64)
    minutes = np.full(len(patient), FAR, dtype=np.int64)
    speed = columns.referral_speed_kmh[patient]
    if mode is Mode.HH:
        speed = np.full(len(patient), columns.policy.speeds.car, dtype=np.int64)
    known = np.flatnonzero((place != NO_PLACE) & (speed > 0))
    if columns.matrix_metres is None or columns.matrix_minutes is None:
        metres[known], minutes[known] = _by_circle(columns, place[known], site[known], speed[known])
    else:
        tables = (columns.matrix_metres, columns.matrix_minutes)
        metres[known], minutes[known] = _by_matrix(
            columns, tables, (place[known], site[known]), speed[known], mode
        )
    return Journeys(metres[inverse], minutes[inverse])


def _distinct_pairs(columns: Columns, row: Indices, site: Indices) -> tuple[Indices, Indices, Ints]:
    sites = len(columns.site_lat)
    if len(row) == 0:
        return row, site, np.zeros(0, dtype=np.int64)
    # Rows come in runs: numbering the runs leaves no gaps between far rows.
    begins = np.diff(row, prepend=row[0]) != 0
    run, owner = np.cumsum(begins), row[np.flatnonzero(np.append(True, begins[1:]))]
    key = run * sites + site
    size = len(owner) * sites
    if size <= DENSE_TABLE_FACTOR * len(row):
        # Marking a table of all cells is five times faster than sorting the pairs.
        marked = np.zeros(size, dtype=np.bool_)
        marked[key] = True
        distinct = np.flatnonzero(marked)
        position = np.empty(size, dtype=np.int64)
        position[distinct] = np.arange(len(distinct))
        inverse = position[key]
    else:
        distinct, inverse = np.unique(key, return_inverse=True)
    return owner[distinct // sites], (distinct % sites).astype(np.int32), inverse


def _by_circle(columns: Columns, place: Indices, site: Indices, speed: Ints) -> tuple[Ints, Ints]:
    straight = great_circle_metres(
        columns.place_lat[place],
        columns.place_lon[place],
        columns.site_lat[site],
        columns.site_lon[site],
    )
    metres = road_metres(columns, straight)
    return metres, minutes_at(metres, speed)


def _by_matrix(
    columns: Columns,
    tables: tuple[Ints, Ints],
    pair: tuple[Indices, Indices],
    speed: Ints,
    mode: Mode,
) -> tuple[Ints, Ints]:
    home, practice = columns.place_zone[pair[0]], columns.site_zone[pair[1]]
    start, goal = (home, practice) if mode is Mode.AMB else (practice, home)
    metres = np.full(len(start), FAR, dtype=np.int64)
    minutes = np.full(len(start), FAR, dtype=np.int64)
    listed = np.flatnonzero((start != NO_PLACE) & (goal != NO_PLACE))
    if len(listed) == 0:
        return metres, minutes
    metres[listed] = tables[0][start[listed], goal[listed]]
    by_car = tables[1][start[listed], goal[listed]]
    slower = -(-by_car * columns.policy.speeds.car // speed[listed])
    # A patient faster than the car must not bring the unreachable nearer.
    minutes[listed] = np.where(by_car == FAR, FAR, slower)
    return metres, minutes
