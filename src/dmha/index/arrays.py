"""One tenant's memories as columns: vectors, times, who has to be present, and the postings of their words.

A row is never overwritten: a new version of a memory is a new row and the old one dies. A tenant with many dead rows is
loaded again from the truth, so nothing here needs compacting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dmha.domain.terms import MAX_SATURATION, PRIOR_DOCUMENTS, REFERENCE_LENGTH, idf, saturated, term_id
from dmha.errors import Unavailable
from dmha.index.postings import Postings
from dmha.records import Row


class TenantArrays:
    """The columns of one tenant, grown by doubling."""

    def __init__(self, dimension: int, rows: Sequence[Row]) -> None:
        self._dimension = dimension
        self.count = 0
        self.dead = 0
        self._memory_ids = np.empty(0, np.int64)
        self._at = np.empty(0, np.float64)
        self._private_to = np.empty(0, np.int64)
        self._alive = np.empty(0, np.bool_)
        self._vectors = np.empty((0, dimension), np.float32)
        self._row_of: dict[int, int] = {}
        self._versions: dict[int, int] = {}
        self._postings = Postings()
        self._reserve(len(rows))
        for row in rows:
            self._append(row)
        self._postings.load([_weighted(row) for row in rows])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        columns = (self._memory_ids, self._at, self._private_to, self._alive, self._vectors)
        return sum(column.nbytes for column in columns) + self._postings.nbytes + 200 * len(self._row_of)

    @property
    def memory_ids(self) -> NDArray[np.int64]:
        return self._memory_ids[: self.count]

    @property
    def at(self) -> NDArray[np.float64]:
        return self._at[: self.count]

    def put(self, row: Row) -> None:
        """Take a memory as the truth has it now; an older version than the one held changes nothing."""
        if self._versions.get(row.memory_id, 0) > row.version:
            return
        self.drop(row.memory_id)
        self._reserve(self.count + 1)
        self._append(row)
        self._postings.add(self.count - 1, *_weighted(row))

    def drop(self, memory_id: int) -> None:
        """Let a memory go; unknown ones are gone already."""
        row = self._row_of.pop(memory_id, None)
        self._versions.pop(memory_id, None)
        if row is not None:
            self._alive[row] = False
            self.dead += 1

    def visible(
        self, present: Iterable[int], allowed: Sequence[int] | None, exclude: Sequence[int]
    ) -> NDArray[np.bool_]:
        """Which rows may come back: alive, told openly or to someone present, allowed, not excluded."""
        private = self._private_to[: self.count]
        mask: NDArray[np.bool_] = self._alive[: self.count] & ((private < 0) | np.isin(private, list(present)))
        if allowed is not None:
            mask &= np.isin(self.memory_ids, np.asarray(allowed, np.int64))
        for memory_id in exclude:
            row = self._row_of.get(memory_id)
            if row is not None:
                mask[row] = False
        return mask

    def similarity(self, vector: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """Cosine to every row; 0 where either side has no vector."""
        if vector is None:
            return np.zeros(self.count)
        return (self._vectors[: self.count] @ vector).astype(np.float64)

    def static_bm25(self, terms: Mapping[str, float]) -> NDArray[np.float64]:
        """BM25 of every row in 0..1: the score divided by the most that the question could earn.

        Only living rows count for idf, so that an index that saw deletions scores as one made anew. Terms that no
        memory holds count towards the most: a question about the unknown stays low however well its common words
        match.
        """
        scores = np.zeros(self.count)
        most = 0.0
        living = self.count - self.dead
        for term, weight in terms.items():
            rows, weights = self._postings.of(term_id(term))
            if self.dead:
                kept = self._alive[rows]
                rows, weights = rows[kept], weights[kept]
            worth = weight * idf(living + PRIOR_DOCUMENTS, len(rows))
            scores[rows] += worth * weights
            most += worth * MAX_SATURATION
        return scores / most if most else scores

    def _append(self, row: Row) -> None:
        here = self.count
        self._memory_ids[here] = row.memory_id
        self._at[here] = row.at
        self._private_to[here] = row.private_to
        self._alive[here] = True
        if row.vector is not None:
            if len(row.vector) != self._dimension:
                reason = f"a kept vector has {len(row.vector)} numbers, the embedder of that name {self._dimension}"
                raise Unavailable("embedder", reason, "Give embedders of different dimensions different ids.")
            self._vectors[here] = row.vector
        self._row_of[row.memory_id] = here
        self._versions[row.memory_id] = row.version
        self.count += 1

    def _reserve(self, wanted: int) -> None:
        held = len(self._memory_ids)
        if wanted <= held:
            return
        size = max(wanted, 2 * held, 16)
        self._memory_ids = _grown(self._memory_ids, size)
        self._at = _grown(self._at, size)
        self._private_to = _grown(self._private_to, size)
        self._alive = _grown(self._alive, size)
        vectors = np.zeros((size, self._dimension), np.float32)  # zero: a row without a vector is similar to nothing
        vectors[:held] = self._vectors
        self._vectors = vectors


def _grown(column: NDArray, size: int) -> NDArray:  # type: ignore[type-arg]  # of any one dtype, kept
    made = np.empty(size, column.dtype)
    made[: len(column)] = column
    return made


def _weighted(row: Row) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    reference = REFERENCE_LENGTH.get(row.language, REFERENCE_LENGTH["other"])
    return row.terms["term"].astype(np.uint64), saturated(row.terms, row.length, reference)
