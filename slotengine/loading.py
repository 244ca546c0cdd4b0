"""
From the store to a Problem: what one referral, or one night, may know.

The counter and the night load through the same functions, so that both see the same rules.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from slotengine.codes import ReferralState, SlotState
from slotengine.domain import Booking, Practitioner, Referral, Site, Slot, TimeWindow, by_id
from slotengine.pinning import before_step, binding, binding_patients, listed_only, pins_of
from slotengine.policy import Policy
from slotengine.ports import Seated, Unit
from slotengine.pricing import priced
from slotengine.problem import Pin, Problem, Told, TravelMatrix
from slotengine.problem_checks import too_large_groups
from slotengine.seat_prices import SeatPrice

_Supply = TypeVar("_Supply", Practitioner, Site)

EDGE = timedelta(seconds=1)
"""A window is half-open; a deadline is inclusive: the window must end just after it."""


class Night(NamedTuple):
    """A night's Problem, and the referrals whose group is larger than any practitioner's day."""

    problem: Problem
    too_large: tuple[Referral, ...]


def counter_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
    offered: bool = False,
    whole: bool = True,
) -> Problem | None:
    """
    Gives the Problem of one referral now, every other booking pinned; None without a future.

    ``offered``: of only those slots that its requester may be offered, asked so in the query;
    default all, of which an explanation says why they are none of them. Not ``whole``: of those
    only what it could have at all (``solver.reachable``), which leaves out no candidate.
    """
    from slotengine.solver.reachable import could_have

    if referral.deadline is None or referral.deadline < now:
        return None
    slots: Sequence[Slot]
    if offered:
        slots = offered_slots(unit, referral, policy, now=now)
    else:
        slots = _slots_before(unit, referral.territory, now, referral.deadline)
    supply = _Givers(unit, policy.territory, slots)
    if not whole:
        supply.keep(
            could_have(
                referral,
                slots,
                supply.practitioners,
                supply.sites,
                policy=policy,
                matrix=matrix,
            )
        )
    seated = binding(
        unit, [referral], policy, slots=supply.slots, practitioners=supply.practitioners
    )
    return _problem(
        supply,
        [referral],
        policy,
        now=now,
        seated=seated,
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )


def offered_slots(
    unit: Unit, referral: Referral, policy: Policy, *, now: datetime
) -> tuple[Slot, ...]:
    """Gives the slots that the requester of a referral may be offered now, until its deadline."""
    window = TimeWindow(start=now, end=(referral.deadline or now) + EDGE)
    return unit.offered_slots(referral.territory, window, policy.audiences[referral.source])


def moving_problem(
    unit: Unit,
    referral: Referral,
    holders: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """
    Gives the Problem of one referral beside promised ones whose seats may move.

    The holders' own seats are free in it; each holder asks for what it was promised.
    """
    asking = [referral, *holders]
    last = max(one.deadline or now for one in asking)
    slots = _slots_before(unit, policy.territory, now, last)
    supply = _Givers(unit, policy.territory, slots)
    seated = binding(unit, asking, policy, slots=slots, practitioners=supply.practitioners)
    moving = {one.id for one in asking}
    return _problem(
        supply,
        asking,
        policy,
        now=now,
        seated=seated,
        free=lambda booking: booking.referral in moving,
        matrix=matrix,
    )


def open_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    *,
    as_of: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """
    Gives the Problem of one referral with other patients' seats free.

    To explain: a seat that was possible but taken is another answer than a seat that never was.
    Siblings' seats and the step before are pinned: they are why a seat was possible at all.
    """
    deadline = referral.deadline or as_of
    slots = _slots_before(unit, referral.territory, as_of, deadline)
    return _problem(
        _Givers(unit, policy.territory, slots),
        [referral.replaced(deadline=deadline)],
        policy,
        now=as_of,
        seated=binding_patients(unit, [referral]),
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )


def seat_problem(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    slot: Slot,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """Gives the Problem of one referral and the slot it sits on, every other booking pinned."""
    supply = _Givers(unit, policy.territory, [slot])
    seated = binding(unit, [referral], policy, slots=[slot], practitioners=supply.practitioners)
    return _problem(
        supply,
        [referral],
        policy,
        now=now,
        seated=seated,
        free=lambda booking: booking.referral == referral.id,
        matrix=matrix,
    )


def line_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    slots: Sequence[Slot],
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """Gives the Problem of some who wait and some slots, every booking pinned."""
    supply = _Givers(unit, policy.territory, slots)
    seated = binding(unit, referrals, policy, slots=slots, practitioners=supply.practitioners)
    return _problem(
        supply,
        referrals,
        policy,
        now=now,
        seated=seated,
        free=lambda _: False,
        matrix=matrix,
    )


def market_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    window: TimeWindow,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> Problem:
    """
    Gives the Problem of some who wait and all open slots of a window, every booking pinned.

    Without the groups that are larger than any practitioner's day.
    """
    slots = _open_slots(unit, policy.territory, window)
    large = _too_large(policy, _Givers(unit, policy.territory, slots), referrals)
    able = [one for one in referrals if one.group is None or one.group not in large]
    return line_problem(unit, able, policy, slots, now=now, matrix=matrix)


def _slots_before(unit: Unit, territory: str, now: datetime, deadline: datetime) -> list[Slot]:
    return _open_slots(unit, territory, TimeWindow(start=now, end=deadline + EDGE))


def night_problem(
    unit: Unit,
    referrals: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    horizon: timedelta,
    matrix: TravelMatrix | None,
    witnesses: Mapping[str, str] | None = None,
) -> Night:
    """
    Gives the Problem of a night: promises of these referrals that may move are free.

    A promise that nobody was told may move; one that was told only if the Policy lets some move and
    it would be allowed where it is today, else it is pinned.

    ``witnesses`` are the slots on which promises rest that must be kept: their referrals have a
    seat in every plan. All of them could stay where they are, beside all who were told, so there is
    such a plan; who could not, because a rule grew stricter or an agenda fuller, is pinned.
    """
    window = TimeWindow(start=now, end=now + horizon)
    slots = _open_slots(unit, policy.territory, window)
    supply = _Givers(unit, policy.territory, slots)
    large = _too_large(policy, supply, referrals)
    placing = {one.id: one for one in referrals if one.group is None or one.group not in large}
    seated = binding(
        unit,
        list(placing.values()),
        policy,
        slots=slots,
        practitioners=supply.practitioners,
    )
    told = []
    for one in seated:
        if one.booking.referral not in placing or one.booking.told_at is None:
            continue
        who = placing[one.booking.referral]
        if _may_stay(unit, who, policy, one.slot, now=now, matrix=matrix):
            told.append(Told(referral=who.id, slot=one.slot.id))
        else:
            del placing[who.id]
    moving = {one.referral for one in told}
    cost = priced(unit, policy, slots, now=now)
    keeping = {} if witnesses is None else {**witnesses}
    while True:
        keeping = {id_: slot for id_, slot in keeping.items() if id_ in placing}
        problem = _problem(
            supply,
            list(placing.values()),
            policy,
            now=now,
            seated=seated,
            free=lambda booking: (
                booking.referral in placing and (booking.movable or booking.referral in moving)
            ),
            told=told,
            promised=sorted(keeping),
            prices=[SeatPrice(slot=id_, price=price) for id_, price in cost.prices.items()],
            price_set=cost.price_set,
            matrix=matrix,
        )
        pinned = _unfit(problem, keeping)
        if not pinned:
            break
        for id_ in pinned:
            del placing[id_]
    return Night(problem, tuple(one for one in referrals if one.group in large))


def _unfit(problem: Problem, keeping: Mapping[str, str]) -> tuple[str, ...]:
    if not keeping:
        return ()
    from slotengine.solver.witnesses import unfit

    return unfit(problem, keeping)


def _too_large(policy: Policy, supply: "_Givers", referrals: Sequence[Referral]) -> set[str]:
    groups = {one.group for one in referrals if one.group is not None}
    if not supply.slots:
        # No day at all has room for two; slots that are listed for bookings alone don't count.
        return {group for group in groups if sum(one.group == group for one in referrals) > 1}
    people = by_id(supply.practitioners)
    return set(too_large_groups(policy, people, supply.slots, referrals))


def _may_stay(
    unit: Unit,
    referral: Referral,
    policy: Policy,
    slot: Slot,
    *,
    now: datetime,
    matrix: TravelMatrix | None,
) -> bool:
    """
    Tells whether a referral could be given the seat it has, every other booking where it is.

    Asked one by one, which is enough: where each may stay beside all others, all may stay.
    """
    from slotengine.solver.explain import why_not

    problem = seat_problem(unit, referral, policy, slot, now=now, matrix=matrix)
    return why_not(problem, referral.id, slot.id) is None


def _open_slots(unit: Unit, territory: str, window: TimeWindow) -> list[Slot]:
    return [slot for slot in unit.slots(territory, window) if slot.state is SlotState.OPEN]


class _Givers:
    """Slots that may be given, with their practitioners and sites, read once."""

    def __init__(self, unit: Unit, territory: str, slots: Sequence[Slot]) -> None:
        self.unit = unit
        self.territory = territory
        self.slots = slots
        self.practitioners = _own_first(unit.practitioners(slots), territory)
        self.sites = _own_first(unit.sites(slots), territory)

    def keep(self, slots: Sequence[Slot]) -> None:
        """Forgets all slots but these, and whoever gives none of them."""
        self.slots = slots
        people, places = {slot.practitioner for slot in slots}, {slot.site for slot in slots}
        self.practitioners = [one for one in self.practitioners if one.id in people]
        self.sites = [one for one in self.sites if one.id in places]

    def with_listed(
        self, more: Sequence[Slot]
    ) -> tuple[list[Slot], list[Practitioner], list[Site]]:
        """Gives all of it, and what slots need that are listed for their bookings alone."""
        people, places = by_id(self.practitioners), by_id(self.sites)
        strangers = [slot for slot in more if slot.practitioner not in people]
        elsewhere = [slot for slot in more if slot.site not in places]
        if strangers:
            found = _own_first(self.unit.practitioners(strangers), self.territory)
            people.update(by_id(found))
        if elsewhere:
            places.update(by_id(_own_first(self.unit.sites(elsewhere), self.territory)))
        return [*self.slots, *more], list(people.values()), list(places.values())


def _problem(
    supply: _Givers,
    referrals: Sequence[Referral],
    policy: Policy,
    *,
    now: datetime,
    seated: Iterable[Seated],
    free: Callable[[Booking], bool],
    matrix: TravelMatrix | None,
    told: Sequence[Told] = (),
    promised: Sequence[str] = (),
    prices: Sequence[SeatPrice] = (),
    price_set: str | None = None,
) -> Problem:
    """Builds a Problem in which every booking is pinned but those that are ``free``."""
    given = by_id(supply.slots)
    placing = by_id(referrals)
    pins: list[Pin] = []
    listed: dict[str, Slot] = {}
    for one, pin in pins_of(seated, referrals, territory=policy.territory, free=free, now=now):
        pins.append(pin)
        if one.follows in placing:
            placing[one.follows] = before_step(placing[one.follows], one, policy)
        if one.slot.id not in given:
            listed[one.slot.id] = listed_only(one.slot, now)
    slots, practitioners, sites = supply.with_listed(list(listed.values()))
    return Problem.build(
        territory=policy.territory,
        as_of=now,
        policy=policy,
        practitioners=practitioners,
        sites=sites,
        slots=slots,
        # Where a referral stands changes nothing of the problem: equal nights have equal digests.
        referrals=[one.replaced(state=ReferralState.WAITING) for one in placing.values()],
        pins=pins,
        told=told,
        promised=promised,
        prices=prices,
        price_set=price_set,
        matrix=matrix,
    )


def _own_first(values: Iterable[_Supply], territory: str) -> list[_Supply]:
    """Keeps one value an id; the own territory's where two territories describe the same."""
    chosen: dict[str, _Supply] = {}
    for value in values:
        if value.id not in chosen or value.territory == territory:
            chosen[value.id] = value
    return list(chosen.values())
