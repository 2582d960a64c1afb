"""Postings of one tenant: for each term, the rows that hold it and its saturated weight there.

The bulk lies in sorted arrays (`term -> slice`), made in one pass when a tenant is loaded; what comes after goes to
small lists beside them, folded in when they have grown. A row once written is never changed: a new version is a new
row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# The fresh part is folded in at a tenth of the bulk, but not before it costs more to search than to fold.
_FOLD_AT_LEAST = 4_096
_FOLD_SHARE = 10


class Postings:
    """Which rows hold a term, with weights. Rows are positions in the tenant's arrays."""

    def __init__(self) -> None:
        self._terms = np.empty(0, np.uint64)
        self._starts = np.zeros(1, np.int64)
        self._rows = np.empty(0, np.int32)
        self._weights = np.empty(0, np.float32)
        self._fresh: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        self._fresh_count = 0

    @property
    def nbytes(self) -> int:
        """Bytes held, the fresh part estimated at a tuple a posting."""
        return self._terms.nbytes + self._rows.nbytes + self._weights.nbytes + 120 * self._fresh_count

    def load(self, documents: Sequence[tuple[NDArray[np.uint64], NDArray[np.float32]]]) -> None:
        """Take these documents as rows 0, 1, 2, ..., in place of whatever was there."""
        lengths = np.fromiter((len(terms) for terms, _ in documents), np.int64, len(documents))
        rows = np.repeat(np.arange(len(documents), dtype=np.int32), lengths)
        terms = np.concatenate([terms for terms, _ in documents]) if documents else np.empty(0, np.uint64)
        weights = np.concatenate([weights for _, weights in documents]) if documents else np.empty(0, np.float32)
        self._sort(terms, rows, weights)

    def add(self, row: int, terms: NDArray[np.uint64], weights: NDArray[np.float32]) -> None:
        """Add one document; it is found at once."""
        for term, weight in zip(terms.tolist(), weights.tolist(), strict=True):
            self._fresh[term].append((row, weight))
        self._fresh_count += len(terms)
        if self._fresh_count > max(_FOLD_AT_LEAST, len(self._rows) // _FOLD_SHARE):
            self._fold()

    def of(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The rows that hold the term, ascending, and its weight in each."""
        place = int(np.searchsorted(self._terms, np.uint64(term)))
        if place < len(self._terms) and self._terms[place] == term:
            span = slice(int(self._starts[place]), int(self._starts[place + 1]))
            rows, weights = self._rows[span], self._weights[span]
        else:
            rows, weights = self._rows[:0], self._weights[:0]
        fresh = self._fresh.get(term)
        if not fresh:
            return rows, weights
        fresh_rows, fresh_weights = zip(*fresh, strict=True)
        return (
            np.concatenate([rows, np.array(fresh_rows, np.int32)]),
            np.concatenate([weights, np.array(fresh_weights, np.float32)]),
        )

    def _fold(self) -> None:
        terms = np.repeat(self._terms, np.diff(self._starts))
        pairs = [(term, row, weight) for term, held in self._fresh.items() for row, weight in held]
        self._fresh.clear()
        self._fresh_count = 0
        self._sort(
            np.concatenate([terms, np.array([term for term, _, _ in pairs], np.uint64)]),
            np.concatenate([self._rows, np.array([row for _, row, _ in pairs], np.int32)]),
            np.concatenate([self._weights, np.array([weight for _, _, weight in pairs], np.float32)]),
        )

    def _sort(self, terms: NDArray[np.uint64], rows: NDArray[np.int32], weights: NDArray[np.float32]) -> None:
        order = np.argsort(terms, kind="stable")  # stable: rows stay ascending within a term
        ordered = terms[order]
        self._terms, starts = np.unique(ordered, return_index=True)
        self._starts = np.append(starts, len(ordered)).astype(np.int64)
        self._rows, self._weights = rows[order], weights[order]
