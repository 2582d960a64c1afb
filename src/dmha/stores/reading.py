"""Reading memories: true states for the fine ranking, the working window, histories, and who may see what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
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
    case,
    func,
    or_,
    select,
    type_coerce,
)

from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.errors import InvalidInput
from dmha.records import Allowed, Filters, Held, Scope, State, Uttered, Version
from dmha.stores import schema
from dmha.stores.columns import BY_ID_AND_OF_TENANT, read_columns
from dmha.stores.engine import read_json
from dmha.stores.held import read_held
from dmha.stores.places import CHUNK, Places
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.standing import in_sight, stands
from dmha.stores.tree import Tree, window_path
from dmha.types import Turn

_FEELING = 0.05  # a feeling weaker than this is noise of the lexicon, not a memory "of" joy or aversion


# A memory and the turn whose words it is; what was made of others, after a turn, has none.
_SAID = and_(schema.memories.c.turn_id == schema.turns.c.id, schema.memories.c.source != "dream")

# Of what was said; summaries have to look further (see stores/standing).
_NOT_WRONG = schema.memories.c.wrong.is_(False)

# Branches of a path that are asked for their summaries: the latest ones lie on the nearest. A statement has room for so
# many; fewer are filled up.
_BRANCHES = (1, 4, 50)
_NEAREST = _BRANCHES[-1]

_BEYOND = 2**63 - 1  # above every id

_OF_TENANT = schema.memories.c.tenant_id == bindparam("tenant")
_GIVEN = select(func.json_each(bindparam("ids")).table_valued("value").c.value)  # one statement for any number of ids

# What is in the message window is working memory, however the companion holds it otherwise.
_TIER = case(
    (schema.turns.c.in_window.is_(True), "working"), else_=func.coalesce(schema.perspectives.c.tier, "short_term")
)


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
            _TIER.label("tier"),
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
        .join(schema.turns, _SAID, isouter=True)
        .join(views, view, isouter=True)
    )


def _words() -> Select[Any]:
    """Turns with the words that were said in them, in their order."""
    turns, memories, speakers = schema.turns, schema.memories, schema.speakers
    private = schema.speakers.alias("private")
    return (
        select(
            turns.c.id.label("turn_id"), memories.c.id, turns.c.uid, speakers.c.name, memories.c.source,
            memories.c.text, memories.c.at, private.c.name.label("private_name"),
        )
        .join(memories, _SAID)
        .join(speakers, speakers.c.id == memories.c.speaker_id)
        .join(private, private.c.id == memories.c.private_to, isouter=True)
        .order_by(turns.c.id)
    )  # fmt: skip


def _window() -> Select[Any]:
    """What was said in the window at the turn `:turn`."""
    path, turns = window_path(), schema.turns
    # The sum keeps SQLite from going through all of the tenant's turns to find these forty.
    here = and_(turns.c.tenant_id + 0 == bindparam("tenant"), schema.memories.c.kind == "episode", _NOT_WRONG)
    return _words().join(path, path.c.id == turns.c.id).where(here)


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
    query = _STATES.where(memories.c.kind == "persona", _NOT_WRONG, views.c.companion_id == bindparam("companion"))
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
_TURNS_OF = Prepared(
    lambda ids: select(schema.turns.c.id).join(schema.memories, _SAID).where(schema.memories.c.id.in_(ids))
)
_UNRAISED = Prepared(lambda _: _unraised())
_UTTERED = _words().where(schema.turns.c.tenant_id == bindparam("tenant"))
_WINDOW = Prepared(lambda _: _window(), named=True)


class Reading:
    """The read side of memories, inside one snapshot."""

    def __init__(self, connection: Connection, places: Places) -> None:
        self._connection = connection
        self._places = places
        self._tree = Tree(connection)

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

    def window(self, scope: Scope, turn_id: int) -> list[Uttered]:
        """The working window at a turn, oldest first: the last of what was said on the path to it."""
        return [_uttered(row) for row in _WINDOW.all(self._connection, tenant=scope.tenant_id, turn=turn_id)]

    def aside(self, turn_id: int) -> frozenset[int]:
        """The turns of the same conversation that are not on the path to this one."""
        return self._tree.aside(turn_id)

    def memories_of(self, turn_ids: Iterable[int]) -> list[int]:
        """The ids of the memories of these turns."""
        memories, wanted, found = schema.memories, sorted(turn_ids), list[int]()
        for start in range(0, len(wanted), CHUNK):
            chosen = memories.c.turn_id.in_(wanted[start : start + CHUNK])
            found += self._connection.execute(select(memories.c.id).where(chosen)).scalars()
        return found

    def turns_of(self, memory_ids: Sequence[int]) -> frozenset[int]:
        """The turns whose words these memories are."""
        return frozenset(turn_id for (turn_id,) in _TURNS_OF.of(self._connection, memory_ids))

    def turn(self, scope: Scope, uid: str) -> Uttered | None:
        """One turn by its public id, with its memory; None when it is unknown or its memory was deleted."""
        row = self._connection.execute(_UTTERED.where(schema.turns.c.uid == uid), {"tenant": scope.tenant_id}).first()
        return None if row is None else _uttered(row)

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

    def held(self, scope: Scope, names: frozenset[str], now: float) -> Held:
        """How this companion holds those of its memories of which a ranking's stand-ins do not tell it already."""
        return read_held(self._connection, scope, names, now)

    def allowed(self, scope: Scope, filters: Filters) -> Allowed | None:
        """What judges memories by the filters, while this snapshot lasts; None when nothing limits them.

        Tier, kind, metadata and polarity are judged here; times, speaker and who is present by the index, which holds
        them (see `Reach`).
        """
        memories, views = schema.memories, schema.perspectives
        conditions = _conditions(filters)
        if not conditions:
            return None
        view = and_(views.c.memory_id == memories.c.id, views.c.companion_id == bindparam("companion"))
        query = select(memories.c.id).join(views, view, isouter=True).where(*conditions)
        if filters.tier is not None:
            query = query.join(schema.turns, _SAID, isouter=True)

        def passing(memory_ids: Sequence[int] | None) -> list[int]:
            if memory_ids is None:
                found = self._connection.execute(query.where(_OF_TENANT), _bound(scope))
            else:
                these = query.where(memories.c.id.in_(_GIVEN), BY_ID_AND_OF_TENANT)
                found = self._connection.execute(these, _bound(scope) | {"ids": json.dumps(memory_ids)})
            return list(found.scalars())

        return passing

    def present_ids(self, scope: Scope, present: Sequence[str]) -> list[int]:
        """The speaker ids of those who are in the room, strangers left out."""
        found = (self._places.find_speaker(scope, name) for name in present)
        return [speaker_id for speaker_id in found if speaker_id is not None]


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    memories, views = schema.memories, schema.perspectives
    conditions: list[ColumnElement[bool]] = []
    if filters.tier == "working":
        conditions.append(_TIER == "working")
    elif filters.tier is not None:  # said in this way, few of a tier are found without looking at all memories
        held = views.c.tier if filters.tier != "short_term" else func.coalesce(views.c.tier, "short_term")
        conditions += [held == filters.tier, schema.turns.c.in_window.is_not(True)]
    if filters.kind is not None:
        conditions.append(memories.c.kind == filters.kind)
    for key, value in filters.metadata.items():
        conditions.append(_metadata_equals(key, value))
    if filters.polarity == "joy":
        conditions.append(and_(views.c.joy > views.c.aversion, views.c.joy > _FEELING))
    elif filters.polarity == "aversion":
        conditions.append(and_(views.c.aversion > views.c.joy, views.c.aversion > _FEELING))
    elif filters.polarity == "both":
        conditions.append(or_(views.c.joy > _FEELING, views.c.aversion > _FEELING))
    return conditions


def _bound(scope: Scope) -> dict[str, Any]:
    return {"tenant": scope.tenant_id, "companion": scope.companion_id}


def _metadata_equals(key: str, value: str | float | bool) -> ColumnElement[bool]:
    """Equal in type and value: 1, "1" and true are three different things, 1 and 1.0 are one."""
    if not _storable(key) or not key or any(letter in '"\\' or letter < " " for letter in key):
        raise InvalidInput(
            "metadata", f"the key {key!r} cannot be asked for", "Use a key without quotes, backslashes and controls."
        )
    if not _storable(value):
        raise InvalidInput("metadata", f"the value of {key!r} cannot be stored", "Give text, or a number below 2^63.")
    place = (schema.memories.c.metadata, f'$."{key}"')
    kind, found = func.json_type(*place), func.json_extract(*place)
    if isinstance(value, bool):
        return kind == ("true" if value else "false")
    if isinstance(value, str):
        return and_(kind == "text", found == value)
    return and_(kind.in_(("integer", "real")), found == value)


def _storable(value: str | float) -> bool:
    """Whether the database can hold the value at all: no half surrogates, no number that no column takes."""
    if not isinstance(value, str):
        return -(2**63) <= value < 2**63
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _uttered(row: Any) -> Uttered:
    return Uttered(row.turn_id, row.id, row.uid, row.name, row.source, row.text, row.at, row.private_name)


def _state(row: Any) -> State:
    return State(
        memory_id=row.id, uid=row.uid, text=row.text, speaker=row.speaker_name, session=row.session_name, at=row.at,
        recorded_at=row.recorded_at, kind=row.kind, source=row.source, trust=row.trust, private_to=row.private_name,
        version=row.version, score0=row.score0, metadata=read_json(row.metadata), half_life=row.half_life,
        recall_count=row.recall_count, last_recalled_at=row.last_recalled_at, tier=row.tier,
        importance=row.importance, joy=row.joy, aversion=row.aversion, trauma=row.trauma, pinned=bool(row.pinned),
        wrong=bool(row.wrong), raised=bool(row.raised),
    )  # fmt: skip
