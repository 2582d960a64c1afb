"""What requests may hold: strict models with examples, unknown keys refused. Answers are the library's types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
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
        raise PydanticCustomError("moment", "it is no time with a zone")
    return at


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Id = Annotated[Name, Path(description="As the answer that made it or listed it has it.")]
Present = Annotated[
    list[Name],
    Query(
        max_length=100,
        description="Who is there, as the speaker was written, to the letter: what they told in private is told too. "
        "Sent once for each: `present=aya&present=kenji`.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1_024, description="`next` of the page before.")]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]


def _plain(given: Any) -> Any:
    """Judged here, for a union would give an error for each of its members."""
    if not isinstance(given, str | int | float | bool):
        raise PydanticCustomError("plain", "it is no plain value")
    return given


Plain = Annotated[str | int | float | bool, BeforeValidator(_plain)]


class Body(BaseModel):
    """A request's body: nothing in it is guessed, converted or passed over."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Made(BaseModel):
    """An answer that is the server's own."""

    model_config = ConfigDict(use_attribute_docstrings=True)


def _like(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class InWorld(Body):
    """Which companion is meant, in which world; the account is the credential's."""

    agent_id: Name = "default"
    """Which companion is meant."""
    world: Name | None = None
    """A shared world by its name; the companion's own unless said."""


class TokenFor(Body):
    """Either `user` with `password`, or `key`; a bare `user` where the server was started for development."""

    model_config = _like({"user": "aya", "password": "correct horse battery"})

    user: Name | None = None
    """The account."""
    password: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None
    """Its password."""
    key: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """An API key instead."""


class Token(Made):
    """A token, to be sent as `Authorization: Bearer`."""

    access_token: str
    """The token itself."""
    token_type: str = "bearer"  # noqa: S105 - OAuth's word, no secret
    """How it is sent."""
    expires_in: int
    """Seconds that it is good for."""


class Said(Body):
    """One turn. `id` makes a retry harmless: the same turn again is left as it is, another under that id is refused."""

    text: Text
    """What was said, kept word for word."""
    speaker: Name = "user"
    """Who said it."""
    at: Moment | None = None
    """When, with a zone; now unless said."""
    id: Name | None = None
    """The turn's own id, of the caller's choice."""
    parent: Name | None = None
    """The turn that it was said after; the one before it unless said."""
    private: bool = False
    """Only while its speaker is present."""
    source: Source = "user"
    """Where it comes from: what an assistant or a tool said is no evidence about the world."""
    metadata: dict[str, JsonValue] = {}
    """What else is known of it; `metadata` of a search asks for it."""
    vector: Annotated[list[float], Field(min_length=1, max_length=16_384)] | None = None
    """Its embedding, where the caller has one of this service's embedder."""


class ToRemember(InWorld):
    """Turns to remember, all or none."""

    model_config = _like({"agent_id": "relu", "turns": [{"text": "I moved to Osaka.", "speaker": "aya"}]})

    turns: Annotated[list[Said], Field(min_length=1, max_length=1_000)]
    """In the order in which they were said."""
    session_id: Name = "default"
    """Which conversation."""
    parent: Name | None = None
    """The turn that the first was said after; the session's last unless said."""
    kind: Kind = "episode"
    """What they are: `persona` and `lore` never fade."""


class Remembered(Made):
    """What turns became."""

    model_config = _like({"ids": ["m_5f1d0c1f0a6b4e0e9a3f6f0a2b7c8d9e"]})

    ids: list[str]
    """The memories' ids, in the order of the turns."""


class ToAnswer(InWorld):
    """A turn to be answered. Send a `turn_id`: the same one again is answered the same, and changes nothing."""

    model_config = _like({"agent_id": "relu", "text": "Where do I live?", "speaker": "aya", "turn_id": "t42"})

    text: Text
    """What was said."""
    session_id: Name = "default"
    """Which conversation."""
    speaker: Name = "user"
    """Who said it."""
    turn_id: Name | None = None
    """The turn's own id, of the caller's choice: it makes a retry harmless."""
    replaces: Name | None = None
    """A turn that is said again: all that it and the turns after it did is taken back first."""
    parent: Name | None = None
    """The turn to go on from, where that is not the session's last."""
    private: bool = False
    """Only while its speaker is present."""
    present: Annotated[list[Name], Field(max_length=100)] | None = None
    """Who hears the reply, each as their turns have the speaker, to the letter; the speaker alone unless said."""
    zone: Name | None = None
    """Where the speaker is from now on, such as Asia/Tokyo."""
    token_budget: Annotated[int, Field(ge=400, le=1_000_000)] = 4_000
    """The most tokens of the prompt."""
    deadline_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    """When an answer is wanted: it is what there is by then."""


class ToFind(InWorld):
    """A question, and what limits its answers."""

    model_config = _like({"agent_id": "relu", "query": "where does Aya live?", "top_k": 5})

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    """What to look for; `word^3` weighs a word."""
    top_k: Annotated[int, Field(ge=1, le=1_000)] = 10
    """How many at most."""
    ranking: Annotated[str, Field(min_length=1, max_length=2_048)] | None = None
    """A preset's name, or an expression (docs/ranking.md)."""
    speaker: Name | None = None
    """Only what this one said: as the turns have the speaker, to the letter."""
    since: Moment | None = None
    """Not before."""
    until: Moment | None = None
    """Before."""
    tier: Tier | None = None
    """Only memories of this tier."""
    kind: Kind | None = None
    """Only memories of this kind."""
    metadata: dict[str, Plain] = {}
    """Only memories whose metadata is equal in these keys."""
    present: Annotated[list[Name], Field(max_length=100)] = []
    """Who is there, each as their turns have the speaker, to the letter: what they told in private is found too. The
    caller vouches for it."""
    polarity: Polarity = "any"
    """What the memories feel like: any, joyful, averse, or the best of both."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Leave out what is less likely to know of it; it may leave nothing."""
    by_reading: bool = False
    """Also what sounds like its words."""
    zone: Name | None = None
    """Where its "yesterday" is meant; the companion's unless said."""
    deadline_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    """When an answer is wanted: nothing is reranked after it."""


class Found(Made):
    """What a question brought back."""

    hits: list[Hit]
    """Memories, best first."""


class Change(Body):
    """What is to be changed; what is left out stays. At least one of them."""

    model_config = _like({"pinned": True})

    text: Text | None = None
    """Other words; the ones before stay in its history."""
    metadata: dict[str, JsonValue] | None = None
    """Other metadata, whole."""
    pinned: bool | None = None
    """Does not fade."""
    wrong: bool | None = None
    """It is not so: nobody brings it back."""
    private: bool | None = None
    """Only while its speaker is present."""
    raised: bool | None = None
    """False: this companion never brings it up."""


class History(Made):
    """A memory's versions.

    What is a companion's own (pinned, raised, tier, feelings and how it fades) is told as it is now.
    """

    versions: list[Memory]
    """Oldest first, each as it was then; the last is what it is now."""


class ToTell(InWorld):
    """A fact, a denial or a rule (docs/knowledge.md)."""

    model_config = _like({"agent_id": "relu", "statement": "fact: aya.city = Osaka"})

    statement: Annotated[str, Field(min_length=1, max_length=10_000)]
    """A `fact:`, `deny:` or `rule:` line."""


class Told(Made):
    """What was told, and to whom."""

    model_config = _like({"agent_id": "relu", "world": None, "statement": "fact: aya.city = Osaka"})

    agent_id: str
    """The companion that was meant."""
    world: str | None
    """The shared world; null for the companion's own."""
    statement: str
    """The line, as it came."""


class Conflicts(Made):
    """What cannot hold together."""

    conflicts: list[Conflict]
    """Each with the ways out of it."""


class ToAnalyze(InWorld):
    """A text, to be cut as it would be for the index; by the world's dictionary."""

    model_config = _like({"text": "東京でラーメンを食べた。"})

    text: Text
    """What is to be cut."""


class Imported(Made):
    """What came out of a file."""

    model_config = _like({"memories": 1_204})

    memories: int
    """How many memories."""
