"""Export and import: a tenant as rows of plain values, ids replaced by ranks: the same life gives the same bytes.

The first line is the header, then one line a row, table by table in `_TABLES`' order: what a row refers to stands
before it. Counted terms are left out (they are made again from the texts); vectors travel, since a caller may have
given them.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, func, insert, or_, select

from dmha.errors import InvalidInput
from dmha.records import Counted, Scope
from dmha.stores import schema
from dmha.stores.places import Places, allocate

FORMAT = "dmha-export-1"
_BATCH = 1_000

_TABLES: tuple[Table, ...] = (
    schema.companions,
    schema.speakers,
    schema.speaker_names,
    schema.sessions,
    schema.turns,
    schema.memories,
    schema.memory_versions,
    schema.memory_sources,
    schema.perspectives,
    schema.recalls,
    schema.impulses,
    schema.facts,
    schema.rules,
    schema.lessons,
    schema.outcomes,
    schema.vectors,
)
# Columns that refer to a row of another table without a foreign key.
_LOOSE = {("sessions", "head_id"): "turns"}


@dataclass(frozen=True, slots=True)
class World:
    """One tenant of an account, as the header of an export names it."""

    tenant_id: int
    name: str
    zone: str


class Portable:
    """Rows out of the truth as plain values, and back into it."""

    def __init__(self, connection: Connection, places: Places, embedder_id: int) -> None:
        self._connection = connection
        self._places = places
        self._embedder_id = embedder_id

    def worlds(self, user_id: str, world: str | None) -> list[World]:
        """The account's tenants (or the one named), in the order they were made."""
        tenants = schema.tenants
        query = select(tenants).where(tenants.c.user_id == user_id).order_by(tenants.c.id)
        if world is not None:
            query = query.where(tenants.c.world == world)
        return [World(row.id, row.world, row.zone) for row in self._connection.execute(query)]

    def rows(self, world: World, user_id: str) -> Iterator[dict[str, Any]]:
        """Every row of the tenant, references as ranks within the export."""
        ranks: dict[str, dict[int, int]] = defaultdict(dict)
        ranks["turns"] = self._turn_ranks(world)  # a session names its last turn before the turns are written
        for table in _TABLES:
            references = _references(table)
            query = select(table).where(self._of(table, world, user_id)).order_by(*_order(table))
            for row in self._connection.execute(query).mappings():
                values = {name: value for name, value in row.items() if name not in ("id", "tenant_id", "user_id")}
                for name, target in references.items():
                    if values[name] is not None:
                        values[name] = ranks[target][values[name]]
                if "embedder_id" in values:
                    values["embedder_id"] = self._embedder(row["embedder_id"])
                if "id" in row and table is not schema.turns:
                    ranks[table.name][row["id"]] = len(ranks[table.name]) + 1
                yield {"table": table.name, **{name: _plain(value) for name, value in values.items()}}

    def _turn_ranks(self, world: World) -> dict[int, int]:
        turns = schema.turns
        ids = self._connection.execute(
            select(turns.c.id).where(turns.c.tenant_id == world.tenant_id).order_by(turns.c.id)
        ).scalars()
        return {turn_id: rank for rank, turn_id in enumerate(ids, 1)}

    def restore(
        self,
        scope: Scope,
        agent_id: str | None,
        rows: Iterable[dict[str, Any]],
        count: Callable[[str], Counted],
        now: float,
    ) -> int:
        """Write exported rows into an empty tenant; returns the number of memories. `agent_id` renames the companion.

        All or nothing: it runs in one unit. Vectors of another embedder are left out, to be made again.
        """
        self._refuse_unless_empty(scope)
        ids: dict[str, list[int]] = defaultdict(list)
        batches: dict[str, list[dict[str, Any]]] = defaultdict(list)
        late_heads: list[tuple[int, int]] = []
        tables = {table.name: table for table in _TABLES}
        pending = ""
        for row in rows:
            table = tables[row.pop("table")]
            if table.name != pending and pending:
                self._flush(tables[pending], batches.pop(pending, []))
            pending = table.name
            values = self._resolved(table, row, scope, ids, late_heads)
            if values is None:
                continue
            if table is schema.companions:
                ids["companions"].append(self._companion(scope, agent_id or values["agent_id"], now))
                continue
            if "id" in table.c:
                values["id"] = allocate(self._connection, table)
                ids[table.name].append(values["id"])
            batches[pending].append(values)
            if table is schema.memories and values["recallable"]:
                batches["terms"].append(_terms(values["id"], count(values["text"])))
            if len(batches[pending]) >= _BATCH:
                self._flush(table, batches.pop(pending))
        self._flush(tables[pending], batches.pop(pending, [])) if pending else None
        self._flush(schema.terms, batches.pop("terms", []))
        self._finish(scope, ids, late_heads)
        return len(ids["memories"])

    def _resolved(
        self,
        table: Table,
        row: dict[str, Any],
        scope: Scope,
        ids: dict[str, list[int]],
        late_heads: list[tuple[int, int]],
    ) -> dict[str, Any] | None:
        """The row with the truth's ids in place of ranks; None for a vector of another embedder."""
        values = {name: _restored(table, name, value) for name, value in row.items()}
        for name, target in _references(table).items():
            rank = values[name]
            if rank is not None and name == "head_id":
                late_heads.append((len(ids["sessions"]), rank))
                values[name] = None
            elif rank is not None:
                values[name] = _at(ids[target], rank, table, name)
        if "embedder_id" in values:
            if values["embedder_id"] != self._embedder(self._embedder_id):
                return None
            values["embedder_id"] = self._embedder_id
        if "tenant_id" in table.c:
            values["tenant_id"] = scope.tenant_id
        return values

    def _finish(self, scope: Scope, ids: dict[str, list[int]], late_heads: list[tuple[int, int]]) -> None:
        sessions = schema.sessions
        for position, rank in late_heads:
            self._connection.execute(
                sessions.update()
                .where(sessions.c.id == ids["sessions"][position])
                .values(head_id=_at(ids["turns"], rank, sessions, "head_id"))
            )
        changes = [
            {"tenant_id": scope.tenant_id, "memory_id": memory_id, "version": 1, "deleted": False}
            for memory_id in ids["memories"]
        ]
        self._flush(schema.changes, changes)

    def _companion(self, scope: Scope, agent_id: str, now: float) -> int:
        tenants = schema.tenants
        user_id = self._connection.execute(
            select(tenants.c.user_id).where(tenants.c.id == scope.tenant_id)
        ).scalar_one()
        companions = schema.companions
        found = self._connection.execute(
            select(companions.c.id).where(companions.c.user_id == user_id, companions.c.agent_id == agent_id)
        ).scalar()
        if found is None:
            found = allocate(self._connection, companions)
            self._connection.execute(
                insert(companions).values(id=found, user_id=user_id, agent_id=agent_id, created_at=now)
            )
        return int(found)

    def _refuse_unless_empty(self, scope: Scope) -> None:
        memories = schema.memories
        held = self._connection.execute(
            select(func.count()).select_from(memories).where(memories.c.tenant_id == scope.tenant_id)
        ).scalar()
        if held:
            raise InvalidInput(
                "agent_id",
                f"it already holds {held} memories",
                "Import into a companion that has none, or delete_all first.",
            )

    def _embedder(self, embedder_id: int) -> str | None:
        embedders = schema.embedders
        return self._connection.execute(select(embedders.c.name).where(embedders.c.id == embedder_id)).scalar()

    def _flush(self, table: Table, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), _BATCH):
            self._connection.execute(insert(table), rows[start : start + _BATCH])

    def _of(self, table: Table, world: World, user_id: str) -> ColumnElement[bool]:
        """The condition that a row belongs to this tenant, through what it hangs on."""
        memories = select(schema.memories.c.id).where(schema.memories.c.tenant_id == world.tenant_id)
        if table is schema.companions:
            lived = select(schema.perspectives.c.companion_id).where(schema.perspectives.c.memory_id.in_(memories))
            own = table.c.agent_id == world.name.removeprefix("agent:")
            return (table.c.user_id == user_id) & or_(table.c.id.in_(lived), own)
        if "tenant_id" in table.c:
            return table.c.tenant_id == world.tenant_id
        if "memory_id" in table.c:
            return table.c.memory_id.in_(memories)
        if table is schema.speaker_names:
            speakers = select(schema.speakers.c.id).where(schema.speakers.c.tenant_id == world.tenant_id)
            return table.c.speaker_id.in_(speakers)
        if table is schema.outcomes or table is schema.lessons:
            companions = select(schema.companions.c.id).where(self._of(schema.companions, world, user_id))
            return table.c.companion_id.in_(companions)
        turns = select(schema.turns.c.id).where(schema.turns.c.tenant_id == world.tenant_id)
        return table.c.turn_id.in_(turns)


def _references(table: Table) -> dict[str, str]:
    """Which columns refer to which exported tables."""
    found = {name: target for (owner, name), target in _LOOSE.items() if owner == table.name}
    for column in table.c:
        for key in column.foreign_keys:
            target = key.column.table.name
            if target not in ("tenants", "embedders"):
                found[column.name] = target
    return found


def _order(table: Table) -> list[Any]:
    return [table.c.id] if "id" in table.c else list(table.primary_key.columns)


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _restored(table: Table, name: str, value: Any) -> Any:
    if name not in table.c:
        raise InvalidInput("file", f"the table {table.name} has no column {name!r}", "Give a file made by dmha export.")
    return base64.b64decode(value) if isinstance(table.c[name].type, LargeBinary) else value


def _at(ids: list[int], rank: Any, table: Table, name: str) -> int:
    if not isinstance(rank, int) or not 1 <= rank <= len(ids):
        raise InvalidInput("file", f"{table.name}.{name} refers to row {rank!r}, which is not there", "Export again.")
    return ids[rank - 1]


def _terms(memory_id: int, counted: Counted) -> dict[str, Any]:
    return {
        "memory_id": memory_id,
        "language": counted.language,
        "length": counted.length,
        "data": counted.terms.tobytes(),
    }
