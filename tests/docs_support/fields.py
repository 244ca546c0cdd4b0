"""The fields of the Policy as a page explains them: its tables' rows, its example as TOML."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from docs_support.blocks import blocks
from pydantic import BaseModel

from slotengine.policy import Policy


def fields(policy: Policy, whole: tuple[str, ...], tables: tuple[str, ...]) -> dict[str, Any]:
    """
    Gives fields as a policy file writes them, with their values in a policy.

    Parameters
    ----------
    policy
        Whose values.
    whole
        Fields of the Policy that a page explains in one row each.
    tables
        Fields of the Policy that are tables of their own: ``name.field`` for each of theirs.
    """
    return {name: getattr(policy, name) for name in whole} | dict(_of_tables(policy, tables))


def _of_tables(policy: Policy, tables: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in tables:
        value: BaseModel = getattr(policy, name)
        for field in type(value).model_fields:
            yield f"{name}.{field}", getattr(value, field)


def rows_of_fields(text: str) -> dict[str, str]:
    """Gives what the second column says of each field that the first column names."""
    return dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", text, re.MULTILINE))


def example(page: str) -> str:
    """Gives the one policy file that a page shows."""
    (text,) = [one.text for one in blocks(page) if one.language == "toml"]
    return text


def example_sets(page: str, field: str) -> bool:
    """Tells whether the example of a page has a value for a field, nested by its dots."""
    found: Any = tomllib.loads(example(page))
    for part in field.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True
