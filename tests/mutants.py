"""Small wrong changes of the house's own functions, for the time of a test, and what notices."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from brute_side import best

from slotengine.errors import SlotEngineError
from slotengine.problem import Problem
from slotengine.solver.check import check
from slotengine.solver.solve import solve


class Mutant(NamedTuple):
    """A function whose text ``old``, which it has once, reads ``new``; and who notices, where."""

    function: Callable[..., Any]
    old: str
    new: str
    asked: Problem
    noticed: set[str]


def named(mutants: list[Mutant]) -> list[Any]:
    """Gives each mutant a name for pytest: the function and what it says instead."""
    return [
        pytest.param(one, id=f"{one.function.__qualname__}: {one.old} -> {one.new}")
        for one in mutants
    ]


def apply(patch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    """Changes the function itself, so that whoever holds it runs the change."""
    source = textwrap.dedent(inspect.getsource(mutant.function))
    assert source.count(mutant.old) == 1, "the text must stand in the function once"
    scope = dict(mutant.function.__globals__)
    exec(source.replace(mutant.old, mutant.new), scope)  # noqa: S102 - our own source, changed
    patch.setattr(mutant.function, "__code__", scope[mutant.function.__name__].__code__)


def notices(asked: Problem) -> set[str]:
    """
    Gives who notices that a plan is wrong.

    The rules that ``check`` names; ``not best`` where another plan is better, ``not proved`` where
    the solver does not say that it is; the kind of error where the solver does not trust itself.
    """
    try:
        plan = solve(asked)
    except SlotEngineError as error:
        return {type(error).__name__}
    found = {one.rule for one in check(asked, plan)}
    if plan.objective != best(asked)[0]:
        found.add("not best")
    if not plan.proved:
        found.add("not proved")
    return found
