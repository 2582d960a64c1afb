"""Worlds on their way in: each fills a tenant that no call can name, and appears once all of its file is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from dmha.errors import InvalidInput
from dmha.records import Arrival
from dmha.stores import schema
from dmha.stores.places import Places
from dmha.stores.removal import drop, drop_world, untell
from dmha.stores.tree import Tree

# No world of a caller's begins so (they are "agent:..." and "world:...").
HIDDEN = "arriving:"
# What goes in one transaction, when the remains of an import are removed.
_AT_ONCE = 1_000
# What keeps a world from being taken for an empty one.
_HELD = (schema.memories, schema.turns, schema.facts, schema.rules, schema.lessons, schema.outcomes, schema.words)


class Arrivals:
    """The comings-in, inside one transaction."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self._connection = connection
        self._places = places

    def arrivals(self, user_id: str | None = None) -> list[Arrival]:
        """The imports that were begun and have not appeared, of one account or of all."""
        tenants, table = schema.tenants, schema.arrivals
        query = select(table, tenants.c.user_id).join(tenants, tenants.c.id == table.c.tenant_id)
        if user_id is not None:
            query = query.where(tenants.c.user_id == user_id)
        rows = self._connection.execute(query.order_by(table.c.tenant_id)).mappings()
        return [Arrival(**row) for row in rows]

    def refuse_unless_empty(self, user_id: str, world: str) -> None:
        """Raise `InvalidInput` where the world holds anything."""
        tenant_id = self._tenant(user_id, world)
        for table in _HELD if tenant_id is not None else ():
            count = select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
            if table is schema.words:
                count = count.where(table.c.surface != "")  # a row without one stands for a removal
            if held := self._connection.execute(count).scalar_one():
                reason = f"{world.partition(':')[2]!r} already holds {held} {table.name}"
                fix = "Give agent_id another name for one companion, or import into another account."
                raise InvalidInput("agent_id", reason, fix)

    def begin(
        self, user_id: str, world: str, zone: str, digest: str, lines: int, agents: Sequence[str], now: float
    ) -> Arrival:
        """Note that this world arrives out of the file of that digest; found again where it was begun before."""
        for arrival in self.arrivals(user_id):
            if (arrival.world, arrival.digest) == (world, digest):
                return arrival
        scope = self._places.ensure_world(user_id, f"{HIDDEN}{digest}:{world}", zone, now)
        for agent_id in agents:
            self._places.companion(scope, agent_id)
        tenant_id = scope.tenant_id
        values: dict[str, Any] = {"tenant_id": tenant_id, "world": world, "digest": digest, "line": 0, "lines": lines}
        self._connection.execute(insert(schema.arrivals).values(begun_at=now, **values))
        return Arrival(tenant_id, user_id, world, digest, 0, lines, now)

    def advance(self, arrival: Arrival, lines: int) -> bool:
        """Note that so many further lines stand; False where it arrives no more, or another process goes on with it."""
        table = schema.arrivals
        here = (
            table.c.tenant_id == arrival.tenant_id, table.c.digest == arrival.digest, table.c.line == arrival.line,
        )  # fmt: skip
        return bool(self._connection.execute(update(table).where(*here).values(line=arrival.line + lines)).rowcount)

    def settle(self, session_ids: Sequence[int]) -> None:
        """Mark the turns of the windows at the ends of these sessions of a world that is there."""
        Tree(self._connection).mark_windows(session_ids)

    def appear(self, arrivals: Sequence[Arrival]) -> bool:
        """Give the worlds of a file their names, all at this one moment; False where one of them is not there whole."""
        whole = {arrival.tenant_id for arrival in self.arrivals() if arrival.line == arrival.lines}
        if not {arrival.tenant_id for arrival in arrivals} <= whole:
            return False
        tenants = schema.tenants
        for arrival in arrivals:
            self.refuse_unless_empty(arrival.user_id, arrival.world)
            empty = self._tenant(arrival.user_id, arrival.world)
            if empty is not None:
                drop_world(self._connection, empty)
                self._connection.execute(delete(tenants).where(tenants.c.id == empty))
            named = update(tenants).where(tenants.c.id == arrival.tenant_id).values(world=arrival.world)
            self._connection.execute(named)
            self._end(arrival.tenant_id)
        return True

    def remove(self, tenant_id: int) -> bool:
        """Delete a part of what has come of an import; False when that was the last of it."""
        memories, turns = schema.memories, schema.turns
        here = select(schema.arrivals).where(schema.arrivals.c.tenant_id == tenant_id)
        if self._connection.execute(here).first() is None:
            return False
        self._take_off(tenant_id)
        some = [
            sorted(
                self._connection.execute(
                    select(table.c.id).where(table.c.tenant_id == tenant_id).order_by(table.c.id.desc()).limit(_AT_ONCE)
                ).scalars()
            )
            for table in (memories, turns)
        ]
        if some[0]:
            drop(self._connection, tenant_id, some[0])
        elif some[1]:
            untell(self._connection, some[1])
            Tree(self._connection).fell(some[1])
        else:
            drop_world(self._connection, tenant_id)
            self._end(tenant_id)
            self._connection.execute(delete(schema.tenants).where(schema.tenants.c.id == tenant_id))
        return any(some)

    def _take_off(self, tenant_id: int) -> None:
        """Make it no file's any more: between two parts of a removal nobody may go on with what is left."""
        tenants, table = schema.tenants, schema.arrivals
        off, unnamed = {"digest": "", "line": 0}, {"world": f"{HIDDEN}{tenant_id}"}
        self._connection.execute(update(table).where(table.c.tenant_id == tenant_id).values(off))
        self._connection.execute(update(tenants).where(tenants.c.id == tenant_id).values(unnamed))

    def _end(self, tenant_id: int) -> None:
        self._connection.execute(delete(schema.arrivals).where(schema.arrivals.c.tenant_id == tenant_id))

    def _tenant(self, user_id: str, world: str) -> int | None:
        tenants = schema.tenants
        query = select(tenants.c.id).where(tenants.c.user_id == user_id, tenants.c.world == world)
        return self._connection.execute(query).scalar()
