"""Accounts' worlds, companions, speakers and sessions: from the caller's names to the truth's ids and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    func,
    select,
    true,
    update,
)

from dmha.records import Place, Scope
from dmha.stores import schema
from dmha.stores.group import dictionary_memo, group_of
from dmha.stores.prepared import Prepared

# Ids in one IN (...): SQLite takes 32,766 parameters a statement; far fewer keep the statement cache small.
CHUNK = 500


def of_account(user_id: str | None) -> ColumnElement[bool]:
    """The condition that a memory is of that account; of any where it is None."""
    if user_id is None:
        return true()
    tenants = schema.tenants
    return schema.memories.c.tenant_id.in_(select(tenants.c.id).where(tenants.c.user_id == user_id))


def allocate(connection: Connection, table: Table, count: int = 1) -> int:
    """The first of `count` fresh ids for `table`; ids are never handed out twice, not even after a delete."""
    return group_of(connection).take(table.name, count)


def _find() -> Select[Any]:
    tenants, companions = schema.tenants, schema.companions
    named = and_(companions.c.user_id == tenants.c.user_id, companions.c.agent_id == bindparam("agent"))
    version = select(func.max(schema.words.c.version)).where(schema.words.c.tenant_id == tenants.c.id).scalar_subquery()
    return (
        select(tenants.c.id, companions.c.id, tenants.c.zone, func.coalesce(version, 0))
        .join(companions, named, isouter=True)
        .where(tenants.c.user_id == bindparam("user"), tenants.c.world == bindparam("world"))
    )


def _find_speaker() -> CompoundSelect[Any]:
    speakers, names, here = schema.speakers, schema.speaker_names, schema.speakers.c.tenant_id == bindparam("tenant")
    first = select(speakers.c.id).where(here, speakers.c.name == bindparam("name"))
    return first.union_all(select(speakers.c.id).join(names).where(here, names.c.name == bindparam("name")))


def _companions() -> Select[Any]:
    tenants, companions = schema.tenants, schema.companions
    own = select(companions.c.agent_id).join(tenants, tenants.c.user_id == companions.c.user_id)
    return own.where(tenants.c.id == bindparam("tenant"))


def _find_session() -> Select[Any]:
    sessions = schema.sessions
    named = (sessions.c.tenant_id == bindparam("tenant"), sessions.c.name == bindparam("name"))
    return select(sessions.c.id).where(*named)


_FIND = Prepared(lambda _: _find())
_FIND_SPEAKER = Prepared(lambda _: _find_speaker())
_COMPANIONS = Prepared(lambda _: _companions())
_FIND_SESSION = Prepared(lambda _: _find_session())
_ZONE = Prepared(lambda _: select(schema.speakers.c.zone).where(schema.speakers.c.id == bindparam("speaker")))


# The id of a companion that has done nothing here yet: it sees a shared world, and holds no perspective on it.
NOBODY = 0


class Places:
    """Finds, and where writing makes, what a call names; what writing found once it knows to the transaction's end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._scopes: dict[Place, Scope] = {}
        self._speakers: dict[tuple[int, str], int] = {}
        self._sessions: dict[tuple[int, str], int] = {}

    def find(self, place: Place) -> Scope | None:
        """The place in the truth's ids; None when nothing was ever remembered there."""
        rows = _FIND.all(self._connection, user=place.user_id, agent=place.agent_id, world=place.world)
        return next((Scope(tenant, companion or NOBODY, *rest) for tenant, companion, *rest in rows), None)

    def ensure(self, place: Place, zone: str, now: float) -> Scope:
        """The place in the truth's ids, made where it is new; `zone` is the new tenant's."""
        if place in self._scopes:
            return self._scopes[place]
        found = self.find(place)
        if found is not None and found.companion_id != NOBODY:
            self._scopes[place] = found
            group_of(self._connection).memo[dictionary_memo(found.tenant_id)] = found.dictionary
            return found
        tenants, companions = schema.tenants, schema.companions
        self._ensure_row(tenants, {"user_id": place.user_id, "world": place.world}, {"zone": zone, "created_at": now})
        self._ensure_row(companions, {"user_id": place.user_id, "agent_id": place.agent_id}, {})
        made = self.find(place)
        assert made is not None  # noqa: S101 - both rows were just ensured in this transaction
        self._scopes[place] = made
        return made

    def ensure_world(self, user_id: str, world: str, zone: str, now: float) -> Scope:
        """The account's world without a companion in it, made where it is new."""
        made = self._ensure_row(schema.tenants, {"user_id": user_id, "world": world}, {"zone": zone, "created_at": now})
        return Scope(made, NOBODY, zone)

    def companion(self, scope: Scope, agent_id: str) -> int:
        """The id of the account's companion of this name, made where it is new."""
        tenants = schema.tenants
        user_id = self._connection.execute(select(tenants.c.user_id).where(tenants.c.id == scope.tenant_id)).scalar()
        return self._ensure_row(schema.companions, {"user_id": user_id, "agent_id": agent_id}, {})

    def companions(self, scope: Scope) -> list[str]:
        """The names of the account's companions."""
        return [agent_id for (agent_id,) in _COMPANIONS.all(self._connection, tenant=scope.tenant_id)]

    def speaker(self, scope: Scope, name: str) -> int:
        """The id of the speaker of this name in the world, made where it is new."""
        key = (scope.tenant_id, name)
        if key not in self._speakers:
            found = self.find_speaker(scope, name)
            self._speakers[key] = found or self._ensure_row(
                schema.speakers, {"tenant_id": scope.tenant_id, "name": name}, {"zone": "", "trust": 1.0}
            )
        return self._speakers[key]

    def find_speaker(self, scope: Scope, name: str) -> int | None:
        """The id of the speaker of this name, be it the first name or a further one; None for a stranger."""
        rows = _FIND_SPEAKER.all(self._connection, tenant=scope.tenant_id, name=name)
        return next((int(found) for (found,) in rows), None)

    def zone_of(self, scope: Scope, speaker: str) -> str:
        """The zone in which this speaker's times are meant: the own one, once told, or else the tenant's."""
        rows = _ZONE.all(self._connection, speaker=self.find_speaker(scope, speaker) or NOBODY)
        return next((zone for (zone,) in rows if zone), scope.zone)

    def tell_zone(self, scope: Scope, speaker: str, zone: str) -> None:
        """From now on this speaker's times are meant in this zone."""
        speakers = schema.speakers
        here = speakers.c.id == self.speaker(scope, speaker)
        self._connection.execute(update(speakers).where(here, speakers.c.zone != zone).values(zone=zone))

    def session(self, scope: Scope, name: str) -> int:
        """The id of the session of this name, made where it is new."""
        key = (scope.tenant_id, name)
        if key not in self._sessions:
            rows = _FIND_SESSION.all(self._connection, tenant=scope.tenant_id, name=name)
            self._sessions[key] = next((int(found) for (found,) in rows), 0) or self._ensure_row(
                schema.sessions, {"tenant_id": scope.tenant_id, "name": name}, {}
            )
        return self._sessions[key]

    def _ensure_row(self, table: Table, key: dict[str, object], rest: dict[str, object]) -> int:
        condition = [table.c[name] == value for name, value in key.items()]
        found = self._connection.execute(select(table.c.id).where(*condition)).scalar()
        if found is not None:
            return int(found)
        made = allocate(self._connection, table)
        self._connection.execute(table.insert().values(id=made, **key, **rest))
        return made
