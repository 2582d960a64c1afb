"""Consistency: what in a draft reply does not fit what is known, told or recalled.

Symbolic first: told facts that clash, and draft sentences that repeat a fact which no longer holds. Then textual
signals (negation, numbers, antonyms) between the draft and newer words of the same speaker. Nothing here changes
anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from dmha.domain.findings import Finding, undated
from dmha.domain.logic import Clash, Knowledge, Rule, RuleStatement, Told, format_claim, parse_statement, plain
from dmha.domain.logic.statements import FactStatement, parse_statements
from dmha.domain.logic.vocabulary import fold, value_key
from dmha.domain.prompt import Known, local
from dmha.domain.ranking import stands
from dmha.domain.signals import contradiction
from dmha.domain.text import sentences
from dmha.records import FactRow, RuleRow, State
from dmha.types import Conflict, Fact

# A stale saying misleads much like two values of one attribute: the same severity as domain/logic gives those.
_STALE = 0.8
# Pairs of sentences compared at most: a prompt's evidence against a reply, and no more however long either grows.
_MOST_PAIRS = 2_000


def knowledge_of(facts: Sequence[FactRow], rules: Sequence[RuleRow], now: datetime) -> Knowledge:
    """What the told facts and rules come to, as of now."""
    told = [Told(row.fact, row.id, row.recorded_at, row.taken_back) for row in facts]
    return Knowledge(told, list(_rules(rules)), now)


def mentioned(knowledge: Sequence[FactRow], speaker: str, *texts: str) -> frozenset[str]:
    """The entities that the speaker or the texts name, folded."""
    named = " ".join(texts)
    entities = {fold(row.fact.entity) for row in knowledge}
    return frozenset(entity for entity in entities if entity == fold(speaker) or stands(entity, named))


def check(
    question: str,
    draft: str,
    evidence: Sequence[State],
    knowledge: Knowledge,
    facts: Sequence[FactRow],
    entities: frozenset[str],
    zone: tzinfo = UTC,
) -> list[Finding]:
    """All that does not fit, the gravest first. Of what is known, only what question or draft touch is looked at."""
    touched = undated(f"{question} {draft}")
    found = [
        *(_of_clash(clash, zone) for clash in knowledge.conflicts() if _touches(clash, entities, touched)),
        *_repeated(draft, knowledge, facts, zone),
        *_gainsaid(draft, evidence, zone),
    ]
    unique = {(finding.conflict.left, finding.conflict.right): finding for finding in reversed(found)}
    return sorted(unique.values(), key=lambda f: (-f.conflict.severity * f.conflict.confidence, f.conflict.left))


def told_in(
    memory: State, facts: Sequence[FactRow], entities: frozenset[str], now: datetime, zone: tzinfo
) -> tuple[Known, ...]:
    """The facts that a memory told, in statements or in words of its own, each with the day it ended if it did.

    In words of its own it told what has ended since, where it names the value and is about one of the entities.
    """
    stated = {
        _claim(statement.fact())
        for statement in parse_statements(memory.text).statements
        if isinstance(statement, FactStatement)
    }
    about = entities | {fold(memory.speaker)}
    told: dict[tuple[str, str, str, bool, str], list[Fact]] = {}
    for row in facts:
        over = row.fact.valid_to is not None and memory.at < row.fact.valid_to.timestamp() <= now.timestamp()
        worded = (
            over and fold(row.fact.entity) in about and not row.fact.negated and stands(row.fact.value, memory.text)
        )
        if worded or _claim(row.fact) in stated:
            told.setdefault(_claim(row.fact), []).append(row.fact)
    return tuple(_as_known(rows, now, zone) for rows in told.values())


def _as_known(rows: Sequence[Fact], now: datetime, zone: tzinfo) -> Known:
    """What was told, perhaps several times, as it stands: it is over when every telling of it is."""
    last = max(rows, key=lambda fact: fact.valid_to or datetime.max.replace(tzinfo=UTC))
    since = "" if last.valid_from is None else _day(last.valid_from, zone)
    until = "" if last.valid_to is None or last.valid_to > now else _day(last.valid_to, zone)
    return Known(last.entity, last.attribute, last.value, last.negated, since, until)


def _claim(fact: Fact) -> tuple[str, str, str, bool, str]:
    return fold(fact.entity), fold(fact.attribute), value_key(fact.value), fact.negated, fold(fact.scope)


def _day(at: datetime, zone: tzinfo) -> str:
    return local(at, zone)[:10]


def _rules(rows: Sequence[RuleRow]) -> Iterator[Rule]:
    for row in rows:
        statement = parse_statement(row.text)
        assert isinstance(statement, RuleStatement)  # noqa: S101 - only rules are written to that table
        yield Rule(
            statement.text,
            statement.conditions,
            statement.conclusion,
            statement.confidence,
            row.source,
            row.recorded_at,
        )


def _touches(clash: Clash, entities: frozenset[str], words: str) -> bool:
    """Whether a clash is about someone who is meant, and its attribute or one of its values is named."""
    return any(key[0] in entities and (stands(key[1], words) or stands(key[2], words)) for key in clash.keys)


def _of_clash(clash: Clash, zone: tzinfo) -> Finding:
    correction = f"{clash.conflict.left} → {clash.conflict.right} ({_day(clash.since, zone)})"
    return Finding(clash.conflict, correction, clash)


def _repeated(draft: str, knowledge: Knowledge, facts: Sequence[FactRow], zone: tzinfo) -> Iterator[Finding]:
    """Facts that ended and are given again without what holds now: the draft names the entity's old value alone."""
    said = undated(draft)
    for row in facts:
        if row.fact.valid_to is None or row.fact.negated or not stands(row.fact.value, said):
            continue
        now = knowledge.ask(row.fact.entity, row.fact.attribute, row.fact.scope)
        if now.value is None or now.status == "false" or stands(now.value, said):
            continue
        if not stands(row.fact.entity, said) or _day(row.fact.valid_to, zone) in draft:  # who says until when, knows
            continue
        holds = Fact(row.fact.entity, row.fact.attribute, now.value)
        conflict = Conflict(
            format_claim(row.fact), format_claim(holds), "it no longer holds", _STALE, now.confidence,
            (f"say {now.value} instead", f"say when {row.fact.value} was true"),
        )  # fmt: skip
        since = _day(now.since or row.fact.valid_to, zone)
        yield Finding(conflict, f"{format_claim(row.fact)} → {format_claim(holds)} ({since})")


def _gainsaid(draft: str, evidence: Sequence[State], zone: tzinfo) -> Iterator[Finding]:
    """Sentences of the draft that newer words contradict, unless the draft holds those words too."""
    said = [(sentence, state) for state in evidence for sentence in sentences(plain(state.text))]
    quoted = {sentence: state for sentence, state in said if sentence in draft}
    claims = [*quoted.items(), *((sentence, None) for sentence in sentences(draft) if not _quotes(sentence, quoted))]
    pairs = ((claim, source, newer, state) for claim, source in claims for newer, state in said)
    for place, (claim, source, newer, state) in enumerate(pairs):
        if place >= _MOST_PAIRS:
            return
        if newer in draft or (source is not None and (source.speaker != state.speaker or source.at >= state.at)):
            continue
        signal = contradiction(claim, newer)
        if signal is not None and (source is None or signal.kind != "number"):  # two days may have two counts
            ways = (f"say what {state.speaker} said last", "say both, with their dates")
            conflict = Conflict(claim, newer, signal.detail, signal.severity, signal.confidence, ways)
            day = _day(datetime.fromtimestamp(state.at, UTC), zone)
            yield Finding(conflict, f"{claim} → {newer} ({state.speaker}, {day})")


def _quotes(sentence: str, quoted: dict[str, State]) -> bool:
    return any(known in sentence for known in quoted)
