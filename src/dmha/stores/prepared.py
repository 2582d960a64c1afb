"""Statements that every search runs: built and compiled once, then handed to the driver as they are.

SQLAlchemy's own way costs 0.15 ms a statement beside what the database takes; this way next to nothing. It begins no
transaction, so there has to be one; the values that come back are the driver's, as no column type sees them; and so are
the errors, which whoever opened the transaction tells in words.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, SelectBase, Update, bindparam

# How many ids a statement takes: lists are filled up to the next of these, so that few statements are ever compiled.
_WIDTHS = (1, 16, 64, 512)
_IDS = tuple(f"id{i}" for i in range(_WIDTHS[-1]))

Ids = Sequence[BindParameter[Any]]

_Compiled = tuple[str, Callable[[dict[str, Any]], Any], dict[str, Any]]
"""The text, how its driver is given named values, and the values that stand in the statement itself."""


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
            found += self._run(connection, width, values | dict(zip(_IDS, padded, strict=False)))
        return found

    def each(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Run what gives no rows once for each of these values."""
        text, given, constants = self._statement(connection, 0)
        connection.connection.cursor().executemany(text, [given(constants | row) for row in rows])

    def _statement(self, connection: Connection, width: int) -> _Compiled:
        dialect = connection.dialect
        key = dialect.name, dialect.paramstyle, width
        if key not in self._compiled:
            made = self._build([bindparam(name) for name in _IDS[:width]]).compile(dialect=dialect)
            self._compiled[key] = str(made), _given(made.positiontup), dict(made.params)
        return self._compiled[key]

    def _run(self, connection: Connection, width: int, named: dict[str, Any]) -> Sequence[Any]:
        text, given, constants = self._statement(connection, width)
        cursor = connection.connection.cursor()
        cursor.execute(text, given(constants | named))
        rows: Sequence[Any] = cursor.fetchall()
        if not (self._named and rows):
            return rows
        return list(map(_row_of(tuple(column[0] for column in cursor.description)), rows))


def _given(order: Sequence[str] | None) -> Callable[[dict[str, Any]], Any]:
    """The values as the driver wants them: in this order, or (None) by their names."""
    if order is None:
        return lambda named: named
    if len(order) < 2:  # of one name `itemgetter` makes no tuple
        return lambda named: tuple(named[name] for name in order)
    return itemgetter(*order)


@lru_cache(maxsize=128)
def _row_of(names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    row = namedtuple("Row", names)  # type: ignore[misc]  # its names are the statement's
    made: Callable[[Sequence[Any]], Any] = row._make
    return made
