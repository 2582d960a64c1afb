"""Measures of a ranking against what was wanted, and of many timings: pure functions over sequences and sets."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet


def recall_at(ranked: Sequence[object], wanted: AbstractSet[object], k: int) -> float:
    """The share of what was wanted that stands among the first `k`."""
    return len(wanted & set(ranked[:k])) / len(wanted)


def reciprocal_rank(ranked: Sequence[object], wanted: AbstractSet[object]) -> float:
    """1 over the place of the first that was wanted; 0 where none came back."""
    return next((1.0 / place for place, item in enumerate(ranked, 1) if item in wanted), 0.0)


def ndcg_at(ranked: Sequence[object], wanted: AbstractSet[object], k: int) -> float:
    """Discounted gain of the first `k` over the most that `k` places can hold; what was wanted gains 1, the rest 0."""
    gained = math.fsum(_discount(place) for place, item in enumerate(ranked[:k], 1) if item in wanted)
    return gained / math.fsum(_discount(place) for place in range(1, min(k, len(wanted)) + 1))


def mean(values: Collection[float]) -> float:
    """The average, summed without loss, so that it does not depend on the order."""
    return math.fsum(values) / len(values)


def percentile(values: Collection[float], share: float) -> float:
    """The least of the values that at least `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _discount(place: int) -> float:
    return 1.0 / math.log2(place + 1)
