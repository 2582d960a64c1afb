"""The embedded index: per-tenant arrays in memory, loaded when first asked for, kept in step by the change log.

Before every question it reads the log from where it stopped, so a memory is found as soon as its `add` returned,
whichever process wrote it. Tenants not asked for lately are let go when the arrays outgrow their budget.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from dmha.domain.ranking import keyed_uniform, top
from dmha.index.arrays import TenantArrays
from dmha.protocols import Feed, RankingLike
from dmha.records import Candidates, Change, Question

# A quarter of a small laptop's memory: about 500,000 memories of 384 dimensions.
BUDGET_BYTES = 1 << 30

# Past this share of dead rows a tenant is loaded again rather than searched around them.
_MOST_DEAD = 0.25


class LocalIndex:
    """Exact vectors and BM25 postings of the tenants in use; answers are those of an index made anew."""

    def __init__(
        self, read: Callable[[], AbstractContextManager[Feed]], dimension: int, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        self._read = read
        self._dimension = dimension
        self._budget = budget_bytes
        self._tenants: OrderedDict[int, TenantArrays] = OrderedDict()
        self._cursor = -1
        self._lock = threading.RLock()

    def nominate(
        self,
        tenant_id: int,
        question: Question,
        ranking: RankingLike,
        *,
        now: float,
        seed: int,
        count: int,
        scalars: Mapping[str, float],
        present: Sequence[int],
        allowed: Sequence[int] | None,
        exclude: Sequence[int],
    ) -> Candidates:
        """The best `count` memories by the ranking's coarse stage, and the columns that only an index knows."""
        with self._lock:
            arrays = self._current(tenant_id)
            similarity = arrays.similarity(question.vector)
            bm25 = arrays.static_bm25(question.terms)
            rows = np.flatnonzero(arrays.visible(present, allowed, exclude))
            ids = arrays.memory_ids[rows]
            columns: dict[str, NDArray[np.float64] | float] = {
                "similarity": similarity[rows],
                "static_bm25()": bm25[rows],
                "created_at": arrays.at[rows],
                "now": now,
                **scalars,
            }
            if "random()" in ranking.needs:
                columns["random()"] = keyed_uniform(seed, question.text, ids)
            best = rows[top(ranking.coarse(columns, len(rows)), ids, count)]
            return Candidates(arrays.memory_ids[best], similarity[best], bm25[best])

    def drop(self) -> None:
        """Let every tenant go; the next question loads from the truth."""
        with self._lock:
            self._tenants.clear()

    def size(self, tenant_id: int) -> tuple[int, int]:
        """How many memories the tenant's arrays hold now, and their bytes."""
        with self._lock:
            arrays = self._current(tenant_id)
            return arrays.count - arrays.dead, arrays.nbytes

    def _current(self, tenant_id: int) -> TenantArrays:
        """The tenant's arrays, in step with the truth."""
        with self._read() as feed:
            self._catch_up(feed)
            arrays = self._tenants.get(tenant_id)
            if arrays is None or arrays.dead > _MOST_DEAD * arrays.count:
                arrays = self._tenants[tenant_id] = TenantArrays(self._dimension, feed.tenant(tenant_id))
        self._tenants.move_to_end(tenant_id)
        self._evict()
        return arrays

    def _catch_up(self, feed: Feed) -> None:
        """Apply what was committed since the last question; a snapshot, so nothing is seen twice or half."""
        if not self._tenants:
            self._cursor = feed.head()
            return
        changes = feed.since(self._cursor)
        touched: defaultdict[int, dict[int, Change]] = defaultdict(dict)
        for change in changes:
            if change.tenant_id in self._tenants:
                touched[change.tenant_id][change.memory_id] = change  # the last one tells
        for tenant_id, latest in touched.items():
            arrays = self._tenants[tenant_id]
            for change in latest.values():
                if change.deleted:
                    arrays.drop(change.memory_id)
            for row in feed.rows([memory_id for memory_id, change in latest.items() if not change.deleted]):
                arrays.put(row)
        if changes:
            self._cursor = changes[-1].seq

    def _evict(self) -> None:
        held = sum(arrays.nbytes for arrays in self._tenants.values())
        while held > self._budget and len(self._tenants) > 1:
            _, arrays = self._tenants.popitem(last=False)
            held -= arrays.nbytes
