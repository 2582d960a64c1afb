"""Where each memory of a tenant stands in its talk: the turn before it, the turn after it, the stretch around it.

Only rows and numbers are kept here; what they say of each other is `arrays`' to compute. A stretch is what was said in
one session on one day (UTC): a session that goes on for years is no context, and a day needs nothing of the turns
around it, so an index that was kept in step and one made anew part them alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dmha.index.lookup import Lookup

Rows = tuple[NDArray[np.int32], NDArray[np.int32]]
"""The row before each, the row after each."""

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
        self._branching: NDArray[np.intp] | None = None

    @property
    def nbytes(self) -> int:
        held = (self._before_ids, self._before, self._after, self._stretch, self._share, self._sizes)
        return sum(column.nbytes for column in held) + 200 * len(self._numbers)  # a dict's entry of three numbers

    def stretches(self, count: int) -> NDArray[np.int32]:
        """The stretch of each row."""
        return self._stretch[:count]

    def neighbours(self, lookup: Lookup, memory_ids: NDArray[np.int64], heard: NDArray[np.bool_] | None) -> Rows:
        """The rows of the turn before and of the turn after each row: of several, the first that was said.

        Those not heard (None: all are) are leapt over, as if they had never been: a gap would tell of them.
        """
        count = len(memory_ids)
        if self._stale:
            self._link(lookup, memory_ids)
        before, after = self._before[:count], self._after[:count]
        return (before, after) if heard is None else _among(heard, before, after, memory_ids)

    def branching(self, count: int) -> NDArray[np.intp]:
        """As `branching` of all rows, linked by `neighbours`; kept until rows come or go."""
        if self._branching is None:
            self._branching = branching(self._before[:count], self._after[:count])
        return self._branching

    def sizes_without(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """How long each stretch is but for these rows, in usual utterances; of what was said openly."""
        sizes = self._sizes[: len(self._numbers) + 1]
        if len(rows):
            sizes = sizes.copy()
            np.subtract.at(sizes, self._stretch[rows], self._share[rows])
        return sizes

    def places(self, lookup: Lookup, memory_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row the memory before it and the session, to be compared.

        A turn that names another as before it, though they are not linked, is told apart from one that follows none.
        """
        count = len(memory_ids)
        before, _ = self.neighbours(lookup, memory_ids, None)
        linked = np.where(before >= 0, np.append(memory_ids, NOBODY)[before], NOBODY)
        held = lookup.find(self._before_ids[:count]) >= 0
        sessions = np.full(len(self._numbers) + 1, NOBODY)
        for (session, _), number in self._numbers.items():
            sessions[number] = session
        return np.column_stack([np.where(held, linked, self._before_ids[:count]), sessions[self._stretch[:count]]])

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
        """Take these as the rows from `first` on, which `lookup` knows already.

        `shares` are what they add to the length of their stretch.
        """
        here = slice(first, first + len(memory_ids))
        self._branching = None
        self._before_ids[here] = before_ids
        self._stretch[here] = self._numbered(sessions, at)
        self._share[here] = np.where(sessions < 0, 0.0, shares)
        np.add.at(self._sizes, self._stretch[here], self._share[here])
        fresh = bool((np.diff(memory_ids, prepend=self._newest) > 0).all())
        self._newest = max(self._newest, int(memory_ids.max(initial=0)))
        if self._stale or not fresh or first == 0:
            self._stale = True  # what is written anew has turns after it already, or is not the first after its own
            return
        self._before[here] = lookup.find(before_ids)
        self._after[here] = NOBODY
        for row, before in zip(range(first, here.stop), self._before[here].tolist(), strict=True):
            if before >= 0 and self._after[before] < 0:
                self._after[before] = row

    def drop(self, rows: NDArray[np.int64], memory_ids: NDArray[np.int64]) -> None:
        """Let rows go: nothing stands beside them any more."""
        self._branching = None
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
        self._stale, self._branching = False, None


def branching(before: NDArray[np.int32], after: NDArray[np.int32]) -> NDArray[np.intp]:
    """The rows that are not the first after the one before them."""
    rows = np.arange(len(before))
    return np.flatnonzero((before >= 0) & (after[before] != rows)) if len(rows) else rows


def _among(
    heard: NDArray[np.bool_], before: NDArray[np.int32], after: NDArray[np.int32], memory_ids: NDArray[np.int64]
) -> Rows:
    """The neighbours of those who are heard among themselves."""
    there = np.append(heard, True)  # nobody, the last, is not to be leapt over
    leap = np.append(before, np.int32(NOBODY))
    silent = np.flatnonzero(~there[leap])
    for _ in range(len(memory_ids).bit_length()):  # each round leaps twice as far, and a damaged file may hold a ring
        leap[silent] = leap[leap[silent]]
        silent = silent[~there[leap[silent]]]
        if not len(silent):
            break
    leap[silent] = NOBODY
    # Whoever stands first after another was said before all that follow it: a first one heard stays the first.
    bereft = np.append(heard & ~there[after], False)
    if not bereft.any():
        return leap[:-1], after
    after = np.where(bereft[:-1], np.int32(NOBODY), after)
    children = np.flatnonzero(bereft[leap[:-1]] & heard)
    children = children[np.argsort(-memory_ids[children], kind="stable")]
    after[leap[children]] = children  # the first that was said is written last
    return leap[:-1], after
