"""What a statement is once understood, and its canonical text: parsing the text gives the same statement again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Literal

from dmha.domain.logic.vocabulary import fold
from dmha.types import Fact

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

# Texts that no sign of the grammar can be read into; a point or comma stands between digits only.
_BARE_VALUE = re.compile(r"[\w+-](?:[\w '&+/%-]|(?<=[0-9])[.,](?=[0-9]))*")
# What joins the clauses of a rule: a name or a value that holds it is quoted there.
_JOINS = re.compile(r"\b(?:and|then)\b|かつ|且|ならば|那么")
_NEVER = re.compile(r"(?!)")
_BARE_NAME = re.compile(r"(?!(?:not|否定|否认)\s)\w[\w '&-]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """Stands for any entity or value in a rule; the same name stands for the same thing. Written `?name`."""

    name: str

    def __str__(self) -> str:
        return f"?{self.name}"


@dataclass(frozen=True, slots=True)
class FactStatement:
    """`entity.attribute = value` asserted or denied. Entity, attribute and scope are folded; the value is verbatim."""

    entity: str
    attribute: str
    value: str
    negated: bool = False
    confidence: float = 1.0
    scope: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def fact(self) -> Fact:
        """What it states, told outside any turn."""
        return Fact(
            self.entity,
            self.attribute,
            self.value,
            self.negated,
            self.confidence,
            self.scope,
            self.valid_from,
            self.valid_to,
        )


@dataclass(frozen=True, slots=True)
class Pattern:
    """One condition or the conclusion of a rule, its names folded. A negated condition wants a denial, not silence."""

    entity: str | Variable
    attribute: str
    operator: Operator
    value: str | Variable
    negated: bool = False


@dataclass(frozen=True, slots=True)
class RuleStatement:
    """`if conditions then conclusion`; `text` is canonical."""

    conditions: tuple[Pattern, ...]
    conclusion: Pattern
    confidence: float
    text: str


Statement = FactStatement | RuleStatement


def format_fact(fact: FactStatement | Fact) -> str:
    """`aya.city = Osaka (conf=0.9, scope=work)`; a denial opens with `deny:`. `parse_statement` reads it back."""
    options = [f"conf={fact.confidence!r}"] if fact.confidence != 1.0 else []
    options += [f"scope={_quoted(fact.scope, _BARE_NAME)}"] if fact.scope else []
    options += [f"from={_moment(fact.valid_from)}"] if fact.valid_from else []
    options += [f"until={_moment(fact.valid_to)}"] if fact.valid_to else []
    return format_claim(fact) + (f" ({', '.join(options)})" if options else "")


def format_claim(fact: FactStatement | Fact) -> str:
    """What is claimed, without how surely, where and when."""
    claim = f"{format_slot(fact.entity, fact.attribute)} = {_quoted(fact.value, _BARE_VALUE)}"
    return f"deny: {claim}" if fact.negated else claim


def format_slot(entity: str, attribute: str) -> str:
    """`entity.attribute`, each quoted where the grammar needs it."""
    return f"{_quoted(entity, _BARE_NAME)}.{_quoted(attribute, _BARE_NAME)}"


def format_rule(conditions: tuple[Pattern, ...], conclusion: Pattern, confidence: float) -> str:
    """`rule: if ?x.city = Osaka then ?x.region = Kansai (conf=0.8)`."""
    tail = f" (conf={confidence!r})" if confidence != 1.0 else ""
    return f"rule: if {' and '.join(map(_pattern, conditions))} then {_pattern(conclusion)}{tail}"


def _pattern(pattern: Pattern) -> str:
    entity, value = _term(pattern.entity, _BARE_NAME), _term(pattern.value, _BARE_VALUE)
    text = f"{entity}.{_term(pattern.attribute, _BARE_NAME)} {pattern.operator} {value}"
    return f"not {text}" if pattern.negated else text


def _term(term: str | Variable, bare: re.Pattern[str]) -> str:
    if isinstance(term, Variable):
        return str(term)
    return _quoted(term, _NEVER if _JOINS.search(fold(term)) else bare)


def _quoted(text: str, bare: re.Pattern[str]) -> str:
    if bare.fullmatch(text) and text == " ".join(text.split()):
        return text
    return '"' + text.replace('"', '""') + '"'


def _moment(at: datetime) -> str:
    at = at.astimezone(UTC)
    return at.date().isoformat() if at.time() == time() else at.isoformat()
