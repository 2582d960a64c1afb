"""Where each memory of a tenant stands in its talk: the turn before it, the turn after it, the stretch around it.

Only rows and numbers are kept here; what they say of each other is `arrays`' to compute. A stretch is what was said in
one session on one day (UTC): a session that goes on for years is no context, and a day needs nothing of the turns
around it, so an index that was kept in step and one made anew part them alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dmha.index.lookup import Lookup

NOBODY = -1  # no turn there, or none that is held: as an index it is the last place of an array, which is kept empty
APART = 0  # the stretch of what was not said in any: gists

_DAY = 86_400.0
# Rows dropped between two questions that are mended one by one, each in one pass; beyond, all is linked anew.
_FEW = 8


class Talk:
    """The neighbours and stretches of rows, kept as rows come and go."""

    def __init__(self) -> None:
        self._before_ids = np.empty(0, np.int64)
        self._before = np.empty(0, np.int32)
        self._after = np.empty(0, np.int32)
        self._stretch = np.empty(0, np.int32)
        self._share = np.empty(0, np.float32)
        self._numbers: dict[tuple[int, int], int] = {}
        self._sizes = np.zeros(1)
        self._newest = 0
        self._stale = False

    @property
    def nbytes(self) -> int:
        held = (self._before_ids, self._before, self._after, self._stretch, self._share, self._sizes)
        return sum(column.nbytes for column in held) + 200 * len(self._numbers)  # a dict's entry of three numbers

    @property
    def sizes(self) -> NDArray[np.float64]:
        """How long each stretch is, in usual utterances; of what was said openly."""
        return self._sizes[: len(self._numbers) + 1]

    def stretches(self, count: int) -> NDArray[np.int32]:
        """The stretch of each row."""
        return self._stretch[:count]

    def neighbours(self, lookup: Lookup, memory_ids: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The rows of the turn before and of the turn after each row: of several, the first that was said."""
        count = len(memory_ids)
        if self._stale:
            self._link(lookup, memory_ids)
        return self._before[:count], self._after[:count]

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        for name in ("_before_ids", "_before", "_after", "_stretch", "_share"):
            held = getattr(self, name)
            made = np.full(rows, NOBODY, held.dtype)
            made[: len(held)] = held
            setattr(self, name, made)

    def put(
        self,
        first: int,
        memory_ids: NDArray[np.int64],
        before_ids: NDArray[np.int64],
        sessions: NDArray[np.int64],
        at: NDArray[np.float64],
        shares: NDArray[np.float64],
        lookup: Lookup,
    ) -> None:
        """Take these as the rows from `first` on; `shares` are what they add to the length of their stretch."""
        here = slice(first, first + len(memory_ids))
        self._before_ids[here] = before_ids
        self._stretch[here] = self._numbered(sessions, at)
        self._share[here] = np.where(sessions < 0, 0.0, shares)
        np.add.at(self._sizes, self._stretch[here], self._share[here])
        fresh = memory_ids.min(initial=self._newest + 1) > self._newest
        self._newest = max(self._newest, int(memory_ids.max(initial=0)))
        if self._stale or not fresh or first == 0:
            self._stale = True  # what is written anew has turns after it already
            return
        self._before[here] = lookup.find(before_ids)
        self._after[here] = NOBODY
        for row, before in zip(range(first, here.stop), self._before[here].tolist(), strict=True):
            if before >= 0 and self._after[before] < 0:
                self._after[before] = row

    def drop(self, rows: NDArray[np.int64], memory_ids: NDArray[np.int64]) -> None:
        """Let rows go: nothing stands beside them any more."""
        np.subtract.at(self._sizes, self._stretch[rows], self._share[rows])
        self._share[rows] = 0.0
        self._before_ids[rows] = NOBODY
        if len(rows) > _FEW or self._stale:
            self._stale = self._stale or len(rows) > 0
            return
        count = len(memory_ids)
        before = self._before[:count]
        for row in rows.tolist():
            earlier = int(before[row])
            before[row] = NOBODY
            before[before == row] = NOBODY
            if earlier >= 0 and self._after[earlier] == row:
                others = np.flatnonzero(before == earlier)
                self._after[earlier] = others[memory_ids[others].argmin()] if len(others) else NOBODY
            self._after[row] = NOBODY

    def keep(self, living: NDArray[np.int64]) -> None:
        """Let all other rows go, and be linked anew."""
        self._before_ids, self._share = self._before_ids[living], self._share[living]
        self._before, self._after = self._before[living], self._after[living]
        names = {number: name for name, number in self._numbers.items()}
        used = np.union1d(self._stretch[living], [APART])
        self._stretch = np.searchsorted(used, self._stretch[living]).astype(np.int32)
        self._numbers = {names[number]: place for place, number in enumerate(used.tolist()) if number != APART}
        self._sizes = self._sizes[used]
        self._stale = True

    def _numbered(self, sessions: NDArray[np.int64], at: NDArray[np.float64]) -> NDArray[np.int32]:
        """The number of each one's stretch; new ones are given the next."""
        pairs = np.column_stack([sessions, (at // _DAY).astype(np.int64)])
        distinct, places = np.unique(pairs, axis=0, return_inverse=True)
        numbers = [
            APART if session < 0 else self._numbers.setdefault((session, day), len(self._numbers) + 1)
            for session, day in distinct.tolist()
        ]
        wanted = len(self._numbers) + 1
        if wanted > len(self._sizes):
            self._sizes = np.append(self._sizes, np.zeros(max(wanted, 3 * len(self._sizes) // 2) - len(self._sizes)))
        return np.array(numbers, np.int32)[places.reshape(-1)]

    def _link(self, lookup: Lookup, memory_ids: NDArray[np.int64]) -> None:
        count = len(memory_ids)
        self._before[:count] = lookup.find(self._before_ids[:count])
        self._after[:count] = NOBODY
        last_first = np.argsort(-memory_ids, kind="stable")
        told = last_first[self._before[last_first] >= 0]
        self._after[self._before[told]] = told  # the first that was said is written last
        self._stale = False
