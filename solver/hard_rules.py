"""
The hard rules of ``docs/rules.md`` on arrays, each once: who may have which seat.

A rule is one function of index arrays that broadcast against each other, True where it allows. The
arcs of a whole territory and the reason of one refused pair are read from the same functions.
"""

from typing import NamedTuple

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import LONGEST, MINUTE_US, NO_PLACE, Columns
from slotengine.solver.costs import way_cost
from slotengine.solver.encoding import NEVER, Flags, Indices, Ints
from slotengine.solver.travel import Journeys

LONG_MINUTES = 1 << 20
"""
Longer than any journey that REACH allows, which ends within 400 days (576,000 minutes): the cost of
one that is refused anyway is counted as if it took no longer, so that its square stays whole.
"""


def sharing(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows slots of the referral's territory and slots shared with it."""
    return columns.slot_shared[slot] & (row >= 0)


def profession(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a profession among those asked for."""
    shared = columns.referral_professions[row] & columns.slot_profession[slot]
    return shared.astype(np.bool_)


def specialty(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows any specialty when none is asked for, else a shared one."""
    wanted, held = columns.referral_specialties[row], columns.slot_specialties[slot]
    return columns.specialty_fits[wanted, held]


def mode(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a slot that is given in a mode the patient takes."""
    return (columns.referral_modes[row] & columns.slot_modes[slot]).astype(np.bool_)


def audience(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows what the slot was reserved for: a promise to the practitioner who gave it."""
    return (columns.referral_audiences[row] & columns.slot_audiences[slot]).astype(np.bool_)


def age(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows ages between both limits, inclusive; an unknown age only where there is none."""
    years = columns.referral_age[row]
    return (columns.slot_min_age[slot] <= years) & (years <= columns.slot_max_age[slot])


def motive(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a motive that the practitioner takes; none where only some are taken."""
    return columns.motive_fits[columns.referral_motive[row], columns.slot_motives[slot]]


def opening(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows slots that are open for booking by now, inclusive."""
    return columns.slot_open[slot] & (row >= 0)


def window(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a slot that one window holds whole; two touching windows hold nothing together."""
    allowed, asked, row, slot = _asked(np.all(columns.window_start_us > -NEVER, axis=1), row, slot)
    start, end = columns.slot_start_us[slot], columns.slot_end_us[slot]
    held = np.zeros(len(row), dtype=np.bool_)
    for at in range(columns.window_start_us.shape[1]):
        opens, closes = columns.window_start_us[row, at], columns.window_end_us[row, at]
        held |= (opens <= start) & (end <= closes)
    allowed[asked] = held
    return allowed


def deadline(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Allows a start at the deadline itself."""
    return columns.slot_start_us[slot] <= columns.referral_deadline_us[row]


def patient_busy(columns: Columns, row: Indices, slot: Indices) -> Flags:
    """Refuses what overlaps the patient's own booking; touching it is allowed."""
    allowed, asked, row, slot = _asked(np.any(columns.busy_start_us < NEVER, axis=1), row, slot)
    start, end = columns.slot_start_us[slot], columns.slot_end_us[slot]
    apart = np.ones(len(row), dtype=np.bool_)
    for booking in range(columns.busy_start_us.shape[1]):
        begins = columns.busy_start_us[row, booking]
        ends = columns.busy_end_us[row, booking]
        apart &= (end <= begins) | (ends <= start)
    allowed[asked] = apart
    return allowed


def _asked(
    concerned: Flags, row: Indices, slot: Indices
) -> tuple[Flags, tuple[Ints, ...], Indices, Indices]:
    """
    Finds the pairs whose referral a rule concerns; few have windows or bookings.

    Returns
    -------
    tuple
        All pairs as allowed, the positions of those concerned, and their rows and slots.
    """
    row, slot = np.broadcast_arrays(row, slot)
    asked = np.nonzero(concerned[row])
    return np.ones(row.shape, dtype=np.bool_), asked, row[asked], slot[asked]


class Way(NamedTuple):
    """Pairs in one mode, with the journey that it takes."""

    row: Indices
    slot: Indices
    mode: Mode
    journey: Journeys


def mobility(columns: Columns, way: Way) -> Flags:
    """Refuses the practice to those who can't travel: no speed, no journey."""
    return (columns.referral_speed_kmh[way.row] > 0) | (way.mode is not Mode.AMB)


def access(columns: Columns, way: Way) -> Flags:
    """Refuses steps to a wheelchair."""
    accessible = columns.site_accessible[columns.slot_site[way.slot]]
    return accessible | ~columns.referral_wheelchair[way.row] | (way.mode is not Mode.AMB)


def location(columns: Columns, way: Way) -> Flags:
    """Refuses journeys to and from a place nobody knows."""
    known: Flags = columns.referral_place[way.row] != NO_PLACE
    return known | (way.mode is Mode.VR)


def travel(columns: Columns, way: Way) -> Flags:
    """Allows metres up to the limit, inclusive: the patient's, or the practitioner's own."""
    limit = columns.referral_max_metres[way.row]
    if way.mode is Mode.HH:
        limit = np.full(len(way.row), min(columns.policy.home_visit_metres, LONGEST))
    near_enough: Flags = way.journey.metres <= limit
    return near_enough


def reach(columns: Columns, way: Way) -> Flags:
    """Allows whoever is told now, travels, and arrives by the start, inclusive."""
    arrival_us = columns.notice_us + way.journey.minutes * MINUTE_US
    in_time: Flags = arrival_us <= columns.slot_start_us[way.slot]
    return in_time


def kept(columns: Columns, way: Way) -> Flags:
    """
    Allows what is worth its price: the value of serving, less the cost, is at least the price.

    Who was told or promised a seat keeps one, whatever it is worth to others. Nothing is kept from
    whom a floor names: a price would refuse the class what the floor is there to give it. Without
    any prices nothing is kept, and a cost above the value is no reason to serve nobody.
    """
    if not columns.priced:
        return np.ones(len(way.row), dtype=np.bool_)
    minutes = np.minimum(way.journey.minutes, LONG_MINUTES)
    gain = columns.referral_value[way.row] - way_cost(columns, way.row, way.slot, minutes)
    worth: Flags = gain >= columns.slot_price[way.slot]
    return worth | columns.referral_seated[way.row] | columns.referral_floored[way.row]
