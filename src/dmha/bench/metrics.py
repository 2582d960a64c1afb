"""Measures of a ranking against what was wanted, and of many timings: pure functions over sequences and sets."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet


def recall_at(ranked: Sequence[object], wanted: AbstractSet[object], k: int) -> float:
    """The share of what was wanted that stands among the first `k`."""
    return len(wanted & set(ranked[:k])) / len(wanted)


def any_at(ranked: Sequence[object], wanted: AbstractSet[object], k: int) -> float:
    """1 where one of the wanted stands among the first `k`, else 0."""
    return float(not wanted.isdisjoint(ranked[:k]))


def all_at(ranked: Sequence[object], wanted: AbstractSet[object], k: int) -> float:
    """1 where every one of the wanted stands among the first `k`, else 0."""
    return float(wanted <= set(ranked[:k]))


def reciprocal_rank(ranked: Sequence[object], wanted: AbstractSet[object]) -> float:
    """1 over the place of the first that was wanted; 0 where none came back."""
    return next((1.0 / place for place, item in enumerate(ranked, 1) if item in wanted), 0.0)


def ndcg_at(ranked: Sequence[object], wanted: AbstractSet[object], k: int) -> float:
    """Discounted gain of the first `k` over the most that `k` places can hold; what was wanted gains 1, the rest 0."""
    gained = math.fsum(_discount(place) for place, item in enumerate(ranked[:k], 1) if item in wanted)
    return gained / math.fsum(_discount(place) for place in range(1, min(k, len(wanted)) + 1))


def auroc(higher: Collection[float], lower: Collection[float]) -> float:
    """How often one of `higher` is above one of `lower`, over all pairs; equal ones count half."""
    below = sorted(lower)
    wins = math.fsum((bisect_left(below, one) + bisect_right(below, one)) / 2 for one in higher)
    return wins / (len(higher) * len(lower))


def mean(values: Collection[float]) -> float:
    """The average, summed without loss, so that it does not depend on the order."""
    return math.fsum(values) / len(values)


def percentile(values: Collection[float], share: float) -> float:
    """The least of the values that at least `share` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _discount(place: int) -> float:
    return 1.0 / math.log2(place + 1)
