"""The best of many rows, scored a stretch at a time: what cannot be among them any more is never kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_LOWEST = float(np.finfo(np.float64).min)


def best(
    rows: int, block: int, count: int, score: Callable[[slice], NDArray[np.float64]]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """At least the `count` best rows with their scores, in the order of rows; -inf is none at all.

    Every row that equals the last of them is given too, so that who asks can tell them apart as it likes.
    """
    least, held = _LOWEST, 0
    found: list[tuple[NDArray[np.intp], NDArray[np.float64]]] = []
    for start in range(0, rows, block):
        scores = score(slice(start, min(start + block, rows)))
        chosen = np.flatnonzero(scores >= least)
        found.append((chosen + start, scores[chosen]))
        held += len(chosen)
        if held > 2 * count:
            kept_rows, kept = (np.concatenate(parts) for parts in zip(*found, strict=True))
            least = max(least, float(np.partition(kept, held - count)[held - count]))
            chosen = np.flatnonzero(kept >= least)
            found, held = [(kept_rows[chosen], kept[chosen])], len(chosen)
    if not found:
        return np.empty(0, np.intp), np.empty(0)
    kept_rows, kept = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return kept_rows, kept
