"""Three candidates with every column that a ranking reads, and what an expression makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dmha.domain.expressions import compile_ranking

DAY = 86_400.0
NOW = 1_780_000_000.0

CANDIDATES: Mapping[str, Any] = {
    "now": NOW,
    "similarity": np.array([0.9, 0.5, 0.1]),
    "static_bm25()": np.array([0.0, 0.5, 1.0]),
    "random()": np.array([0.25, 0.5, 0.75]),
    "exact_match_boost(text)": np.array([0.0, 3.0, 1.0]),
    "created_at": NOW - np.array([0.0, 7.0, 14.0]) * DAY,
    "last_recalled_at": NOW - np.array([0.0, 7.0, 7.0]) * DAY,
    "half_life": np.array([7.0, 7.0, 14.0]) * DAY,
    "recalls": np.array([0.0, 5.0, 40.0]),
    "importance": np.array([0.2, 0.4, 0.6]),
    "joy": np.array([0.0, 1.0, 0.5]),
    "aversion": np.array([0.5, 0.0, 1.0]),
    "trauma": np.array([0.0, 0.0, 1.0]),
    "score0": np.array([0.1, 0.2, 0.3]),
    "mood_joy": 0.5,
    "mood_aversion": 0.25,
}


def fine(expression: str, columns: Mapping[str, Any] = CANDIDATES) -> list[float]:
    values: list[float] = compile_ranking(expression).fine(columns, 3).total.tolist()
    return values


def value(expression: str) -> float:
    """What an expression without columns comes to."""
    return float(compile_ranking(expression).fine({"now": NOW}, 1).total[0])
