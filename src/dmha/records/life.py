"""Facts and rules as they were told, and what an act of recall does to how a companion holds a memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dmha.types import Fact, Tier


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact as it was told: `id` names it in the truth, `recorded_at` is when it was learned, `turn_id` the turn.

    `taken_back`: it ended because the memory of its turn was marked wrong.
    """

    id: int
    fact: Fact
    recorded_at: datetime
    private: bool = False
    turn_id: int | None = None
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it was told: its canonical text, the turn that said it, when it was learned."""

    text: str
    source: str | None
    recorded_at: datetime
    turn_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """What one act of recall does to a perspective."""

    memory_id: int
    half_life: float
    recall_count: int
    tier: Tier
    joy: float
    aversion: float
