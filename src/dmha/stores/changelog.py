"""The change log's one writer: a row for each memory written or gone, in the transaction of the write itself."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from dmha.stores import schema
from dmha.stores.inserting import insert_rows


def log(connection: Connection, tenant_id: int, versions: Sequence[tuple[int, int]], *, deleted: bool = False) -> None:
    """Tell every index of these memories: (id, version)."""
    if versions:
        rows = [
            {"tenant_id": tenant_id, "memory_id": memory_id, "version": version, "deleted": deleted}
            for memory_id, version in versions
        ]
        insert_rows(connection, schema.changes, rows)
