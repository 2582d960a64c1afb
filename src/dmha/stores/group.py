"""What the units of one transaction share: ids are counted once for all of them, and what one found the next one knows.

It lives with the connection while the writer's transaction lasts, under the write lock: nobody else counts meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from dmha.stores import moment, schema
from dmha.stores.inserting import insert_rows
from dmha.stores.prepared import Prepared

_KEY = "dmha_group"
_COUNTERS = Prepared(lambda _: select(schema.counters.c.name, schema.counters.c.next))
_COUNTED = Prepared(
    lambda _: update(schema.counters).where(schema.counters.c.name == bindparam("of")).values(next=bindparam("to"))
)


class Group:
    """The next free ids, and a memo of what was found: the memo ends with a unit that fails, the ids never go back."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._changes = _changes(connection)
        self._read: dict[str, int] | None = None
        self._next: dict[str, int] = {}
        self.memo: dict[str, Any] = {}

    def take(self, table: str, count: int) -> int:
        """The first of `count` ids that nobody was given before."""
        first = self._counted().get(table, 1)
        self._next[table] = first + count
        return first

    def advance(self, table: str, to: int) -> bool:
        """Let the table's ids go on from there at the least; returns whether they were behind."""
        behind = self._counted().get(table, 1) < to
        if behind:
            self._next[table] = to
        return behind

    def _counted(self) -> dict[str, int]:
        if self._read is None:
            self._read = dict(tuple(row) for row in _COUNTERS.all(self.connection))
            self._next = dict(self._read)
        return self._next

    def write_back(self) -> None:
        """Keep, in this very transaction, how far the ids were counted, and mark what it makes of the file."""
        read = self._read or {}
        moved = [{"of": name, "to": after} for name, after in self._next.items() if read.get(name, after) != after]
        made = [{"name": name, "next": after} for name, after in self._next.items() if name not in read]
        insert_rows(self.connection, schema.counters, made)
        if moved or _changes(self.connection) != self._changes:  # a retry that changes nothing costs no fsync either
            _COUNTED.each(self.connection, [*moved, {"of": moment.NAME, "to": moment.drawn()}])


@contextmanager
def grouped(connection: Connection) -> Iterator[Group]:
    """A group for the transaction that runs on this connection; its ids are written back at the end."""
    group = connection.info[_KEY] = Group(connection)
    try:
        yield group
        group.write_back()
    finally:
        del connection.info[_KEY]


def group_of(connection: Connection) -> Group:
    """The group whose unit runs on this connection."""
    group: Group = connection.info[_KEY]
    return group


def dictionary_memo(tenant_id: int) -> str:
    """Under what the memo holds the version of a tenant's dictionary."""
    return f"version of dictionary {tenant_id}"


def _changes(connection: Connection) -> int:
    """How many rows this connection ever changed."""
    return connection.connection.driver_connection.total_changes  # type: ignore[union-attr,no-any-return]  # sqlite3's
