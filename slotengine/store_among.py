"""
One of several texts, as a question that a statement asks with a single parameter.

``IN (?, ?, ...)`` is another statement for each number of values: SQLAlchemy writes it anew, and
the database plans it anew, each time it is asked. Here the values travel together, as an array on
PostgreSQL and as JSON on SQLite, so that the statement stays the same however many they are.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement, FunctionElement
from sqlalchemy.types import NullType


class _Texts(TypeDecorator[Iterable[str]]):
    """Texts as one value: ``text[]`` on PostgreSQL, a JSON array on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:  # noqa: ANN401 (SQLAlchemy's own type is generic in what it does not say)
        """Gives the type that the database stores."""
        on_postgres = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(Text()) if on_postgres else Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> Any:  # noqa: ANN401 (a list or a text)
        """Turns texts into what the database takes, each once, in order."""
        wanted = sorted(set(value or ()))
        return wanted if dialect.name == "postgresql" else json.dumps(wanted)


class _Among(FunctionElement[Any]):
    """``column`` is one of ``texts``."""

    # Not a Boolean: SQLite has none, "= 1" would be added, and no index would serve.
    type = NullType()
    inherit_cache = True


@compiles(_Among)
def _as_json(element: _Among, compiler: Any, **given: Any) -> str:  # noqa: ANN401 (SQLAlchemy's compiler is untyped)
    column, texts = element.clauses
    inner = compiler.process(texts, **given)
    found = f"SELECT value FROM json_each({inner})"  # noqa: S608 (a parameter's mark)
    return f"{compiler.process(column, **given)} IN ({found})"


@compiles(_Among, "postgresql")
def _as_array(element: _Among, compiler: Any, **given: Any) -> str:  # noqa: ANN401 (SQLAlchemy's compiler is untyped)
    column, texts = element.clauses
    return f"{compiler.process(column, **given)} = ANY({compiler.process(texts, **given)})"


def among(column: ColumnElement[str], texts: Iterable[str]) -> ColumnElement[bool]:
    """Gives "is one of these texts"; of none of them where there are none."""
    return _Among(column, bindparam(None, texts, type_=_Texts()))


def among_given(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Gives "is one of the texts" of a parameter, for statements that are made once."""
    return _Among(column, bindparam(name, type_=_Texts()))
