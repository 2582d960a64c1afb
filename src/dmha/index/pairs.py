"""Some rows compared with a stretch of the others: by their vectors, or by estimates first where they are coded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha.index.nearest import Some
from dmha.index.vectors import Exact, Vectors, cosines
from dmha.protocols import NEIGHBOURHOOD

Read = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Reads the vectors of these memories in the truth."""

_AT_ONCE = 64  # rows compared with all others in one product: its result stays small
_LAST_BITS = 1e-5  # what those of a product may hide between the eighth nearest and the ninth


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each gives, for each of some rows, the living rows from `start` to `stop` that may be its nearest."""

    vectors: Vectors
    memory_ids: NDArray[np.int64]
    alive: NDArray[np.bool_]

    def exact(self, asked: NDArray[np.intp], start: int, stop: int) -> Iterator[Some]:
        """By the vectors themselves, where nothing is coded."""
        if not isinstance(self.vectors, Exact):
            raise TypeError("only the signs of their numbers are held")
        for first in range(0, len(asked), _AT_ONCE):
            some = asked[first : first + _AT_ONCE]
            vectors = self.vectors.of(some)
            for row, vector, products in zip(some, vectors, self.vectors.products(start, stop, vectors).T, strict=True):
                rows = start + self._best(products, row - start, NEIGHBOURHOOD, start)
                yield _alike(rows, cosines(self.vectors.of(rows), vector))

    def estimated(self, asked: NDArray[np.intp], start: int, stop: int, *, read: Read, rescored: int) -> Iterator[Some]:
        """By estimates, and the `rescored` best of those by the vectors in the truth."""
        for row, vector in zip(asked, read(self.memory_ids[asked]), strict=True):
            estimates = self.vectors.against(vector)(slice(start, stop))
            rows = start + self._best(estimates, row - start, rescored, start)
            yield _alike(rows, cosines(read(self.memory_ids[rows]), vector))

    def _best(self, similar: NDArray[Any], itself: int, count: int, start: int) -> NDArray[np.intp]:
        """The places of the living that are most similar, no fewer than so many."""
        similar = np.where(self.alive[start : start + len(similar)], similar, -np.inf)
        if itself >= 0:
            similar[itself] = -np.inf
        least = np.partition(similar, -count)[-count] - _LAST_BITS if count < len(similar) else -np.inf
        return np.flatnonzero((similar >= least) & np.isfinite(similar))


def _alike(rows: NDArray[np.intp], similar: NDArray[np.float64]) -> Some:
    """Those that are alike at all; a row without a vector is not."""
    return rows[similar > 0], similar[similar > 0]
