"""What is made of a memory's words, so that an index finds it: its counted terms and its vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from dmha.records import Counted, Perceived, Scope
from dmha.stores import schema
from dmha.stores.dictionaries import counted_values
from dmha.stores.inserting import insert_rows


def derive(
    connection: Connection, scope: Scope, memory_id: int, counted: Counted, vector: np.ndarray | None, embedder_id: int
) -> None:
    """Write the terms and the vector of one memory."""
    insert_rows(connection, schema.terms, [_terms_row(connection, scope, memory_id, counted)])
    insert_rows(
        connection,
        schema.vectors,
        [{"memory_id": memory_id, "embedder_id": embedder_id, "data": packed(vector)}],
    )


def derive_many(connection: Connection, scope: Scope, rows: Sequence[tuple[int, Perceived]], embedder_id: int) -> None:
    """Write those of many at once; what is not recallable has none."""
    insert_rows(
        connection,
        schema.terms,
        [_terms_row(connection, scope, memory_id, turn.counted) for memory_id, turn in rows if turn.recallable],
    )
    insert_rows(
        connection,
        schema.vectors,
        [
            {"memory_id": memory_id, "embedder_id": embedder_id, "data": packed(turn.vector)}
            for memory_id, turn in rows
            if turn.recallable
        ],
    )


def packed(vector: np.ndarray | None) -> bytes:
    """A vector as float32 bytes; empty where the embedder does not serve the text, so that it is not asked again."""
    return b"" if vector is None else np.asarray(vector, dtype="<f4").tobytes()


def _terms_row(connection: Connection, scope: Scope, memory_id: int, counted: Counted) -> dict[str, Any]:
    return {"memory_id": memory_id, **counted_values(connection, scope.tenant_id, counted)}
