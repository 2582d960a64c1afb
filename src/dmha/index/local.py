"""The embedded index: per-tenant arrays in memory, loaded when first asked for, kept in step by the change log.

Before every question it reads the log from where the tenant's arrays stopped, in the asker's own snapshot, so a memory
is found as soon as its `add` returned, whichever process wrote it. Tenants not asked for lately are let go when the
arrays outgrow their budget.

No file of it is kept: a hundred thousand memories load within a second or two, so there is nothing that could be torn,
stale or of another embedder. What is read at loading passes through in pieces and is let go.

Each tenant has its own lock: while one loads, the questions of others go on; those to the same one wait for it.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dmha.index.arrays import CODES_FROM, TenantArrays
from dmha.index.table import Asked, Found, Table
from dmha.index.vectors import cosines
from dmha.protocols import Feed, RankingLike
from dmha.records import Candidates, Change, Held, Question, Reach

# A quarter of a small laptop's memory. Of 384 dimensions that is 600,000 memories in tenants of a thousand (1.7 KB
# each), six million in large ones (0.15 KB).
BUDGET_BYTES = 1 << 30

# How many of those that codes find best are ranked again by their vectors, read from the truth in 5.5 us each: one in a
# thousand, and no fewer than 400. The ten nearest are then among them with .99 of a hundred thousand (pure similarity,
# MiniLM vectors; of 300 it is .984) and with .97 of a million, and the ten best by `default` with .997.
RESCORED = 400
RESCORED_SHARE = 1 / 1_000


@dataclass
class _Held:
    """One tenant's arrays, in step with the truth up to the change `seq`; none before its first question."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    arrays: TenantArrays | None = None
    seq: int = 0
    nbytes: int = 0


class LocalIndex:
    """Vectors, or their codes, and BM25 postings of the tenants in use; answers are those of an index made anew."""

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Feed]],
        dimension: int,
        budget_bytes: int = BUDGET_BYTES,
        *,
        codes_from: int = CODES_FROM,
        rescored: int = RESCORED,
    ) -> None:
        self._read = read
        self._dimension = dimension
        self._budget = budget_bytes
        self._codes_from = codes_from
        self._rescored = rescored
        self._tenants: OrderedDict[int, _Held] = OrderedDict()
        self._lock = threading.Lock()  # of the mapping alone; never waited for with a tenant's own

    def nominate(
        self,
        feed: Feed,
        tenant_id: int,
        question: Question,
        ranking: RankingLike,
        reach: Reach,
        *,
        now: float,
        seed: int,
        count: int,
        scalars: Mapping[str, float],
        held: Held | None = None,
    ) -> Candidates:
        """The best `count` memories by the ranking's coarse stage, and the columns that only an index knows."""
        asked = Asked(question, ranking, {"now": now, **scalars}, seed, held)
        here = self._hold(tenant_id)
        with here.lock:
            arrays = self._in_step(here, feed, tenant_id)
            rescored = self._of_codes(arrays)
            table = Table(arrays, asked, reach)
            found = table.found(table.best(max(count, rescored)))
            if not arrays.coded:
                found = _exactly(found, asked, count, arrays.vectors)
        self._evict()
        if rescored:
            found = _exactly(found, asked, count, partial(self._vectors, feed))
        known = {name: column for name, column in found.columns.items() if held is None or name not in held.columns}
        return Candidates(found.memory_ids, known)

    def nearest(self, feed: Feed, tenant_id: int, memory_ids: Sequence[int]) -> list[Mapping[int, float]]:
        """The nearest neighbours of each memory and their cosines; found when first asked for, then kept in step."""
        held = self._hold(tenant_id)
        with held.lock:
            arrays = self._in_step(held, feed, tenant_id)
            read, rescored = partial(self._vectors, feed), self._of_codes(arrays)
            # Rows that another snapshot brought may be newer than the vectors that this one reads.
            found = arrays.nearest(memory_ids, read, rescored, keep=not arrays.coded or held.seq == feed.head())
            held.nbytes = arrays.nbytes
        self._evict()
        return found

    def likeness(self, feed: Feed, these: Sequence[int], those: Sequence[int]) -> float:
        """The greatest cosine between any of these memories and any of those, whoever else is near them."""
        left, right = (self._vectors(feed, np.array(ids, np.int64)) for ids in (these, those))
        return float((left @ right.T).max(initial=0.0))

    def drop(self) -> None:
        """Let every tenant go; the next question loads from the truth."""
        with self._lock:
            self._tenants.clear()

    def behind(self) -> dict[int, int]:
        """Of the tenants in use, those whose log goes on past their arrays, and by how many changes."""
        with self._lock:
            seen = {tenant_id: held.seq for tenant_id, held in self._tenants.items() if held.arrays is not None}
        with self._read() as feed:
            head = feed.head()
            waiting = {tenant_id: len(feed.since(seq, tenant_id)) for tenant_id, seq in seen.items() if seq < head}
        return {tenant_id: changes for tenant_id, changes in waiting.items() if changes}

    def follow(self, tenant_id: int) -> None:
        """Bring the arrays of a tenant in use in step; one that was let go stays so, and none counts as asked for."""
        with self._lock:
            held = self._tenants.get(tenant_id)
        if held is None or held.arrays is None:
            return
        with held.lock, self._read() as feed:  # in this order: nobody brings it past this snapshot
            self._in_step(held, feed, tenant_id)
        self._evict()

    def size(self, tenant_id: int) -> tuple[int, int]:
        """How many memories the tenant's arrays hold now, and their bytes."""
        held = self._hold(tenant_id)
        with held.lock, self._read() as feed:  # in this order: nobody brings it past this snapshot
            arrays = self._in_step(held, feed, tenant_id)
            size = arrays.living, arrays.nbytes
        self._evict()
        return size

    def held(self) -> tuple[int, int]:
        """How many tenants are held now, and the bytes of them all."""
        with self._lock:
            return len(self._tenants), sum(held.nbytes for held in self._tenants.values())

    def differences(self, tenant_id: int) -> list[int]:
        """The ids of the memories held otherwise than in the truth now, as arrays made anew hold them."""
        held = self._hold(tenant_id)
        with held.lock, self._read() as feed:  # in this order: nobody brings it past this snapshot
            mine = self._in_step(held, feed, tenant_id)
            anew = TenantArrays(self._dimension, *feed.tenant(tenant_id), codes_from=0 if mine.coded else sys.maxsize)
            here, there = mine.fingerprints(), anew.fingerprints()
        self._evict()
        return sorted({memory_id for memory_id, _ in here.items() ^ there.items()})

    def _of_codes(self, arrays: TenantArrays) -> int:
        """How many of those that codes find best are compared by their vectors; 0 where there are no codes."""
        return max(self._rescored, int(RESCORED_SHARE * arrays.count)) if arrays.coded else 0

    def _vectors(self, feed: Feed, memory_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors in the truth, read in the order in which they lie there."""
        order = np.argsort(memory_ids)
        vectors = np.zeros((len(memory_ids), self._dimension), np.float32)
        vectors[order] = feed.vectors(memory_ids[order].tolist(), self._dimension)
        return vectors

    def _hold(self, tenant_id: int) -> _Held:
        with self._lock:
            held = self._tenants.setdefault(tenant_id, _Held())
            self._tenants.move_to_end(tenant_id)
            return held

    def _in_step(self, held: _Held, feed: Feed, tenant_id: int) -> TenantArrays:
        """The tenant's arrays, with all that the snapshot holds; what another, newer one brought stays.

        The log is read in commit order and a snapshot holds a beginning of it, so nothing is seen half; what is seen
        twice changes nothing.
        """
        head = feed.head()
        if held.arrays is None:
            held.arrays = TenantArrays(self._dimension, *feed.tenant(tenant_id), codes_from=self._codes_from)
        elif head > held.seq:
            latest = {change.memory_id: change for change in feed.since(held.seq, tenant_id)}  # the last one tells
            if latest:
                _apply(held.arrays, feed, latest.values())
        else:
            return held.arrays
        held.seq, held.nbytes = head, held.arrays.nbytes
        return held.arrays

    def _evict(self) -> None:
        with self._lock:
            total = sum(held.nbytes for held in self._tenants.values())
            while total > self._budget and len(self._tenants) > 1:
                _, gone = self._tenants.popitem(last=False)
                total -= gone.nbytes


def _exactly(
    found: Found, asked: Asked, count: int, vectors: Callable[[NDArray[np.int64]], NDArray[np.float32]]
) -> Found:
    """The best of these by exact similarities; those of neighbours are read for the best alone."""
    vector = asked.question.vector
    if vector is None:
        return found.best(asked, count)
    found = found.having("similarity", cosines(vectors(found.memory_ids), vector)).best(asked, count)
    if "similarity_nearby" not in asked.ranking.needs:
        return found
    before, after = (cosines(vectors(ids), vector) for ids in (found.before, found.after))
    return found.having("similarity_nearby", 0.5 * (before + after)).best(asked, count)


def _apply(arrays: TenantArrays, feed: Feed, changes: Collection[Change]) -> None:
    gone = [change.memory_id for change in changes if change.deleted]
    written = [change.memory_id for change in changes if not change.deleted]
    rows = feed.rows(written)
    arrays.drop([*gone, *set(written).difference(rows.memory_ids.tolist())])  # marked wrong, it is not held either
    arrays.put(rows)
