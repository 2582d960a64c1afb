"""Whether the lines of an export can be taken in: each is checked against its columns, and against what stood before.

A file may have been cut, edited or made to harm. Every value is judged by its column before anything is written, so
that what goes in can be read back, exported again and ranked. Nothing here touches the truth.
"""

from __future__ import annotations

import base64
import json
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sqlalchemy import JSON, Boolean, Column, Double, Integer, LargeBinary, Table

from dmha.checks import MOST_CHARACTERS
from dmha.domain.dictionary import MOST_ENTRIES, check_reading, check_surface
from dmha.errors import InvalidInput
from dmha.records import Contents
from dmha.stores import schema
from dmha.stores.exported import END, KEYS, LEFT_OUT, REFERENCES, TABLES
from dmha.types import KINDS, SOURCES, TIERS

FIX = "Give a file made by dmha export, as it was written."
_GREATEST = 1e300  # of any number; NaN is not below it either
_GREATEST_WHOLE = 2**53  # far over any count or rank, far under what a database's integer holds: one more still fits
_FIRST, _LAST = -62_135_596_800, 253_402_300_800  # the years 1 to 9999, which a moment can be told in
_CHOICES: Mapping[str, tuple[str, ...]] = {"kind": KINDS, "source": SOURCES, "tier": TIERS}
_TIMES = frozenset({"at", "recorded_at", "last_recalled_at", "valid_from", "valid_to", "retracted_at"})
_NAMED = {table.name: table for table in TABLES}
_PLACES = {table.name: place for place, table in enumerate(TABLES)}

Taker = Callable[[Any], Any]


class Judge:
    """One world of a file, line by line. `mine` is the present embedder's name and dimension."""

    def __init__(self, agent_id: str | None, mine: tuple[str, int]) -> None:
        self._agent_id = agent_id
        self._mine = mine
        self._counts: Counter[str] = Counter()
        self._companions: list[str] = []
        self._windows = array("q")
        self._characters = array("q")
        # A row is told apart by the hash of its key: 8 bytes, where a set of the keys would take a hundred.
        self._keys = {(name, key): array("q") for name, keys in KEYS.items() for key in keys}
        self._said = array("q")
        self._place = 0
        self._ended = False

    def take(self, row: dict[str, Any]) -> None:
        """Check one row after those before it, or raise `InvalidInput`."""
        if self._ended:
            raise InvalidInput("file", "rows stand after the end of a world", FIX)
        if row["table"] == END:
            self._end(row)
            return
        table = table_of(row)
        if _PLACES[table.name] < self._place:
            raise InvalidInput("file", f"a row of {table.name} stands where none can stand any more", FIX)
        self._place = _PLACES[table.name]
        values = taken(table, row)
        for name, target in REFERENCES[table.name].items():
            if values[name] is not None and not 1 <= values[name] <= self._counts[target]:
                where = f"{table.name}.{name} refers to row {values[name]} of {target}"
                raise InvalidInput("file", f"{where}, which is not there", FIX)
        for key in KEYS[table.name]:
            self._keys[table.name, key].append(hash(tuple(values[name] for name in key)))
        self._look_closer(table, values)
        self._counts[table.name] += 1

    def contents(self) -> Contents:
        """What the world holds, once all of it was there."""
        if not self._ended:
            raise InvalidInput("file", f"it breaks off after {self._counts.total()} rows of a world", FIX)
        for (name, key), hashes in self._keys.items():
            if _twice(hashes):
                raise InvalidInput("file", f"two rows of {name} are of one {', '.join(key)}", FIX)
        if _twice(self._said):
            raise InvalidInput("file", "two memories are the words of one turn", FIX)
        return Contents(tuple(self._companions), self._counts.total(), self._counts["memories"])

    def _end(self, row: dict[str, Any]) -> None:
        seen = self._counts.total()
        if row.get("rows") != seen:
            raise InvalidInput("file", f"its end tells of {row.get('rows')!r} rows, {seen} are there", FIX)
        self._ended = True

    def _look_closer(self, table: Table, values: dict[str, Any]) -> None:
        if table is schema.companions:
            self._companion(values["agent_id"])
        elif table is schema.turns:
            self._window(values)
        elif table is schema.memories and values["turn_id"] is not None and values["source"] != "dream":
            self._said.append(values["turn_id"])
        elif table is schema.vectors:
            self._vector(values)
        elif table is schema.words:
            self._word(values["surface"], values["reading"])

    def _companion(self, agent_id: str) -> None:
        if self._agent_id is not None and self._companions:
            raise InvalidInput(
                "agent_id", "the file holds several companions", "Leave agent_id out to keep their names."
            )
        self._companions.append(self._agent_id or agent_id)

    def _window(self, turn: dict[str, Any]) -> None:
        """A window is at most the one before it and the turn's own words."""
        parent = turn["parent_id"]
        turns, characters = (0, 0) if parent is None else (self._windows[parent - 1], self._characters[parent - 1])
        if turn["window_turns"] > turns + 1 or turn["window_characters"] > characters + MOST_CHARACTERS:
            raise InvalidInput("file", f"the window of turn {turn['uid']!r} is longer than the path to it", FIX)
        self._windows.append(turn["window_turns"])
        self._characters.append(turn["window_characters"])

    def _word(self, surface: str, reading: str | None) -> None:
        if self._counts["words"] > MOST_ENTRIES:  # one may stand for a removal
            raise InvalidInput("file", f"a dictionary holds over {MOST_ENTRIES} words", FIX)
        if surface:
            check_surface(surface)
        if reading is not None:
            check_reading(reading)

    def _vector(self, values: dict[str, Any]) -> None:
        name, dimension = self._mine
        data = values["data"]
        if values["embedder_id"] != name or not data:
            return
        if len(data) != 4 * dimension or not np.isfinite(np.frombuffer(data, "<f4")).all():
            raise InvalidInput("file", f"a vector is not {dimension} finite numbers", FIX)


def table_of(row: dict[str, Any]) -> Table:
    """The table that a row is of."""
    try:
        return _NAMED[row["table"]]
    except (KeyError, TypeError) as error:
        raise InvalidInput("file", f"{row['table']!r} is no table of an export", FIX) from error


def taken(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row's values as its columns take them; references are ranks, an embedder is a name."""
    takers = _TAKERS[table.name]
    if len(row) != len(takers) + 1 or not takers.keys() <= row.keys():
        wrong = ", ".join(sorted((row.keys() - {"table"}) ^ takers.keys()))
        raise InvalidInput("file", f"a row of {table.name} lacks or has besides: {wrong}", FIX)
    values = {}
    for name, taker in takers.items():
        try:
            values[name] = taker(row[name])
        except (ValueError, RecursionError) as error:
            said = f"{table.name}.{name} cannot be {str(row[name])[:40]!r} ({error})"
            raise InvalidInput("file", said, FIX) from error
    return values


def _twice(hashes: array[int]) -> bool:
    ordered = np.sort(np.frombuffer(hashes, np.int64))
    return bool((ordered[1:] == ordered[:-1]).any())


def _taker(column: Column[Any]) -> Taker:
    """What makes of a value in the file what the column holds, or raises `ValueError`."""
    if column.name == "embedder_id":
        return _text(())
    match column.type:
        case Boolean():
            take: Taker = _truth
        case Double():
            take = _moment if column.name in _TIMES else _positive if column.name == "half_life" else _number
        case Integer():
            take = _whole
        case JSON():
            take = _object
        case LargeBinary():
            take = _bytes
        case _:
            take = _text(_CHOICES.get(column.name, ()))
    return (lambda value: None if value is None else take(value)) if column.nullable else take


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("neither true nor false")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _GREATEST:
        return float(value)
    raise ValueError("no finite number")


def _positive(value: Any) -> float:
    if (number := _number(value)) > 0:
        return number
    raise ValueError("not above 0")


def _moment(value: Any) -> float:
    if _FIRST <= (number := _number(value)) < _LAST:
        return number
    raise ValueError("outside the years 1 to 9999")


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _GREATEST_WHOLE:
        return value
    raise ValueError("no whole number that fits")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("no object")
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    raise ValueError("no base64")


def _text(choices: tuple[str, ...]) -> Taker:
    def take(value: Any) -> str:
        if not isinstance(value, str) or "\x00" in value or (choices and value not in choices):
            raise ValueError("no text that fits")
        value.encode()
        return value

    return take


_TAKERS = {
    table.name: {column.name: _taker(column) for column in table.c if column.name not in LEFT_OUT} for table in TABLES
}
