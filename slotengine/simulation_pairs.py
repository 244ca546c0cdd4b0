"""Which seats referrals could have at an instant, as arrays."""

from typing import NamedTuple

from slotengine.solver.encoding import Ints


class Seats(NamedTuple):
    """Seats that a referral could have now, taken ones included, (N,) each."""

    seat: Ints
    cost: Ints
    metres: Ints
    minutes: Ints
    begins_us: Ints


class Pairs(NamedTuple):
    """Seats of several referrals: ``of`` (N,) tells whose, as a position among those asked."""

    of: Ints
    seats: Seats
