"""Writing what is otherwise now: a memory's words and marks, and how a companion holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select, update

from dmha.errors import Stale
from dmha.records import Perceived, Scope
from dmha.stores import schema
from dmha.stores.beside import following
from dmha.stores.changelog import log
from dmha.stores.derived import derive
from dmha.stores.perspectives import take_up
from dmha.stores.removal import drop, quoting, untell
from dmha.stores.standing import made_of
from dmha.stores.told import tell, told_in
from dmha.stores.writing import Writing


class Changing(Writing):
    """What is otherwise now, inside one transaction."""

    def change(
        self,
        scope: Scope,
        uid: str,
        *,
        version: int | None,
        said: Perceived | None,
        metadata: Mapping[str, Any] | None,
        embedder_id: int,
        now: float,
        wrong: bool | None = None,
        private: bool | None = None,
    ) -> None:
        """A new version of a memory; the one before stays in its history. `version` is what the caller read.

        With `said`, its words are others: they are indexed, felt and understood anew, and what the old ones told falls.
        What is as it is to be makes no version.
        """
        memories = schema.memories
        row = self._row(scope, uid)
        if version is not None and version != row.version:
            raise Stale(f"memory {uid!r}", version, row.version)
        values: dict[str, Any] = {"text": said.text} if said is not None else {}
        values |= {"metadata": dict(metadata)} if metadata is not None else {}
        values |= {"wrong": wrong} if wrong not in (None, row.wrong) else {}
        if private not in (None, row.private_to is not None):
            values["private_to"] = self._confidant(row) if private else None
        if not values:
            return
        self._connection.execute(
            insert(schema.memory_versions).values(
                memory_id=row.id,
                version=row.version,
                recorded_at=row.recorded_at,
                wrong=row.wrong,
                private=row.private_to is not None,
                metadata=row.metadata,
                text=row.text,
            )
        )
        values |= {"version": row.version + 1, "recorded_at": now}
        self._connection.execute(update(memories).where(memories.c.id == row.id).values(values))
        changed = self._row(scope, uid)
        if said is not None:
            self._say_instead(scope, changed, said, embedder_id, now)
        if values.keys() & {"text", "wrong", "private_to"}:
            self._tell_otherwise(scope, changed, now)
        log(self._connection, scope.tenant_id, [(row.id, row.version + 1)])

    def _tell_otherwise(self, scope: Scope, row: Any, now: float) -> None:
        """What its turn told stands as the memory does, for the same ears; gists that quote it are looked at again."""
        log(self._connection, scope.tenant_id, made_of(self._connection, row.id))
        if row.turn_id is None or row.source == "dream":
            return
        told = {"private_to": row.private_to, "retracted_at": now if row.wrong else None}
        for table in (schema.facts, schema.rules):
            self._connection.execute(update(table).where(table.c.turn_id == row.turn_id).values(told))
        log(self._connection, scope.tenant_id, following(self._connection, row.turn_id))

    def _confidant(self, row: Any) -> int:
        """Whose ears it was for: its speaker's; a companion's reply, those of whom it answered."""
        memories, turns = schema.memories, schema.turns
        if row.source == "assistant":
            asked = select(memories.c.speaker_id).join(turns, turns.c.parent_id == memories.c.turn_id)
            asked = asked.where(turns.c.id == row.turn_id, memories.c.source != "dream")
            answered = self._connection.execute(asked).scalar()
            if answered is not None:
                return int(answered)
        return int(row.speaker_id)

    def _say_instead(self, scope: Scope, row: Any, said: Perceived, embedder_id: int, now: float) -> None:
        views = schema.perspectives
        if row.recallable:
            for table in (schema.terms, schema.vectors):
                self._connection.execute(delete(table).where(table.c.memory_id == row.id))
            derive(self._connection, scope, row.id, said.counted, said.vector, embedder_id)
        felt = said.affect
        self._connection.execute(
            update(views)
            .where(views.c.memory_id == row.id, views.c.born)
            .values(importance=said.importance, joy=felt.joy, aversion=felt.aversion, trauma=felt.trauma)
        )
        drop(self._connection, scope.tenant_id, quoting(self._connection, [row.id]))
        if row.turn_id is not None and row.source != "dream":
            untell(self._connection, [row.turn_id])
            tell(self._connection, [told_in(scope, row.turn_id, row.private_to, said, now)])

    def set_perspective(self, scope: Scope, uid: str, /, **values: Any) -> None:
        """Set columns of this companion's perspective on a memory: `pinned`, `raised`."""
        views = schema.perspectives
        row = self._row(scope, uid)
        take_up(self._connection, scope, [row.id])
        this = (views.c.companion_id == scope.companion_id, views.c.memory_id == row.id)
        self._connection.execute(update(views).where(*this).values(values))
        # One that began with a pin ends with it, as one that began with a recall does when that is taken back.
        idle = (~views.c.born, ~views.c.pinned, views.c.raised, views.c.recall_count == 0)
        self._connection.execute(delete(views).where(*this, *idle))
