"""What happens to a companion as it lives: recalls, impulses of feeling, lessons, outcomes of keyed requests."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, func, insert, select, type_coerce, update

from dmha.records import Reinforcement, Scope, Telling
from dmha.stores import schema
from dmha.stores.engine import read_json
from dmha.stores.perspectives import take_up
from dmha.stores.places import allocate
from dmha.stores.prepared import Prepared
from dmha.stores.showing import memories_of, note, unsay


def _impulses() -> Select[Any]:
    impulses = schema.impulses
    felt = select(impulses.c.at, impulses.c.joy, impulses.c.aversion, impulses.c.trauma)
    felt = felt.where(impulses.c.companion_id == bindparam("companion"), impulses.c.at > bindparam("since"))
    return felt.order_by(impulses.c.at, impulses.c.id)


def _outcome() -> Select[Any]:
    outcomes = schema.outcomes
    return select(type_coerce(outcomes.c.body, Text)).where(
        outcomes.c.tenant_id == bindparam("tenant"),
        outcomes.c.companion_id == bindparam("companion"),
        outcomes.c.operation == bindparam("operation"),
        outcomes.c.key == bindparam("key"),
    )


# Every reply reads them.
_IMPULSES = Prepared(lambda _: _impulses())
_OUTCOME = Prepared(lambda _: _outcome())
_OF_NONE = Telling()


class Life:
    """The companion's own rows, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reinforce(
        self, scope: Scope, recalled: Sequence[Reinforcement], now: float, *, turn_uid: str | None, key: str | None
    ) -> None:
        """Strengthen this companion's perspective on what it recalled, for a turn's reply or a caller.

        One act of recall has no order: it is kept in that of the memories, not of a ranking that knew more then.
        """
        perspectives = schema.perspectives
        recalled = sorted(recalled, key=attrgetter("memory_id"))
        take_up(self._connection, scope, [item.memory_id for item in recalled])
        for item in recalled:
            self._connection.execute(
                update(perspectives)
                .where(perspectives.c.companion_id == scope.companion_id, perspectives.c.memory_id == item.memory_id)
                .values(half_life=item.half_life, recall_count=item.recall_count, tier=item.tier, last_recalled_at=now)
            )
        if recalled:
            turn_id = self._turn_id(scope, turn_uid)
            first = allocate(self._connection, schema.recalls, len(recalled))
            rows = [
                {
                    "id": first + i,
                    "companion_id": scope.companion_id,
                    "memory_id": item.memory_id,
                    "turn_id": turn_id,
                    "key": key,
                    "at": now,
                    "joy": item.joy,
                    "aversion": item.aversion,
                }
                for i, item in enumerate(recalled)
            ]
            self._connection.execute(insert(schema.recalls), rows)

    def impulses(self, scope: Scope, since: float) -> list[tuple[float, float, float, float]]:
        """The impulses of feeling since then: (at, joy, aversion, trauma)."""
        rows = _IMPULSES.all(self._connection, companion=scope.companion_id, since=since)
        return [(at, joy, aversion, trauma) for at, joy, aversion, trauma in rows]

    def feelings_about(self, scope: Scope) -> list[tuple[str, float, float, float, float]]:
        """Per speaker: (name, weight, and the importance-weighted sums of joy, aversion, trauma) over its memories."""
        memories, views, speakers = schema.memories, schema.perspectives, schema.speakers
        weight = func.sum(views.c.importance)
        rows = self._connection.execute(
            select(
                speakers.c.name,
                weight,
                func.sum(views.c.importance * views.c.joy),
                func.sum(views.c.importance * views.c.aversion),
                func.sum(views.c.importance * views.c.trauma),
            )
            .join(memories, memories.c.speaker_id == speakers.c.id)
            .join(views, views.c.memory_id == memories.c.id)
            .where(speakers.c.tenant_id == scope.tenant_id, views.c.companion_id == scope.companion_id)
            .where(memories.c.kind == "episode", memories.c.source == "user")
            .group_by(speakers.c.id)
            .order_by(speakers.c.id)
        )
        return [(str(name), float(w), float(j), float(a), float(t)) for name, w, j, a, t in rows]

    def learn(self, scope: Scope, question: str, answer: str, reason: str, *, turn_uid: str | None, now: float) -> None:
        """Queue a lesson: what should be answered when this is asked, and why it was learned."""
        self._connection.execute(
            insert(schema.lessons).values(
                id=allocate(self._connection, schema.lessons), tenant_id=scope.tenant_id,
                companion_id=scope.companion_id, turn_id=self._turn_id(scope, turn_uid), question=question,
                answer=answer, reason=reason, status="queued", at=now,
            )
        )  # fmt: skip

    def outcome(self, scope: Scope, operation: str, key: str) -> dict[str, Any] | None:
        """What this keyed request came to before, empty where that is gone; None when it is new."""
        named = {"tenant": scope.tenant_id, "companion": scope.companion_id, "operation": operation, "key": key}
        return next((dict(read_json(body)) for (body,) in _OUTCOME.all(self._connection, **named)), None)

    def conclude(
        self, scope: Scope, operation: str, key: str, body: dict[str, Any], now: float, telling: Telling = _OF_NONE
    ) -> None:
        """Keep what a keyed request came to, in the transaction of its effects, and with a reply what it stands on."""
        self._connection.execute(
            insert(schema.outcomes).values(
                tenant_id=scope.tenant_id, companion_id=scope.companion_id, operation=operation, key=key, at=now,
                body=body,
            )
        )  # fmt: skip
        turn_id = self._turn_id(scope, key) if operation == "contextualize" else None
        if turn_id is None:
            return
        stands_on = memories_of(self._connection, telling)
        if stands_on is None:  # a part of it was deleted meanwhile
            unsay(self._connection, scope.tenant_id, [turn_id])
        else:
            note(self._connection, turn_id, stands_on)

    def _turn_id(self, scope: Scope, uid: str | None) -> int | None:
        turns = schema.turns
        mine = (turns.c.tenant_id == scope.tenant_id, turns.c.uid == uid)
        return None if uid is None else self._connection.execute(select(turns.c.id).where(*mine)).scalar()
