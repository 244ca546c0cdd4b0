"""
Whether a new pair could enter the best plan at all, read from the plan's own proof.

A plan's duals give each option a reduced cost per level: an option whose first reduced cost that is
not 0 lies above 0 is in no plan as good as this one (docs/rules.md, Proof). Side constraints only
take plans away, so this holds with them too, on the levels that the duals prove.
"""

import numpy as np

from slotengine.problem import COST_LEVEL, LEVELS, TIE_LEVEL, Plan, Problem
from slotengine.solver.arcs import Arcs
from slotengine.solver.columns import Columns
from slotengine.solver.costs import tie_breaks
from slotengine.solver.encoding import Flags, Ints


class Prices:
    """A plan's duals, level by level, as arrays; none where its first level was searched."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self._seed = plan.seed
        # Where convenience may be given up for fair shares, a dearer plan may be the best one.
        proves = TIE_LEVEL if problem.policy.spread is None else COST_LEVEL - 1
        self._levels: list[tuple[int, Ints, Ints]] = [
            (
                LEVELS.index(level.level),
                np.array(level.referral, dtype=np.int64),
                np.array(level.seat, dtype=np.int64),
            )
            for level in plan.duals
            if LEVELS.index(level.level) <= proves
        ]

    def could_be_used(self, columns: Columns, row: int, arcs: Arcs) -> Flags:
        """
        Tells for each arc of one unserved referral whether a plan as good or better might use it.

        False is certain: with these arcs and no others, the plan stays best and the referral
        stays without a seat. True is a question to ask of ``solve``.

        Parameters
        ----------
        columns
            The problem with the referral as changed.
        row
            The referral's index.
        arcs
            What ``candidate_arcs`` gives for this row.
        """
        slot = arcs.slot
        tie = tie_breaks(columns, arcs.row, slot, self._seed)
        seats = columns.slot_free[slot]
        owner = np.repeat(np.arange(len(slot)), seats)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(seats) - seats, seats)
        col = columns.slot_first_seat[slot[owner]] + offset
        undecided = np.ones(len(owner), dtype=np.bool_)
        usable = np.zeros(len(owner), dtype=np.bool_)
        for at, of_row, of_seat in self._levels:
            cost = np.zeros(len(owner), dtype=np.int64)
            if at == COST_LEVEL:
                cost = arcs.cost[owner]
            elif at == TIE_LEVEL:
                cost = tie[owner]
            reduced = cost - of_row[row] - of_seat[col]
            usable |= undecided & (reduced < 0)
            undecided &= reduced == 0
        usable |= undecided
        found = np.zeros(len(slot), dtype=np.bool_)
        found[owner[usable]] = True
        return found

    def gains(self, columns: Columns, arcs: Arcs) -> list[tuple[int, Ints]]:
        """
        Gives what one more seat of each slot would gain, level by level up to inconvenience.

        A new seat's largest dual that fits the plan's duals of the referrals is 0 or the smallest
        "cost less dual" of a referral that may have it, compared level by level; with its sign
        turned it is the gain, exactly so where the duals prove every level.

        Parameters
        ----------
        columns
            The problem.
        arcs
            All its arcs.

        Returns
        -------
        list
            Index into ``LEVELS`` and (S,) gains.
        """
        row, slot = arcs.row, arcs.slot
        alive = np.ones(len(slot), dtype=np.bool_)
        idle = np.ones(columns.slots, dtype=np.bool_)
        found = []
        for at, of_row, _ in self._levels:
            if at > COST_LEVEL:
                break
            claim = (arcs.cost if at == COST_LEVEL else 0) - of_row[row]
            least = np.where(idle, 0, np.iinfo(np.int64).max)
            np.minimum.at(least, slot[alive], claim[alive])
            found.append((at, -least))
            alive &= claim == least[slot]
            idle &= least == 0
        return found
