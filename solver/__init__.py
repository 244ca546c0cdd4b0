"""
Pure functions from a Problem to a Plan: no input or output, no clock, no SQL.

``solve`` and ``rank`` open their modules when first asked for: importing this package, or the
independent check in it, loads neither numpy nor scipy nor ortools.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slotengine.solver.rank import rank
    from slotengine.solver.solve import solve

__all__ = ["rank", "solve"]


class _Verbs(ModuleType):
    """A package whose verbs keep their names when the modules that hold them are loaded."""

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds a loaded submodule to its name here, over the verb of that name.
        if name in __all__ and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Verbs


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{name}"), name)
