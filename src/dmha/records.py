"""What the floors hand to each other: resolved turns on their way in, rows and columns on their way out.

Only plain data lives here, and the one question that an index puts to the truth (`Allowed`). Ids are the truth's
integers, times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dmha.types import Affect, Fact, JobState, Kind, Reply, Source, Tier

Right = Literal["read", "write", "operate"]
Gone = Literal["large", "room", "deleted", "upgrade"]

Allowed = Callable[[Sequence[int] | None], Sequence[int]]
"""Those of these memories that the truth lets pass; asked with None, all of the tenant's that it does."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call happens, in the caller's names: an account, one of its companions, a world."""

    user_id: str
    agent_id: str
    world: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The same place in the truth's ids, the zone its times are told in, and its dictionary's version as found."""

    tenant_id: int
    companion_id: int
    zone: str
    dictionary: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A text as words: its counted terms (domain/terms), the language that segmented it, its length in terms.

    `segmentation` names what counted them (domain/segmentation), with which version of the tenant's `dictionary`.
    """

    terms: NDArray[np.void]
    language: str
    length: int
    segmentation: str
    dictionary: int


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A memory whose terms are to be counted again, as it was when that was seen."""

    id: int
    tenant_id: int
    version: int
    text: str


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
class Rows:
    """What an index keeps of some memories, as columns of one length.

    `private_to` is -1 where it was told openly, `before` the memory of the turn before this one (-1: none), `sessions`
    -1 where it was not said in any, but made of what was. `terms` are the packed terms of all of them, one after the
    other: `term_counts` says how many are whose. `vectors` has a row for each memory of `embedded`, in their order, and
    for no other: the rest are not embedded.
    """

    memory_ids: NDArray[np.int64]
    versions: NDArray[np.int64]
    at: NDArray[np.float64]
    speaker_ids: NDArray[np.int64]
    private_to: NDArray[np.int64]
    before: NDArray[np.int64]
    sessions: NDArray[np.int64]
    languages: Sequence[str]
    lengths: NDArray[np.int64]
    terms: NDArray[np.void]
    term_counts: NDArray[np.int64]
    embedded: NDArray[np.bool_]
    vectors: NDArray[np.float32]


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
    """A query made ready for an index: its terms with weights, its vector where the embedder serves it.

    `spans` are the times that it names, as (from, until); `asks_when` is that it wants to know one. `relative` and
    `dates` are the terms that only name those times, as seen from now (yesterday) or by the calendar (2025); `besides`
    is how many words say what else it is about. `sounds` are terms that only sound like what is asked for: they earn
    in its stead, and nothing is asked for besides.
    """

    text: str
    terms: Mapping[str, float]
    vector: NDArray[np.float32] | None
    spans: tuple[tuple[float, float], ...] = ()
    asks_when: bool = False
    relative: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    besides: int = 0
    sounds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reach:
    """Which memories a question may bring back, as far as an index can tell.

    Private ones only where the id of who told them is in `present`; where `allowed` is not None, only what it lets
    pass; none of `exclude`; only what happened at `since` or later and before `until`, only what this speaker said.
    """

    present: Sequence[int] = ()
    allowed: Allowed | None = None
    exclude: Sequence[int] = ()
    since: float | None = None
    until: float | None = None
    speaker_id: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """How a companion holds some memories, by the ranking language's names; the stand-ins hold for all others."""

    memory_ids: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What an index nominates: memory ids and, aligned with them, the columns that only it knows; all are exact.

    By the ranking language's names; `similarity`, `static_bm25()` and `words_nearby` are always among them.
    """

    memory_ids: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]

    @property
    def similarity(self) -> NDArray[np.float64]:
        return self.columns["similarity"]

    @property
    def static_bm25(self) -> NDArray[np.float64]:
        return self.columns["static_bm25()"]


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


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """What one act of recall does to a perspective."""

    memory_id: int
    half_life: float
    recall_count: int
    tier: Tier
    joy: float
    aversion: float


@dataclass(frozen=True, slots=True)
class Contents:
    """What one world of an exported file holds: its companions in their order, its rows, its memories."""

    companions: tuple[str, ...]
    rows: int
    memories: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A world on its way in: `line` of its `lines` stand in a tenant that nobody can name yet."""

    tenant_id: int
    user_id: str
    world: str
    digest: str
    line: int
    lines: int
    begun_at: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What a keyed request came to, as it is told again: an HTTP status and a body of JSON text.

    The body is empty where it is kept no more: it was too `large`, newer ones took its `room`, a memory that it told of
    was `deleted`, or an `upgrade` of the file knew not which.
    """

    status: int
    body: str
    gone: Gone | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Which memories an answer tells of: those of these ids, and of these turns; `uids` are those that it names.

    `characters` is how many of their words' it holds.
    """

    uids: frozenset[str] = frozenset()
    memory_ids: frozenset[int] = frozenset()
    turn_ids: frozenset[int] = frozenset()
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Grounded(Reply):
    """A reply as it was just made, and what stood before whoever wrote it: memories, and turns that told what is known.

    The memories that it names itself need not be among them.
    """

    memory_ids: frozenset[int] = frozenset()
    turn_ids: frozenset[int] = frozenset()

    @classmethod
    def of(cls, reply: Reply, memory_ids: frozenset[int], turn_ids: frozenset[int]) -> Grounded:
        """The reply, with these."""
        told = {each.name: getattr(reply, each.name) for each in fields(Reply)}
        return cls(**told, memory_ids=memory_ids, turn_ids=turn_ids)


@dataclass(frozen=True, slots=True)
class User:
    """Whose account it is: `name` is the `user_id` of all that is theirs. `by_password` False: only keys open it."""

    name: str
    by_password: bool
    created_at: float
    closed_at: float | None


@dataclass(frozen=True, slots=True)
class Key:
    """What a program shows instead of a password; of its text only a digest is kept, and that stays in the truth.

    `agents` are the companions of its owner that it is for, None for all; of shared worlds those reach `worlds`.
    `acts_for` are the other accounts in whose name it may ask.
    """

    uid: str
    owner: str
    label: str
    rights: frozenset[Right]
    agents: frozenset[str] | None
    worlds: frozenset[str]
    acts_for: frozenset[str]
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Audit:
    """Who (`actor`, a credential) did what in whose account; `trace` is the request's, empty at a terminal.

    `status` is how the request was answered: 0 where nobody was there any more, None where it was let in and its end is
    not known, be it under way or broken off.
    """

    at: float
    actor: str
    user_id: str
    action: str
    trace: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work that nobody waits for. `user_id` is whose it is, "" for the file's own; `key` tells it from others of its
    kind and account; `attempts` counts its failures since it last got on, `reason` is the last one's.

    `done` of `total` is how far it got; `body` is what it was given, `result` what it came to, or has come to so far.
    """

    uid: str
    kind: str
    key: str
    user_id: str
    priority: int
    due_at: float
    created_at: float
    changed_at: float
    state: JobState = "waiting"
    holder: str | None = None
    leased_until: float | None = None
    attempts: int = 0
    reason: str = ""
    done: int = 0
    total: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
