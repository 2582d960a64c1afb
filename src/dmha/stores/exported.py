"""The shape of an export: which tables, in which order, and what stands in place of a file's own integer ids.

The first line is the header, then one line a row, table by table: what a row refers to stands before it, and is named
by its rank among the exported rows of its table, so that the same life gives the same bytes from any file. The last
line of a world counts its rows, so that a file that was cut is known. Counted terms are left out (they are made again
from the texts); vectors travel, since a caller may have given them. Variants stay: what was said and then said
otherwise is no part of the life.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Table, UniqueConstraint, literal_column, or_, select

from dmha.stores import schema

TABLES: tuple[Table, ...] = (
    schema.companions,
    schema.words,
    schema.speakers,
    schema.speaker_names,
    schema.sessions,
    schema.turns,
    schema.memories,
    schema.memory_versions,
    schema.memory_sources,
    schema.perspectives,
    schema.recalls,
    schema.impulses,
    schema.facts,
    schema.endings,
    schema.rules,
    schema.lessons,
    schema.outcomes,
    schema.reply_memories,
    schema.vectors,
)
END = "end"
# What the importing file gives anew, or finds again from the rest.
LEFT_OUT = frozenset({"id", "tenant_id", "user_id", "branch_id", "in_window"})


def _references(table: Table) -> dict[str, str]:
    return {
        column.name: key.column.table.name
        for column in table.c
        for key in column.foreign_keys
        if key.column.table in TABLES
    }


def _keys(table: Table) -> tuple[tuple[str, ...], ...]:
    found = [constraint.columns for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    found += [] if "id" in table.c else [table.primary_key.columns]
    return tuple(tuple(column.name for column in columns if column.name not in LEFT_OUT) for columns in found)


# Which columns of each table refer to which exported tables; which columns tell its rows apart within a world.
REFERENCES = {table.name: _references(table) for table in TABLES}
KEYS = {table.name: _keys(table) for table in TABLES}
REFERRED = frozenset(target for references in REFERENCES.values() for target in references.values())


def row_id(table: Table) -> ColumnElement[int]:
    """What SQLite knows a row by: narrow enough to hold one for each row of a life."""
    return table.c.id if "id" in table.c else literal_column(f"{table.name}.rowid")


def belongs(table: Table, tenant_id: int, user_id: str, world: str) -> ColumnElement[bool]:
    """The condition that a row belongs to this tenant, through what it hangs on."""
    memories = select(schema.memories.c.id).where(schema.memories.c.tenant_id == tenant_id)
    turns = select(schema.turns.c.id).where(schema.turns.c.tenant_id == tenant_id)
    if table is schema.companions:
        views, impulses = schema.perspectives, schema.impulses
        lived = or_(
            table.c.id.in_(select(views.c.companion_id).where(views.c.memory_id.in_(memories))),
            table.c.id.in_(select(impulses.c.companion_id).where(impulses.c.turn_id.in_(turns))),
            *(
                table.c.id.in_(select(other.c.companion_id).where(other.c.tenant_id == tenant_id))
                for other in (schema.lessons, schema.outcomes)
            ),
            table.c.agent_id == world.removeprefix("agent:"),
        )
        return (table.c.user_id == user_id) & lived
    if table in (schema.speakers, schema.sessions):
        return (table.c.tenant_id == tenant_id) & _named(table, tenant_id)
    if "tenant_id" in table.c:
        return table.c.tenant_id == tenant_id
    if "memory_id" in table.c:
        return table.c.memory_id.in_(memories)
    if table is schema.speaker_names:
        speakers = select(schema.speakers.c.id).where(schema.speakers.c.tenant_id == tenant_id)
        return table.c.speaker_id.in_(speakers)
    return table.c.turn_id.in_(turns)


def _named(table: Table, tenant_id: int) -> ColumnElement[bool]:
    """The condition that something still refers to the row: a speaker or a session may outlive all it said."""
    columns = [column for other in TABLES for column in other.c if column.references(table.c.id)]
    return or_(
        *(
            table.c.id.in_(
                select(column).where(
                    column.is_not(None), *([of.tenant_id == tenant_id] if "tenant_id" in (of := column.table.c) else [])
                )
            )
            for column in columns
        )
    )


def in_order(table: Table) -> list[ColumnElement[object]]:
    """The order of export: by names where a row has one, else of ids, so that the same life gives the same lines."""
    companions, speakers = schema.companions, schema.speakers
    if table is companions:
        return [table.c.agent_id]
    if table in (speakers, schema.sessions):
        return [table.c.name]
    if table is schema.speaker_names:
        return [select(speakers.c.name).where(speakers.c.id == table.c.speaker_id).scalar_subquery(), table.c.name]
    if "id" in table.c:
        return [table.c.id]
    key: list[ColumnElement[object]] = [c for c in table.primary_key.columns if c.name != "companion_id"]
    if "companion_id" in table.c:
        key.append(select(companions.c.agent_id).where(companions.c.id == table.c.companion_id).scalar_subquery())
    return key
