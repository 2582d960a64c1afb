"""The write side of memories: what is new (stores/remembering), what is otherwise now (stores/changing), and here what
goes, and what gets another embedder's vectors. What an index has to know of is logged in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from sqlalchemy import and_, delete, select

from dmha.records import Scope
from dmha.stores import schema
from dmha.stores.arrivals import HIDDEN
from dmha.stores.beside import following
from dmha.stores.changelog import log
from dmha.stores.changing import Changing
from dmha.stores.derived import packed
from dmha.stores.dictionaries import Dictionaries
from dmha.stores.inserting import insert_rows
from dmha.stores.remembering import Remembering
from dmha.stores.removal import drop, drop_world, quoting, untell
from dmha.stores.requests import Requests
from dmha.stores.showing import answered_after, unsay


class Memories(Remembering, Changing):
    """The write side of memories, inside one transaction."""

    def forget(self, scope: Scope, uid: str) -> None:
        """Delete a memory, what was told in its turn, its variants, the summaries that quote it and what is kept of
        replies that told of it."""
        row = self._row(scope, uid)
        if row.turn_id is not None and row.source != "dream":
            unsay(self._connection, scope.tenant_id, answered_after(self._connection, row.turn_id))
            untell(self._connection, [row.turn_id])
            self._variants.forget(scope, row.turn_id)
            log(self._connection, scope.tenant_id, following(self._connection, row.turn_id))  # they follow another now
        drop(self._connection, scope.tenant_id, [row.id, *quoting(self._connection, [row.id])])

    def forget_all(self, user_id: str, world: str | None) -> None:
        """Delete everything of the account's one world, or of all; the tombstones stay, to tell other processes."""
        tenants = schema.tenants
        query = select(tenants.c.id, tenants.c.world).where(tenants.c.user_id == user_id)
        query = query if world is None else query.where(tenants.c.world == world)
        dictionaries = Dictionaries(self._connection)
        for tenant_id, name in self._connection.execute(query).all():
            version = 0 if name.startswith(HIDDEN) else dictionaries.version(tenant_id)
            drop_world(self._connection, tenant_id)
            dictionaries.go_on(tenant_id, version)
        Requests(self._connection).forget(user_id)
        if world is None:
            self._connection.execute(delete(schema.jobs).where(schema.jobs.c.user_id == user_id))

    def revector(self, rows: Iterable[tuple[int, np.ndarray | None]], embedder_id: int) -> None:
        """Replace the vectors of these memories by ones of another embedder; None: it does not serve the text.

        A memory that was deleted, or given its vector, while the embedder was at work is left as it is.
        """
        memories, vectors, made = schema.memories, schema.vectors, dict(rows)
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == embedder_id)
        waiting = self._connection.execute(
            select(memories.c.tenant_id, memories.c.id, memories.c.version)
            .join(vectors, mine, isouter=True)
            .where(memories.c.id.in_(made), vectors.c.memory_id.is_(None))
        ).all()
        self._connection.execute(delete(vectors).where(vectors.c.memory_id.in_([row.id for row in waiting])))
        insert_rows(
            self._connection,
            vectors,
            [{"memory_id": r.id, "embedder_id": embedder_id, "data": packed(made[r.id])} for r in waiting],
        )
        for row in waiting:
            log(self._connection, row.tenant_id, [(row.id, row.version)])
