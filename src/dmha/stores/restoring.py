"""Import: rows that were judged, written into a tenant on its way in, ranks turned back into ids.

A batch is made ready outside of any transaction, so that a large life holds nobody up for long. Ids rise as the rows
stand in the file: what was taken in exports in the order in which it was exported.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.exc import IntegrityError

from dmha.errors import InvalidInput
from dmha.records import Counted
from dmha.stores import schema
from dmha.stores.changelog import log
from dmha.stores.dictionaries import counted_values
from dmha.stores.exported import END, REFERENCES, REFERRED
from dmha.stores.judging import FIX, table_of, taken
from dmha.stores.places import allocate


@dataclass(slots=True)
class Branches:
    """How the tree of turns branches, by ranks: of each turn its branch, of each branch its session and last turn."""

    of_turn: array[int] = field(default_factory=lambda: array("q"))
    sessions: list[int] = field(default_factory=list)
    tips: list[int] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)

    def place(self, session: int, parent: int | None) -> tuple[int, dict[str, Any] | None]:
        """The branch on which the next turn stands; and the branch itself, where it is new."""
        turn, branch = len(self.of_turn) + 1, 0 if parent is None else self.of_turn[parent - 1]
        made = None
        if not branch or self.sessions[branch - 1] != session or self.tips[branch - 1] != parent:
            made = {"session": session, "parent": branch, "fork": parent, "root": 0}
            branch = self.begin(session, self.roots[branch - 1] if branch else 0)
            made["root"] = self.roots[branch - 1]
        self.of_turn.append(branch)
        self.tips[branch - 1] = turn
        return branch, made

    def begin(self, session: int, root: int) -> int:
        """A new branch's rank; `root` 0: it begins a tree."""
        self.sessions.append(session)
        self.tips.append(0)
        self.roots.append(root or len(self.sessions))
        return len(self.sessions)


@dataclass(slots=True)
class Restoring:
    """One world on its way in: the ids that ranks stand for, as far as it has come."""

    tenant_id: int
    embedders: dict[str, int]  # the present one; vectors of others are left out, to be made again
    ids: dict[str, array[int]]
    branches: Branches

    def prepare(self, rows: Iterable[dict[str, Any]], count: Callable[[str], Counted]) -> Batch:
        """The next rows of the file made ready to be written: all that needs no transaction is done here."""
        batch = Batch()
        for row in rows:
            batch.lines += 1
            if row["table"] not in (END, "companions"):  # the companions are known, and the end was judged
                self._add(batch, table_of(row), row, count)
        return batch

    def follow(self, fresh: dict[str, list[int]]) -> None:
        """Note the ids of what was written."""
        for name, ids in fresh.items():
            self.ids[name].extend(ids)

    def _add(self, batch: Batch, table: Table, row: dict[str, Any], count: Callable[[str], Counted]) -> None:
        values = taken(table, row)
        if table is schema.vectors:
            values["embedder_id"] = self.embedders.get(values["embedder_id"])
            if values["embedder_id"] is None:
                return
        if table is schema.turns:
            branch, made = self.branches.place(values["session_id"], values["parent_id"])
            values |= {"branch_id": branch, "in_window": False}
            batch.branches += [] if made is None else [made]
        if not batch.parts or batch.parts[-1][0] is not table:
            batch.parts.append((table, []))
        batch.parts[-1][1].append(values)
        if table is schema.memories:
            batch.counted.append(count(values["text"]) if values["recallable"] else None)


@dataclass(slots=True)
class Batch:
    """Some lines of a file: rows by table in their order, the branches that begin among them, the memories' terms."""

    lines: int = 0
    parts: list[tuple[Table, list[dict[str, Any]]]] = field(default_factory=list)
    branches: list[dict[str, Any]] = field(default_factory=list)
    counted: list[Counted | None] = field(default_factory=list)


class _Resolver:
    """From ranks to ids, those of this batch among them."""

    def __init__(self, held: dict[str, array[int]]) -> None:
        self._held = held
        self.fresh: dict[str, list[int]] = defaultdict(list)

    def id(self, target: str, rank: int) -> int:
        held = self._held[target]
        try:
            return held[rank - 1] if rank <= len(held) else self.fresh[target][rank - 1 - len(held)]
        except IndexError as error:  # it was judged to be there
            raise InvalidInput("file", "it changed while it was read", FIX) from error


def restoring(
    connection: Connection, tenant_id: int, companions: Sequence[int], embedders: dict[str, int]
) -> Restoring:
    """The state of a world on its way in, from the rows of it that stand already."""
    ids = {name: array("q") for name in (*REFERRED, "branches")}
    for table in (schema.speakers, schema.sessions, schema.turns, schema.memories, schema.facts):
        mine = select(table.c.id).where(table.c.tenant_id == tenant_id).order_by(table.c.id)
        ids[table.name] = array("q", connection.execute(mine).scalars())
    ids["companions"] = array("q", companions)
    branches, turns, sessions = schema.branches, schema.turns, schema.sessions
    found = connection.execute(
        select(branches).join(sessions).where(sessions.c.tenant_id == tenant_id).order_by(branches.c.id)
    ).all()
    rank = {row.id: place for place, row in enumerate(found, 1)}
    session_rank = {id: place for place, id in enumerate(ids["sessions"], 1)}
    grown = Branches()
    for row in found:
        grown.begin(session_rank[row.session_id], rank[row.root_id])
        ids["branches"].append(row.id)
    stand = select(turns.c.branch_id).where(turns.c.tenant_id == tenant_id).order_by(turns.c.id)
    for place, branch_id in enumerate(connection.execute(stand).scalars(), 1):
        grown.of_turn.append(rank[branch_id])
        grown.tips[rank[branch_id] - 1] = place
    return Restoring(tenant_id, embedders, ids, grown)


def insert_batch(connection: Connection, state: Restoring, batch: Batch) -> dict[str, list[int]]:
    """Write the rows with their changes; returns the ids that they were given, by table."""
    resolver = _Resolver(state.ids)
    try:
        for table, rows in batch.parts:
            written = _resolved(connection, state, table, rows, resolver)
            if table is schema.turns:
                _insert_branches(connection, batch.branches, resolver)
                for row in written:
                    row["branch_id"] = resolver.id("branches", row["branch_id"])
            connection.execute(insert(table), written)
            if table is schema.memories:
                _insert_terms(connection, state.tenant_id, batch.counted, written)
            if table in (schema.memories, schema.vectors):
                key = "id" if table is schema.memories else "memory_id"
                log(connection, state.tenant_id, [(row[key], 1) for row in written])
    except IntegrityError as error:
        raise InvalidInput("file", f"two of its rows are one and the same ({error.orig})", FIX) from error
    return resolver.fresh


def _resolved(
    connection: Connection, state: Restoring, table: Table, rows: list[dict[str, Any]], resolver: _Resolver
) -> list[dict[str, Any]]:
    """The rows with ids of their own and of what they refer to."""
    own = {"tenant_id": state.tenant_id} if "tenant_id" in table.c else {}
    first = allocate(connection, table, len(rows)) if "id" in table.c else 0
    if table.name in REFERRED:
        resolver.fresh[table.name] += range(first, first + len(rows))
    resolved = []
    for place, row in enumerate(rows):
        values = row | own
        if first:
            values["id"] = first + place
        for name, target in REFERENCES[table.name].items():
            if values[name] is not None:
                values[name] = resolver.id(target, values[name])
        resolved.append(values)
    return resolved


def _insert_branches(connection: Connection, begun: list[dict[str, Any]], resolver: _Resolver) -> None:
    if not begun:
        return
    first = allocate(connection, schema.branches, len(begun))
    resolver.fresh["branches"] += range(first, first + len(begun))
    rows = [
        {
            "id": first + place,
            "session_id": resolver.id("sessions", branch["session"]),
            "root_id": resolver.id("branches", branch["root"]),
            "parent_id": resolver.id("branches", branch["parent"]) if branch["parent"] else None,
            "fork_id": None if branch["fork"] is None else resolver.id("turns", branch["fork"]),
        }
        for place, branch in enumerate(begun)
    ]
    connection.execute(insert(schema.branches), rows)


def _insert_terms(
    connection: Connection, tenant_id: int, counted: list[Counted | None], memories: list[dict[str, Any]]
) -> None:
    rows = [
        {"memory_id": memory["id"], **counted_values(connection, tenant_id, said)}
        for memory, said in zip(memories, counted, strict=True)
        if said is not None
    ]
    if rows:
        connection.execute(insert(schema.terms), rows)
