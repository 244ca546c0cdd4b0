"""
Side rules of ``docs/rules.md`` between one referral and what is already booked (pins).

They bind at the counter, where one referral comes to a day half full, and at night, where they
leave out what no plan may use.
"""

import numpy as np

from slotengine.codes import Mode
from slotengine.solver.columns import Columns
from slotengine.solver.costs import MODE_ORDER
from slotengine.solver.encoding import Indices, Ints

FULL_PERCENT = 100


def efforts(columns: Columns, row: Indices, slot: Indices, mode_index: Indices | int) -> Ints:
    """
    Gives the effort of each pair of referral and slot in whole minutes, rounded up.

    ``mode_index`` is an index into ``costs.MODE_ORDER`` for each pair, or one for all.
    """
    policy = columns.policy.effort
    first = columns.referral_own_practitioner[row] != columns.slot_practitioner[slot]
    home = np.asarray(mode_index) == MODE_ORDER.index(Mode.HH)
    percent = (
        FULL_PERCENT
        + first * policy.first_visit
        + home * policy.home_visit
        + columns.workload.slot_late[slot] * policy.late
    )
    minutes: Ints = -(-columns.workload.slot_seat_minutes[slot] * percent // FULL_PERCENT)
    return minutes
