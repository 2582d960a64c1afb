"""Where a call happens, and worlds that are on their way in."""

from __future__ import annotations

from dataclasses import dataclass


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
