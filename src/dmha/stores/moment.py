"""Which moment of its life a file shows: a number drawn anew by each commit, so that two that differ never share one.

A count would not do: a backup that was restored counts on to numbers that its original has used for something else.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select, update

from dmha.stores import schema

_STAMP = update(schema.counters).where(schema.counters.c.name == "moment")


def stamp(connection: Connection) -> None:
    """Mark what this transaction makes of the file as a moment of its own."""
    connection.execute(_STAMP, {"next": secrets.randbits(63)})


def moment(connection: Connection) -> int:
    """The moment that this snapshot shows."""
    return int(
        connection.execute(select(schema.counters.c.next).where(schema.counters.c.name == "moment")).scalar_one()
    )
