"""The knowledge of one companion's world as callers hold it: tell, ask, and see what contradicts what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from dmha.checks import MOST_QUERY, check_names, check_text
from dmha.domain.logic import FactStatement, Knowledge, parse_told
from dmha.faculties.consistency import knowledge_of
from dmha.protocols import Also, Ledger, Truth, nothing_else
from dmha.records import Place
from dmha.types import Answer, Conflict, Fact


class KnowledgeBase:
    """Facts and rules of one place. Every call sees what was committed before it."""

    def __init__(self, truth: Truth, place: Place, now: Callable[[], datetime], zone: str) -> None:
        self._truth = truth
        self._place = place
        self._now = now
        self._zone = zone

    def tell(self, statement: str, *, also: Also[None] = nothing_else) -> None:
        """Tell one `fact:`, `deny:` or `rule:`; nothing told before is deleted by it."""
        told = parse_told(check_text("statement", statement, most=MOST_QUERY))
        now = self._now().timestamp()

        def unit(ledger: Ledger) -> None:
            scope = ledger.places.ensure(self._place, self._zone, now)
            if isinstance(told, FactStatement):
                ledger.knowledge.tell(scope, told.fact(), now)
            else:
                ledger.knowledge.tell_rule(scope, told.text, now)
            also(ledger, None)

        self._truth.write(unit)

    def ask(self, entity: str, attribute: str, *, scope: str = "", present: Iterable[str] = ()) -> Answer:
        """What holds of `entity.attribute` now, since when, and why; `unknown` comes with its reason."""
        for field, name in (("entity", entity), ("attribute", attribute)):
            check_text(field, name, most=MOST_QUERY)
        return self._knowledge(check_names("present", present)).ask(entity, attribute, scope)

    def conflicts(self, *, present: Iterable[str] = ()) -> list[Conflict]:
        """What contradicts what, with ways out; the side that gives way is `left`."""
        return [clash.conflict for clash in self._knowledge(check_names("present", present)).conflicts()]

    def facts(self, *, present: Iterable[str] = ()) -> list[Fact]:
        """All that holds now, told or concluded; a conclusion names its rule and premises."""
        return list(self._knowledge(check_names("present", present)).closure())

    def _knowledge(self, present: tuple[str, ...]) -> Knowledge:
        with self._truth.read() as ledger:
            place = ledger.places.find(self._place)
            if place is None:
                return knowledge_of([], [], self._now())
            return knowledge_of(
                ledger.knowledge.facts(place, present), ledger.knowledge.rules(place, present), self._now()
            )
