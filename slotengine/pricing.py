"""
What seats cost at this moment, and what is to be said of it.

A territory has one current set of prices. Where there is none, or it is stale, or of other rules,
seats have no price and the plain reserve of the Policy stands in, with a reason that says so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import NamedTuple

from slotengine.domain import Practitioner, Slot, TimeWindow
from slotengine.policy import Policy
from slotengine.ports import Unit
from slotengine.reasons import Reason, ReasonCode
from slotengine.seat_prices import PriceSet

NOON = time(12)
"""Local time at which a half-day's afternoon begins, as in ``solver.variations``."""

AN_HOUR = timedelta(hours=1)


class Priced(NamedTuple):
    """
    What a seat of some slots costs now, in weighted minutes, and what is to be said of it.

    ``prices`` by slot id; none where no price serves: with ``reserve`` the plain reserve stands in,
    without it nothing is kept. ``reasons`` hold for every slot, ``own_reasons`` for one.
    """

    prices: Mapping[str, int]
    price_set: str | None = None
    reserve: bool = False
    reasons: tuple[Reason, ...] = ()
    own_reasons: Mapping[str, tuple[Reason, ...]] = {}

    def reasons_of(self, slot_id: str) -> tuple[Reason, ...]:
        """Gives what is to be said of one slot's price."""
        return self.reasons + self.own_reasons.get(slot_id, ())

    def with_reason(self, reason: Reason, slot_ids: Iterable[str]) -> "Priced":
        """Adds something that is to be said of some slots."""
        own = {id_: (*self.own_reasons.get(id_, ()), reason) for id_ in slot_ids}
        return self._replace(own_reasons={**self.own_reasons, **own})


def priced(
    unit: Unit,
    policy: Policy,
    slots: Sequence[Slot],
    *,
    now: datetime,
    among: Callable[[], Sequence[Slot]] | None = None,
) -> Priced:
    """
    Gives the price of a seat of each slot by the territory's current set; never an error.

    A set serves until ``valid_until``, exclusive, and only under the very policy it was computed
    with. A slot that it does not list takes the mean of its practitioner's half-day, else of its
    profession's hour, else of all. ``among`` gives the slots that may be its neighbours, all of
    ``slots`` with them, asked only where there is such a slot; default ``slots`` themselves.
    """
    if not policy.pricing.enabled:
        return Priced({})
    current = unit.current_prices(policy.territory)
    amiss = _amiss(current, policy, now)
    if current is None or amiss is not None:
        return Priced({}, reserve=True, reasons=() if amiss is None else (amiss,))
    if current.expected == 0:
        return Priced({}, price_set=current.id, reasons=(Reason(code=ReasonCode.NO_FORECAST),))
    listed = current.of_slot
    unlisted = [slot for slot in slots if slot.id not in listed]
    found = {slot.id: listed[slot.id] for slot in slots if slot.id in listed}
    if unlisted:
        known = slots if among is None else among()
        near = [(slot, listed[slot.id]) for slot in known if slot.id in listed]
        neighbours = Neighbours(policy.zone, unit.practitioners(known), near, listed.values())
        found.update((slot.id, neighbours.price_of(slot)) for slot in unlisted)
    borrowed = (Reason(code=ReasonCode.PRICE_OF_NEIGHBOURS),)
    return Priced(found, price_set=current.id, own_reasons={slot.id: borrowed for slot in unlisted})


def is_current(found: PriceSet, policy: Policy, *, now: datetime) -> bool:
    """Tells whether a set serves now: of this very policy, not stale, and of any seat at all."""
    return _amiss(found, policy, now) is None


def _amiss(current: PriceSet | None, policy: Policy, now: datetime) -> Reason | None:
    """Says why a set can't serve; one without any price is as good as none."""
    if current is None:
        return Reason(code=ReasonCode.PRICES_MISSING)
    if current.policy_digest != policy.digest:
        return Reason(code=ReasonCode.PRICES_OTHER_POLICY)
    if now >= current.valid_until:
        hours = (now - current.computed_at) // AN_HOUR
        return Reason(code=ReasonCode.PRICES_STALE, figures={"hours": hours})
    if not current.prices and current.expected > 0:
        return Reason(code=ReasonCode.PRICES_MISSING)
    return None


class Neighbours:
    """
    Means of known prices, for seats that have none of their own.

    Parameters
    ----------
    zone
        In which days and hours are counted.
    practitioners
        Who gives the slots.
    near
        Slots with a price, a slot once for each price that counts.
    every
        At least one price: their mean is that of a seat without neighbours.
    """

    def __init__(
        self,
        zone: tzinfo,
        practitioners: Iterable[Practitioner],
        near: Iterable[tuple[Slot, int]],
        every: Iterable[int],
    ) -> None:
        self._zone = zone
        self._profession = {(one.territory, one.id): one.profession for one in practitioners}
        self._all = _mean(every)
        self._of: dict[tuple[object, ...], list[int]] = {}
        for slot, price in near:
            for key in self._keys(slot):
                self._of.setdefault(key, []).append(price)

    def _keys(self, slot: Slot) -> tuple[tuple[object, ...], ...]:
        local = slot.start.astimezone(self._zone)
        half = (slot.practitioner, local.date(), local.time() >= NOON)
        profession = self._profession[slot.territory, slot.practitioner]
        return half, (profession, local.date(), local.hour)

    def price_of(self, slot: Slot) -> int:
        """Gives the mean of the practitioner's half-day, else the profession's hour, else all."""
        for key in self._keys(slot):
            if key in self._of:
                return _mean(self._of[key])
        return self._all


def _mean(prices: Iterable[int]) -> int:
    """Gives the mean in whole minutes, half of one rounded up."""
    found = list(prices)
    return (2 * sum(found) + len(found)) // (2 * len(found))


def stale_supply(unit: Unit, policy: Policy, *, now: datetime) -> bool:
    """
    Tells whether new prices are wanted: none serve, or the seats changed too much since.

    Counted are seats that went (taken, withdrawn, begun) and seats that came, as a share of those
    that were free when the prices were computed; ``Policy.pricing.large_change`` itself is large.
    """
    if not policy.pricing.enabled:
        return False
    current = unit.current_prices(policy.territory)
    if current is None or _amiss(current, policy, now) is not None:
        return True
    window = priced_window(policy, current.computed_at)
    free = [one.slot.id for one in unit.free_seats(policy.territory, window)]
    came = sum(slot_id not in current.of_slot for slot_id in free)
    gone = abs(current.free_seats - (len(free) - came))
    return came + gone >= policy.pricing.large_change * max(current.free_seats, 1)


def priced_window(policy: Policy, start: datetime) -> TimeWindow:
    """Gives the span whose slots are priced by a set that is computed at ``start``."""
    return TimeWindow(start=start, end=start + policy.pricing.horizon)
