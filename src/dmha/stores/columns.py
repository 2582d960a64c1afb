"""The fine stage's columns: what a ranking reads of its candidates' true state, and no more.

A hundred candidates take 0.4 ms this way; their whole states take 4, and are read of those that are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, func, select

from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.records import Scope
from dmha.stores import schema
from dmha.stores.prepared import Ids, Prepared

# By the ranking language's names. A companion without a perspective is told what `Reading` tells it.
_NUMBERS: Mapping[str, ColumnElement[Any]] = MappingProxyType({
    "created_at": schema.memories.c.at,
    "score0": schema.memories.c.score0,
    "gist": case((schema.memories.c.kind == "summary", 1), else_=0),
    "half_life": func.coalesce(schema.perspectives.c.half_life, DEFAULT_HALF_LIFE),
    "recalls": func.coalesce(schema.perspectives.c.recall_count, 0),
    "last_recalled_at": func.coalesce(schema.perspectives.c.last_recalled_at, schema.memories.c.at),
    "importance": func.coalesce(schema.perspectives.c.importance, schema.memories.c.score0),
    "joy": func.coalesce(schema.perspectives.c.joy, 0.0),
    "aversion": func.coalesce(schema.perspectives.c.aversion, 0.0),
    "trauma": func.coalesce(schema.perspectives.c.trauma, 0.0),
    "pinned": func.coalesce(schema.perspectives.c.pinned, 0),
})  # fmt: skip
_TEXTS: Mapping[str, ColumnElement[Any]] = MappingProxyType({
    "text": schema.memories.c.text,
    "speaker": schema.speakers.c.name,
    "session": schema.sessions.c.name,
    "kind": schema.memories.c.kind,
    "uid": schema.memories.c.uid,
})  # fmt: skip

# The sum keeps SQLite from going through all memories of the tenant by its index, rather than to a few by their ids.
BY_ID_AND_OF_TENANT = schema.memories.c.tenant_id + 0 == bindparam("tenant")


def read_columns(
    connection: Connection, scope: Scope, memory_ids: Sequence[int], texts: frozenset[str]
) -> dict[str, Sequence[Any]]:
    """The columns of those of these memories that the tenant has, `memory_id` first among them, in no order.

    Of the texts (`text`, `speaker`, `session`) only those asked for: they have to be fetched from elsewhere.
    """
    names = ("memory_id", *_NUMBERS, *sorted(texts))
    rows = _statement(texts).of(connection, memory_ids, tenant=scope.tenant_id, companion=scope.companion_id)
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return dict(zip(names, columns, strict=True))


@lru_cache(maxsize=8)  # as many as there are sets of three texts
def _statement(texts: frozenset[str]) -> Prepared:
    def build(ids: Ids) -> Select[Any]:
        memories, views = schema.memories, schema.perspectives
        mine = and_(views.c.memory_id == memories.c.id, views.c.companion_id == bindparam("companion"))
        wanted = select(memories.c.id, *_NUMBERS.values(), *(_TEXTS[name] for name in sorted(texts)))
        query = wanted.select_from(memories).join(views, mine, isouter=True)
        if "speaker" in texts:
            query = query.join(schema.speakers, schema.speakers.c.id == memories.c.speaker_id)
        if "session" in texts:
            query = query.join(schema.sessions, schema.sessions.c.id == memories.c.session_id)
        return query.where(memories.c.id.in_(ids), BY_ID_AND_OF_TENANT)

    return Prepared(build)
