"""Pure functions from a Problem to a Plan: no input or output, no clock, no SQL."""

from slotengine.solver.rank import rank
from slotengine.solver.solve import solve

__all__ = ["rank", "solve"]
