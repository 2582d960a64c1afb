"""Which memory stands before another in the talk: that of the nearest turn on the path to it that can be recalled.

What merely repeats (a companion without a model of its own echoes what it recalled), what was marked wrong and what was
deleted is stepped over, but not for ever: far back is another topic.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, select

from dmha.stores import schema

# Turns looked at: the echoes of two turns, and one between them that was deleted.
STEPS = 4


def before(turn_id: ColumnElement[Any], steps: int = STEPS) -> ColumnElement[Any]:
    """The memory of that turn, or of the nearest before it, as an expression; null where there is none."""
    turns, said = schema.turns.alias(), schema.memories.alias()
    words = and_(said.c.turn_id == turns.c.id, said.c.source != "dream")
    recalled = case((returns(said), said.c.id), else_=before(turns.c.parent_id, steps - 1) if steps > 1 else None)
    found = select(recalled).select_from(turns.join(said, words, isouter=True)).where(turns.c.id == turn_id)
    return found.scalar_subquery()


def returns(said: FromClause) -> ColumnElement[bool]:
    """The condition that a memory may be brought back at all: it is no mere echo, and nobody marked it wrong."""
    return and_(said.c.recallable, said.c.wrong.is_(False))


def following(connection: Connection, turn_id: int) -> list[tuple[int, int]]:
    """The memories before which that turn's may stand, with their versions."""
    turns, said = schema.turns, schema.memories
    words = and_(said.c.turn_id == turns.c.id, said.c.source != "dream")
    children = select(turns.c.id, said.c.id, said.c.version, returns(said)).join(said, words, isouter=True)
    found, through = list[tuple[int, int]](), [turn_id]
    for _ in range(STEPS):
        rows = connection.execute(children.where(turns.c.parent_id.in_(through))).all()
        found += [(memory, version) for _, memory, version, returning in rows if returning]
        through = [turn for turn, _, _, returning in rows if not returning]
    return found
