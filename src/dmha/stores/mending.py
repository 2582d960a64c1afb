"""What damage leaves behind in the rows, found and set right inside one transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Table,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from dmha.errors import Unavailable
from dmha.records import Counted
from dmha.stores import schema
from dmha.stores.copies import damage
from dmha.stores.dictionaries import counted_values
from dmha.stores.engine import driver, told
from dmha.stores.group import group_of

_ROWID = literal_column("rowid", Integer)


class Mending:
    """Orphan rows, memories without counted terms, counters that would hand an id out twice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def damage(self) -> list[str]:
        """What the database finds wrong with the file itself; empty where it is whole."""
        try:
            return damage(driver(self._connection))
        except sqlite3.Error as error:
            raise told(error) from error

    def orphans(self) -> dict[str, int]:
        """How many rows of each table point to a row that is not there."""
        return dict(Counter(table for table, *_ in self._orphans()))

    def part_orphans(self) -> int:
        """Let orphan rows go, or only their link where they stand without it; returns how many rows were touched.

        What hangs on a row that goes is an orphan next, and goes after it; a memory leaves its tombstone in the log.
        """
        self._connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # until this transaction ends, with none left
        touched: set[tuple[str, int]] = set()
        while found := self._orphans():
            for name, rowid, _, link in found:
                self._part(name, rowid, link)
                touched.add((name, rowid))
        return len(touched)

    def rebuild_indexes(self) -> None:
        """Make the file's own indexes anew from its tables."""
        try:
            self._connection.exec_driver_sql("REINDEX")
        except IntegrityError as error:
            raise Unavailable(
                "database", "two rows share what only one may have", "Restore a backup, or export what can be read."
            ) from error

    def uncounted(self, limit: int) -> list[tuple[int, int, str]]:
        """Memories that words should find and that have no counted terms: (id, tenant, text)."""
        memories, terms = schema.memories, schema.terms
        rows = self._connection.execute(
            select(memories.c.id, memories.c.tenant_id, memories.c.text)
            .join(terms, terms.c.memory_id == memories.c.id, isouter=True)
            .where(memories.c.recallable, terms.c.memory_id.is_(None))
            .order_by(memories.c.id)
            .limit(limit)
        )
        return [(row.id, row.tenant_id, row.text) for row in rows]

    def count_again(self, counted: Sequence[tuple[int, Counted]]) -> None:
        """Give these memories their counted terms, where they still wait for them, and tell every index."""
        memories, terms = schema.memories, schema.terms
        waiting: dict[int, int] = dict(
            tuple(row)
            for row in self._connection.execute(
                select(memories.c.id, memories.c.tenant_id)
                .join(terms, terms.c.memory_id == memories.c.id, isouter=True)
                .where(memories.c.id.in_([id for id, _ in counted]), terms.c.memory_id.is_(None))
            )
        )
        for id, each in counted:
            if id in waiting:
                values = counted_values(self._connection, waiting[id], each)
                self._connection.execute(insert(terms).values(memory_id=id, **values))
                self._log(memories.c.id == id, deleted=False)

    def counters_behind(self) -> dict[str, int]:
        """The tables whose next id is in use already, or was before a delete: the id that should come next."""
        counters = schema.counters
        next_ids = {row.name: row.next for row in self._connection.execute(select(counters))}
        greatest = {table.name: self._greatest(table) for table in schema.metadata.sorted_tables if _numbered(table)}
        return {name: most + 1 for name, most in greatest.items() if next_ids.get(name, 1) <= most}

    def advance_counters(self) -> list[str]:
        """Let every counter go on behind the greatest id; returns which had to."""
        group = group_of(self._connection)  # it counts on for the units before this one, which are not written back yet
        return [name for name, next_id in self.counters_behind().items() if group.advance(name, next_id)]

    def _greatest(self, table: Table) -> int:
        most = self._connection.execute(select(func.max(table.c.id))).scalar() or 0
        if table is schema.memories:
            logged = select(func.max(schema.changes.c.memory_id))  # a deleted one's id is not free again
            most = max(most, self._connection.execute(logged).scalar() or 0)
        return int(most)

    def _orphans(self) -> list[tuple[str, int, str, int]]:
        """Rows that point to what is not there: (table, rowid, the table pointed to, the link's number)."""
        return [
            (row[0], row[1], row[2], row[3]) for row in self._connection.exec_driver_sql("PRAGMA foreign_key_check")
        ]

    def _part(self, name: str, rowid: int, link: int) -> None:
        table = schema.metadata.tables[name]
        links = self._connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})").mappings()
        column = table.c[next(row["from"] for row in links if row["id"] == link)]
        this = _ROWID.is_(rowid)
        if column.nullable and column.name != "private_to":  # without its speaker, a secret would be everybody's
            self._connection.execute(update(table).where(this).values({column.name: None}))
            return
        if table is schema.memories:
            self._log(this, deleted=True)
        self._connection.execute(delete(table).where(this))

    def _log(self, which: ColumnElement[bool], *, deleted: bool) -> None:
        memories = schema.memories
        rows = select(memories.c.tenant_id, memories.c.id, memories.c.version, literal(deleted)).where(which)
        names = ["tenant_id", "memory_id", "version", "deleted"]
        self._connection.execute(insert(schema.changes).from_select(names, rows))


def _numbered(table: Table) -> bool:
    """Whether the table's ids come from a counter."""
    return [column.name for column in table.primary_key] == ["id"]
