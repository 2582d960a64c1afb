"""What every table stands in: the metadata and its names, the columns that most begin with, the next free ids."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

REVISION = "0005"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def own_id() -> Column[int]:
    """A table's own id; the next free one is in `counters`."""
    return Column("id", Integer, primary_key=True, autoincrement=False)


def refer(table: str, name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """A column that holds the id of a row of that table."""
    return Column(name, Integer, ForeignKey(f"{table}.id"), nullable=nullable, primary_key=primary_key)


# The next free integer id of each table: ids are handed out in the write's own transaction and never used again. The
# row "moment" is none of them: a number drawn anew by each commit that changes anything (see stores/moment).
counters = Table(
    "counters", metadata, Column("name", String(40), primary_key=True), Column("next", Integer, nullable=False)
)
