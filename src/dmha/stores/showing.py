"""What a reply showed or stood on: once such a memory is deleted, what is kept of the reply's words goes with it.

The window, what was recalled and which facts were ended are known of each turn anyway; the rest is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, delete, literal, select, union, update

from dmha.records import Telling
from dmha.stores import schema
from dmha.stores.inserting import insert_rows
from dmha.stores.places import CHUNK
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.tree import window_path


def _of_ids(ids: Ids) -> Select[Any]:
    return select(schema.memories.c.id).where(schema.memories.c.id.in_(ids))


def _of_turns(ids: Ids) -> Select[Any]:
    memories = schema.memories
    return select(memories.c.id, memories.c.turn_id).where(memories.c.turn_id.in_(ids), memories.c.source != "dream")


def _in_window() -> Select[Any]:
    memories, path = schema.memories, window_path()
    return select(memories.c.id).join(path, path.c.id == memories.c.turn_id).where(memories.c.source != "dream")


def _noted(of: Table) -> Select[Any]:
    return select(of.c.memory_id).where(of.c.turn_id == bindparam("turn"))


def _showing(ids: Ids) -> Select[Any]:
    shown = schema.reply_memories
    return select(shown.c.turn_id).where(shown.c.memory_id.in_(ids))


def _recalling(ids: Ids) -> Select[Any]:
    recalls = schema.recalls
    return select(recalls.c.turn_id).where(recalls.c.memory_id.in_(ids), recalls.c.turn_id.is_not(None))


_OF_IDS, _OF_TURNS, _SHOWING, _RECALLING = map(Prepared, (_of_ids, _of_turns, _showing, _recalling))
_KNOWN = [
    Prepared(lambda _: _in_window()), Prepared(lambda _: _noted(schema.recalls)),
    Prepared(lambda _: _noted(schema.reply_memories)),  # of another companion's reply to the same turn
]  # fmt: skip


def memories_of(connection: Connection, telling: Telling) -> set[int] | None:
    """The memories that something stands on, those of turns among them; None where one is not there any more."""
    made_of = _OF_IDS.of(connection, list(telling.memory_ids))
    told_in = _OF_TURNS.of(connection, list(telling.turn_ids))  # a turn has one memory
    if (len(made_of), len({turn for _, turn in told_in})) != (len(telling.memory_ids), len(telling.turn_ids)):
        return None
    return {id for id, *_ in (*made_of, *told_in)}


def note(connection: Connection, turn_id: int, memory_ids: set[int]) -> None:
    """Write down what the reply to a turn stands on and nothing else tells of."""
    rest = memory_ids.difference(id for known in _KNOWN for (id,) in known.all(connection, turn=turn_id))
    rows = [{"memory_id": memory_id, "turn_id": turn_id} for memory_id in sorted(rest)]
    insert_rows(connection, schema.reply_memories, rows)


def answered_with(connection: Connection, memory_ids: Sequence[int]) -> set[int]:
    """The turns whose replies recalled these memories, or are noted to stand on them."""
    found = (*_SHOWING.of(connection, memory_ids), *_RECALLING.of(connection, memory_ids))
    return {turn_id for (turn_id,) in found}


def answered_after(connection: Connection, turn_id: int) -> set[int]:
    """The turns whose replies hold the words of this one: itself, what it answers, those in whose window it stood.

    And those whose replies ended a fact that it told, or one because of it.
    """
    turns, facts, endings = schema.turns, schema.facts, schema.endings
    after = select(turns.c.id, literal(1).label("place")).where(turns.c.id == turn_id).cte("after", recursive=True)
    next_ = select(turns.c.id, after.c.place + 1)
    after = after.union_all(next_.where(turns.c.parent_id == after.c.id, turns.c.window_turns > after.c.place))
    answered = select(turns.c.parent_id).where(turns.c.id == turn_id, turns.c.parent_id.is_not(None))
    told = select(facts.c.id).where(facts.c.turn_id == turn_id)
    ended = (select(endings.c.turn_id).where(fact.in_(told)) for fact in (endings.c.fact_id, endings.c.because_id))
    return set(connection.execute(union(select(after.c.id), answered, *ended)).scalars())


def unsay(connection: Connection, tenant_id: int, turn_ids: Iterable[int]) -> None:
    """Empty what is kept of the replies to these turns, and let go of what was learned from them; the keys stay."""
    outcomes, turns, some = schema.outcomes, schema.turns, sorted(turn_ids)
    for start in range(0, len(some), CHUNK):
        chunk = some[start : start + CHUNK]
        uids = select(turns.c.uid).where(turns.c.id.in_(chunk))
        replies = (outcomes.c.tenant_id == tenant_id, outcomes.c.operation == "contextualize", outcomes.c.key.in_(uids))
        connection.execute(update(outcomes).where(*replies).values(body={}))
        for of in (schema.lessons.c.turn_id, schema.reply_memories.c.turn_id):
            connection.execute(delete(of.table).where(of.in_(chunk)))
