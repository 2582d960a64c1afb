"""What is known of facts and rules written in a line each: for the tests of the logic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dmha.domain.logic import (
    FactStatement,
    Knowledge,
    Rule,
    RuleStatement,
    Told,
    format_fact,
    mend,
    parse_statement,
)
from dmha.types import Fact

START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 12, 31, tzinfo=UTC)

REGION = "rule: if ?x.city = Osaka then ?x.region = Kansai (conf=0.8)"
DIALECT = "rule: if ?x.region = Kansai then ?x.dialect = Kansai-ben (conf=0.5)"
VALUE = "city has one value at a time"


def told(text: str, day: int, id: int | None = None) -> Told:
    """A fact told in turn `t<day>`, valid from that day of 2024 on unless the text says otherwise."""
    s, at = parse_statement(text), START + timedelta(days=day)
    assert isinstance(s, FactStatement)
    since = s.valid_from or at
    fact = Fact(s.entity, s.attribute, s.value, s.negated, s.confidence, s.scope, since, s.valid_to, f"t{day}")
    return Told(fact, day if id is None else id, at)


def ruled(text: str) -> Rule:
    s = parse_statement(text)
    assert isinstance(s, RuleStatement)
    return Rule(s.text, s.conditions, s.conclusion, s.confidence, None, START)


def knowledge(facts: Sequence[str], rules: Sequence[str] = (), now: datetime = NOW) -> Knowledge:
    """The facts told one a day from the first of January on."""
    return Knowledge([told(text, day) for day, text in enumerate(facts)], [ruled(text) for text in rules], now)


def derived(known: Knowledge) -> list[str]:
    return sorted(format_fact(replace(fact, valid_from=None)) for fact in known.closure() if fact.rule)


def mended(facts: list[Told], known: Knowledge) -> list[Told]:
    ends = {id: m.valid_to for m in (mend(clash, NOW) for clash in known.conflicts()) for id in m.ids}
    return [replace(t, fact=replace(t.fact, valid_to=ends.get(t.id, t.fact.valid_to))) for t in facts]
