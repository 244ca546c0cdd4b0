"""Slots that may be given, who gives them and where, and the Problem that is made of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from slotengine.codes import ReferralState, SlotState
from slotengine.domain import Booking, Practitioner, Referral, Site, Slot, TimeWindow, by_id
from slotengine.pinning import before_step, listed_only, pins_of
from slotengine.policy import Policy
from slotengine.ports import Seated, Unit
from slotengine.problem import Pin, Problem, Told, TravelMatrix
from slotengine.seat_prices import SeatPrice

_Supply = TypeVar("_Supply", Practitioner, Site)


def open_slots(unit: Unit, territory: str, window: TimeWindow) -> list[Slot]:
    """Gives the open slots that start in a window, owned by the territory or shared with it."""
    return [slot for slot in unit.slots(territory, window) if slot.state is SlotState.OPEN]


class Givers:
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


def problem_of(
    supply: Givers,
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
