"""What every write of memories stands on: the connection, the places, the tree of turns; and a memory's row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from dmha.errors import NotFound
from dmha.records import Scope
from dmha.stores import schema
from dmha.stores.places import Places
from dmha.stores.tree import Tree
from dmha.stores.variants import Variants


class Writing:
    """Writing memories, inside one transaction."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self._connection = connection
        self._places = places
        self._tree = Tree(connection)
        self._variants = Variants(connection, self._tree)

    def _row(self, scope: Scope, uid: str) -> Any:
        memories = schema.memories
        row = self._connection.execute(
            select(memories).where(memories.c.tenant_id == scope.tenant_id, memories.c.uid == uid)
        ).first()
        if row is None:
            raise NotFound("memory", uid)
        return row
