"""What a credential may do as it stands now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from dmha.records import Right

RIGHTS: tuple[Right, ...] = get_args(Right)
OWN: frozenset[Right] = frozenset({"read", "write"})
"""What a user's own password opens; whoever holds the file may give a key more."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential may, now. `agents` None: all companions and all shared worlds; else, of shared worlds, those of
    `worlds`. `acts_for`: the other accounts that it may ask for."""

    credential: str
    user_id: str
    rights: frozenset[Right]
    agents: frozenset[str] | None = None
    acts_for: frozenset[str] = frozenset()
    worlds: frozenset[str] = frozenset()
    seal: str = field(default="", compare=False, repr=False)
    """Which password was shown, as a token tells it: another one, set since, ends the token. Empty for a key."""

    def reaches(self, agent_id: str | None, world: str | None = None) -> bool:
        """Whether it is for that companion, in its own world or the shared one; or (None) for the whole account."""
        return self.agents is None or (agent_id in self.agents and (world is None or world in self.worlds))
