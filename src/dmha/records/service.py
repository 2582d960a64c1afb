"""Who may ask, what keyed requests came to, and the jobs that nobody waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from dmha.types import JobState, Reply

Right = Literal["read", "write", "operate"]
Gone = Literal["large", "room", "deleted", "upgrade"]


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
