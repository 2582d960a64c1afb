"""Export: a tenant's rows out of the truth as plain values, whose shape is told in `exported`; and the door of imports.

A life may be larger than memory: only the rows' integer ids are held, in the order of export, and what they name is
read as it is written.
"""

from __future__ import annotations

import base64
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select

from dmha.records import Arrival
from dmha.stores import schema
from dmha.stores.arrivals import HIDDEN, Arrivals
from dmha.stores.exported import END, LEFT_OUT, REFERENCES, REFERRED, TABLES, belongs, in_order, row_id
from dmha.stores.judging import Judge
from dmha.stores.moment import moment
from dmha.stores.places import CHUNK, Places
from dmha.stores.restoring import Batch, Restoring, insert_batch, restoring


@dataclass(frozen=True, slots=True)
class World:
    """One tenant of an account, as the header of an export names it, with the ids of its rows in their order."""

    tenant_id: int
    name: str
    zone: str
    ids: dict[str, array[int]]

    @property
    def rows(self) -> int:
        """How many lines there are below the header, the one that counts them included."""
        return sum(map(len, self.ids.values())) + 1


class Portable(Arrivals):
    """Rows out of the truth as plain values, and back into it."""

    def __init__(self, connection: Connection, places: Places, embedder_id: int) -> None:
        super().__init__(connection, places)
        self._embedder_id = embedder_id

    def moment(self) -> str:
        """What tells this snapshot from that of any other moment."""
        return f"{schema.REVISION}-{moment(self._connection):016x}"

    def worlds(self, user_id: str, world: str | None) -> list[World]:
        """The account's tenants (or the one named), by their names: a rejected turn may have made one."""
        tenants = schema.tenants
        query = select(tenants).where(tenants.c.user_id == user_id, ~tenants.c.world.startswith(HIDDEN))
        if world is not None:
            query = query.where(tenants.c.world == world)
        found = self._connection.execute(query.order_by(tenants.c.world)).all()
        return [World(row.id, row.world, row.zone, self._ids(row.id, user_id, row.world)) for row in found]

    def rows(self, world: World, skip: int = 0) -> Iterator[dict[str, Any]]:
        """Every row of the tenant after the first `skip`, references as ranks, and the line that counts them."""
        ranks = {name: Ranks(world.ids[name]) for name in REFERRED}
        embedders = self._embedders()
        for table in TABLES:
            ids = world.ids[table.name]
            yield from self._told(table, ids[skip:] if skip else ids, ranks, embedders)
            skip = max(0, skip - len(ids))
        if not skip:
            yield {"table": END, "rows": world.rows - 1}

    def judge(self, agent_id: str | None) -> Judge:
        """Who says whether a world of a file can be taken in; `agent_id` is the new name of its one companion."""
        embedders = schema.embedders
        mine = self._connection.execute(select(embedders).where(embedders.c.id == self._embedder_id)).first()
        return Judge(agent_id, (mine.name, mine.dimension) if mine is not None else ("", 0))

    def restoring(self, arrival: Arrival, agents: Sequence[str]) -> Restoring:
        """What is needed to take in the rest of a world, read off what stands of it already."""
        companions = schema.companions
        mine = select(companions.c.agent_id, companions.c.id).where(companions.c.user_id == arrival.user_id)
        known = {row.agent_id: row.id for row in self._connection.execute(mine)}
        embedders = {name: id for id, name in self._embedders().items() if id == self._embedder_id}
        return restoring(self._connection, arrival.tenant_id, [known[agent_id] for agent_id in agents], embedders)

    def take_in(self, state: Restoring, arrival: Arrival, batch: Batch) -> dict[str, list[int]] | None:
        """Write some rows of the world; returns the ids they were given, None where it arrives no more."""
        if not self.advance(arrival, batch.lines):
            return None
        return insert_batch(self._connection, state, batch)

    def _ids(self, tenant_id: int, user_id: str, world: str) -> dict[str, array[int]]:
        found = {}
        for table in TABLES:
            query = select(row_id(table)).where(belongs(table, tenant_id, user_id, world)).order_by(*in_order(table))
            rows = self._connection.execution_options(yield_per=10_000).execute(query)
            found[table.name] = array("q", rows.scalars())
        return found

    def _told(
        self, table: Table, ids: array[int], ranks: dict[str, Ranks], embedders: dict[int, str]
    ) -> Iterator[dict[str, Any]]:
        some = select(row_id(table).label("row"), table).where(row_id(table).in_(bindparam("ids", expanding=True)))
        names = [column.name for column in table.c if column.name not in LEFT_OUT]
        references = REFERENCES[table.name]
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            rows = {row["row"]: row for row in self._connection.execute(some, {"ids": list(chunk)}).mappings()}
            for id in chunk:
                row = rows[id]
                values = {name: _plain(row[name]) for name in names}
                for name, target in references.items():
                    if values[name] is not None:
                        values[name] = ranks[target].of(values[name])
                if "embedder_id" in values:
                    values["embedder_id"] = embedders[row["embedder_id"]]
                yield {"table": table.name, **values}

    def _embedders(self) -> dict[int, str]:
        embedders = schema.embedders
        return {row.id: row.name for row in self._connection.execute(select(embedders.c.id, embedders.c.name))}


class Ranks:
    """The rank of each id within its table's export; where ids rise with ranks, nothing but the ids is held."""

    def __init__(self, ids: array[int]) -> None:
        rising = all(ids[i] < ids[i + 1] for i in range(len(ids) - 1))
        self._ids = ids
        self._ranks = None if rising else {id: rank for rank, id in enumerate(ids, 1)}

    def of(self, id: int) -> int:
        """The rank of a row that is exported."""
        return bisect_left(self._ids, id) + 1 if self._ranks is None else self._ranks[id]


def _plain(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
