"""Facts and rules in the truth: told, ended with a reason, read back; nothing here reasons."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, bindparam, func, insert, literal, or_, select

from dmha.records import FactRow, RuleRow, Scope
from dmha.stores import schema
from dmha.stores.places import Places, allocate
from dmha.stores.prepared import Prepared
from dmha.types import Fact


class Knowledge:
    """What a tenant was told, inside one transaction."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self._connection = connection
        self._places = places

    def facts(self, scope: Scope, present: tuple[str, ...], aside: frozenset[int] = frozenset()) -> list[FactRow]:
        """Every fact, in the order told; what was told in private only while its speaker is present.

        One that was taken back, for its memory was marked wrong, ended with that, and what it ended holds. What was
        told or ended in the turns `aside`, on other branches, is as if it had not been.
        """
        there = self._there(scope, present)
        rows = _FACTS.all(self._connection, tenant=scope.tenant_id)
        ended = self._ended(scope, aside)
        return [_fact(row, ended.get(row.id)) for row in rows if row.turn_id not in aside and row.private_to in there]

    def _ended(self, scope: Scope, aside: frozenset[int]) -> dict[int, float]:
        """When the first of its endings ended each fact that ended."""
        rows = _ENDINGS.all(self._connection, tenant=scope.tenant_id)
        return {fact_id: valid_to for fact_id, turn_id, valid_to in rows if turn_id not in aside}

    def rules(self, scope: Scope, present: tuple[str, ...]) -> list[RuleRow]:
        """Every rule not taken back, in the order told; a private one only while its speaker is present."""
        there = self._there(scope, present)
        return [
            RuleRow(row.text, row.uid, datetime.fromtimestamp(row.recorded_at, UTC), row.turn_id)
            for row in _RULES.all(self._connection, tenant=scope.tenant_id)
            if row.private_to in there
        ]

    def _there(self, scope: Scope, present: tuple[str, ...]) -> Collection[int | None]:
        """To whom what is told in private may be told for these to hear it; None: to everybody."""
        return {None, *(self._places.find_speaker(scope, name) for name in present)}

    def tell(self, scope: Scope, fact: Fact, now: float) -> None:
        """Write a fact that was told outside a turn."""
        row = fact_row(scope, None, None, fact, now, now) | {"id": allocate(self._connection, schema.facts)}
        self._connection.execute(insert(schema.facts), [row])

    def tell_rule(self, scope: Scope, text: str, now: float) -> None:
        """Write a rule that was told outside a turn."""
        made = allocate(self._connection, schema.rules)
        self._connection.execute(
            insert(schema.rules).values(id=made, tenant_id=scope.tenant_id, turn_id=None, text=text, recorded_at=now)
        )

    def end(self, scope: Scope, fact_id: int, valid_to: float, note: str, because: int | None, turn_uid: str) -> None:
        """End a fact's truth, with the reason and the turn that brought it to light; the fact stays.

        A turn ends a fact once. Another turn may have ended it too: that one can be taken back, or stand aside. The
        fact holds again when the turn is taken back, or the fact `because` of which it ended.
        """
        turns, facts, endings = schema.turns, schema.facts, schema.endings
        here = and_(turns.c.tenant_id == facts.c.tenant_id, turns.c.uid == turn_uid)
        ended = select(facts.c.id, turns.c.id, literal(because, Integer), literal(valid_to), literal(note))
        ended = ended.join(turns, here).where(
            facts.c.id == fact_id,
            facts.c.tenant_id == scope.tenant_id,
            or_(facts.c.valid_to.is_(None), facts.c.valid_to > valid_to),
            ~select(endings).where(endings.c.fact_id == facts.c.id, endings.c.turn_id == turns.c.id).exists(),
        )
        self._connection.execute(insert(endings).from_select([column.name for column in endings.c], ended))


def _facts() -> Select[Any]:
    facts, turns = schema.facts, schema.turns
    told = select(facts, turns.c.uid).join(turns, turns.c.id == facts.c.turn_id, isouter=True)
    return told.where(facts.c.tenant_id == bindparam("tenant")).order_by(facts.c.id)


def _endings() -> Select[Any]:
    """What ended facts and was not taken back, the first to end one after all others."""
    facts, endings, because, said = schema.facts, schema.endings, schema.facts.alias(), schema.memories
    return (
        select(endings.c.fact_id, endings.c.turn_id, endings.c.valid_to)
        .join(facts, facts.c.id == endings.c.fact_id)
        .join(because, because.c.id == endings.c.because_id, isouter=True)
        .join(said, and_(said.c.turn_id == endings.c.turn_id, said.c.source != "dream"), isouter=True)
        .where(facts.c.tenant_id == bindparam("tenant"), because.c.retracted_at.is_(None))
        .where(func.coalesce(said.c.wrong, False).is_(False))
        .order_by(endings.c.valid_to.desc())
    )


def _rules() -> Select[Any]:
    rules, turns = schema.rules, schema.turns
    told = select(rules.c.text, turns.c.uid, rules.c.recorded_at, rules.c.turn_id, rules.c.private_to)
    told = told.join(turns, turns.c.id == rules.c.turn_id, isouter=True)
    return told.where(rules.c.tenant_id == bindparam("tenant"), rules.c.retracted_at.is_(None)).order_by(rules.c.id)


# Every reply reads them.
_FACTS = Prepared(lambda _: _facts(), named=True)
_ENDINGS = Prepared(lambda _: _endings())
_RULES = Prepared(lambda _: _rules(), named=True)


def fact_row(
    scope: Scope, turn_id: int | None, private_to: int | None, fact: Fact, at: float, now: float
) -> dict[str, Any]:
    """A fact as a row without its id; valid from when it was said unless it says otherwise."""
    return {
        "tenant_id": scope.tenant_id, "turn_id": turn_id, "entity": fact.entity, "attribute": fact.attribute,
        "value": fact.value, "negated": fact.negated, "confidence": fact.confidence, "scope": fact.scope,
        "valid_from": at if fact.valid_from is None else fact.valid_from.timestamp(),
        "valid_to": None if fact.valid_to is None else fact.valid_to.timestamp(),
        "recorded_at": now, "retracted_at": None, "private_to": private_to,
    }  # fmt: skip


def _fact(row: Any, ended_at: float | None) -> FactRow:
    ends = (row.valid_to, ended_at, row.retracted_at)
    fact = Fact(
        entity=row.entity,
        attribute=row.attribute,
        value=row.value,
        negated=bool(row.negated),
        confidence=row.confidence,
        scope=row.scope,
        valid_from=_moment(row.valid_from),
        valid_to=_moment(min((end for end in ends if end is not None), default=None)),
        source=row.uid,
    )
    learned, private = datetime.fromtimestamp(row.recorded_at, UTC), row.private_to is not None
    return FactRow(row.id, fact, learned, private, row.turn_id, row.retracted_at is not None)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
