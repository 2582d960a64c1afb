"""The shape of an export: which tables, in which order, and what stands in place of a file's own integer ids.

The first line is the header, then one line a row, table by table: what a row refers to stands before it, and is named
by its rank among the exported rows of its table, so that the same life gives the same bytes from any file. The last
line of a world counts its rows, so that a file that was cut is known. Counted terms are left out (they are made again
from the texts); vectors travel, since a caller may have given them.
"""

from __future__ import annotations

from sqlalchemy import Table

from dmha.stores import schema

TABLES: tuple[Table, ...] = (
    schema.companions,
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


# Which columns of each table refer to which exported tables.
REFERENCES = {table.name: _references(table) for table in TABLES}
