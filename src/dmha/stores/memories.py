"""Writing memories: turns and all that came with them, summaries, changes, deletions; each with its change-log row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update

from dmha.errors import InvalidInput, NotFound, Stale
from dmha.records import Counted, Gist, Perceived, Scope
from dmha.stores import schema
from dmha.stores.knowledge import fact_row
from dmha.stores.perspectives import born, take_up
from dmha.stores.places import CHUNK, Places, allocate

# What hangs on a memory and goes with it.
_DEPENDENT = (
    schema.vectors.c.memory_id,
    schema.terms.c.memory_id,
    schema.perspectives.c.memory_id,
    schema.recalls.c.memory_id,
    schema.memory_versions.c.memory_id,
    schema.memory_sources.c.memory_id,
    schema.memory_sources.c.source_id,
)
# What hangs on a turn and goes when its memory is deleted: what was told in it is no longer known.
_TOLD_IN_TURN = (schema.facts.c.turn_id, schema.rules.c.turn_id, schema.impulses.c.turn_id, schema.lessons.c.turn_id)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a turn brings besides its words, as rows without ids."""

    impulses: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    rules: list[dict[str, Any]]


class Memories:
    """The write side of memories, inside one transaction."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self._connection = connection
        self._places = places

    def remember(
        self, scope: Scope, session: str, turns: Sequence[Perceived], embedder_id: int, now: float
    ) -> list[tuple[int, str]]:
        """Write the turns as children of one another; a turn whose uid is known already is left as it is.

        Returns the memories' ids and public ids in the order of `turns`. A known uid with another text is the caller's
        mistake.
        """
        known = self._known(scope, turns)
        fresh = [turn for turn in turns if turn.uid not in known]
        if fresh:
            known |= self._insert(scope, session, fresh, embedder_id, now)
        return [known[turn.uid] for turn in turns]

    def add_gist(self, scope: Scope, session: str, gist: Gist, embedder_id: int, now: float) -> int:
        """Write a summary with its links to what it was made of."""
        memory_id = allocate(self._connection, schema.memories)
        base = {
            "id": memory_id, "tenant_id": scope.tenant_id, "uid": gist.memory_uid, "turn_id": None,
            "session_id": self._places.session(scope, session, now), "speaker_id": self._places.speaker(scope, "dmha"),
            "kind": "summary", "source": "dream", "trust": 1.0, "private_to": None, "recallable": True, "version": 1,
            "at": gist.at, "recorded_at": now, "score0": gist.importance, "metadata": {}, "text": gist.text,
        }  # fmt: skip
        self._connection.execute(insert(schema.memories), [base])
        self._many(schema.memory_sources, [{"memory_id": memory_id, "source_id": source} for source in gist.sources])
        self._many(schema.perspectives, [born(scope, memory_id, gist)])
        self._derived(memory_id, gist.counted, gist.vector, embedder_id)
        self._log(scope.tenant_id, [(memory_id, 1)])
        return memory_id

    def leave_window(self, turn_ids: Sequence[int]) -> int:
        """Take these turns out of the working window; returns how many were still in it."""
        turns = schema.turns
        done = self._connection.execute(
            update(turns).where(turns.c.id.in_(turn_ids), turns.c.in_window).values(in_window=False)
        )
        return int(done.rowcount)

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
    ) -> None:
        """A new version of a memory; the one before stays in its history. `version` is what the caller read.

        With `said`, its words are others: they are indexed, felt and understood anew, and what the old ones told falls.
        """
        memories = schema.memories
        row = self._row(scope, uid)
        if version is not None and version != row.version:
            raise Stale(f"memory {uid!r}", version, row.version)
        self._connection.execute(
            insert(schema.memory_versions).values(
                memory_id=row.id, version=row.version, recorded_at=row.recorded_at, metadata=row.metadata, text=row.text
            )
        )
        values = {"version": row.version + 1, "recorded_at": now}
        values |= {"text": said.text} if said is not None else {}
        values |= {"metadata": dict(metadata)} if metadata is not None else {}
        self._connection.execute(update(memories).where(memories.c.id == row.id).values(values))
        if said is not None:
            self._say_instead(scope, row, said, embedder_id, now)
        self._log(scope.tenant_id, [(row.id, row.version + 1)])

    def _say_instead(self, scope: Scope, row: Any, said: Perceived, embedder_id: int, now: float) -> None:
        views = schema.perspectives
        if row.recallable:
            for table in (schema.terms, schema.vectors):
                self._connection.execute(delete(table).where(table.c.memory_id == row.id))
            self._derived(row.id, said.counted, said.vector, embedder_id)
        felt = said.affect
        self._connection.execute(
            update(views)
            .where(views.c.memory_id == row.id)
            .values(importance=said.importance, joy=felt.joy, aversion=felt.aversion, trauma=felt.trauma)
        )
        quoting = self._quoting(row.id)
        if quoting:
            self._drop(scope.tenant_id, quoting)
        if row.turn_id is not None:
            self._untell(row.turn_id)
            self._tell([_told(scope, row.turn_id, row.private_to, said, now)])

    def set_perspective(self, scope: Scope, uid: str, /, **values: Any) -> None:
        """Set columns of this companion's perspective on a memory (pinned, say)."""
        perspectives = schema.perspectives
        row = self._row(scope, uid)
        take_up(self._connection, scope, [row.id])
        self._connection.execute(
            update(perspectives)
            .where(perspectives.c.companion_id == scope.companion_id, perspectives.c.memory_id == row.id)
            .values(values)
        )

    def forget(self, scope: Scope, uid: str) -> None:
        """Delete a memory, what was told in its turn, and the summaries that quote it; a tombstone stays in the log."""
        row = self._row(scope, uid)
        doomed = [row.id, *self._quoting(row.id)]
        if row.turn_id is not None:
            self._untell(row.turn_id)
        self._drop(scope.tenant_id, doomed)

    def _quoting(self, memory_id: int) -> list[int]:
        """The summaries made of this memory: they hold its words."""
        links = schema.memory_sources
        return list(self._connection.execute(select(links.c.memory_id).where(links.c.source_id == memory_id)).scalars())

    def _untell(self, turn_id: int) -> None:
        """Take back what was told in a turn; a fact that its reply ended holds again."""
        facts = schema.facts
        self._connection.execute(
            update(facts).where(facts.c.ended_by == turn_id).values(valid_to=None, note="", ended_by=None)
        )
        for column in _TOLD_IN_TURN:
            self._connection.execute(delete(column.table).where(column == turn_id))

    def forget_all(self, user_id: str, world: str | None) -> None:
        """Delete everything of the account's one world, or of all; the tombstones stay, to tell other processes."""
        tenants = schema.tenants
        query = select(tenants).where(tenants.c.user_id == user_id)
        for row in self._connection.execute(query if world is None else query.where(tenants.c.world == world)).all():
            self._forget_tenant(row.id)

    def _forget_tenant(self, tenant_id: int) -> None:
        run, memories, turns = self._connection.execute, schema.memories, schema.turns
        ids = list(run(select(memories.c.id).where(memories.c.tenant_id == tenant_id)).scalars())
        own_turns = select(turns.c.id).where(turns.c.tenant_id == tenant_id)
        own_speakers = select(schema.speakers.c.id).where(schema.speakers.c.tenant_id == tenant_id)
        for column in _TOLD_IN_TURN:
            run(delete(column.table).where(column.in_(own_turns)))
        for table in (schema.facts, schema.rules, schema.lessons, schema.outcomes):
            run(delete(table).where(table.c.tenant_id == tenant_id))
        for start in range(0, len(ids), CHUNK):
            self._drop(tenant_id, ids[start : start + CHUNK])
        run(update(turns).where(turns.c.tenant_id == tenant_id).values(parent_id=None, replaces_id=None))
        run(delete(turns).where(turns.c.tenant_id == tenant_id))
        run(delete(schema.sessions).where(schema.sessions.c.tenant_id == tenant_id))
        run(delete(schema.speaker_names).where(schema.speaker_names.c.speaker_id.in_(own_speakers)))
        run(delete(schema.speakers).where(schema.speakers.c.tenant_id == tenant_id))

    def revector(self, rows: Iterable[tuple[int, np.ndarray | None]], embedder_id: int) -> None:
        """Replace the vectors of these memories by ones of another embedder; None: it does not serve the text.

        A memory that was deleted, or given its vector, while the embedder was at work is left as it is.
        """
        memories, vectors, made = schema.memories, schema.vectors, dict(rows)
        mine = and_(vectors.c.memory_id == memories.c.id, vectors.c.embedder_id == embedder_id)
        waiting = self._connection.execute(
            select(memories.c.tenant_id, memories.c.id, memories.c.version)
            .join(vectors, mine, isouter=True)
            .where(memories.c.id.in_(made), vectors.c.memory_id.is_(None))
        ).all()
        self._connection.execute(delete(vectors).where(vectors.c.memory_id.in_([row.id for row in waiting])))
        self._many(
            vectors, [{"memory_id": r.id, "embedder_id": embedder_id, "data": _blob(made[r.id])} for r in waiting]
        )
        for row in waiting:
            self._log(row.tenant_id, [(row.id, row.version)])

    def _known(self, scope: Scope, turns: Sequence[Perceived]) -> dict[str, tuple[int, str]]:
        memories, table, versions = schema.memories, schema.turns, schema.memory_versions
        first = and_(versions.c.memory_id == memories.c.id, versions.c.version == 1)
        known: dict[str, tuple[int, str]] = {}
        for start in range(0, len(turns), CHUNK):
            given = {turn.uid: turn for turn in turns[start : start + CHUNK]}
            rows = self._connection.execute(
                select(
                    table.c.uid,
                    memories.c.id,
                    memories.c.uid.label("memory_uid"),
                    func.coalesce(versions.c.text, memories.c.text).label("said"),
                    schema.speakers.c.name,
                    memories.c.private_to,
                )
                .join(memories, memories.c.turn_id == table.c.id, isouter=True)
                .join(schema.speakers, schema.speakers.c.id == memories.c.speaker_id, isouter=True)
                .join(versions, first, isouter=True)
                .where(table.c.tenant_id == scope.tenant_id, table.c.uid.in_(given))
            )
            for row in rows:
                if row.id is None:
                    raise InvalidInput(
                        "turn id", f"{row.uid!r} is a turn whose memory was deleted", "Say it anew under another id."
                    )
                turn = given[row.uid]
                same = (turn.text, turn.speaker, turn.private_to is None)
                if (row.said, row.name, row.private_to is None) != same:
                    raise InvalidInput(
                        "turn id", f"{row.uid!r} was already used for another turn", "Give every turn an id of its own."
                    )
                known[row.uid] = row.id, row.memory_uid
        return known

    def _insert(
        self, scope: Scope, session: str, fresh: Sequence[Perceived], embedder_id: int, now: float
    ) -> dict[str, tuple[int, str]]:
        connection, count = self._connection, len(fresh)
        session_id = self._places.session(scope, session, now)
        turn_id, memory_id = allocate(connection, schema.turns, count), allocate(connection, schema.memories, count)
        parents = self._parents(scope, session_id, fresh, turn_id)
        turns, memories, perspectives = [], [], []
        told: list[_Told] = []
        for offset, turn in enumerate(fresh):
            this, memory = turn_id + offset, memory_id + offset
            private_to = None if turn.private_to is None else self._places.speaker(scope, turn.private_to)
            turns.append({
                "id": this, "tenant_id": scope.tenant_id, "uid": turn.uid, "session_id": session_id,
                "parent_id": parents[offset], "replaces_id": None, "active": True,
                "in_window": turn.kind == "episode", "recorded_at": now,
            })  # fmt: skip
            memories.append({
                "id": memory, "tenant_id": scope.tenant_id, "uid": turn.memory_uid, "turn_id": this,
                "session_id": session_id, "speaker_id": self._places.speaker(scope, turn.speaker), "kind": turn.kind,
                "source": turn.source, "trust": turn.trust, "private_to": private_to, "recallable": turn.recallable,
                "version": 1, "at": turn.at, "recorded_at": now, "score0": turn.importance,
                "metadata": dict(turn.metadata), "text": turn.text,
            })  # fmt: skip
            perspectives.append(born(scope, memory, turn))
            told.append(_told(scope, this, private_to, turn, now))
        for table, rows in ((schema.turns, turns), (schema.memories, memories), (schema.perspectives, perspectives)):
            connection.execute(insert(table), rows)
        self._tell(told)
        self._derived_many([(memory_id + i, turn) for i, turn in enumerate(fresh)], embedder_id)
        head = turn_id + count - 1
        connection.execute(update(schema.sessions).where(schema.sessions.c.id == session_id).values(head_id=head))
        self._log(scope.tenant_id, [(memory_id + offset, 1) for offset in range(count)])
        return {turn.uid: (memory_id + offset, turn.memory_uid) for offset, turn in enumerate(fresh)}

    def _tell(self, told: Sequence[_Told]) -> None:
        self._numbered(schema.impulses, [row for each in told for row in each.impulses])
        self._numbered(schema.facts, [row for each in told for row in each.facts])
        self._numbered(schema.rules, [row for each in told for row in each.rules])

    def _parents(self, scope: Scope, session_id: int, fresh: Sequence[Perceived], first: int) -> list[int | None]:
        """Each turn's parent: the one it names, else the one before it, the session's last for the first."""
        connection = self._connection
        head = connection.execute(select(schema.sessions.c.head_id).where(schema.sessions.c.id == session_id)).scalar()
        here = {turn.uid: first + offset for offset, turn in enumerate(fresh)}
        parents: list[int | None] = []
        for offset, turn in enumerate(fresh):
            if turn.parent is None:
                parents.append(head if offset == 0 else first + offset - 1)
            elif here.get(turn.parent, first + offset) < first + offset:
                parents.append(here[turn.parent])
            else:
                parents.append(self._turn_id(scope, turn.parent))
        return parents

    def _turn_id(self, scope: Scope, uid: str) -> int:
        turns = schema.turns
        found = self._connection.execute(
            select(turns.c.id).where(turns.c.tenant_id == scope.tenant_id, turns.c.uid == uid)
        ).scalar()
        if found is None:
            raise NotFound("turn", uid)
        return int(found)

    def _row(self, scope: Scope, uid: str) -> Any:
        memories = schema.memories
        row = self._connection.execute(
            select(memories).where(memories.c.tenant_id == scope.tenant_id, memories.c.uid == uid)
        ).first()
        if row is None:
            raise NotFound("memory", uid)
        return row

    def _drop(self, tenant_id: int, memory_ids: Sequence[int]) -> None:
        for column in _DEPENDENT:
            self._connection.execute(delete(column.table).where(column.in_(memory_ids)))
        self._connection.execute(delete(schema.memories).where(schema.memories.c.id.in_(memory_ids)))
        self._log(tenant_id, [(memory_id, 0) for memory_id in memory_ids], deleted=True)

    def _derived(self, memory_id: int, counted: Counted, vector: np.ndarray | None, embedder_id: int) -> None:
        self._many(schema.terms, [_terms_row(memory_id, counted)])
        self._many(schema.vectors, [{"memory_id": memory_id, "embedder_id": embedder_id, "data": _blob(vector)}])

    def _derived_many(self, rows: Sequence[tuple[int, Perceived]], embedder_id: int) -> None:
        self._many(schema.terms, [_terms_row(memory_id, turn.counted) for memory_id, turn in rows if turn.recallable])
        self._many(
            schema.vectors,
            [
                {"memory_id": memory_id, "embedder_id": embedder_id, "data": _blob(turn.vector)}
                for memory_id, turn in rows
                if turn.recallable
            ],
        )

    def _numbered(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            first = allocate(self._connection, table, len(rows))
            self._many(table, [row | {"id": first + offset} for offset, row in enumerate(rows)])

    def _many(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)

    def _log(self, tenant_id: int, versions: Sequence[tuple[int, int]], *, deleted: bool = False) -> None:
        self._many(
            schema.changes,
            [
                {"tenant_id": tenant_id, "memory_id": memory_id, "version": version, "deleted": deleted}
                for memory_id, version in versions
            ],
        )


def _told(scope: Scope, turn_id: int, private_to: int | None, said: Perceived, now: float) -> _Told:
    felt = said.affect
    impulse = {
        "companion_id": scope.companion_id, "turn_id": turn_id, "at": said.at, "joy": felt.joy,
        "aversion": felt.aversion, "trauma": felt.trauma,
    }  # fmt: skip
    return _Told(
        [impulse] if felt.joy or felt.aversion or felt.trauma else [],
        [fact_row(scope, turn_id, private_to, fact, said.at, now) for fact in said.facts],
        [
            {
                "tenant_id": scope.tenant_id,
                "turn_id": turn_id,
                "text": text,
                "recorded_at": now,
                "retracted_at": None,
                "private_to": private_to,
            }
            for text in said.rules
        ],
    )


def _terms_row(memory_id: int, counted: Counted) -> dict[str, Any]:
    return {
        "memory_id": memory_id, "language": counted.language, "length": counted.length, "data": counted.terms.tobytes()
    }  # fmt: skip


def _blob(vector: np.ndarray | None) -> bytes:
    """A vector as float32 bytes; empty where the embedder does not serve the text, so that it is not asked again."""
    return b"" if vector is None else np.asarray(vector, dtype="<f4").tobytes()
