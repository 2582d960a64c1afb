"""Writing what is new: turns and all that came with them, and the summaries made of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, select

from dmha.errors import InvalidInput
from dmha.records import Gist, Perceived, Remembered, Scope, Tip
from dmha.stores import schema
from dmha.stores.changelog import log
from dmha.stores.derived import derive, derive_many
from dmha.stores.inserting import insert_rows
from dmha.stores.perspectives import born
from dmha.stores.places import allocate
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.told import Told, tell, told_in
from dmha.stores.tree import Node
from dmha.stores.writing import Writing


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


class Remembering(Writing):
    """What is new, inside one transaction."""

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
            self._variants.refuse_rejected(scope, {answers: "turn_id"})
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
        self._variants.refuse_rejected(scope, {replaced: "replaces"})
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
        derive(self._connection, scope, memory_id, gist.counted, gist.vector, embedder_id)
        log(self._connection, scope.tenant_id, [(memory_id, 1)])
        return memory_id

    def leave_window(self, tip: Tip, upto: int, characters: int) -> bool:
        """Take the turns up to that one out of the window at the tip, which is `characters` long then.

        False where the window is no longer what was read.
        """
        return self._tree.narrow(tip, upto, characters)

    def _known(self, scope: Scope, turns: Sequence[Perceived]) -> dict[str, tuple[int, str]]:
        named = {turn.uid: turn for turn in turns if not turn.unheard_of}
        if not named:
            return {}
        known: dict[str, tuple[int, str]] = {}
        for row in _KNOWN.of(self._connection, list(named), tenant=scope.tenant_id):
            turn = named[row.uid]
            if row.id is None:
                raise InvalidInput(
                    turn.id_field, f"{row.uid!r} is a turn whose memory was deleted", "Say it anew under another id."
                )
            first = row.version == 1  # for whose ears it was said may have changed since
            same = (turn.text, turn.speaker, turn.private_to is None if first else None)
            if (row.said, row.name, row.private_to is None if first else None) != same:
                raise InvalidInput(
                    turn.id_field, f"{row.uid!r} was already used for another turn", "Give every turn an id of its own."
                )
            known[row.uid] = row.id, row.memory_uid
        asked = {uid: turn.id_field for uid, turn in named.items() if uid not in known}
        self._variants.refuse_rejected(scope, asked)
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
        told: list[Told] = []
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
            told.append(told_in(scope, node.id, private_to, turn, now))
        for table, rows in ((schema.turns, turns), (schema.memories, memories), (schema.perspectives, perspectives)):
            insert_rows(connection, table, rows)
        tell(self._connection, told)
        derive_many(self._connection, scope, [(memory_id + i, turn) for i, turn in enumerate(fresh)], embedder_id)
        log(connection, scope.tenant_id, [(memory_id + offset, 1) for offset in range(count)])
        return {turn.uid: (memory_id + offset, turn.memory_uid) for offset, turn in enumerate(fresh)}, nodes[-1].tip
