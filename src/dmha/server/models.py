"""What requests may hold: strict models with examples, unknown keys refused. Answers are the library's types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

from dmha.types import Conflict, Hit, Kind, Memory, Polarity, Source, Tier


def _moment(given: Any) -> Any:
    """A time as ISO 8601 with its zone: strict models take no text for a time, and JSON has nothing else."""
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise PydanticCustomError("moment", "it is no time with a zone, such as 2026-11-22T09:00:00+09:00")
    return at


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Plain = str | int | float | bool


class Body(BaseModel):
    """A request's body: nothing in it is guessed, converted or passed over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def _like(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class InWorld(Body):
    """Which companion is meant, in which world; the account is the credential's."""

    agent_id: Name = "default"
    world: Name | None = None


class TokenFor(Body):
    """Either `user` with `password`, or `key`; a bare `user` where the server was started for development."""

    model_config = _like({"user": "aya", "password": "correct horse battery"})

    user: Name | None = None
    password: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    key: Annotated[str, Field(min_length=1, max_length=256)] | None = None


class Token(BaseModel):
    """A token, to be sent as `Authorization: Bearer`."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - OAuth's word, no secret
    expires_in: int


class Said(Body):
    """One turn. `id` makes a retry harmless: a known one is left as it is."""

    text: Text
    speaker: Name = "user"
    at: Moment | None = None
    id: Name | None = None
    parent: Name | None = None
    private: bool = False
    source: Source = "user"
    metadata: dict[str, JsonValue] = {}
    vector: Annotated[list[float], Field(min_length=1, max_length=16_384)] | None = None


class ToRemember(InWorld):
    """Turns to remember, all or none."""

    model_config = _like({"agent_id": "relu", "turns": [{"text": "I moved to Osaka.", "speaker": "aya"}]})

    turns: Annotated[list[Said], Field(min_length=1, max_length=1_000)]
    session_id: Name = "default"
    parent: Name | None = None
    kind: Kind = "episode"


class Remembered(BaseModel):
    """The memories' ids, in the order of the turns."""

    ids: list[str]


class ToAnswer(InWorld):
    """A turn to be answered. Send a `turn_id`: the same one again is answered the same, and changes nothing."""

    model_config = _like({"agent_id": "relu", "text": "Where do I live?", "speaker": "aya", "turn_id": "t42"})

    text: Text
    session_id: Name = "default"
    speaker: Name = "user"
    turn_id: Name | None = None
    replaces: Name | None = None
    parent: Name | None = None
    private: bool = False
    present: Annotated[list[Name], Field(max_length=100)] | None = None
    zone: Name | None = None
    token_budget: Annotated[int, Field(ge=400, le=1_000_000)] = 4_000
    deadline_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None


class ToFind(InWorld):
    """A question, and what limits its answers."""

    model_config = _like({"agent_id": "relu", "query": "where does Aya live?", "top_k": 5})

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    top_k: Annotated[int, Field(ge=1, le=1_000)] = 10
    ranking: Annotated[str, Field(min_length=1, max_length=2_048)] | None = None
    speaker: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    tier: Tier | None = None
    kind: Kind | None = None
    metadata: dict[str, Plain] = {}
    present: Annotated[list[Name], Field(max_length=100)] = []
    polarity: Polarity = "any"
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    by_reading: bool = False
    zone: Name | None = None
    deadline_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None


class Found(BaseModel):
    """Memories, best first."""

    hits: list[Hit]


class Change(Body):
    """What is to be changed; what is left out stays. At least one of them."""

    model_config = _like({"pinned": True})

    text: Text | None = None
    metadata: dict[str, JsonValue] | None = None
    pinned: bool | None = None
    wrong: bool | None = None
    private: bool | None = None
    raised: bool | None = None


class Page(BaseModel):
    """Some memories, and the cursor of those after them; null on the last page."""

    memories: list[Memory]
    next: str | None


class History(BaseModel):
    """A memory's versions, oldest first; the last is what it is now."""

    versions: list[Memory]


class ToTell(InWorld):
    """A fact, a denial or a rule (docs/knowledge.md)."""

    model_config = _like({"agent_id": "relu", "statement": "fact: aya.city = Osaka"})

    statement: Annotated[str, Field(min_length=1, max_length=10_000)]


class Conflicts(BaseModel):
    """What cannot hold together."""

    conflicts: list[Conflict]


class ToAnalyze(InWorld):
    """A text, to be cut as it would be for the index; by the world's dictionary."""

    model_config = _like({"text": "東京でラーメンを食べた。"})

    text: Text


class Imported(BaseModel):
    """How many memories came."""

    memories: int
