"""What a search under side constraints is given: the problem, what is known of it, its limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slotengine.solver.encoding import Ints
from slotengine.solver.pairs import Pairs
from slotengine.solver.side import Side
from slotengine.solver.tallies import TieOf
from slotengine.solver.tours import Tours

ReducedOf = Callable[[int, Ints], Ints]
"""Gives reduced costs of pairs at a level of the relaxed problem whose bound was reached."""


@dataclass(frozen=True, eq=False, slots=True)
class Task:
    """
    What is searched: pairs, side constraints, tie-breaks, the levels that count.

    ``known`` are bounds of the leading levels without side constraints, each among the plans that
    are best there at the levels before it, and ``reduced_of`` prices pairs under their proof;
    ``capped`` are such bounds of the problem with caps counted in bookings, or none.
    ``give_percent`` is how much of level 2 level 3 may cost; ``seconds`` is the limit,
    ``seconds_left`` tells how much of it is left, ``nodes`` how many nodes one search may open.
    """

    pairs: Pairs
    side: Side
    tours: Tours | None
    tie_of: TieOf
    levels: tuple[int, ...]
    known: Sequence[int]
    reduced_of: ReducedOf
    give_percent: int
    seconds: float
    seconds_left: Callable[[], float]
    nodes: int | None
    capped: Sequence[int] = ()
