"""What goes when a memory, a turn's telling or a whole world goes; each memory leaves a tombstone in the change log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, or_, select, update

from dmha.stores import schema
from dmha.stores.changelog import log
from dmha.stores.group import group_of
from dmha.stores.places import CHUNK
from dmha.stores.requests import forget_answers
from dmha.stores.showing import answered_with, unsay

# What hangs on a memory and goes with it.
_DEPENDENT = (
    schema.vectors.c.memory_id,
    schema.terms.c.memory_id,
    schema.perspectives.c.memory_id,
    schema.recalls.c.memory_id,
    schema.memory_versions.c.memory_id,
    schema.memory_sources.c.memory_id,
    schema.memory_sources.c.source_id,
    schema.reply_memories.c.memory_id,
)
# What an ending stands on: the fact that it ends, and the one because of which.
_FACTS_OF_ENDINGS = (schema.endings.c.fact_id, schema.endings.c.because_id)
# What was told in a turn besides its words.
_TOLD_IN_TURN = (schema.facts.c.turn_id, schema.rules.c.turn_id, schema.impulses.c.turn_id, schema.lessons.c.turn_id)


def quoting(connection: Connection, memory_ids: Sequence[int]) -> list[int]:
    """The summaries made of these memories: they hold their words."""
    links, found = schema.memory_sources, list[int]()
    for start in range(0, len(memory_ids), CHUNK):
        made = select(links.c.memory_id).where(links.c.source_id.in_(memory_ids[start : start + CHUNK]))
        found += connection.execute(made.distinct()).scalars()
    return found


def untell(connection: Connection, turn_ids: Sequence[int]) -> None:
    """Take back what was told in these turns; a fact that the reply to one of them ended holds again."""
    facts, endings = schema.facts, schema.endings
    for start in range(0, len(turn_ids), CHUNK):
        chunk = turn_ids[start : start + CHUNK]
        told = select(facts.c.id).where(facts.c.turn_id.in_(chunk))
        connection.execute(
            delete(endings).where(or_(endings.c.turn_id.in_(chunk), *(fact.in_(told) for fact in _FACTS_OF_ENDINGS)))
        )
        for column in _TOLD_IN_TURN:
            connection.execute(delete(column.table).where(column.in_(chunk)))


def drop(connection: Connection, tenant_id: int, memory_ids: Sequence[int]) -> None:
    """Delete these memories and all that hangs on them, what is kept of answers that tell of them among it."""
    forget_answers(connection, memory_ids)
    unsay(connection, tenant_id, answered_with(connection, memory_ids))
    for start in range(0, len(memory_ids), CHUNK):
        chunk = memory_ids[start : start + CHUNK]
        _unbring(connection, tenant_id, chunk)
        for column in _DEPENDENT:
            connection.execute(delete(column.table).where(column.in_(chunk)))
        connection.execute(delete(schema.memories).where(schema.memories.c.id.in_(chunk)))
    log(connection, tenant_id, [(memory_id, 0) for memory_id in memory_ids], deleted=True)


def _unbring(connection: Connection, tenant_id: int, memory_ids: Sequence[int]) -> None:
    """Keyed recalls that brought back these memories did not bring them."""
    outcomes, recalls, memories = schema.outcomes, schema.recalls, schema.memories
    keys = select(recalls.c.key).where(recalls.c.memory_id.in_(memory_ids), recalls.c.key.is_not(None))
    brought = (outcomes.c.tenant_id == tenant_id, outcomes.c.operation == "recall", outcomes.c.key.in_(keys))
    rows = connection.execute(select(outcomes).where(*brought)).all()
    gone = (
        set(connection.execute(select(memories.c.uid).where(memories.c.id.in_(memory_ids))).scalars()) if rows else ()
    )
    for row in rows:
        this = (*brought[:2], outcomes.c.companion_id == row.companion_id, outcomes.c.key == row.key)
        hits = [hit for hit in row.body["hits"] if hit["id"] not in gone]
        connection.execute(update(outcomes).where(*this).values(body=row.body | {"hits": hits}))


def drop_world(connection: Connection, tenant_id: int) -> None:
    """Delete everything that a tenant holds; its name and its tombstones stay, to tell other processes."""
    run, memories, turns, sessions = connection.execute, schema.memories, schema.turns, schema.sessions
    own_turns = select(turns.c.id).where(turns.c.tenant_id == tenant_id)
    own_facts = select(schema.facts.c.id).where(schema.facts.c.tenant_id == tenant_id)
    own_sessions = select(sessions.c.id).where(sessions.c.tenant_id == tenant_id)
    own_speakers = select(schema.speakers.c.id).where(schema.speakers.c.tenant_id == tenant_id)
    run(delete(schema.endings).where(schema.endings.c.fact_id.in_(own_facts)))
    run(delete(schema.impulses).where(schema.impulses.c.turn_id.in_(own_turns)))
    for table in (schema.facts, schema.rules, schema.lessons, schema.outcomes, schema.variants, schema.words):
        run(delete(table).where(table.c.tenant_id == tenant_id))
    drop(connection, tenant_id, list(run(select(memories.c.id).where(memories.c.tenant_id == tenant_id)).scalars()))
    run(update(turns).where(turns.c.tenant_id == tenant_id).values(parent_id=None))
    run(delete(turns).where(turns.c.tenant_id == tenant_id))
    run(update(schema.branches).where(schema.branches.c.session_id.in_(own_sessions)).values(parent_id=None))
    run(delete(schema.branches).where(schema.branches.c.session_id.in_(own_sessions)))
    run(delete(sessions).where(sessions.c.tenant_id == tenant_id))
    run(delete(schema.speaker_names).where(schema.speaker_names.c.speaker_id.in_(own_speakers)))
    run(delete(schema.speakers).where(schema.speakers.c.tenant_id == tenant_id))
    run(delete(schema.arrivals).where(schema.arrivals.c.tenant_id == tenant_id))
    group_of(connection).memo.clear()  # the next unit of this transaction must not find what is gone
