"""What the floors hand to each other: resolved turns on their way in, rows and columns on their way out.

Only plain data lives here. Ids are the truth's integers, times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha.types import Affect, Fact, Kind, Source, Tier


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call happens, in the caller's names: an account, one of its companions, a world."""

    user_id: str
    agent_id: str
    world: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The same place in the truth's ids, with the zone its times are told in."""

    tenant_id: int
    companion_id: int
    zone: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A text as words: its counted terms (domain/terms), the language that segmented it, its length in terms."""

    terms: NDArray[np.void]
    language: str
    length: int


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact as it was told: `id` names it in the truth, `recorded_at` is when it was learned, `turn_id` the turn."""

    id: int
    fact: Fact
    recorded_at: datetime
    private: bool = False
    turn_id: int | None = None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as it was told: its canonical text, the turn that said it, when it was learned."""

    text: str
    source: str | None
    recorded_at: datetime
    turn_id: int | None = None


@dataclass(frozen=True, slots=True)
class Perceived:
    """A turn made ready to be remembered: everything that needs a model or a clock is already done.

    `unheard_of`: its uid was drawn for it just now, so that nothing can be known by it.
    """

    uid: str
    memory_uid: str
    text: str
    speaker: str
    at: float
    kind: Kind
    source: Source
    trust: float
    private_to: str | None
    recallable: bool
    metadata: Mapping[str, Any]
    parent: str | None
    vector: NDArray[np.float32] | None
    counted: Counted
    affect: Affect
    importance: float
    half_life: float
    facts: tuple[Fact, ...] = ()
    rules: tuple[str, ...] = ()
    unheard_of: bool = False


@dataclass(frozen=True, slots=True)
class Tip:
    """A turn as the last of its path: how many turns are in the window there, and how many characters they are."""

    turn_id: int
    uid: str
    window_turns: int
    window_characters: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a unit of turns came to: each memory's id and public id in the order given, and the last turn."""

    memories: tuple[tuple[int, str], ...]
    last: Tip


@dataclass(frozen=True, slots=True)
class Gist:
    """A summary ready to be remembered, and the memories that it was made of."""

    memory_uid: str
    text: str
    at: float
    vector: NDArray[np.float32] | None
    counted: Counted
    affect: Affect
    importance: float
    half_life: float
    sources: tuple[int, ...]


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
class Row:
    """What an index keeps of one memory. `vector` None: its text was not embedded; `private_to` -1: told openly."""

    memory_id: int
    version: int
    at: float
    speaker_id: int
    private_to: int
    terms: NDArray[np.void]
    language: str
    length: int
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log: a memory was written, or (`deleted`) is gone."""

    seq: int
    tenant_id: int
    memory_id: int
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A query made ready for an index: its terms with weights, its vector where the embedder serves it."""

    text: str
    terms: Mapping[str, float]
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """What an index nominates: memory ids and, aligned with them, the columns that only it knows."""

    memory_ids: NDArray[np.int64]
    similarity: NDArray[np.float64]
    static_bm25: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class State:
    """One candidate's true state: the memory's row and the asking companion's perspective on it."""

    memory_id: int
    uid: str
    text: str
    speaker: str
    session: str
    at: float
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


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """What one act of recall does to a perspective."""

    memory_id: int
    half_life: float
    recall_count: int
    tier: Tier
    joy: float
    aversion: float
