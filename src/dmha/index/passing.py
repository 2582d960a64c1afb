"""The best rows that pass what only the truth can judge: the best are judged first, and all only where few pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dmha.domain.ranking import top
from dmha.records import Allowed

# To judge one memory by its id takes 2.5 us, to go through all of a tenant's 0.2 to 0.5 us each: where more than this
# share of the rows would have to be judged, the truth is asked for all that pass.
_JUDGED = 1 / 8
# The first so many tell whether few pass; each further step is at most so many times what was judged before it.
_FIRST, _GROWTH = 64, 4


def passing(
    scores: NDArray[np.float64],
    memory_ids: NDArray[np.int64],
    count: int,
    allowed: Allowed,
    find: Callable[[Sequence[int]], NDArray[np.int64]],
) -> NDArray[np.intp]:
    """The `count` best rows of those that pass, best first; a score of -inf is no row at all."""
    within = int(np.count_nonzero(scores > -np.inf))
    kept, judged, expected = np.empty(0, np.intp), 0, count
    while len(kept) < count and judged < within:
        if judged + expected > _JUDGED * within:
            rows = find(allowed(None))
            rows = rows[(rows >= 0) & (scores[rows] > -np.inf)]
            return rows[top(scores[rows], memory_ids[rows], count)]
        more = min(expected, _GROWTH * judged or _FIRST)
        fresh = top(scores, memory_ids, judged + more)[judged:]
        passed = allowed(sorted(memory_ids[fresh].tolist()))
        kept = np.append(kept, fresh[np.isin(memory_ids[fresh], passed)])
        judged += len(fresh)
        expected = ceil((count - len(kept)) * (judged + 2) / (len(kept) + 1))  # by Laplace's rule
    return kept[:count]
