"""Arrays that a caller gives: whole numbers of 64 bits, or an error that names what is wrong."""

import numpy as np
import numpy.typing as npt

from slotengine.errors import ProblemError
from slotengine.solver.encoding import Ints


def integers(name: str, values: npt.ArrayLike, largest: int) -> Ints:
    """
    Gives an array as int64; unsigned numbers up to ``largest``.

    Raises
    ------
    ProblemError
        When it holds anything but integers.
    """
    try:
        array = np.asarray(values)
    except (OverflowError, ValueError) as broken:
        raise ProblemError(f"{name} is not an array of integers") from broken
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu" or (array.dtype.kind == "u" and array.max() > largest):
        raise ProblemError(f"{name} holds {array.dtype}, allowed are integers of 64 bits")
    return array.astype(np.int64)


def one_each(name: str, values: npt.ArrayLike, size: int, largest: int) -> Ints:
    """
    Gives (size,) int64 from as many integers, or from one that stands for all.

    Raises
    ------
    ProblemError
        When it has another shape, or holds anything but integers.
    """
    array = integers(name, values, largest)
    if array.shape not in ((), (size,)):
        raise ProblemError(f"{name} has shape {array.shape}, allowed is ({size},)")
    return np.broadcast_to(array, (size,)).copy()
