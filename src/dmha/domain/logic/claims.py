"""What reasoning works on: facts as they were told, rules, and claims, each a fact that knows what it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dmha.domain.logic.forms import Pattern, format_claim
from dmha.domain.logic.vocabulary import fold, value_key
from dmha.types import Fact

Key = tuple[str, str, str, bool, str]


@dataclass(frozen=True, slots=True)
class Told:
    """A fact with the id and the time under which the store keeps it; `taken_back`: it ended for it was wrong."""

    fact: Fact
    id: int
    recorded_at: datetime
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """`if conditions then conclusion`, with the turn that said it."""

    text: str
    conditions: tuple[Pattern, ...]
    conclusion: Pattern
    confidence: float
    source: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A told or a derived fact, its names folded. `height` is the number of rules between it and what was told.

    Compared by identity: premises are shared, and comparing them by value would walk every path through them.
    """

    fact: Fact
    entity: str
    attribute: str
    value: str
    scope: str
    since: datetime
    recorded_at: datetime
    told: Told | None = None
    premises: tuple[Claim, ...] = ()
    height: int = 0

    @property
    def key(self) -> Key:
        """What is claimed: two claims of one key say the same."""
        return self.entity, self.attribute, self.value, self.fact.negated, self.scope

    @property
    def text(self) -> str:
        return format_claim(self.fact)

    @property
    def age_order(self) -> tuple[datetime, datetime, int, Key, str]:
        """Sorts from the oldest to the newest, the same whatever order the claims came in."""
        return self.since, self.recorded_at, self.told.id if self.told else -1, self.key, self.fact.value

    @property
    def strength_order(self) -> tuple[float, int, datetime, datetime, int, Key, str, str]:
        """Sorts the best ground for one claim first: the surest, then the most direct, then the oldest."""
        return -self.fact.confidence, self.height, *self.age_order, self.fact.rule or ""


def claim_told(told: Told) -> Claim:
    """A told fact holds from its valid time on; without one, the time it was recorded orders it."""
    fact = told.fact
    since = fact.valid_from or told.recorded_at
    entity, attribute, scope = fold(fact.entity), fold(fact.attribute), fold(fact.scope)
    return Claim(fact, entity, attribute, value_key(fact.value), scope, since, told.recorded_at, told)


def claim_derived(rule: Rule, entity: str, value: str, premises: tuple[Claim, ...]) -> Claim:
    """A conclusion is as sure as its least sure premise and the rule together, and holds while all premises do."""
    facts = tuple(premise.fact for premise in premises)
    fact = Fact(
        entity=fold(entity),
        attribute=rule.conclusion.attribute,
        value=value,
        negated=rule.conclusion.negated,
        confidence=min(fact.confidence for fact in facts) * rule.confidence,
        scope=premises[0].scope,
        valid_from=max((fact.valid_from for fact in facts if fact.valid_from), default=None),
        valid_to=min((fact.valid_to for fact in facts if fact.valid_to), default=None),
        rule=rule.text,
        premises=facts,
    )
    return Claim(
        fact,
        fact.entity,
        fact.attribute,
        value_key(value),
        fact.scope,
        since=max(premise.since for premise in premises),
        recorded_at=max(premise.recorded_at for premise in premises),
        premises=premises,
        height=1 + max(premise.height for premise in premises),
    )
