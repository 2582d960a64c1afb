"""Import: the lines of an export checked one by one and written into an empty tenant, ranks turned back into ids.

A file may have been cut, edited or made to harm. Every value is judged by its column before it is written, so that
what went in can be read back, exported again and ranked; whatever is wrong undoes the whole.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from sqlalchemy import JSON, Boolean, Column, Connection, Double, Integer, LargeBinary, Table, insert, select
from sqlalchemy.exc import IntegrityError

from dmha.errors import InvalidInput
from dmha.records import Counted, Scope
from dmha.stores import schema
from dmha.stores.exported import END, LEFT_OUT, REFERENCES, TABLES
from dmha.stores.places import Places, allocate
from dmha.stores.tree import Tree
from dmha.types import KINDS, SOURCES, TIERS

_BATCH = 1_000
_GREATEST = 1e300  # of any number; NaN is not below it either
_CHOICES: Mapping[str, tuple[str, ...]] = {"kind": KINDS, "source": SOURCES, "tier": TIERS}
_FIX = "Give a file made by dmha export, as it was written."


class Restoring:
    """One tenant on its way in. `agent_id` renames the companion of a file that holds one."""

    def __init__(
        self, connection: Connection, places: Places, scope: Scope, agent_id: str | None, embedder_id: int
    ) -> None:
        self._connection = connection
        self._places = places
        self._scope = scope
        self._agent_id = agent_id
        embedders = schema.embedders
        mine = connection.execute(select(embedders).where(embedders.c.id == embedder_id)).first()
        self._embedder = (embedder_id, mine.name, mine.dimension) if mine is not None else (embedder_id, "", 0)
        self._ids: dict[str, list[int]] = defaultdict(list)
        self._terms: list[dict[str, Any]] = []
        self._branch_of: dict[int | None, tuple[int, int, int]] = {}  # a turn's branch, its session, its tree's root
        self._tips: dict[int, int] = {}

    def run(self, rows: Iterable[dict[str, Any]], count: Callable[[str], Counted]) -> int:
        """Write the rows; returns the number of memories. Runs in one unit: all or nothing."""
        try:
            self._write(rows, count)
        except IntegrityError as error:
            raise InvalidInput("file", f"two of its rows are one and the same ({error.orig})", _FIX) from error
        self._finish()
        return len(self._ids["memories"])

    def _write(self, rows: Iterable[dict[str, Any]], count: Callable[[str], Counted]) -> None:
        table, batch, seen, ended = TABLES[0], list[dict[str, Any]](), 0, False
        for row in rows:
            if ended:
                raise InvalidInput("file", "rows stand after the end of a world", _FIX)
            if row["table"] == END:
                ended = _all_there(row, seen)
                continue
            seen += 1
            following = _table(row)
            if following is not table or len(batch) >= _BATCH:
                self._flush(table, batch)
                table, batch = following, []
            values = self._values(table, row)
            if values is None:
                continue
            if "id" in table.c:
                values["id"] = self._fresh_id(table, len(batch))
                self._ids[table.name].append(values["id"])
            if table is schema.turns:
                values |= {"branch_id": self._branch(values), "in_window": False}
            if table is schema.memories and values["recallable"]:
                self._terms.append(_counted(values["id"], count(values["text"])))
            batch.append(values)
        if not ended:
            raise InvalidInput("file", f"it breaks off after {seen} rows of a world", _FIX)
        self._flush(table, batch)

    def _fresh_id(self, table: Table, waiting: int) -> int:
        """The next row's id, when `waiting` rows stand before it in a batch whose ids are taken once it is written."""
        return allocate(self._connection, table, 0) if not waiting else self._ids[table.name][-1] + 1

    def _branch(self, turn: dict[str, Any]) -> int:
        """The branch of a turn on its way in, as the tree grew."""
        session_id, parent = turn["session_id"], turn["parent_id"]
        branch, session, root = self._branch_of.get(parent, (0, 0, 0))
        if session != session_id or self._tips[branch] != parent:
            made = allocate(self._connection, schema.branches)
            left = {"parent_id": branch or None, "fork_id": parent, "root_id": root or made}
            self._connection.execute(insert(schema.branches).values(id=made, session_id=session_id, **left))
            branch, root = made, root or made
        self._branch_of[turn["id"]] = branch, session_id, root
        self._tips[branch] = turn["id"]
        return branch

    def _flush(self, table: Table, batch: list[dict[str, Any]]) -> None:
        if batch and "id" in table.c:
            allocate(self._connection, table, len(batch))
        if batch:
            self._connection.execute(insert(table), batch)

    def _values(self, table: Table, row: dict[str, Any]) -> dict[str, Any] | None:
        """The row as the truth keeps it; None for what is not written: a companion known already, a foreign vector."""
        given = {name: value for name, value in row.items() if name != "table"}
        columns = {column.name: column for column in table.c if column.name not in LEFT_OUT}
        if given.keys() != columns.keys():
            wrong = ", ".join(sorted(given.keys() ^ columns.keys()))
            raise InvalidInput("file", f"a row of {table.name} lacks or has besides: {wrong}", _FIX)
        if table is schema.vectors:
            given["embedder_id"] = self._embedder_of(given["embedder_id"])
        values = {name: _checked(table, columns[name], value) for name, value in given.items()}
        if table is schema.companions:
            self._companion(values)
            return None
        for name, target in REFERENCES[table.name].items():
            if values[name] is not None:
                values[name] = self._referred(target, values[name], f"{table.name}.{name}")
        if table is schema.vectors and not self._is_mine(values):
            return None
        return values | ({"tenant_id": self._scope.tenant_id} if "tenant_id" in table.c else {})

    def _referred(self, target: str, rank: int, where: str) -> int:
        ids = self._ids[target]
        if not 1 <= rank <= len(ids):
            raise InvalidInput("file", f"{where} refers to row {rank} of {target}, which is not there", _FIX)
        return ids[rank - 1]

    def _embedder_of(self, name: Any) -> int:
        if not isinstance(name, str):
            raise InvalidInput("file", "a vector names no embedder", _FIX)
        return self._embedder[0] if name == self._embedder[1] else 0

    def _is_mine(self, values: dict[str, Any]) -> bool:
        """Whether the vector is the present embedder's; one of another is left out, to be made again."""
        mine, _, dimension = self._embedder
        if values["embedder_id"] != mine:
            return False
        data = values["data"]
        if data and (len(data) != 4 * dimension or not np.isfinite(np.frombuffer(data, "<f4")).all()):
            raise InvalidInput("file", f"a vector is not {dimension} finite numbers", _FIX)
        return True

    def _companion(self, values: dict[str, Any]) -> None:
        """Note the companion, made where it is new."""
        if self._agent_id is not None and self._ids["companions"]:
            raise InvalidInput(
                "agent_id", "the file holds several companions", "Leave agent_id out to keep their names."
            )
        self._ids["companions"].append(self._places.companion(self._scope, self._agent_id or values["agent_id"]))

    def _finish(self) -> None:
        Tree(self._connection).mark_windows(self._ids["sessions"])
        changes = [
            {"tenant_id": self._scope.tenant_id, "memory_id": memory_id, "version": 1, "deleted": False}
            for memory_id in self._ids["memories"]
        ]
        for table, rows in ((schema.terms, self._terms), (schema.changes, changes)):
            for start in range(0, len(rows), _BATCH):
                self._connection.execute(insert(table), rows[start : start + _BATCH])


def _all_there(row: dict[str, Any], seen: int) -> bool:
    if row.get("rows") != seen:
        raise InvalidInput("file", f"its end tells of {row.get('rows')!r} rows, {seen} are there", _FIX)
    return True


def _table(row: dict[str, Any]) -> Table:
    for table in TABLES:
        if table.name == row["table"]:
            return table
    raise InvalidInput("file", f"{row['table']!r} is no table of an export", _FIX)


def _checked(table: Table, column: Column[Any], value: Any) -> Any:
    """The value as the column takes it."""
    if value is None and column.nullable:
        return None
    try:
        return _taken(column, value)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "file", f"{table.name}.{column.name} cannot be {str(value)[:40]!r} ({error})", _FIX
        ) from error


def _taken(column: Column[Any], value: Any) -> Any:
    match column.type, value:
        case Boolean(), bool():
            return value
        case Double(), (int() | float()) if not isinstance(value, bool) and abs(value) < _GREATEST:
            return float(value)
        case Integer(), int() if not isinstance(value, bool) and 0 <= value < 2**63:
            return value
        case JSON(), dict():
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
            return value
        case LargeBinary(), str():
            return base64.b64decode(value, validate=True)
        case ((Boolean() | Double() | Integer() | JSON() | LargeBinary()), _):
            raise ValueError("of the wrong type")
        case _, str() if "\x00" not in value and value in _CHOICES.get(column.name, (value,)):
            value.encode()
            return value
    raise ValueError("no text that fits")


def _counted(memory_id: int, counted: Counted) -> dict[str, Any]:
    return {
        "memory_id": memory_id, "language": counted.language, "length": counted.length, "data": counted.terms.tobytes()
    }  # fmt: skip
