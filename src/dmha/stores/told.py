"""What a turn tells besides its words: impulses of feeling, facts, rules. stores/removal takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from dmha.records import Perceived, Scope
from dmha.stores import schema
from dmha.stores.inserting import insert_rows
from dmha.stores.knowledge import fact_row
from dmha.stores.places import allocate


@dataclass(frozen=True, slots=True)
class Told:
    """What a turn brings besides its words, as rows without ids."""

    impulses: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    rules: list[dict[str, Any]]


def told_in(scope: Scope, turn_id: int, private_to: int | None, said: Perceived, now: float) -> Told:
    """What was told in this turn, for the same ears as its words."""
    felt = said.affect
    impulse = {
        "companion_id": scope.companion_id, "turn_id": turn_id, "at": said.at, "joy": felt.joy,
        "aversion": felt.aversion, "trauma": felt.trauma,
    }  # fmt: skip
    return Told(
        [impulse] if felt.joy or felt.aversion or felt.trauma else [],
        [fact_row(scope, turn_id, private_to, fact, said.at, now) for fact in said.facts],
        [
            {
                "tenant_id": scope.tenant_id,
                "turn_id": turn_id,
                "text": text,
                "recorded_at": now,
                "retracted_at": None,
                "private_to": private_to,
            }
            for text in said.rules
        ],
    )


def tell(connection: Connection, told: Sequence[Told]) -> None:
    """Write what these turns told; `untell` takes it back."""
    _numbered(connection, schema.impulses, [row for each in told for row in each.impulses])
    _numbered(connection, schema.facts, [row for each in told for row in each.facts])
    _numbered(connection, schema.rules, [row for each in told for row in each.rules])


def _numbered(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        first = allocate(connection, table, len(rows))
        insert_rows(connection, table, [row | {"id": first + offset} for offset, row in enumerate(rows)])
