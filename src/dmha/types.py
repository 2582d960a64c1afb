"""The words of DMHA as values: what callers give, what they get back.

Only immutable data lives here, with the checks that need nothing but the value itself. Times are aware datetimes,
half-lives are seconds, feelings and confidences are 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["episode", "summary", "insight", "wish", "persona", "lore"]
Tier = Literal["working", "short_term", "long_term", "muscle"]
Source = Literal["user", "assistant", "tool", "import", "dream"]
Why = Literal["match", "reflex", "trigger", "flashback", "drift"]
Polarity = Literal["any", "joy", "aversion", "both"]
WordSource = Literal["rule", "sudachi", "jieba", "dictionary"]
Status = Literal["true", "false", "unknown", "conflicted"]
JobState = Literal["waiting", "running", "stopping", "done", "failed", "cancelled"]

KINDS: tuple[Kind, ...] = ("episode", "summary", "insight", "wish", "persona", "lore")
NEVER_FADES: frozenset[Kind] = frozenset({"persona", "lore"})
TIERS: tuple[Tier, ...] = ("working", "short_term", "long_term", "muscle")
POLARITIES: tuple[Polarity, ...] = ("any", "joy", "aversion", "both")
SOURCES: tuple[Source, ...] = ("user", "assistant", "tool", "import", "dream")


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. `at` absent is the clock's now; an `id` makes a retry harmless; `vector` is a ready embedding."""

    text: str
    speaker: str = "user"
    at: datetime | None = None
    id: str | None = None
    parent: str | None = None
    private: bool = False
    source: Source = "user"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Affect:
    """Joy, aversion and trauma, each 0..1: of a memory, or of a companion now (its mood)."""

    joy: float = 0.0
    aversion: float = 0.0
    trauma: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What happened, verbatim, together with how the asking companion holds it.

    `at` is when it happened, `recorded_at` when this version of it was: learned, or changed into what it is here.
    """

    id: str
    text: str
    speaker: str
    at: datetime
    recorded_at: datetime
    session_id: str
    metadata: Mapping[str, Any]
    kind: Kind
    source: Source
    trust: float
    private: bool
    pinned: bool
    tier: Tier
    half_life: float
    recall_count: int
    last_recalled_at: datetime
    importance: float
    joy: float
    aversion: float
    trauma: float
    version: int = 1
    wrong: bool = False
    raised: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Some memories, what was learned last first; `next` is where the page after this one begins; the last has none.

    It is a place in the order, not a memory: it stands whatever is added or deleted meanwhile.
    """

    memories: tuple[Memory, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory brought back: `reasons` maps each term of the ranking to what it gave, and they sum to `score`.

    `also` are the ids of memories left out because they say the same; recall strengthens the one brought back alone.
    """

    memory: Memory
    score: float
    reasons: Mapping[str, float]
    why: Why
    confidence: float
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """`entity.attribute = value`, or its denial, told with a confidence in a scope, valid over an interval.

    `valid_to` None means still valid; `source` is the id of the turn that said it, None when told outside a turn;
    `premises` is empty for what was told and names the facts under a rule's conclusion.
    """

    entity: str
    attribute: str
    value: str
    negated: bool = False
    confidence: float = 1.0
    scope: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    source: str | None = None
    rule: str | None = None
    premises: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the knowledge says of `entity.attribute`: `why` tells the derivation, `sources` the turns it stands on."""

    value: str | None
    status: Status
    since: datetime | None
    why: tuple[str, ...]
    sources: tuple[str, ...]
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two statements that cannot both hold. `left` is the one that gives way, `right` the one that stands."""

    left: str
    right: str
    rule: str
    severity: float
    confidence: float
    ways_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a conflict, and the consistency before and after."""

    conflict: Conflict
    action: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the main path: what it did, and how many milliseconds it took."""

    did: str
    ms: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What the companion said, what it recalled, and what it did about what did not fit.

    `turn_id` names the turn that was answered; `remembered` are the memories of that turn and of this reply.
    """

    turn_id: str
    remembered: tuple[str, ...]
    text: str
    recalled: tuple[Hit, ...]
    consistency: float
    conflicts: tuple[Conflict, ...]
    repairs: tuple[Repair, ...]
    mood: Affect
    confidence: float
    trace: Mapping[str, Step]


@dataclass(frozen=True, slots=True)
class Feelings:
    """The companion's mood now, and what it feels about each speaker it has memories of."""

    mood: Affect
    about: Mapping[str, Affect]


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is matched: how it is read, where that is known, who said that it is one, its index terms."""

    surface: str
    reading: str | None
    source: WordSource
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it was written, and its words."""

    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """A text on its way to the index; `terms` are all that it is found by, those that join two words among them."""

    language: str
    sentences: tuple[Sentence, ...]
    terms: tuple[str, ...]
