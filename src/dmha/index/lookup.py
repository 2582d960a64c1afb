"""From a memory's id to its row: two sorted arrays, and a dict for the latest. Ids grow, so sorting costs little."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FOLD_AT_LEAST = 4_096
_FOLD_SHARE = 16
_TWO_INTS = 64


class Lookup:
    """The row of each living memory. A hundredth of what dicts take, once folded."""

    def __init__(self) -> None:
        self._ids = np.empty(0, np.int64)
        self._rows = np.empty(0, np.int64)  # -1: gone
        self._late: dict[int, int] = {}

    @property
    def nbytes(self) -> int:
        return self._ids.nbytes + self._rows.nbytes + sys.getsizeof(self._late) + _TWO_INTS * len(self._late)

    def add(self, ids: NDArray[np.int64], first_row: int) -> None:
        """Take these ids as those of the rows from `first_row` on; none of them is held."""
        if len(ids) > _FOLD_AT_LEAST:
            self._merge(ids, np.arange(first_row, first_row + len(ids)))
            return
        self._late.update(zip(ids.tolist(), range(first_row, first_row + len(ids)), strict=True))
        if len(self._late) > max(_FOLD_AT_LEAST, len(self._ids) // _FOLD_SHARE):
            self.fold()

    def pop(self, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Let these ids go; the rows of those that were held."""
        rows = np.array([self._late.pop(memory_id, -1) for memory_id in map(int, ids)], np.int64)
        places, held = self._places(np.asarray(ids, np.int64))
        rows[held] = self._rows[places[held]]
        self._rows[places[held]] = -1
        return rows[rows >= 0]

    def rows(self, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of those of these ids that are held."""
        rows = self.find(ids)
        return rows[rows >= 0]

    def find(self, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each of these ids, -1 where it is not held."""
        wanted = np.asarray(ids, np.int64)
        places, held = self._places(wanted)
        rows = np.full(len(wanted), -1, np.int64)
        rows[held] = self._rows[places[held]]
        if self._late:
            late = np.fromiter((self._late.get(memory_id, -1) for memory_id in wanted.tolist()), np.int64, len(wanted))
            rows = np.maximum(rows, late)
        return rows

    def renumber(self, new_rows: NDArray[np.int64]) -> None:
        """Follow the rows to their new places: `new_rows[old]`."""
        self.fold()
        kept = self._rows >= 0
        self._ids, self._rows = self._ids[kept], new_rows[self._rows[kept]]

    def _places(self, wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        places = np.searchsorted(self._ids, wanted)
        if not len(self._ids):
            return places, np.zeros(len(wanted), np.bool_)
        places = np.minimum(places, len(self._ids) - 1)
        return places, (self._ids[places] == wanted) & (self._rows[places] >= 0)

    def fold(self) -> None:
        """Sort the latest in: after many, they take less so."""
        count = len(self._late)
        late, self._late = self._late, {}
        self._merge(np.fromiter(late.keys(), np.int64, count), np.fromiter(late.values(), np.int64, count))

    def _merge(self, ids: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        kept = self._rows >= 0
        ids, rows = np.concatenate([self._ids[kept], ids]), np.concatenate([self._rows[kept], rows])
        order = np.argsort(ids, kind="stable")  # stable: nearly sorted already, which it makes use of
        self._ids, self._rows = ids[order], rows[order]
