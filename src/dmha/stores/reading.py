"""Reading memories: their true states as one companion holds them, histories, and who may see what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
)

from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.records import Allowed, Filters, Held, Scope, State, Version
from dmha.stores import schema
from dmha.stores.columns import BY_ID_AND_OF_TENANT, read_columns
from dmha.stores.engine import read_json
from dmha.stores.filtering import passed_by
from dmha.stores.held import read_held
from dmha.stores.perspectives import TIER
from dmha.stores.places import Places
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.standing import NOT_WRONG, in_sight, stands
from dmha.stores.turns import SAID, Turns

# Branches of a path that are asked for their summaries: the latest ones lie on the nearest. A statement has room for so
# many; fewer are filled up.
_BRANCHES = (1, 4, 50)
_NEAREST = _BRANCHES[-1]

_BEYOND = 2**63 - 1  # above every id


def _states() -> Select[Any]:
    """Memories with this companion's perspective, or what a companion without one is told."""
    memories, views = schema.memories, schema.perspectives
    private = schema.speakers.alias("private")
    view = and_(views.c.memory_id == memories.c.id, views.c.companion_id == bindparam("companion"))
    return (
        select(
            *(column for column in memories.c if column is not memories.c.metadata),
            type_coerce(memories.c.metadata, Text).label("metadata"),  # read in `_state`, whoever runs the statement
            schema.speakers.c.name.label("speaker_name"),
            schema.sessions.c.name.label("session_name"),
            private.c.name.label("private_name"),
            func.coalesce(views.c.half_life, DEFAULT_HALF_LIFE).label("half_life"),
            func.coalesce(views.c.recall_count, 0).label("recall_count"),
            func.coalesce(views.c.last_recalled_at, memories.c.at).label("last_recalled_at"),
            TIER.label("tier"),
            func.coalesce(views.c.importance, memories.c.score0).label("importance"),
            func.coalesce(views.c.joy, 0.0).label("joy"),
            func.coalesce(views.c.aversion, 0.0).label("aversion"),
            func.coalesce(views.c.trauma, 0.0).label("trauma"),
            func.coalesce(views.c.pinned, False).label("pinned"),
            func.coalesce(views.c.raised, True).label("raised"),
        )
        .join(schema.speakers, schema.speakers.c.id == memories.c.speaker_id)
        .join(schema.sessions, schema.sessions.c.id == memories.c.session_id)
        .join(private, private.c.id == memories.c.private_to, isouter=True)
        .join(schema.turns, SAID, isouter=True)
        .join(views, view, isouter=True)
    )


def _page(heard: ColumnElement[bool]) -> Select[Any]:
    """The latest ids below `:before` of what is heard so, `:most` of them: one stretch of an index that holds them."""
    memories = schema.memories
    mine = and_(memories.c.tenant_id == bindparam("tenant"), heard, memories.c.id < bindparam("before"))
    return select(memories.c.id).where(mine, in_sight(memories)).order_by(memories.c.id.desc()).limit(bindparam("most"))


def _unraised() -> CompoundSelect[Any]:
    """What a companion never raises: memories, and the summaries that quote them."""
    views, memories, links = schema.perspectives, schema.memories, schema.memory_sources
    own = select(views.c.memory_id).join(memories, memories.c.id == views.c.memory_id)
    own = own.where(views.c.companion_id == bindparam("companion"), views.c.raised.is_(False))
    own = own.where(BY_ID_AND_OF_TENANT)
    quoting = select(links.c.memory_id).where(links.c.source_id.in_(own))
    return own.union(quoting)


def _personas() -> Select[Any]:
    memories, views = schema.memories, schema.perspectives
    query = _STATES.where(memories.c.kind == "persona", NOT_WRONG, views.c.companion_id == bindparam("companion"))
    return query.order_by(memories.c.at.desc(), memories.c.id.desc()).limit(bindparam("most"))


def _gists(width: int, _: Ids) -> Select[Any]:
    """The latest summaries made on so many branches, each up to a turn of it."""
    memories, made_after = schema.memories, schema.turns.alias("made_after")
    sessions: Ids = [bindparam(f"session{i}") for i in range(width)]
    on_path = (
        and_(made_after.c.branch_id == bindparam(f"branch{i}"), made_after.c.id <= bindparam(f"upto{i}"))
        for i in range(width)
    )
    summaries = and_(memories.c.kind == "summary", stands(memories))
    query = _STATES.where(summaries, memories.c.session_id.in_(sessions), or_(*on_path))
    query = query.join(made_after, made_after.c.id == memories.c.turn_id)
    return query.order_by(memories.c.at.desc(), memories.c.id.desc()).limit(bindparam("most"))


# Built once: building costs as much as reading ten rows (measured: 200 states 5.4 ms -> 4.0, one memory 1.3 -> 0.6).
_STATES = _states().where(schema.memories.c.tenant_id == bindparam("tenant"))
_BY_IDS = Prepared(lambda ids: _states().where(schema.memories.c.id.in_(ids), BY_ID_AND_OF_TENANT), named=True)
_BY_UID = Prepared(
    lambda _: _STATES.where(schema.memories.c.uid == bindparam("uid"), in_sight(schema.memories)), named=True
)
_PERSONAS = Prepared(lambda _: _personas(), named=True)
_GISTS = {width: Prepared(partial(_gists, width), named=True) for width in _BRANCHES}
_OPEN = Prepared(lambda _: _page(schema.memories.c.private_to.is_(None)))
_CONFIDED = Prepared(lambda _: _page(schema.memories.c.private_to == bindparam("confidant")))
_UNRAISED = Prepared(lambda _: _unraised())


class Reading(Turns):
    """The read side of memories, inside one snapshot."""

    def __init__(self, connection: Connection, places: Places) -> None:
        super().__init__(connection)
        self._places = places

    def states(self, scope: Scope, memory_ids: Sequence[int]) -> list[State]:
        """The true state of each of these memories of the tenant, in the order asked; one that is gone is left out."""
        rows = _BY_IDS.of(self._connection, memory_ids, **_bound(scope))
        found = {row.id: _state(row) for row in rows}
        return [found[memory_id] for memory_id in memory_ids if memory_id in found]

    def columns(
        self, scope: Scope, memory_ids: Sequence[int], texts: frozenset[str] = frozenset()
    ) -> dict[str, Sequence[Any]]:
        """What a ranking reads of these memories, by the ranking language's names (see stores/columns)."""
        return read_columns(self._connection, scope, memory_ids, texts)

    def by_uid(self, scope: Scope, uid: str) -> State | None:
        """The true state of one memory by its public id; None when the tenant has none of that id."""
        rows = _BY_UID.all(self._connection, **_bound(scope), uid=uid)
        return next(map(_state, rows), None)

    def page(self, scope: Scope, present: Sequence[str], limit: int, before: int | None) -> list[State]:
        """The latest memories with ids below `before` (None: all), latest first; private ones of who is `present`."""
        stretch = {"tenant": scope.tenant_id, "before": _BEYOND if before is None else before, "most": limit}
        rows = list(_OPEN.all(self._connection, **stretch))
        for confidant in set(self.present_ids(scope, present)):
            rows += _CONFIDED.all(self._connection, **stretch, confidant=confidant)
        latest = sorted((memory_id for (memory_id,) in rows), reverse=True)[:limit]
        return self.states(scope, latest)

    def unraised(self, scope: Scope) -> list[int]:
        """The memories that this companion never brings up by itself, and the summaries that quote them."""
        return [memory_id for (memory_id,) in _UNRAISED.all(self._connection, **_bound(scope))]

    def personas(self, scope: Scope, limit: int) -> list[State]:
        """The latest lines of this companion's own persona, oldest first; those of others in its world are theirs."""
        return [_state(row) for row in _PERSONAS.all(self._connection, **_bound(scope), most=limit)][::-1]

    def gists(self, scope: Scope, turn_id: int, limit: int) -> list[State]:
        """The latest summaries on the path to a turn, oldest first."""
        line = self._tree.lineage(turn_id)[:_NEAREST]
        if not line:
            return []  # the turn was taken back meanwhile
        width = next(width for width in _BRANCHES if width >= len(line))
        path: dict[str, int] = {}
        for i, (branch, session, upto) in enumerate(line + line[-1:] * (width - len(line))):
            path |= {f"branch{i}": branch, f"session{i}": session, f"upto{i}": upto}
        return [_state(row) for row in _GISTS[width].all(self._connection, **_bound(scope), **path, most=limit)][::-1]

    def history(self, scope: Scope, uid: str) -> list[Version]:
        """The versions of a memory before its present one, oldest first."""
        versions, memories = schema.memory_versions, schema.memories
        rows = self._connection.execute(
            select(*(versions.c[field.name] for field in fields(Version)))
            .join(memories, memories.c.id == versions.c.memory_id)
            .where(memories.c.tenant_id == scope.tenant_id, memories.c.uid == uid)
            .order_by(versions.c.version)
        )
        return [Version(*row) for row in rows]

    def held(self, scope: Scope, names: frozenset[str], now: float) -> Held:
        """How this companion holds those of its memories of which a ranking's stand-ins do not tell it already."""
        return read_held(self._connection, scope, names, now)

    def allowed(self, scope: Scope, filters: Filters) -> Allowed | None:
        """What judges memories by the filters, while this snapshot lasts; None when nothing limits them."""
        return passed_by(self._connection, scope, filters)

    def present_ids(self, scope: Scope, present: Sequence[str]) -> list[int]:
        """The speaker ids of those who are in the room, strangers left out."""
        found = (self._places.find_speaker(scope, name) for name in present)
        return [speaker_id for speaker_id in found if speaker_id is not None]


def _bound(scope: Scope) -> dict[str, Any]:
    return {"tenant": scope.tenant_id, "companion": scope.companion_id}


def _state(row: Any) -> State:
    return State(
        memory_id=row.id, uid=row.uid, text=row.text, speaker=row.speaker_name, session=row.session_name, at=row.at,
        recorded_at=row.recorded_at, kind=row.kind, source=row.source, trust=row.trust, private_to=row.private_name,
        version=row.version, score0=row.score0, metadata=read_json(row.metadata), half_life=row.half_life,
        recall_count=row.recall_count, last_recalled_at=row.last_recalled_at, tier=row.tier,
        importance=row.importance, joy=row.joy, aversion=row.aversion, trauma=row.trauma, pinned=bool(row.pinned),
        wrong=bool(row.wrong), raised=bool(row.raised),
    )  # fmt: skip
