"""Which moment of its life a file shows: a number drawn anew by each commit, so that two that differ never share one.

A count would not do: a backup that was restored counts on to numbers that its original has used for something else.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, select

from dmha.stores import schema

NAME = "moment"  # its row among the counters


def drawn() -> int:
    """The mark of a commit that changes anything."""
    return secrets.randbits(63)


def moment(connection: Connection) -> int:
    """The moment that this snapshot shows."""
    return int(connection.execute(select(schema.counters.c.next).where(schema.counters.c.name == NAME)).scalar_one())
