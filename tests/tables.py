"""What the tables of the truth hold, counted past every door."""

from __future__ import annotations

from sqlalchemy import func, select

from dmha.mind import Mind
from dmha.stores import schema
from dmha.stores.truth import Truth


def counts(mind: Mind) -> dict[str, int]:
    """How many rows each table of the truth holds."""
    truth = mind._truth
    assert isinstance(truth, Truth)
    with truth._engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        }


def rows(mind: Mind) -> int:
    """How many rows the truth holds in all."""
    return sum(counts(mind).values())
