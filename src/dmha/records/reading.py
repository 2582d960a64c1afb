"""What the truth tells of memories and turns, and what may limit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dmha.types import Kind, Source, Tier


@dataclass(frozen=True, slots=True)
class Uttered:
    """A turn of the working window, as it was said."""

    turn_id: int
    memory_id: int
    uid: str
    speaker: str
    source: Source
    text: str
    at: float
    private_to: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search may bring back. None or empty means no limit, except `present`: nobody is there unless named."""

    speaker: str | None = None
    since: float | None = None
    until: float | None = None
    tier: str | None = None
    kind: str | None = None
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    polarity: str = "any"


@dataclass(frozen=True, slots=True)
class State:
    """One candidate's true state: the memory's row and the asking companion's perspective on it."""

    memory_id: int
    uid: str
    text: str
    speaker: str
    session: str
    at: float
    recorded_at: float
    kind: Kind
    source: Source
    trust: float
    private_to: str | None
    version: int
    score0: float
    metadata: Mapping[str, Any]
    half_life: float
    recall_count: int
    last_recalled_at: float
    tier: Tier
    importance: float
    joy: float
    aversion: float
    trauma: float
    pinned: bool
    wrong: bool = False
    raised: bool = True


@dataclass(frozen=True, slots=True)
class Version:
    """What a memory was before, of what is no companion's own; `recorded_at` is when it became so."""

    version: int
    recorded_at: float
    wrong: bool
    private: bool
    metadata: Mapping[str, Any]
    text: str
