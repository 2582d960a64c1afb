"""Postings of one tenant: for each term, the rows that hold it and its saturated weight there.

The bulk lies in sorted arrays (`term -> slice`), made in one pass when a tenant is loaded; what comes after lies beside
it as it came, searched from end to end and merged in when it has grown. A row once written is never changed: a new
version is a new row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Terms = NDArray[np.uint64]
Numbers = NDArray[np.int32]
Weights = NDArray[np.float32]

# The fresh part is merged in at a sixty-fourth of the bulk, but not before: looking through 32,768 terms takes 8 us.
_FOLD_AT_LEAST = 32_768
_FOLD_SHARE = 64


class Postings:
    """Which rows hold a term, with weights. Rows are positions in the tenant's arrays."""

    def __init__(self) -> None:
        self._terms: Terms = np.empty(0, np.uint64)
        self._starts = np.zeros(1, np.int64)
        self._rows: Numbers = np.empty(0, np.int32)
        self._weights: Weights = np.empty(0, np.float32)
        self._fresh_terms: Terms = np.empty(0, np.uint64)
        self._fresh_rows: Numbers = np.empty(0, np.int32)
        self._fresh_weights: Weights = np.empty(0, np.float32)
        self._fresh_count = 0

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        bulk = self._terms.nbytes + self._starts.nbytes + self._rows.nbytes + self._weights.nbytes
        return bulk + self._fresh_terms.nbytes + self._fresh_rows.nbytes + self._fresh_weights.nbytes

    def load(self, terms: Terms, rows: Numbers, weights: Weights) -> None:
        """As `add`, at once into the bulk: for many."""
        self._fold()
        self._merge(terms, rows, weights)

    def add(self, terms: Terms, rows: Numbers, weights: Weights) -> None:
        """Take these postings, of rows above all that are held and ascending; they are found at once."""
        if len(terms) > _FOLD_AT_LEAST:
            self.load(terms, rows, weights)
            return
        if self._fresh_count + len(terms) > len(self._fresh_terms):
            self._grow(self._fresh_count + len(terms))
        here = slice(self._fresh_count, self._fresh_count + len(terms))
        self._fresh_terms[here], self._fresh_rows[here], self._fresh_weights[here] = terms, rows, weights
        self._fresh_count += len(terms)
        if self._fresh_count > max(_FOLD_AT_LEAST, len(self._rows) // _FOLD_SHARE):
            self._fold()

    def of(self, term: int) -> tuple[Numbers, Weights]:
        """The rows that hold the term, ascending, and its weight in each."""
        wanted = np.uint64(term)
        place = int(np.searchsorted(self._terms, wanted))
        if place < len(self._terms) and self._terms[place] == wanted:
            span = slice(int(self._starts[place]), int(self._starts[place + 1]))
            rows, weights = self._rows[span], self._weights[span]
        else:
            rows, weights = self._rows[:0], self._weights[:0]
        fresh = np.flatnonzero(self._fresh_terms[: self._fresh_count] == wanted)
        if not len(fresh):
            return rows, weights
        return np.concatenate([rows, self._fresh_rows[fresh]]), np.concatenate([weights, self._fresh_weights[fresh]])

    def every(self) -> tuple[Terms, Numbers, Weights]:
        """All postings, by term."""
        self._fold()
        return np.repeat(self._terms, np.diff(self._starts)), self._rows, self._weights

    def renumber(self, new_rows: NDArray[np.int64]) -> None:
        """Follow the rows to their new places, `new_rows[old]`, in the same order; what goes to -1 is let go."""
        terms, rows, weights = self.every()
        moved = new_rows[rows]
        kept = moved >= 0
        self._take(terms[kept], moved[kept].astype(np.int32), weights[kept])

    def _fold(self) -> None:
        here = slice(0, self._fresh_count)
        fresh = self._fresh_terms[here], self._fresh_rows[here], self._fresh_weights[here]
        self._fresh_terms, self._fresh_count = np.empty(0, np.uint64), 0
        self._fresh_rows, self._fresh_weights = np.empty(0, np.int32), np.empty(0, np.float32)
        if len(fresh[0]):
            self._merge(*fresh)

    def _merge(self, terms: Terms, rows: Numbers, weights: Weights) -> None:
        order = np.argsort(terms, kind="stable")  # stable: rows stay ascending within a term
        terms, rows, weights = terms[order], rows[order], weights[order]
        if not len(self._rows):
            self._take(terms, rows, weights)
            return
        # Each goes behind those of its term: its row is above theirs. One pass over the bulk instead of sorting it.
        places = self._starts[np.searchsorted(self._terms, terms, side="right")]
        bulk = np.repeat(self._terms, np.diff(self._starts))
        self._take(
            np.insert(bulk, places, terms),
            np.insert(self._rows, places, rows),
            np.insert(self._weights, places, weights),
        )

    def _take(self, terms: Terms, rows: Numbers, weights: Weights) -> None:
        first = np.ones(len(terms), np.bool_)
        np.not_equal(terms[1:], terms[:-1], out=first[1:])
        starts = np.flatnonzero(first)
        self._terms, self._starts = terms[starts], np.append(starts, len(terms)).astype(np.int64)
        self._rows, self._weights = rows, weights

    def _grow(self, wanted: int) -> None:
        size = max(wanted, 2 * self._fresh_count, 256)
        for name in ("_fresh_terms", "_fresh_rows", "_fresh_weights"):
            held = getattr(self, name)
            made = np.empty(size, held.dtype)
            made[: self._fresh_count] = held[: self._fresh_count]
            setattr(self, name, made)
