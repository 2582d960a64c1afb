"""What is known where a companion lives, and what it lives through besides its memories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dmha.records import FactRow, Reinforcement, RuleRow, Scope, Telling

if TYPE_CHECKING:
    from dmha.types import Fact


class Knowing(Protocol):
    """Facts and rules as told; ending a fact keeps it. `present` names who may hear what was told in private."""

    def facts(self, scope: Scope, present: tuple[str, ...], aside: frozenset[int] = ..., /) -> list[FactRow]: ...
    def rules(self, scope: Scope, present: tuple[str, ...], /) -> list[RuleRow]: ...
    def tell(self, scope: Scope, fact: Fact, now: float, /) -> None: ...
    def tell_rule(self, scope: Scope, text: str, now: float, /) -> None: ...
    def end(
        self, scope: Scope, fact_id: int, valid_to: float, note: str, because: int | None, turn_uid: str, /
    ) -> None: ...


class Life(Protocol):
    """A companion's recalls, impulses of feeling, lessons, and the outcomes of its keyed requests."""

    def reinforce(
        self, scope: Scope, recalled: Sequence[Reinforcement], now: float, /, *, turn_uid: str | None, key: str | None
    ) -> None: ...
    def impulses(self, scope: Scope, since: float, /) -> list[tuple[float, float, float, float]]: ...
    def feelings_about(self, scope: Scope, /) -> list[tuple[str, float, float, float, float]]: ...
    def learn(
        self, scope: Scope, question: str, answer: str, reason: str, /, *, turn_uid: str | None, now: float
    ) -> None: ...
    def outcome(self, scope: Scope, operation: str, key: str, /) -> dict[str, Any] | None: ...
    def conclude(
        self, scope: Scope, operation: str, key: str, body: dict[str, Any], now: float, telling: Telling = ..., /
    ) -> None: ...
