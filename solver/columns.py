"""
A Problem as arrays: the only place in the solver where index arrays are made.

Instants are whole microseconds after ``as_of``, the resolution of a ``datetime``, so that no
comparison is rounded. Sets of few codes are bit masks; sets of many codes are ids of distinct sets
with a small table of which of them fit.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from slotengine.codes import Audience, Mobility, Mode, Profession, SlotState
from slotengine.domain import Practitioner, Referral, Slot
from slotengine.errors import ProblemError
from slotengine.policy import Policy
from slotengine.problem import UNSERVED_LEVEL, Problem, TravelMatrix
from slotengine.solver.encoding import (
    NEVER,
    Flags,
    Hashes,
    Indices,
    Ints,
    Reals,
    distinct,
    flags,
    hashes,
    ints,
    mask,
    spans,
    table,
)
from slotengine.solver.pin_columns import Pinned, pinned_columns
from slotengine.solver.workload import Workload, workload

MICROSECOND = timedelta(microseconds=1)
MINUTE_US = 60_000_000
"""Microseconds in a minute."""

LONGEST = 1_000_000_000
"""
Most metres, and most minutes, of a travel matrix's cell: 25 times round the earth, 1,900 years.
Beyond lie typing errors, and sums that would leave 64 bits.
"""

FAR = 1 << 37
"""
Metres and minutes of an unreachable place: above ``LONGEST`` at the slowest speed (130 times), and
still below 2^63 in microseconds.
"""

NO_PLACE = -1
"""Place of a patient whose location is unknown, and zone of a place outside the matrix."""

NO_PRACTITIONER = -1
"""Own practitioner of a patient who has none."""

ELSEWHERE = -2
"""Own practitioner who gives no slot here: known, and never the one who is asked."""

UNKNOWN_AGE = -1

NOT_TOLD = -1
"""Told slot of a referral that has no seat yet, or whose patient does not know it."""

MODE_BIT = {mode: 1 << index for index, mode in enumerate(Mode)}
PROFESSION_BIT = {profession: 1 << index for index, profession in enumerate(Profession)}
AUDIENCE_BIT = {audience: 1 << index for index, audience in enumerate(Audience)}


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """
    R referrals, S slots and C free seats, in the Problem's order, with what the rules read.

    ``referral_*`` are (R,), except windows and busy spans (R, most of any referral), padded with
    spans that change nothing; ``slot_*`` are (S,) and hold the practitioner's and the site's facts
    too; ``seat_*`` are (C,), the columns of the assignment, extra seats included; ``place_*`` are
    distinct homes. ``priced``: seats have prices, 0 where ``slot_price`` says so;
    ``referral_floored``: a floor names the referral, so that no price keeps a seat from it.
    """

    policy: Policy
    notice_us: int
    priced: bool

    referral_received_us: Ints
    referral_deadline_us: Ints
    referral_level: Ints
    referral_waiting_weight: Ints
    referral_professions: Ints
    referral_modes: Ints
    referral_audiences: Ints
    referral_specialties: Indices
    referral_motive: Indices
    referral_age: Ints
    referral_place: Indices
    referral_speed_kmh: Ints
    referral_wheelchair: Flags
    referral_max_metres: Ints
    referral_own_practitioner: Ints
    referral_told_slot: Indices
    referral_promised: Flags
    referral_floored: Flags
    referral_value: Ints
    referral_hash: Hashes
    window_start_us: Ints
    window_end_us: Ints
    busy_start_us: Ints
    busy_end_us: Ints

    slot_start_us: Ints
    slot_end_us: Ints
    slot_shared: Flags
    slot_open: Flags
    slot_modes: Ints
    slot_audiences: Ints
    slot_practitioner: Indices
    slot_profession: Ints
    slot_specialties: Indices
    slot_motives: Indices
    slot_min_age: Ints
    slot_max_age: Ints
    slot_site: Indices
    slot_hash: Hashes
    slot_first_seat: Ints
    slot_free: Ints
    slot_price: Ints

    seat_slot: Indices
    seat_number: Indices

    specialty_fits: Flags
    motive_fits: Flags

    place_lat: Reals
    place_lon: Reals
    place_zone: Indices
    site_lat: Reals
    site_lon: Reals
    site_zone: Indices
    site_accessible: Flags
    matrix_metres: Ints | None
    matrix_minutes: Ints | None

    workload: Workload
    pinned: Pinned

    @property
    def referral_seated(self) -> Flags:
        """Who keeps a seat in any case: told or promised, (R,)."""
        seated: Flags = self.referral_promised | (self.referral_told_slot != NOT_TOLD)
        return seated

    @property
    def referrals(self) -> int:
        """Number of referrals, R."""
        return len(self.referral_level)

    @property
    def slots(self) -> int:
        """Number of slots, S."""
        return len(self.slot_start_us)

    @property
    def seats(self) -> int:
        """Number of free seats, C."""
        return len(self.seat_slot)


def to_columns(problem: Problem) -> Columns:
    """
    Makes the arrays of a Problem.

    Raises
    ------
    ProblemError
        When a cell of the travel matrix is larger than ``LONGEST``.
    """
    policy = problem.policy
    referrals, slots = problem.referrals, problem.slots
    as_of = problem.as_of
    practitioner_index = {one.id: index for index, one in enumerate(problem.practitioners)}
    site_index = {one.id: index for index, one in enumerate(problem.sites)}
    by_id = {one.id: one for one in problem.practitioners}
    givers = [by_id[slot.practitioner] for slot in slots]
    zones = _zones(problem.matrix)

    wanted, wanted_set = distinct(referral.specialties for referral in referrals)
    held, held_set = distinct(giver.specialties for giver in givers)
    motives, motive = distinct(
        None if referral.motive is None else referral.motive.code for referral in referrals
    )
    limits, limit = distinct((giver.accepted_motives, giver.refused_motives) for giver in givers)
    homes, home = distinct(
        None
        if (place := referral.patient.location) is None
        else (place.lat, place.lon, place.matrix_zone)
        for referral in referrals
    )
    # Unknown homes must have no coordinates at all: their index is moved out of the table.
    known = [place for place in homes if place is not None]
    if None in homes:
        unknown = homes.index(None)
        home = np.where(home == unknown, NO_PLACE, home - (home > unknown)).astype(np.int32)

    window_start, window_end = spans([_windows(referral, as_of) for referral in referrals])
    busy_start, busy_end = spans(_busy(problem))
    free = _free(problem)
    promised = set(problem.promised)
    prices = {one.slot: one.price for one in problem.prices}
    speeds = {mobility: policy.speeds.of(mobility) or 0 for mobility in Mobility}
    audiences = {source: mask(rule, AUDIENCE_BIT) for source, rule in policy.audiences.items()}
    mode_sets = {r.modes for r in referrals} | {slot.modes for slot in slots}
    modes = {one: mask(one, MODE_BIT) for one in mode_sets}
    slot_audiences = {slot.audiences: mask(slot.audiences, AUDIENCE_BIT) for slot in slots}

    return Columns(
        policy=policy,
        notice_us=policy.notice // MICROSECOND,
        priced=bool(problem.prices),
        referral_received_us=ints((r.received_at - as_of) // MICROSECOND for r in referrals),
        referral_deadline_us=ints(_deadline(r, as_of) for r in referrals),
        referral_level=ints(UNSERVED_LEVEL[r.priority] for r in referrals),
        referral_waiting_weight=ints(policy.waiting.of(r.priority) for r in referrals),
        referral_professions=ints(mask(r.professions, PROFESSION_BIT) for r in referrals),
        referral_modes=ints(modes[r.modes] for r in referrals),
        referral_audiences=ints(audiences[r.source] for r in referrals),
        referral_specialties=wanted_set,
        referral_motive=motive,
        referral_age=ints(
            UNKNOWN_AGE if r.patient.age is None else r.patient.age for r in referrals
        ),
        referral_place=home,
        referral_speed_kmh=ints(speeds[r.patient.mobility] for r in referrals),
        referral_wheelchair=flags(r.patient.mobility is Mobility.WHEELCHAIR for r in referrals),
        # Every road is shorter than LONGEST, so cutting off a larger limit refuses nothing.
        referral_max_metres=ints(min(r.max_travel_metres or 0, LONGEST) for r in referrals),
        referral_own_practitioner=ints(
            NO_PRACTITIONER
            if r.patient.own_practitioner is None
            else practitioner_index.get(r.patient.own_practitioner, ELSEWHERE)
            for r in referrals
        ),
        referral_told_slot=_told_slots(problem),
        referral_promised=flags(r.id in promised for r in referrals),
        referral_floored=flags(any(one.names(r) for one in policy.floors) for r in referrals),
        referral_value=ints(policy.values.of(r.priority) for r in referrals),
        referral_hash=hashes("r" + r.id for r in referrals),
        window_start_us=window_start,
        window_end_us=window_end,
        busy_start_us=busy_start,
        busy_end_us=busy_end,
        slot_start_us=ints((slot.start - as_of) // MICROSECOND for slot in slots),
        slot_end_us=ints((slot.end - as_of) // MICROSECOND for slot in slots),
        slot_shared=flags(_shared(slot, problem.territory) for slot in slots),
        slot_open=flags(_open(slot, as_of) for slot in slots),
        slot_modes=ints(modes[slot.modes] for slot in slots),
        slot_audiences=ints(slot_audiences[slot.audiences] for slot in slots),
        slot_practitioner=ints(practitioner_index[slot.practitioner] for slot in slots).astype(
            np.int32
        ),
        slot_profession=ints(PROFESSION_BIT[giver.profession] for giver in givers),
        slot_specialties=held_set,
        slot_motives=limit,
        slot_min_age=ints(_min_age(giver) for giver in givers),
        slot_max_age=ints(NEVER if one.max_age is None else one.max_age for one in givers),
        slot_site=ints(site_index[slot.site] for slot in slots).astype(np.int32),
        slot_hash=hashes("s" + slot.id for slot in slots),
        slot_first_seat=np.cumsum(free) - free,
        slot_free=free,
        slot_price=ints(prices.get(slot.id, 0) for slot in slots),
        seat_slot=np.repeat(np.arange(len(slots), dtype=np.int32), free),
        seat_number=ints(seat for _, seat in problem.free_seats).astype(np.int32),
        specialty_fits=table(wanted, held, _specialty_fits),
        motive_fits=table(motives, limits, _motive_fits),
        place_lat=np.array([place[0] for place in known], dtype=np.float64),
        place_lon=np.array([place[1] for place in known], dtype=np.float64),
        place_zone=ints(zones.get(place[2], NO_PLACE) for place in known).astype(np.int32),
        site_lat=np.array([one.location.lat for one in problem.sites], dtype=np.float64),
        site_lon=np.array([one.location.lon for one in problem.sites], dtype=np.float64),
        site_zone=ints(
            zones.get(one.location.matrix_zone, NO_PLACE) for one in problem.sites
        ).astype(np.int32),
        site_accessible=flags(one.accessible for one in problem.sites),
        matrix_metres=None if problem.matrix is None else _cells(problem.matrix.metres),
        matrix_minutes=None if problem.matrix is None else _cells(problem.matrix.minutes),
        workload=workload(problem),
        pinned=pinned_columns(problem, known, zones),
    )


def _windows(referral: Referral, as_of: datetime) -> list[tuple[int, int]]:
    if not referral.windows:
        return [(-NEVER, NEVER)]
    return [
        ((window.start - as_of) // MICROSECOND, (window.end - as_of) // MICROSECOND)
        for window in referral.windows
    ]


def _busy(problem: Problem) -> list[list[tuple[int, int]]]:
    slots = {slot.id: slot for slot in problem.slots} if problem.pins else {}
    busy: dict[str, list[tuple[str, tuple[int, int]]]] = {}
    for pin in problem.pins:
        slot = slots[pin.slot]
        span = (
            (slot.start - problem.as_of) // MICROSECOND,
            (slot.end - problem.as_of) // MICROSECOND,
        )
        busy.setdefault(pin.patient, []).append((pin.referral, span))
    # How long after the step before it a step comes is another rule's question.
    return [
        [span for booked, span in busy.get(one.patient.key, []) if booked != one.follows]
        for one in problem.referrals
    ]


def _deadline(referral: Referral, as_of: datetime) -> int:
    # A Problem is only built with deadlines filled in.
    return NEVER if referral.deadline is None else (referral.deadline - as_of) // MICROSECOND


def _shared(slot: Slot, territory: str) -> bool:
    # Every referral of a Problem is of its territory, so sharing is a fact of the slot alone.
    return slot.territory == territory or territory in slot.shared_with


def _open(slot: Slot, as_of: datetime) -> bool:
    return slot.state is SlotState.OPEN and (slot.opens_at is None or slot.opens_at <= as_of)


def _min_age(practitioner: Practitioner) -> int:
    # Without any limit even an unknown age passes; with one, an unknown age lies below it.
    if practitioner.min_age is None and practitioner.max_age is None:
        return UNKNOWN_AGE
    return practitioner.min_age or 0


def _told_slots(problem: Problem) -> Indices:
    told = {one.referral: one.slot for one in problem.told}
    slot_index = {slot.id: index for index, slot in enumerate(problem.slots)}
    found = (
        slot_index[told[referral.id]] if referral.id in told else NOT_TOLD
        for referral in problem.referrals
    )
    return ints(found).astype(np.int32)


def _free(problem: Problem) -> Ints:
    taken = Counter(pin.slot for pin in problem.pins)
    return ints(slot.seats - taken[slot.id] for slot in problem.slots)


def _specialty_fits(wanted: tuple[str, ...], held: tuple[str, ...]) -> bool:
    return not wanted or not set(wanted).isdisjoint(held)


def _motive_fits(motive: str | None, limits: tuple[tuple[str, ...], tuple[str, ...]]) -> bool:
    accepted, refused = limits
    if motive is None:
        return not accepted
    return motive not in refused and (not accepted or motive in accepted)


def _zones(matrix: TravelMatrix | None) -> dict[str | None, int]:
    return {} if matrix is None else {zone: index for index, zone in enumerate(matrix.zones)}


def _cells(table: tuple[tuple[int | None, ...], ...]) -> Ints:
    for row in table:
        for cell in row:
            if cell is not None and cell > LONGEST:
                raise ProblemError(f"travel matrix holds {cell}, at most {LONGEST} is allowed")
    cells = [[FAR if cell is None else cell for cell in row] for row in table]
    return np.array(cells, dtype=np.int64).reshape(len(table), len(table))
