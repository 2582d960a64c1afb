"""The feed of every index: the change log in commit order, and the rows that it tells of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
)

from dmha.domain.terms import TERM_DTYPE
from dmha.errors import Unavailable
from dmha.records import Change, Rows
from dmha.stores import schema
from dmha.stores.beside import before, returns
from dmha.stores.places import of_account
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.standing import stands

# Rows read before they are made into columns: 384 numbers each, they take 40 MB while on their way.
AT_ONCE = 10_000

# Not of a world that is still on its way in: its vectors may come yet, and nobody can ask for it.
_SETTLED = schema.memories.c.tenant_id.not_in(select(schema.arrivals.c.tenant_id))


class Feed:
    """What an index reads, inside one snapshot. Vectors are those of one embedder: others are as if absent."""

    def __init__(self, connection: Connection, embedder_id: int) -> None:
        self._connection = connection
        self._embedder_id = embedder_id

    def head(self) -> int:
        """The latest change's number; 0 before the first."""
        return int(_HEAD.all(self._connection)[0][0] or 0)

    def since(self, seq: int, tenant_id: int) -> list[Change]:
        """The tenant's changes after that number, in commit order."""
        rows = _SINCE.all(self._connection, after=seq, tenant=tenant_id)
        return [Change(seq, tenant, memory, version, bool(deleted)) for seq, tenant, memory, version, deleted in rows]

    def rows(self, memory_ids: Sequence[int]) -> Rows:
        """The rows of these memories; one that is gone, does not stand or is not for recall is left out."""
        return _columns(_ROWS.of(self._connection, memory_ids, embedder=self._embedder_id))

    def tenant(self, tenant_id: int) -> tuple[int, Iterator[Rows]]:
        """How many rows a tenant has at most, and all of them by id, so many at a time that no copy of all is held."""
        ids = [memory_id for (memory_id,) in _IDS.all(self._connection, tenant=tenant_id)]
        return len(ids), (self.rows(ids[start : start + AT_ONCE]) for start in range(0, len(ids), AT_ONCE))

    def vectors(self, memory_ids: Sequence[int], dimension: int) -> NDArray[np.float32]:
        """A vector for each of these memories, in the order asked; all zero where there is none."""
        held = {row[0]: row[1] for row in _VECTORS.of(self._connection, memory_ids, embedder=self._embedder_id)}
        nothing = bytes(4 * dimension)
        blobs = [held.get(memory_id) or nothing for memory_id in memory_ids]
        return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), dimension)

    def unembedded(self, limit: int, after: int = 0, user_id: str | None = None) -> list[tuple[int, str, str]]:
        """Memories past that id whose vector is missing or another embedder's: (id, speaker, text), by id; of that
        account, or of all."""
        memories, vectors = schema.memories, schema.vectors
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == self._embedder_id)
        rows = self._connection.execute(
            select(memories.c.id, schema.speakers.c.name, memories.c.text)
            .join(schema.speakers, schema.speakers.c.id == memories.c.speaker_id)
            .join(vectors, mine, isouter=True)
            .where(memories.c.id > after, memories.c.recallable, vectors.c.memory_id.is_(None), _SETTLED)
            .where(of_account(user_id))
            .order_by(memories.c.id)
            .limit(limit)
        )
        return [(row.id, row.name, row.text) for row in rows]

    def unembedded_count(self, user_id: str | None = None) -> int:
        """How many memories wait for a vector of this embedder, of that account or of all."""
        if not any(_MAY_WAIT.all(self._connection, embedder=self._embedder_id)[0]):
            return 0
        memories, vectors = schema.memories, schema.vectors
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == self._embedder_id)
        query = (
            select(func.count())
            .select_from(memories.join(vectors, mine, isouter=True))
            .where(memories.c.recallable, vectors.c.memory_id.is_(None), _SETTLED, of_account(user_id))
        )
        return int(self._connection.execute(query).scalar() or 0)

    def tenant_counts(self) -> dict[int, int]:
        """How many memories of each tenant an index has to hold."""
        memories, terms = schema.memories, schema.terms
        query = select(memories.c.tenant_id, func.count()).join(terms, terms.c.memory_id == memories.c.id)
        query = query.where(_SETTLED, stands(memories))
        return {
            int(tenant): int(held) for tenant, held in self._connection.execute(query.group_by(memories.c.tenant_id))
        }

    def latest_texts(self, limit: int) -> list[str]:
        """The texts learned last."""
        memories = schema.memories
        query = select(memories.c.text).where(returns(memories), _SETTLED).order_by(memories.c.id.desc()).limit(limit)
        return list(self._connection.execute(query).scalars())


def _many(table: Table) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).scalar_subquery()


def _rows(ids: Ids) -> Select[Any]:
    memories, vectors, terms, turns = schema.memories, schema.vectors, schema.terms, schema.turns
    last = memories.alias("last")  # nearly always the one before: joined it costs a tenth less than looked for
    said = and_(turns.c.id == memories.c.turn_id, memories.c.source != "dream")
    return (
        select(
            memories.c.id,
            memories.c.version,
            memories.c.at,
            memories.c.speaker_id,
            func.coalesce(memories.c.private_to, -1),
            func.coalesce(case((returns(last), last.c.id), else_=before(turns.c.parent_id)), -1),
            case((memories.c.source == "dream", -1), else_=memories.c.session_id),
            terms.c.language,
            terms.c.length,
            terms.c.data,
            vectors.c.data,
        )
        .join(terms, terms.c.memory_id == memories.c.id)
        .join(vectors, _of_embedder(memories.c.id), isouter=True)
        .join(turns, said, isouter=True)
        .join(last, and_(last.c.turn_id == turns.c.parent_id, last.c.source != "dream"), isouter=True)
        .where(memories.c.id.in_(ids), stands(memories))
        .order_by(memories.c.id)
    )


def _of_embedder(memory_id: ColumnElement[int]) -> ColumnElement[bool]:
    vectors = schema.vectors
    # The sum keeps SQLite from looking into the index of embedders first: nearly all vectors are of one.
    return and_(vectors.c.memory_id == memory_id, vectors.c.embedder_id + 0 == bindparam("embedder"))


_ROWS = Prepared(_rows)
_VECTORS = Prepared(
    lambda ids: select(schema.vectors.c.memory_id, schema.vectors.c.data).where(
        schema.vectors.c.memory_id.in_(ids), _of_embedder(schema.vectors.c.memory_id)
    )
)
# Whether anything may wait for a vector, told by indexes alone: words are counted and vectors kept of the same
# memories, so that there are as many of both, and none of another embedder, where nothing waits.
_MAY_WAIT = Prepared(
    lambda _: select(
        _many(schema.terms) - _many(schema.vectors),
        exists().where(schema.vectors.c.embedder_id < bindparam("embedder")),
        exists().where(schema.vectors.c.embedder_id > bindparam("embedder")),
    )
)
# Of all columns an index of the table holds these, so the memories themselves are not touched.
_IDS = Prepared(
    lambda _: (
        select(schema.memories.c.id)
        .where(schema.memories.c.tenant_id == bindparam("tenant"))
        .order_by(schema.memories.c.id)
    )
)
_HEAD = Prepared(lambda _: select(func.max(schema.changes.c.seq)))
_SINCE = Prepared(
    lambda _: (
        select(schema.changes)
        .where(schema.changes.c.seq > bindparam("after"), schema.changes.c.tenant_id == bindparam("tenant"))
        .order_by(schema.changes.c.seq)
    )
)


def _columns(rows: Sequence[Any]) -> Rows:
    """Rows of `_ROWS` as columns."""
    ids, versions, at, speakers, private_to, before, sessions, languages, lengths, terms, vectors = (
        zip(*rows, strict=True) if rows else ((),) * 11
    )
    counts = np.fromiter(map(len, terms), np.int64, len(ids)) // TERM_DTYPE.itemsize
    embedded = np.fromiter(map(bool, vectors), np.bool_, len(ids))
    blobs = [blob for blob in vectors if blob]
    if len(set(map(len, blobs))) > 1:
        reason = "vectors of different lengths are kept under its name"
        raise Unavailable("embedder", reason, "Give embedders of different dimensions different ids.")
    return Rows(
        memory_ids=np.array(ids, np.int64),
        versions=np.array(versions, np.int64),
        at=np.array(at, np.float64),
        speaker_ids=np.array(speakers, np.int64),
        private_to=np.array(private_to, np.int64),
        before=np.array(before, np.int64),
        sessions=np.array(sessions, np.int64),
        languages=languages,
        lengths=np.array(lengths, np.int64),
        terms=np.frombuffer(b"".join(terms), TERM_DTYPE),
        term_counts=counts,
        embedded=embedded,
        vectors=np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), len(blobs[0]) // 4 if blobs else 0),
    )
