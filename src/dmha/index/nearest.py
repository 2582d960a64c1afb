"""The nearest neighbours of rows, found when first asked for and kept: later only rows added since are compared.

A row is never overwritten, so what was found stays true until a neighbour dies; then the row is compared with all
again, for who comes next is not known. What nobody asks for costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dmha.domain.ranking import top
from dmha.protocols import NEIGHBOURHOOD

_BYTES = 600  # of one row's neighbours, as Python keeps them

Some = tuple[NDArray[np.intp], NDArray[np.float64]]
"""Rows with their cosines."""

Compare = Callable[[NDArray[np.intp], int, int], Iterable[Some]]
"""For each of some rows, the living ones of a stretch that may be its nearest; not itself, and none unlike it."""


@dataclass(slots=True)
class _Found:
    """The nearest of one row, best first, among the rows before `upto`."""

    rows: NDArray[np.intp]
    cosines: NDArray[np.float64]
    upto: int


class Nearest:
    """By row; -1 stands for no row."""

    def __init__(self) -> None:
        self._held: dict[int, _Found] = {}

    @property
    def nbytes(self) -> int:
        return _BYTES * len(self._held)

    def of(
        self, rows: Sequence[int], count: int, memory_ids: NDArray[np.int64], alive: NDArray[np.bool_], compare: Compare
    ) -> list[Some]:
        """The nearest of each row among the first `count`, best first, ties to the newer memory."""
        behind = defaultdict(list)
        for row in dict.fromkeys(rows):
            held = self._held.get(row)
            if held is None or not alive[held.rows].all():
                held = self._held[row] = _Found(np.empty(0, np.intp), np.empty(0), 0)
            if held.upto < count:
                behind[held.upto].append(row)
        for upto, asked in behind.items():
            for row, fresh in zip(asked, compare(np.array(asked, np.intp), upto, count), strict=True):
                self._held[row] = _merged(self._held[row], fresh, count, memory_ids)
        return [(self._held[row].rows, self._held[row].cosines) for row in rows]

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Forget what was found of these."""
        for row in rows.tolist():
            self._held.pop(row, None)

    def keep(self, living: NDArray[np.int64], new_rows: NDArray[np.int64]) -> None:
        """Rows move: those of `living` remain, in their order."""
        moved = {}
        for row, found in self._held.items():
            rows = new_rows[found.rows]
            if (rows >= 0).all():
                moved[int(new_rows[row])] = _Found(rows, found.cosines, int(np.searchsorted(living, found.upto)))
        self._held = moved


def _merged(held: _Found, fresh: Some, count: int, memory_ids: NDArray[np.int64]) -> _Found:
    rows, cosines = np.concatenate([held.rows, fresh[0]]), np.concatenate([held.cosines, fresh[1]])
    best = top(cosines, memory_ids[rows], NEIGHBOURHOOD)
    return _Found(rows[best], cosines[best], count)
