"""The feed of every index: the change log in commit order, and the rows that it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, and_, func, select

from dmha.domain.terms import TERM_DTYPE
from dmha.records import Change, Row
from dmha.stores import schema
from dmha.stores.places import CHUNK

# Not of a world that is still on its way in: its vectors may come yet, and nobody can ask for it.
_SETTLED = schema.memories.c.tenant_id.not_in(select(schema.arrivals.c.tenant_id))


class Feed:
    """What an index reads, inside one snapshot. Vectors are those of one embedder: others are as if absent."""

    def __init__(self, connection: Connection, embedder_id: int) -> None:
        self._connection = connection
        self._embedder_id = embedder_id

    def head(self) -> int:
        """The latest change's number; 0 before the first."""
        return int(self._connection.execute(select(func.max(schema.changes.c.seq))).scalar() or 0)

    def since(self, seq: int) -> list[Change]:
        """The changes after that number, in commit order."""
        changes = schema.changes
        rows = self._connection.execute(select(changes).where(changes.c.seq > seq).order_by(changes.c.seq))
        return [Change(row.seq, row.tenant_id, row.memory_id, row.version, row.deleted) for row in rows]

    def rows(self, memory_ids: Sequence[int]) -> list[Row]:
        """The rows of these memories; one that is gone or not for recall is left out."""
        found: list[Row] = []
        for start in range(0, len(memory_ids), CHUNK):
            chosen = schema.memories.c.id.in_(memory_ids[start : start + CHUNK])
            found += [_row(row) for row in self._connection.execute(self._select().where(chosen))]
        return found

    def tenant(self, tenant_id: int) -> list[Row]:
        """Every row of a tenant, in the order of ids."""
        memories = schema.memories
        query = self._select().where(memories.c.tenant_id == tenant_id).order_by(memories.c.id)
        return [_row(row) for row in self._connection.execute(query)]

    def unembedded(self, limit: int, after: int = 0) -> list[tuple[int, str, str]]:
        """Memories past that id whose vector is missing or another embedder's: (id, speaker, text), by id."""
        memories, vectors = schema.memories, schema.vectors
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == self._embedder_id)
        rows = self._connection.execute(
            select(memories.c.id, schema.speakers.c.name, memories.c.text)
            .join(schema.speakers, schema.speakers.c.id == memories.c.speaker_id)
            .join(vectors, mine, isouter=True)
            .where(memories.c.id > after, memories.c.recallable, vectors.c.memory_id.is_(None), _SETTLED)
            .order_by(memories.c.id)
            .limit(limit)
        )
        return [(row.id, row.name, row.text) for row in rows]

    def unembedded_count(self) -> int:
        """How many memories wait for a vector of this embedder."""
        memories, vectors = schema.memories, schema.vectors
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == self._embedder_id)
        query = (
            select(func.count())
            .select_from(memories.join(vectors, mine, isouter=True))
            .where(memories.c.recallable, vectors.c.memory_id.is_(None), _SETTLED)
        )
        return int(self._connection.execute(query).scalar() or 0)

    def tenant_counts(self) -> dict[int, int]:
        """How many memories of each tenant an index has to hold."""
        memories, terms = schema.memories, schema.terms
        query = select(memories.c.tenant_id, func.count()).join(terms, terms.c.memory_id == memories.c.id)
        query = query.where(_SETTLED)
        return {
            int(tenant): int(held) for tenant, held in self._connection.execute(query.group_by(memories.c.tenant_id))
        }

    def latest_texts(self, limit: int) -> list[str]:
        """The texts learned last."""
        memories = schema.memories
        query = (
            select(memories.c.text).where(memories.c.recallable, _SETTLED).order_by(memories.c.id.desc()).limit(limit)
        )
        return list(self._connection.execute(query).scalars())

    def _select(self) -> Select[Any]:
        memories, vectors, terms = schema.memories, schema.vectors, schema.terms
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == self._embedder_id)
        return (
            select(
                memories.c.id,
                memories.c.version,
                memories.c.at,
                memories.c.speaker_id,
                memories.c.private_to,
                terms.c.language,
                terms.c.length,
                terms.c.data.label("term_data"),
                vectors.c.data.label("vector_data"),
            )
            .join(terms, terms.c.memory_id == memories.c.id)
            .join(vectors, mine, isouter=True)
        )


def _row(row: Any) -> Row:
    return Row(
        memory_id=row.id,
        version=row.version,
        at=row.at,
        speaker_id=row.speaker_id,
        private_to=-1 if row.private_to is None else row.private_to,
        terms=np.frombuffer(row.term_data, dtype=TERM_DTYPE),
        language=row.language,
        length=row.length,
        vector=np.frombuffer(row.vector_data, dtype="<f4") if row.vector_data else None,
    )
