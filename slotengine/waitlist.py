"""
Who gets a freed seat: one of those who wait, held for them, one at a time.

Never a broadcast: a race is won by whoever sits at the screen. The seat is held for the patient to
whom it brings most; who lets it run out is not asked again for that slot, the next one is.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from slotengine import opening, pricing
from slotengine.answers import Chance, Refilled, WaitingEntry
from slotengine.choosing import URGENCY, chosen_tonight
from slotengine.codes import BookingStatus, Mode, Priority, ReferralState
from slotengine.domain import Booking, Referral, Slot, TimeWindow
from slotengine.errors import DuplicateReferralError, SlotTakenError
from slotengine.floors import Floors
from slotengine.loading import EDGE, line_problem
from slotengine.policy import Policy
from slotengine.ports import FreeSeat, Unit
from slotengine.pricing import Priced
from slotengine.problem import Problem, TravelMatrix
from slotengine.transitions import UNPLACED

WHY_HELD = "refill"
"""Why a booking was made that nobody asked for at the counter."""


def in_line(referrals: Iterable[Referral], first: Collection[str]) -> list[Referral]:
    """Gives those who wait in the order of the line: the wronged, the urgent, the soonest due."""
    return sorted(
        referrals,
        key=lambda one: (
            one.id not in first,
            URGENCY[one.priority],
            one.deadline or one.received_at,
            one.received_at,
            one.id,
        ),
    )


def still_waiting(unit: Unit, territory: str, *, now: datetime) -> tuple[Referral, ...]:
    """Gives the referrals that have no seat and whose deadline is not past, by id."""
    return tuple(
        one
        for one in unit.referrals(territory, sorted(UNPLACED))
        if one.deadline is not None and one.deadline >= now
    )


def entries(
    unit: Unit, territory: str, served: Mapping[str, float], *, now: datetime
) -> tuple[WaitingEntry, ...]:
    """
    Gives those who wait in the order of the line, each with the chance that is stated to them.

    ``served`` has the share of sampled futures in which each referral gets a seat; who is not in
    it waits without a stated chance.
    """
    first = unit.first_in_line(territory)
    chances = note_chances(unit, territory, served, now=now)
    line = in_line(still_waiting(unit, territory, now=now), first)
    return tuple(
        WaitingEntry(
            referral=one.id,
            rank=rank,
            deadline=one.deadline or now,
            first_in_line=one.id in first,
            chance=chances.get(one.id),
        )
        for rank, one in enumerate(line, start=1)
    )


def note_chances(
    unit: Unit, territory: str, served: Mapping[str, float], *, now: datetime
) -> dict[str, Chance]:
    """
    Gives the stated chance of everybody who waits, and notes it: it will be seen how it ended.

    Looked ahead as far as seats are priced; the chance is one of a seat before then. None is
    stated to a group, whose members need seats together.
    """
    from slotengine.solver.chances import foreseen, learned, percent

    policy = unit.policy(territory)
    horizon = now + policy.pricing.horizon
    before = {
        one.id: min(one.deadline or now, horizon)
        for one in still_waiting(unit, territory, now=now)
        if one.id in served and one.group is None
    }
    raw = {
        who: foreseen(served[who], opening.open_hours(policy, now, until))
        for who, until in before.items()
    }
    correction = learned(unit.chance_outcomes(territory, raw))
    stated = {}
    for who, until in before.items():
        chance = correction.chance(raw[who])
        unit.record_chance(who, raw[who], chance)
        stated[who] = Chance(percent=percent(chance), before=until, raw=served[who])
    return stated


def refill(
    unit: Unit,
    territory: str,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
    slots: Collection[str] | None = None,
    without: Collection[str] = (),
) -> tuple[Refilled, ...]:
    """
    Holds free seats for those who wait, the largest gain first; at most one seat each.

    The gain is value less cost less price; nobody is given a seat that is worth more to those who
    come later, or that the plain reserve keeps while there are no prices. First in line goes before
    everybody, and nothing is kept from them: they were promised a seat. Nor is it from a class that
    is short of its floor, until that is met: such seats are given last.

    While a seat is free for less than ``Policy.refill.own_practitioner_first``, only its
    practitioner's own patients are asked if one of them may have it.

    Outside opening hours nobody is asked: a hold at three in the morning runs out unheard, and who
    lets it run out is not asked again.

    Parameters
    ----------
    slots
        Ids of the slots looked at, such as that of a booking just cancelled. Default all.
    without
        Ids of referrals not asked, such as the one that has just given its seat back.
    """
    policy = unit.policy(territory)
    if not opening.is_open(policy, now):
        return ()
    able = [one for one in _able(unit, policy, now=now) if one.id not in without]
    if not able:
        return ()
    last = max(one.deadline or now for one in able)
    free = unit.free_seats(territory, TimeWindow(start=now, end=last + EDGE))
    seats = [seat for seat in free if slots is None or seat.slot.id in slots]
    if not seats:
        return ()
    # All of them: a seat that was taken when prices were computed has that of its neighbours.
    around = {seat.slot.id: seat.slot for seat in free}
    priced = pricing.priced(unit, policy, list(around.values()), now=now)
    given = {seat.slot.id: seat.slot for seat in seats}
    # What the plain reserve keeps is a share of all that is free.
    listed = around if priced.reserve else given
    problem = line_problem(unit, able, policy, list(listed.values()), now=now, matrix=matrix)
    floors = Floors(unit, policy, now=now)
    first = unit.first_in_line(territory)
    wishes = [
        wish
        for wish in _wishes(unit, problem, priced, first=first, floors=floors)
        if wish.slot in given
    ]
    room = _Room(policy, seats, wishes, now=now)
    return tuple(_held(unit, policy, given, wishes, room, floors=floors, now=now))


def _able(unit: Unit, policy: Policy, *, now: datetime) -> list[Referral]:
    """
    Gives who may be asked now: one need a patient, whose step before has its seat.

    A group waits for the night, which seats all of it or none. A referral that has only just come
    in may still be at the counter, where its own offers are on the screen.
    """
    chosen, _ = chosen_tonight(unit, policy, TimeWindow(start=now, end=now + policy.plan_horizon))
    unplaced = {one.id: one for one in chosen if one.state in UNPLACED}
    promised = _promised_needs(unit, list(unplaced.values()))
    return [
        one
        for one in unplaced.values()
        if one.group is None
        and (one.deadline or now) >= now
        and one.follows not in unplaced
        and not set(one.professions) & promised.get(one.patient.key, frozenset())
        and (one.state is ReferralState.WAITING or one.received_at + policy.hold_for <= now)
    ]


def _promised_needs(unit: Unit, waiting: Sequence[Referral]) -> dict[str, frozenset[str]]:
    """Gives the professions that these patients were promised a seat of by another referral."""
    needs: dict[str, frozenset[str]] = {}
    if not waiting:
        return needs
    territory = waiting[0].territory
    for one in unit.patient_referrals(territory, [who.patient.key for who in waiting]):
        # Steps of a pathway are promised one after the other and meant to be several.
        if one.state is ReferralState.PROMISED and one.pathway is None:
            before = needs.get(one.patient.key, frozenset())
            needs[one.patient.key] = before | frozenset(one.professions)
    return needs


class _Wish(NamedTuple):
    """
    A referral and a slot that it may have, with what that would bring.

    ``floored``: only because its class is short would it have a seat of that slot.
    """

    asking: Referral
    slot: str
    mode: Mode
    gain: int
    own: bool
    first: bool
    floored: bool


def _wishes(
    unit: Unit, problem: Problem, priced: Priced, *, first: Collection[str], floors: Floors
) -> list[_Wish]:
    """Gives every pair that may be made, in the order in which pairs are made."""
    from slotengine.solver.arcs import candidate_arcs
    from slotengine.solver.columns import to_columns
    from slotengine.solver.costs import MODE_ORDER
    from slotengine.solver.reserve import kept_slots
    from slotengine.solver.writing import priced_pairs

    columns = to_columns(problem)
    arcs = candidate_arcs(columns)
    pairs = priced_pairs(columns, arcs.row, arcs.slot)
    refused = unit.refused_slots([one.id for one in problem.referrals])
    kept = {
        priority: kept_slots(problem, priority) if priced.reserve else frozenset()
        for priority in Priority
    }
    values = problem.policy.values
    place = {one.id: at for at, one in enumerate(in_line(problem.referrals, first))}
    found = []
    for row, at, mode, cost in zip(
        pairs.row.tolist(),
        pairs.slot.tolist(),
        pairs.mode.tolist(),
        pairs.cost.tolist(),
        strict=True,
    ):
        who, slot = problem.referrals[row], problem.slots[at]
        gain = values.of(who.priority) - cost - priced.prices.get(slot.id, 0)
        dear = (gain < 0 or slot.id in kept[who.priority]) and who.id not in first
        if (who.id, slot.id) in refused or (dear and floors.short(who) is None):
            continue
        wish = _Wish(
            asking=who,
            slot=slot.id,
            mode=MODE_ORDER[mode],
            gain=gain,
            own=who.patient.own_practitioner == slot.practitioner,
            first=who.id in first,
            floored=dear,
        )
        # Equal gains: who stands before in the line, then the sooner slot.
        order = (not wish.first, dear, -gain, place[who.id], slot.start, slot.id)
        found.append((order, wish))
    return [wish for _, wish in sorted(found, key=lambda entry: entry[0])]


class _Room:
    """How many seats of each slot are left, and how many of them for its own patients alone."""

    def __init__(
        self, policy: Policy, seats: Sequence[FreeSeat], wishes: Sequence[_Wish], *, now: datetime
    ) -> None:
        wanted = {wish.slot for wish in wishes if wish.own}
        span = policy.refill.own_practitioner_first
        self._left = Counter(seat.slot.id for seat in seats)
        self._own = Counter(
            seat.slot.id for seat in seats if seat.slot.id in wanted and now < seat.since + span
        )

    def takes(self, wish: _Wish) -> bool:
        """Tells whether a seat is left for this pair."""
        own_only = 0 if wish.own or wish.first else self._own[wish.slot]
        return self._left[wish.slot] > own_only

    def take(self, wish: _Wish) -> None:
        """Counts one seat off: a practitioner's own patient takes one kept for them."""
        self._left[wish.slot] -= 1
        if wish.own:
            self._own[wish.slot] = max(0, self._own[wish.slot] - 1)


def _held(
    unit: Unit,
    policy: Policy,
    slots: Mapping[str, Slot],
    wishes: Sequence[_Wish],
    room: _Room,
    *,
    floors: Floors,
    now: datetime,
) -> Iterable[Refilled]:
    """Holds seat after seat; one that the store refuses is passed over for the next pair."""
    served: set[str] = set()
    modes: dict[str, set[Mode]] = {}
    for wish in wishes:
        taken = modes.setdefault(slots[wish.slot].practitioner, set())
        if wish.asking.id in served or not room.takes(wish) or _journey_between(taken, wish):
            continue
        if wish.floored and floors.short(wish.asking) is None:
            continue
        booking = _hold(unit, policy, slots[wish.slot], wish, now=now)
        if booking is None:
            continue
        served.add(wish.asking.id)
        floors.serve(wish.asking)
        room.take(wish)
        taken.add(wish.mode)
        unit.event(
            policy.territory,
            "waitlist.offered",
            referral=wish.asking.id,
            slot=wish.slot,
            booking=booking.id,
            why=WHY_HELD,
        )
        yield Refilled(referral=wish.asking.id, booking=booking, gain=wish.gain)


def _journey_between(taken: Collection[Mode], wish: _Wish) -> bool:
    """
    Tells whether a practitioner would travel between this seat and one held a moment ago.

    Which journeys there is time for was asked before either was held; the next round asks again.
    """
    return bool(taken) and (wish.mode is Mode.HH or Mode.HH in taken)


def _hold(unit: Unit, policy: Policy, slot: Slot, wish: _Wish, *, now: datetime) -> Booking | None:
    """
    Holds one seat until the time to answer is over, or there is none left to get there.

    None where a rule that earlier holds of this very round moved refuses it by now: a cap, a
    patient elsewhere, somebody faster.
    """
    until = min(now + policy.refill.hold_for, slot.start - policy.notice)
    if until <= now:
        return None
    try:
        return unit.take_seat(
            wish.asking.id,
            slot,
            mode=wish.mode,
            status=BookingStatus.HELD,
            held_until=until,
            why=WHY_HELD,
        )
    except (SlotTakenError, DuplicateReferralError):
        return None
