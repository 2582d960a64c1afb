"""How one companion holds a memory: its tier, and the row it starts with, when born or taken up from another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, false, func, insert, literal, select, true

from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.records import Gist, Perceived, Scope
from dmha.stores import schema
from dmha.stores.columns import BY_ID_AND_OF_TENANT
from dmha.stores.places import CHUNK

# What is in the message window is working memory, however the companion holds it otherwise.
TIER = case(
    (schema.turns.c.in_window.is_(True), "working"), else_=func.coalesce(schema.perspectives.c.tier, "short_term")
)


def born(scope: Scope, memory_id: int, memory: Perceived | Gist) -> dict[str, Any]:
    """The perspective of the companion to whom it happened."""
    return {
        "companion_id": scope.companion_id, "memory_id": memory_id, "half_life": memory.half_life, "recall_count": 0,
        "last_recalled_at": memory.at, "tier": "short_term", "importance": memory.importance,
        "joy": memory.affect.joy, "aversion": memory.affect.aversion, "trauma": memory.affect.trauma, "pinned": False,
        "raised": True, "born": True,
    }  # fmt: skip


def take_up(connection: Connection, scope: Scope, memory_ids: Sequence[int]) -> None:
    """Give this companion a perspective on those of the memories of its world that it has none on yet.

    They are what `Reading` tells of a memory without one: in a shared world every event has one memory, and each
    companion's own view of it begins when something of that companion's changes it.
    """
    memories, views = schema.memories, schema.perspectives
    view = and_(views.c.memory_id == memories.c.id, views.c.companion_id == scope.companion_id)
    for start in range(0, len(memory_ids), CHUNK):
        unseen = (
            select(
                literal(scope.companion_id), memories.c.id, literal(DEFAULT_HALF_LIFE), literal(0), memories.c.at,
                literal("short_term"), memories.c.score0, literal(0.0), literal(0.0), literal(0.0), false(), true(),
                false(),
            )
            .join(views, view, isouter=True)
            .where(BY_ID_AND_OF_TENANT, memories.c.id.in_(memory_ids[start : start + CHUNK]))
            .where(views.c.memory_id.is_(None))
        )  # fmt: skip
        taken = insert(views).from_select([column.name for column in views.c], unseen)
        connection.execute(taken, {"tenant": scope.tenant_id})
