"""Writing memories: turns and all that came with them, summaries, changes, deletions; each with its change-log row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, Table, and_, bindparam, delete, func, insert, select, update

from dmha.errors import InvalidInput, NotFound, Stale
from dmha.records import Counted, Gist, Perceived, Remembered, Scope, Tip
from dmha.stores import schema
from dmha.stores.arrivals import HIDDEN
from dmha.stores.beside import following
from dmha.stores.changelog import log
from dmha.stores.dictionaries import Dictionaries, counted_values
from dmha.stores.inserting import insert_rows
from dmha.stores.knowledge import fact_row
from dmha.stores.perspectives import born, take_up
from dmha.stores.places import Places, allocate
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.removal import drop, drop_world, quoting, untell
from dmha.stores.requests import Requests
from dmha.stores.standing import made_of
from dmha.stores.tree import Node, Tree
from dmha.stores.variants import Variants


@dataclass(frozen=True, slots=True)
class _Told:
    """What a turn brings besides its words, as rows without ids."""

    impulses: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    rules: list[dict[str, Any]]


def _known(uids: Ids) -> Select[Any]:
    """Turns by their public ids, with what was first said in them."""
    turns, memories, versions = schema.turns, schema.memories, schema.memory_versions
    return (
        select(
            turns.c.uid,
            memories.c.id,
            memories.c.uid.label("memory_uid"),
            func.coalesce(versions.c.text, memories.c.text).label("said"),
            memories.c.version,
            schema.speakers.c.name,
            memories.c.private_to,
        )
        .join(memories, and_(memories.c.turn_id == turns.c.id, memories.c.source != "dream"), isouter=True)
        .join(schema.speakers, schema.speakers.c.id == memories.c.speaker_id, isouter=True)
        .join(versions, and_(versions.c.memory_id == memories.c.id, versions.c.version == 1), isouter=True)
        .where(turns.c.tenant_id == bindparam("tenant"), turns.c.uid.in_(uids))
    )


_KNOWN = Prepared(_known, named=True)


class Memories:
    """The write side of memories, inside one transaction."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self._connection = connection
        self._places = places
        self._tree = Tree(connection)
        self._variants = Variants(connection, self._tree)

    def remember(
        self,
        scope: Scope,
        session: str,
        turns: Sequence[Perceived],
        embedder_id: int,
        now: float,
        *,
        answers: str | None = None,
        replaces: str | None = None,
    ) -> Remembered:
        """Write the turns as children of one another; a turn whose uid is known already is left as it is.

        The first stands after the parent it names; else, where it `answers` a turn, after that; else, where it
        `replaces` one, in its place; else at the session's end. A known uid with another text is the caller's mistake.
        """
        known = self._known(scope, turns)
        fresh = [turn for turn in turns if turn.uid not in known]
        if not fresh:
            said = self._tree.find(scope, turns[-1].uid)
            last = self._tree.after(scope, said.session_id, said.uid)
            return Remembered(tuple(known[turn.uid] for turn in turns), last.tip)
        session_id = self._places.session(scope, session)
        if replaces is not None:
            after = self._instead(scope, session_id, replaces, fresh[0].uid)
        elif answers is not None:
            self._variants.refuse_rejected(scope, [answers])
            after = self._tree.after(scope, session_id, answers)
        elif fresh[0] is not turns[0]:  # a retry that adds more: it goes on from what is known
            before = next(before for before, turn in pairwise(turns) if turn is fresh[0])
            after = self._tree.after(scope, session_id, before.uid)
        else:
            after = self._tree.last(session_id)
        made, tip = self._insert(scope, session_id, fresh, after, embedder_id, now)
        known |= made
        return Remembered(tuple(known[turn.uid] for turn in turns), tip)

    def _instead(self, scope: Scope, session_id: int, replaced: str, uid: str) -> Node | None:
        """Take the replaced turn back; returns the turn after which the new one stands."""
        self._variants.refuse_rejected(scope, [replaced], "replaces")
        parent_id = self._variants.take_back(scope, session_id, replaced, uid)
        return None if parent_id is None else self._tree.node(parent_id)

    def add_gist(self, scope: Scope, session: str, gist: Gist, tip: Tip, embedder_id: int, now: float) -> int:
        """Write a summary made after that turn, with its links to what it was made of."""
        memory_id = allocate(self._connection, schema.memories)
        base = {
            "id": memory_id, "tenant_id": scope.tenant_id, "uid": gist.memory_uid, "turn_id": tip.turn_id,
            "session_id": self._places.session(scope, session), "speaker_id": self._places.speaker(scope, "dmha"),
            "kind": "summary", "source": "dream", "trust": 1.0, "private_to": None, "recallable": True, "version": 1,
            "at": gist.at, "recorded_at": now, "score0": gist.importance, "metadata": {}, "text": gist.text,
        }  # fmt: skip
        insert_rows(self._connection, schema.memories, [base])
        insert_rows(
            self._connection,
            schema.memory_sources,
            [{"memory_id": memory_id, "source_id": source} for source in gist.sources],
        )
        insert_rows(self._connection, schema.perspectives, [born(scope, memory_id, gist)])
        self._derived(scope, memory_id, gist.counted, gist.vector, embedder_id)
        log(self._connection, scope.tenant_id, [(memory_id, 1)])
        return memory_id

    def leave_window(self, tip: Tip, upto: int, characters: int) -> bool:
        """Take the turns up to that one out of the window at the tip, which is `characters` long then.

        False where the window is no longer what was read.
        """
        return self._tree.narrow(tip, upto, characters)

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
            self._derived(scope, row.id, said.counted, said.vector, embedder_id)
        felt = said.affect
        self._connection.execute(
            update(views)
            .where(views.c.memory_id == row.id, views.c.born)
            .values(importance=said.importance, joy=felt.joy, aversion=felt.aversion, trauma=felt.trauma)
        )
        drop(self._connection, scope.tenant_id, quoting(self._connection, [row.id]))
        if row.turn_id is not None and row.source != "dream":
            untell(self._connection, [row.turn_id])
            self._tell([_told(scope, row.turn_id, row.private_to, said, now)])

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

    def forget(self, scope: Scope, uid: str) -> None:
        """Delete a memory, what was told in its turn, its variants and the summaries that quote it."""
        row = self._row(scope, uid)
        if row.turn_id is not None and row.source != "dream":
            untell(self._connection, [row.turn_id])
            self._variants.forget(scope, row.turn_id)
            log(self._connection, scope.tenant_id, following(self._connection, row.turn_id))  # they follow another now
        drop(self._connection, scope.tenant_id, [row.id, *quoting(self._connection, [row.id])])

    def forget_all(self, user_id: str, world: str | None) -> None:
        """Delete everything of the account's one world, or of all; the tombstones stay, to tell other processes."""
        tenants = schema.tenants
        query = select(tenants.c.id, tenants.c.world).where(tenants.c.user_id == user_id)
        query = query if world is None else query.where(tenants.c.world == world)
        dictionaries = Dictionaries(self._connection)
        for tenant_id, name in self._connection.execute(query).all():
            version = 0 if name.startswith(HIDDEN) else dictionaries.version(tenant_id)
            drop_world(self._connection, tenant_id)
            dictionaries.go_on(tenant_id, version)
        Requests(self._connection).forget(user_id)
        if world is None:
            self._connection.execute(delete(schema.jobs).where(schema.jobs.c.user_id == user_id))

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
        insert_rows(
            self._connection,
            vectors,
            [{"memory_id": r.id, "embedder_id": embedder_id, "data": _blob(made[r.id])} for r in waiting],
        )
        for row in waiting:
            log(self._connection, row.tenant_id, [(row.id, row.version)])

    def _known(self, scope: Scope, turns: Sequence[Perceived]) -> dict[str, tuple[int, str]]:
        named = {turn.uid: turn for turn in turns if not turn.unheard_of}
        if not named:
            return {}
        known: dict[str, tuple[int, str]] = {}
        for row in _KNOWN.of(self._connection, list(named), tenant=scope.tenant_id):
            if row.id is None:
                raise InvalidInput(
                    "turn id", f"{row.uid!r} is a turn whose memory was deleted", "Say it anew under another id."
                )
            turn = named[row.uid]
            first = row.version == 1  # for whose ears it was said may have changed since
            same = (turn.text, turn.speaker, turn.private_to is None if first else None)
            if (row.said, row.name, row.private_to is None if first else None) != same:
                raise InvalidInput(
                    "turn id", f"{row.uid!r} was already used for another turn", "Give every turn an id of its own."
                )
            known[row.uid] = row.id, row.memory_uid
        self._variants.refuse_rejected(scope, [uid for uid in named if uid not in known])
        return known

    def _insert(
        self,
        scope: Scope,
        session_id: int,
        fresh: Sequence[Perceived],
        after: Node | None,
        embedder_id: int,
        now: float,
    ) -> tuple[dict[str, tuple[int, str]], Tip]:
        connection, count = self._connection, len(fresh)
        turn_id, memory_id = allocate(connection, schema.turns, count), allocate(connection, schema.memories, count)
        nodes = self._tree.grow(scope, session_id, fresh, turn_id, after)
        turns, memories, perspectives = [], [], []
        told: list[_Told] = []
        for offset, (turn, node) in enumerate(zip(fresh, nodes, strict=True)):
            memory = memory_id + offset
            private_to = None if turn.private_to is None else self._places.speaker(scope, turn.private_to)
            turns.append({
                "id": node.id, "tenant_id": scope.tenant_id, "uid": turn.uid, "session_id": session_id,
                "branch_id": node.branch_id, "parent_id": node.parent_id, "window_turns": node.window_turns,
                "window_characters": node.window_characters, "in_window": turn.kind == "episode", "recorded_at": now,
            })  # fmt: skip
            memories.append({
                "id": memory, "tenant_id": scope.tenant_id, "uid": turn.memory_uid, "turn_id": node.id,
                "session_id": session_id, "speaker_id": self._places.speaker(scope, turn.speaker), "kind": turn.kind,
                "source": turn.source, "trust": turn.trust, "private_to": private_to, "recallable": turn.recallable,
                "version": 1, "at": turn.at, "recorded_at": now, "score0": turn.importance,
                "metadata": dict(turn.metadata), "text": turn.text,
            })  # fmt: skip
            perspectives.append(born(scope, memory, turn))
            told.append(_told(scope, node.id, private_to, turn, now))
        for table, rows in ((schema.turns, turns), (schema.memories, memories), (schema.perspectives, perspectives)):
            insert_rows(connection, table, rows)
        self._tell(told)
        self._derived_many(scope, [(memory_id + i, turn) for i, turn in enumerate(fresh)], embedder_id)
        log(connection, scope.tenant_id, [(memory_id + offset, 1) for offset in range(count)])
        return {turn.uid: (memory_id + offset, turn.memory_uid) for offset, turn in enumerate(fresh)}, nodes[-1].tip

    def _tell(self, told: Sequence[_Told]) -> None:
        self._numbered(schema.impulses, [row for each in told for row in each.impulses])
        self._numbered(schema.facts, [row for each in told for row in each.facts])
        self._numbered(schema.rules, [row for each in told for row in each.rules])

    def _row(self, scope: Scope, uid: str) -> Any:
        memories = schema.memories
        row = self._connection.execute(
            select(memories).where(memories.c.tenant_id == scope.tenant_id, memories.c.uid == uid)
        ).first()
        if row is None:
            raise NotFound("memory", uid)
        return row

    def _derived(
        self, scope: Scope, memory_id: int, counted: Counted, vector: np.ndarray | None, embedder_id: int
    ) -> None:
        insert_rows(self._connection, schema.terms, [self._terms_row(scope, memory_id, counted)])
        insert_rows(
            self._connection,
            schema.vectors,
            [{"memory_id": memory_id, "embedder_id": embedder_id, "data": _blob(vector)}],
        )

    def _terms_row(self, scope: Scope, memory_id: int, counted: Counted) -> dict[str, Any]:
        return {"memory_id": memory_id, **counted_values(self._connection, scope.tenant_id, counted)}

    def _derived_many(self, scope: Scope, rows: Sequence[tuple[int, Perceived]], embedder_id: int) -> None:
        insert_rows(
            self._connection,
            schema.terms,
            [self._terms_row(scope, memory_id, turn.counted) for memory_id, turn in rows if turn.recallable],
        )
        insert_rows(
            self._connection,
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
            insert_rows(self._connection, table, [row | {"id": first + offset} for offset, row in enumerate(rows)])


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


def _blob(vector: np.ndarray | None) -> bytes:
    """A vector as float32 bytes; empty where the embedder does not serve the text, so that it is not asked again."""
    return b"" if vector is None else np.asarray(vector, dtype="<f4").tobytes()
