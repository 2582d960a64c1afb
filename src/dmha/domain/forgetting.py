"""How memories fade and how recalling strengthens them: the formulas, over numbers alone.

Forgetting is stateless: nothing ticks, `retention` is computed when it is read. Times are epoch seconds, spans seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dmha.types import Tier

Numbers = NDArray[np.float64] | float

DAY = 86_400.0
DEFAULT_HALF_LIFE = 7 * DAY  # a loss of 0.099 a day
SHORTEST_HALF_LIFE = 0.001  # a millisecond, the finest unit the ranking language speaks; keeps the division defined
LONGEST_HALF_LIFE = 10 * 365 * DAY  # beyond it nothing fades that a companion's life could show

LONG_TERM_AFTER = 5
MUSCLE_AFTER = 40

CRAMMED_GAIN = 0.1  # recalled while still fresh: repetition without spacing teaches little
SPACED_GAIN = 1.4  # with the above, 2.5 for what had faded: SM-2's initial ease factor (Wozniak 1990)
FEEDBACK = 0.5  # full joy gives half as much again, full aversion takes half; so no recall ever shortens a half-life
UNPRACTISED = 0.3  # S of `ltm = 1 - S ** (recalls / T)`, T being LONG_TERM_AFTER


def retention(since: Numbers, half_life: Numbers) -> NDArray[np.float64]:
    """How much is left, 0..1, `since` seconds after the last recall; a recall in the future counts as just now."""
    elapsed = np.maximum(since, 0.0)
    return np.asarray(np.exp2(-elapsed / np.maximum(half_life, SHORTEST_HALF_LIFE)), dtype=np.float64)


def long_term(recall_count: int) -> float:
    """How far practice has made a memory long-term: 0 before `LONG_TERM_AFTER` recalls, then 0.7 and towards 1."""
    return 1.0 - UNPRACTISED ** (recall_count / LONG_TERM_AFTER) if recall_count >= LONG_TERM_AFTER else 0.0


def reinforce(half_life: float, recall_count: int, retention_now: float, joy: float, aversion: float) -> float:
    """The half-life after a recall; `recall_count` counts this recall, `retention_now` is what was left before it.

    It grows more when more had faded (the spacing effect), more when it was sweet, less when it hurt. Practice
    deepens what spacing gives and adds nothing to cramming.
    """
    spaced = SPACED_GAIN * (1.0 - retention_now) * (1.0 + long_term(recall_count))
    felt = 1.0 + FEEDBACK * (joy - aversion)
    return min(half_life * (1.0 + (CRAMMED_GAIN + spaced) * felt), LONGEST_HALF_LIFE)


def practised(half_life: float, born: float, recalls: Iterable[tuple[float, float, float]]) -> tuple[float, float]:
    """The half-life and the last recall's time after these recalls in their order: (at, joy, aversion) each."""
    last = born
    for count, (at, joy, aversion) in enumerate(recalls, 1):
        half_life = reinforce(half_life, count, float(retention(at - last, half_life)), joy, aversion)
        last = at
    return half_life, last


def tier_after(recall_count: int) -> Tier:
    """The tier of a memory that has been recalled so often."""
    if recall_count >= MUSCLE_AFTER:
        return "muscle"
    return "long_term" if recall_count >= LONG_TERM_AFTER else "short_term"
