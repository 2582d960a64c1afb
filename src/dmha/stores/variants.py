"""Variants: a turn said again takes its twin's place, and what the twin did is undone as if it had never been said.

The rejected words stay, in a table that nothing recalls. Everything else that came of the turn, and of all that
followed it on any branch, goes: each consequence knows its cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, select, update

from dmha.domain.forgetting import DEFAULT_HALF_LIFE, practised, tier_after
from dmha.errors import InvalidInput
from dmha.records import Scope
from dmha.stores import schema
from dmha.stores.places import CHUNK
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.removal import drop, quoting, untell
from dmha.stores.tree import Tree
from dmha.types import NEVER_FADES


def _rejected(uids: Ids) -> Select[Any]:
    variants = schema.variants
    mine = (variants.c.tenant_id == bindparam("tenant"), variants.c.uid.in_(uids))
    return select(variants.c.uid, variants.c.instead, variants.c.followed).where(*mine)


_REJECTED = Prepared(_rejected)


class Variants:
    """Taking turns back, inside one transaction."""

    def __init__(self, connection: Connection, tree: Tree) -> None:
        self._connection = connection
        self._tree = tree

    def take_back(self, scope: Scope, session_id: int, uid: str, instead: str) -> int | None:
        """Undo the turn and all that followed it, to make room for the turn `instead`; returns its parent's id."""
        twin = self._tree.find(scope, uid, "replaces")
        if twin.session_id != session_id:
            raise InvalidInput("replaces", f"{uid!r} was said in another session", "Name the session of that turn.")
        felled = self._tree.offspring(twin.id)
        self._keep_words(scope, felled, instead)
        memories = self._memories(felled)
        self._forget_outcomes(scope, felled)
        self._unrecall(felled, memories)
        untell(self._connection, felled)
        drop(self._connection, scope.tenant_id, memories)
        self._tree.fell(felled)
        if twin.parent_id is not None:
            self._tree.widen(twin.parent_id)
        return twin.parent_id

    def refuse_rejected(self, scope: Scope, uids: Mapping[str, str]) -> None:
        """Raise `InvalidInput` where one of these turns was said before and then replaced, or taken back with one.

        `uids` has the field that named each.
        """
        for uid, instead, followed in _REJECTED.of(self._connection, list(uids), tenant=scope.tenant_id):
            field = uids[uid]
            if followed:
                reason = f"{uid!r} was taken back when {instead!r} took the place of a turn before it"
                raise InvalidInput(field, reason, f"Say it anew under another id, after {instead!r}.")
            fix = f"Replace {instead!r} instead." if field == "replaces" else "Say it anew under another id."
            raise InvalidInput(field, f"{uid!r} was replaced by {instead!r}", fix)

    def forget(self, scope: Scope, turn_id: int) -> None:
        """Delete what the turn had been before it was said again; the ids stay used, as its own does."""
        variants, turns = schema.variants, schema.turns
        uid = select(turns.c.uid).where(turns.c.id == turn_id).scalar_subquery()
        mine = (variants.c.tenant_id == scope.tenant_id, variants.c.instead == uid)
        self._connection.execute(update(variants).where(*mine).values(speaker="", text=""))

    def _keep_words(self, scope: Scope, felled: Sequence[int], instead: str) -> None:
        """Keep what was said, and let what these turns had replaced themselves be replaced by the new one."""
        variants, memories, turns, speakers = schema.variants, schema.memories, schema.turns, schema.speakers
        mine = variants.c.tenant_id == scope.tenant_id
        number = self._connection.execute(select(func.count()).select_from(variants).where(mine)).scalar_one()
        for start in range(0, len(felled), CHUNK):
            words = (
                select(
                    turns.c.uid,
                    (turns.c.id != felled[0]).label("followed"),
                    func.coalesce(speakers.c.name, "").label("speaker"),
                    func.coalesce(memories.c.source, "user").label("source"),
                    memories.c.private_to.is_not(None).label("private"),
                    func.coalesce(memories.c.at, turns.c.recorded_at).label("at"),
                    func.coalesce(memories.c.text, "").label("text"),  # its memory was deleted: the id alone is kept
                )
                .join(memories, and_(memories.c.turn_id == turns.c.id, memories.c.source != "dream"), isouter=True)
                .join(speakers, speakers.c.id == memories.c.speaker_id, isouter=True)
                .where(turns.c.id.in_(felled[start : start + CHUNK]))
                .order_by(turns.c.id)
            )
            rows = [
                {"tenant_id": scope.tenant_id, "instead": instead, "number": number + place, **row}
                for place, row in enumerate(self._connection.execute(words).mappings(), start)
            ]
            self._connection.execute(insert(variants), rows)
            for followed in (False, True):
                replaced = variants.c.instead.in_([row["uid"] for row in rows if row["followed"] == followed])
                values = {"instead": instead} | ({"followed": True} if followed else {})
                self._connection.execute(update(variants).where(mine, replaced).values(values))

    def _memories(self, felled: Sequence[int]) -> list[int]:
        """The memories of these turns, the summaries made after them, and what was made of either."""
        memories, found = schema.memories, list[int]()
        for start in range(0, len(felled), CHUNK):
            own = select(memories.c.id).where(memories.c.turn_id.in_(felled[start : start + CHUNK]))
            found += self._connection.execute(own).scalars()
        return sorted({*found, *quoting(self._connection, found)})

    def _forget_outcomes(self, scope: Scope, felled: Sequence[int]) -> None:
        """The turns' replies go."""
        outcomes, turns = schema.outcomes, schema.turns
        mine = outcomes.c.tenant_id == scope.tenant_id
        for start in range(0, len(felled), CHUNK):
            uids = select(turns.c.uid).where(turns.c.id.in_(felled[start : start + CHUNK]))
            replies = (mine, outcomes.c.operation == "contextualize", outcomes.c.key.in_(uids))
            self._connection.execute(delete(outcomes).where(*replies))

    def _unrecall(self, felled: Sequence[int], memories: Sequence[int]) -> None:
        """Tell again, without these turns' recalls, how each companion holds what they had recalled."""
        recalls, gone = schema.recalls, set(memories)
        touched: set[tuple[int, int]] = set()
        for start in range(0, len(felled), CHUNK):
            caused = recalls.c.turn_id.in_(felled[start : start + CHUNK])
            pairs = select(recalls.c.memory_id, recalls.c.companion_id).where(caused)
            touched |= {(row.memory_id, row.companion_id) for row in self._connection.execute(pairs)}
            self._connection.execute(delete(recalls).where(caused))
        for memory_id, companion_id in sorted(touched):
            if memory_id not in gone:
                self._hold_again(companion_id, memory_id)

    def _hold_again(self, companion_id: int, memory_id: int) -> None:
        """The perspective as its remaining recalls make it; one that only began with a recall may end with it."""
        views, recalls, memories = schema.perspectives, schema.recalls, schema.memories
        this = (views.c.companion_id == companion_id, views.c.memory_id == memory_id)
        left = self._connection.execute(
            select(recalls.c.at, recalls.c.joy, recalls.c.aversion)
            .where(recalls.c.companion_id == companion_id, recalls.c.memory_id == memory_id)
            .order_by(recalls.c.id)
        ).all()
        held = self._connection.execute(
            select(views, memories.c.at, memories.c.kind)
            .join(memories, memories.c.id == views.c.memory_id)
            .where(*this)
        ).first()
        if held is None:
            return  # a file may bring a recall of what its companion holds no perspective on
        if not left and not held.born and not held.pinned and held.raised:
            self._connection.execute(delete(views).where(*this))
            return
        half_life, last = practised(DEFAULT_HALF_LIFE, held.at, [tuple(recall) for recall in left])
        values: dict[str, Any] = {"recall_count": len(left), "last_recalled_at": last, "tier": tier_after(len(left))}
        values |= {} if held.kind in NEVER_FADES else {"half_life": half_life}
        self._connection.execute(update(views).where(*this).values(values))
