"""Measures elapsed time alternately and peak memory apart from it."""

import gc
import resource
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Generic, NamedTuple, TypeVar

Given = TypeVar("Given")
Other = TypeVar("Other")

BYTES_PER_MB = 1_000_000
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1_024
"""Unit of ``ru_maxrss``: kilobytes on Linux, bytes on macOS (getrusage(2))."""


class Timed(NamedTuple, Generic[Given]):
    """What a call gave the last time, and the seconds of each time."""

    given: Given
    seconds: list[float]

    @property
    def median_s(self) -> float:
        """The median of the repetitions."""
        return statistics.median(self.seconds)

    @property
    def best_s(self) -> float:
        """The shortest repetition: what other processes disturbed least."""
        return min(self.seconds)


def timed(call: Callable[[], Given], repetitions: int) -> Timed[Given]:
    """Times a call several times in a row."""
    given, first = _once(call)
    seconds = [first]
    for _ in range(repetitions - 1):
        given, again = _once(call)
        seconds.append(again)
    return Timed(given, seconds)


def side_by_side(
    ours: Callable[[], Given],
    peer: Callable[[], Other],
    *,
    repetitions: int,
    budget_s: float,
) -> tuple[Timed[Given], Timed[Other]]:
    """
    Times two calls alternately, ours first and last.

    Parameters
    ----------
    repetitions
        Rounds of ours and the peer, at least 1.
    budget_s
        No new round begins once the peer has taken this long in all. Ours still gets all its
        repetitions.
    """
    ours_given, first = _once(ours)
    ours_s, peer_s = [first], []
    peer_given, elapsed = _once(peer)
    peer_s.append(elapsed)
    for _ in range(repetitions):
        ours_given, elapsed = _once(ours)
        ours_s.append(elapsed)
        if len(peer_s) < repetitions and sum(peer_s) < budget_s:
            peer_given, elapsed = _once(peer)
            peer_s.append(elapsed)
    return Timed(ours_given, ours_s), Timed(peer_given, peer_s)


def peak_mb(call: Callable[[], object]) -> float:
    """
    Gives the most megabytes that a call holds at once, as ``tracemalloc`` sees them.

    Python objects and numpy's arrays are seen, memory that a library's C++ takes is not. In a run
    of its own, because tracing slows everything down.
    """
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / BYTES_PER_MB
    finally:
        tracemalloc.stop()


def process_peak_mb() -> float:
    """Gives the most resident megabytes of this process so far, peers and libraries included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES / BYTES_PER_MB


def _once(call: Callable[[], Given]) -> tuple[Given, float]:
    # What the call before left behind is not this one's to clean up.
    gc.collect()
    began = perf_counter()
    given = call()
    return given, perf_counter() - began
