"""Export: a tenant's rows out of the truth as plain values (their shape is told in `exported`), and the way back in."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from dmha.errors import InvalidInput
from dmha.records import Counted, Scope
from dmha.stores import schema
from dmha.stores.exported import END, LEFT_OUT, REFERENCES, TABLES
from dmha.stores.places import Places
from dmha.stores.restoring import Restoring


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
        """The account's tenants (or the one named), by their names: a rejected turn may have made one."""
        tenants = schema.tenants
        query = select(tenants).where(tenants.c.user_id == user_id).order_by(tenants.c.world)
        if world is not None:
            query = query.where(tenants.c.world == world)
        return [World(row.id, row.world, row.zone) for row in self._connection.execute(query)]

    def rows(self, world: World, user_id: str) -> Iterator[dict[str, Any]]:
        """Every row of the tenant, references as ranks within the export, and the line that counts them."""
        ranks: dict[str, dict[int, int]] = defaultdict(dict)
        embedders = self._embedders()
        written = 0
        for table in TABLES:
            query = select(table).where(self._of(table, world, user_id)).order_by(*_order(table))
            for row in self._connection.execute(query).mappings():
                values = {name: value for name, value in row.items() if name not in LEFT_OUT}
                for name, target in REFERENCES[table.name].items():
                    if values[name] is not None:
                        values[name] = ranks[target][values[name]]
                if "embedder_id" in values:
                    values["embedder_id"] = embedders[row["embedder_id"]]
                if "id" in row:
                    ranks[table.name][row["id"]] = len(ranks[table.name]) + 1
                yield {"table": table.name, **{name: _plain(value) for name, value in values.items()}}
                written += 1
        yield {"table": END, "rows": written}

    def restore(
        self,
        scope: Scope,
        agent_id: str | None,
        rows: Iterable[dict[str, Any]],
        count: Callable[[str], Counted],
    ) -> int:
        """Write exported rows into an empty tenant; returns the number of memories. `agent_id` renames the companion.

        All or nothing: it runs in one unit. Vectors of another embedder are left out, to be made again.
        """
        self._refuse_unless_empty(scope)
        return Restoring(self._connection, self._places, scope, agent_id, self._embedder_id).run(rows, count)

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

    def _embedders(self) -> dict[int, str]:
        embedders = schema.embedders
        return {row.id: row.name for row in self._connection.execute(select(embedders.c.id, embedders.c.name))}

    def _of(self, table: Table, world: World, user_id: str) -> ColumnElement[bool]:
        """The condition that a row belongs to this tenant, through what it hangs on."""
        memories = select(schema.memories.c.id).where(schema.memories.c.tenant_id == world.tenant_id)
        turns = select(schema.turns.c.id).where(schema.turns.c.tenant_id == world.tenant_id)
        if table is schema.companions:
            lived = or_(
                table.c.id.in_(
                    select(schema.perspectives.c.companion_id).where(schema.perspectives.c.memory_id.in_(memories))
                ),
                table.c.id.in_(select(schema.impulses.c.companion_id).where(schema.impulses.c.turn_id.in_(turns))),
                *(
                    table.c.id.in_(select(other.c.companion_id).where(other.c.tenant_id == world.tenant_id))
                    for other in (schema.lessons, schema.outcomes)
                ),
                table.c.agent_id == world.name.removeprefix("agent:"),
            )
            return (table.c.user_id == user_id) & lived
        if table in (schema.speakers, schema.sessions):
            return (table.c.tenant_id == world.tenant_id) & _named(table)
        if "tenant_id" in table.c:
            return table.c.tenant_id == world.tenant_id
        if "memory_id" in table.c:
            return table.c.memory_id.in_(memories)
        if table is schema.speaker_names:
            speakers = select(schema.speakers.c.id).where(schema.speakers.c.tenant_id == world.tenant_id)
            return table.c.speaker_id.in_(speakers)
        return table.c.turn_id.in_(turns)


def _named(table: Table) -> ColumnElement[bool]:
    """The condition that something still refers to the row: a speaker or a session may outlive all it said."""
    columns = (column for other in TABLES for column in other.c if column is not table.c.id)
    return or_(*(select(c).where(c == table.c.id).exists() for c in columns if c.references(table.c.id)))


def _order(table: Table) -> list[Any]:
    """The order of export: by names where a row has one, else of ids, so that the same life gives the same lines."""
    companions, speakers = schema.companions, schema.speakers
    if table is companions:
        return [table.c.agent_id]
    if table in (speakers, schema.sessions):
        return [table.c.name]
    if table is schema.speaker_names:
        return [select(speakers.c.name).where(speakers.c.id == table.c.speaker_id).scalar_subquery(), table.c.name]
    if "id" in table.c:
        return [table.c.id]
    key: list[Any] = [column for column in table.primary_key.columns if column.name != "companion_id"]
    if "companion_id" in table.c:
        key.append(select(companions.c.agent_id).where(companions.c.id == table.c.companion_id).scalar_subquery())
    return key


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
