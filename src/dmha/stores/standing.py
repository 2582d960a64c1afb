"""What stands: what was marked wrong comes back to nobody, and neither does a summary while something that it was made
of is wrong or private. Kept out of sight, with all that it grew to, it stands again as soon as they do.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, FromClause, and_, or_, select

from dmha.stores import schema

# Of what was said; summaries have to look further (see `stands`).
NOT_WRONG = schema.memories.c.wrong.is_(False)


def stands(memory: FromClause) -> ColumnElement[bool]:
    """The condition that a memory may be told at all."""
    made = memory.c.source == "dream"  # of all others nothing has to be looked up
    return and_(memory.c.wrong.is_(False), or_(~made, in_sight(memory)))


def in_sight(memory: FromClause) -> ColumnElement[bool]:
    """The condition that a memory is there for who asks for it by its id, or for all there is."""
    links, sources = schema.memory_sources.alias(), schema.memories.alias()
    untold = or_(sources.c.wrong, sources.c.private_to.is_not(None))
    quoted = select(links.c.source_id).join(sources, sources.c.id == links.c.source_id)
    return ~quoted.where(links.c.memory_id == memory.c.id, untold).exists()


def made_of(connection: Connection, memory_id: int) -> list[tuple[int, int]]:
    """The summaries made of a memory, with their versions."""
    links, memories = schema.memory_sources, schema.memories
    made = select(memories.c.id, memories.c.version).join(links, links.c.memory_id == memories.c.id)
    return [(id, version) for id, version in connection.execute(made.where(links.c.source_id == memory_id))]
