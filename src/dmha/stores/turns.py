"""Reading turns: the words that were said in them, the working window, what was said in their place before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, select

from dmha.records import Scope, Uttered
from dmha.stores import schema
from dmha.stores.places import CHUNK
from dmha.stores.prepared import Prepared
from dmha.stores.standing import NOT_WRONG
from dmha.stores.tree import Tree, window_path
from dmha.types import Turn

# A memory and the turn whose words it is; what was made of others, after a turn, has none.
SAID = and_(schema.memories.c.turn_id == schema.turns.c.id, schema.memories.c.source != "dream")


def _words() -> Select[Any]:
    """Turns with the words that were said in them, in their order."""
    turns, memories, speakers = schema.turns, schema.memories, schema.speakers
    private = schema.speakers.alias("private")
    return (
        select(
            turns.c.id.label("turn_id"), memories.c.id, turns.c.uid, speakers.c.name, memories.c.source,
            memories.c.text, memories.c.at, private.c.name.label("private_name"),
        )
        .join(memories, SAID)
        .join(speakers, speakers.c.id == memories.c.speaker_id)
        .join(private, private.c.id == memories.c.private_to, isouter=True)
        .order_by(turns.c.id)
    )  # fmt: skip


def _window() -> Select[Any]:
    """What was said in the window at the turn `:turn`."""
    path, turns = window_path(), schema.turns
    # The sum keeps SQLite from going through all of the tenant's turns to find these forty.
    here = and_(turns.c.tenant_id + 0 == bindparam("tenant"), schema.memories.c.kind == "episode", NOT_WRONG)
    return _words().join(path, path.c.id == turns.c.id).where(here)


_TURNS_OF = Prepared(
    lambda ids: select(schema.turns.c.id).join(schema.memories, SAID).where(schema.memories.c.id.in_(ids))
)
_UTTERED = _words().where(schema.turns.c.tenant_id == bindparam("tenant"))
_WINDOW = Prepared(lambda _: _window(), named=True)


class Turns:
    """The turns and their words, inside one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tree = Tree(connection)

    def window(self, scope: Scope, turn_id: int) -> list[Uttered]:
        """The working window at a turn, oldest first: the last of what was said on the path to it."""
        return [_uttered(row) for row in _WINDOW.all(self._connection, tenant=scope.tenant_id, turn=turn_id)]

    def aside(self, turn_id: int) -> frozenset[int]:
        """The turns of the same conversation that are not on the path to this one."""
        return self._tree.aside(turn_id)

    def turn(self, scope: Scope, uid: str) -> Uttered | None:
        """One turn by its public id, with its memory; None when it is unknown or its memory was deleted."""
        row = self._connection.execute(_UTTERED.where(schema.turns.c.uid == uid), {"tenant": scope.tenant_id}).first()
        return None if row is None else _uttered(row)

    def turns_of(self, memory_ids: Sequence[int]) -> frozenset[int]:
        """The turns whose words these memories are."""
        return frozenset(turn_id for (turn_id,) in _TURNS_OF.of(self._connection, memory_ids))

    def memories_of(self, turn_ids: Iterable[int]) -> list[int]:
        """The ids of the memories of these turns."""
        memories, wanted, found = schema.memories, sorted(turn_ids), list[int]()
        for start in range(0, len(wanted), CHUNK):
            chosen = memories.c.turn_id.in_(wanted[start : start + CHUNK])
            found += self._connection.execute(select(memories.c.id).where(chosen)).scalars()
        return found

    def variants(self, scope: Scope, uid: str) -> list[Turn]:
        """What was said in the place of this turn before it, in the order in which it was rejected."""
        variants = schema.variants
        rows = self._connection.execute(
            select(variants)
            .where(variants.c.tenant_id == scope.tenant_id, variants.c.instead == uid, variants.c.text != "")
            .order_by(variants.c.number)
        )
        return [
            Turn(
                row.text,
                row.speaker,
                datetime.fromtimestamp(row.at, UTC),
                row.uid,
                private=row.private,
                source=row.source,
            )
            for row in rows
        ]


def _uttered(row: Any) -> Uttered:
    return Uttered(row.turn_id, row.id, row.uid, row.name, row.source, row.text, row.at, row.private_name)
