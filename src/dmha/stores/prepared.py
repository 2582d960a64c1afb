"""Statements that every search runs: built and compiled once, then handed to the driver as they are.

SQLAlchemy's own way costs 0.15 ms a statement beside what the database takes; this way next to nothing. It begins no
transaction, so there has to be one; the values that come back are the driver's, as no column type sees them; and so are
the errors, which whoever opened the transaction tells in words.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, SelectBase, Update, bindparam

# How many ids a statement takes: lists are filled up to the next of these, so that few statements are ever compiled.
_WIDTHS = (1, 16, 128, 512)

Ids = Sequence[BindParameter[Any]]

_Compiled = tuple[str, Sequence[str] | None, dict[str, Any]]
"""The text, the order of its values (None: they go by name), and the values that stand in the statement itself."""


class Prepared:
    """A statement over named values, and over ids where `build` takes any. Its rows are tuples, or `named` ones."""

    def __init__(self, build: Callable[[Ids], SelectBase | Update], *, named: bool = False) -> None:
        self._build = build
        self._named = named
        self._compiled: dict[tuple[str, str, int], _Compiled] = {}

    def all(self, connection: Connection, **values: Any) -> Sequence[Any]:
        """The rows."""
        return self._run(connection, 0, values)

    def of(self, connection: Connection, ids: Sequence[Any], **values: Any) -> list[Any]:
        """The rows of these ids, whatever their number, in no order."""
        found: list[Any] = []
        for start in range(0, len(ids), _WIDTHS[-1]):
            some = list(ids[start : start + _WIDTHS[-1]])
            width = next(width for width in _WIDTHS if width >= len(some))
            padded = some + some[-1:] * (width - len(some))
            found += self._run(connection, width, {**values, **{f"id{i}": value for i, value in enumerate(padded)}})
        return found

    def each(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Run what gives no rows once for each of these values."""
        text, order, constants = self._statement(connection, 0)
        values = [_in_order(order, constants | row) for row in rows]
        connection.connection.cursor().executemany(text, values)

    def _statement(self, connection: Connection, width: int) -> _Compiled:
        dialect = connection.dialect
        key = dialect.name, dialect.paramstyle, width
        if key not in self._compiled:
            made = self._build([bindparam(f"id{i}") for i in range(width)]).compile(dialect=dialect)
            self._compiled[key] = str(made), made.positiontup, dict(made.params)
        return self._compiled[key]

    def _run(self, connection: Connection, width: int, named: dict[str, Any]) -> Sequence[Any]:
        text, order, constants = self._statement(connection, width)
        cursor = connection.connection.cursor()
        cursor.execute(text, _in_order(order, constants | named))
        rows: Sequence[Any] = cursor.fetchall()
        if not (self._named and rows):
            return rows
        row = _row_of(tuple(column[0] for column in cursor.description))
        return [row(*values) for values in rows]


def _in_order(order: Sequence[str] | None, given: dict[str, Any]) -> Any:
    return given if order is None else tuple(given[name] for name in order)


@lru_cache(maxsize=128)
def _row_of(names: tuple[str, ...]) -> Callable[..., Any]:
    return namedtuple("Row", names)
