"""
Every step that a booking or a referral can take, in one place.

The store checks each change against these tables; the state machine test walks them.
"""

from slotengine.codes import BookingStatus, ReferralState

B, R = BookingStatus, ReferralState

BOOKING_STEPS: dict[BookingStatus, frozenset[BookingStatus]] = {
    B.PROMISED: frozenset({B.HELD, B.CONFIRMED, B.CANCELLED}),
    B.HELD: frozenset({B.CONFIRMED, B.EXPIRED, B.CANCELLED}),
    B.CONFIRMED: frozenset({B.FULFILLED, B.NOSHOW, B.CANCELLED}),
    B.FULFILLED: frozenset(),
    B.NOSHOW: frozenset(),
    B.CANCELLED: frozenset(),
    B.EXPIRED: frozenset(),
}

REFERRAL_AFTER: dict[BookingStatus, ReferralState] = {
    B.PROMISED: R.PROMISED,
    B.HELD: R.HELD,
    B.CONFIRMED: R.BOOKED,
    B.FULFILLED: R.CLOSED,
    B.NOSHOW: R.CLOSED,
    B.CANCELLED: R.WAITING,
    B.EXPIRED: R.WAITING,
}
"""Where a referral stands once its booking took a step."""

REFERRAL_STEPS: dict[ReferralState, frozenset[ReferralState]] = {
    R.RECEIVED: frozenset({R.WAITING, R.PROMISED, R.HELD, R.CLOSED, R.REFUSED}),
    R.WAITING: frozenset({R.PROMISED, R.HELD, R.CLOSED, R.REFUSED}),
    R.PROMISED: frozenset({R.WAITING, R.HELD, R.BOOKED, R.CLOSED}),
    R.HELD: frozenset({R.WAITING, R.BOOKED, R.CLOSED}),
    R.BOOKED: frozenset({R.WAITING, R.CLOSED}),
    R.CLOSED: frozenset(),
    R.REFUSED: frozenset(),
}

UNPLACED = frozenset({R.RECEIVED, R.WAITING})
"""States of a referral that needs a seat and has none."""

ENDED = frozenset({R.CLOSED, R.REFUSED})
"""States that a referral never leaves."""
