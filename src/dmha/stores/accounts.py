"""Users, their keys and the audit: rows of who may, read at every request and written seldom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    insert,
    null,
    or_,
    select,
    type_coerce,
    update,
)

from dmha.records import Audit, Key, User
from dmha.stores import schema
from dmha.stores.engine import read_json
from dmha.stores.places import CHUNK, allocate
from dmha.stores.prepared import Prepared


class Accounts:
    """See `protocols.Accounts`, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # -- users -------------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User | None:
        row = self._connection.execute(select(schema.users).where(_named(name))).first()
        return None if row is None else _user(row)

    def users(self) -> list[User]:
        return [_user(row) for row in self._connection.execute(select(schema.users).order_by(schema.users.c.name))]

    def open_users(self, names: Iterable[str]) -> frozenset[str]:
        users, asked, found = schema.users, list(names), set[str]()
        for start in range(0, len(asked), CHUNK):
            some = users.c.name.in_(asked[start : start + CHUNK])
            found |= set(self._connection.scalars(select(users.c.name).where(some, users.c.closed_at.is_(None))))
        return frozenset(found)

    def add_user(self, name: str, password: str | None, now: float) -> None:
        users = schema.users
        values = {"id": allocate(self._connection, users), "name": name, "password": password, "created_at": now}
        self._connection.execute(insert(users).values(values))

    def password(self, name: str) -> str | None:
        open_ = and_(_named(name), schema.users.c.closed_at.is_(None))
        return self._connection.scalar(select(schema.users.c.password).where(open_))

    def set_password(self, name: str, password: str | None) -> None:
        self._connection.execute(update(schema.users).where(_named(name)).values(password=password))

    def renew_password(self, name: str, old: str, new: str) -> None:
        same = and_(_named(name), schema.users.c.password == old)
        self._connection.execute(update(schema.users).where(same).values(password=new))

    def close_user(self, name: str, now: float) -> None:
        open_ = and_(_named(name), schema.users.c.closed_at.is_(None))
        self._connection.execute(update(schema.users).where(open_).values(closed_at=now, password=None))

    # -- keys --------------------------------------------------------------------------------------------------------

    def key(self, uid: str) -> Key | None:
        row = self._connection.execute(_keys().where(schema.keys.c.uid == uid)).first()
        return None if row is None else _key(row)

    def keys(self, owner: str | None = None) -> list[Key]:
        query = _keys().order_by(schema.keys.c.id)
        return [_key(row) for row in self._connection.execute(query if owner is None else query.where(_named(owner)))]

    def opened_by(self, now: float, *, digest: str | None = None, uid: str | None = None) -> Key | None:
        shown = _BY_UID if digest is None else _BY_DIGEST
        return next(map(_key, shown.all(self._connection, shown=uid if digest is None else digest, now=now)), None)

    def add_key(self, key: Key, digest: str) -> None:
        keys, owner = schema.keys, select(schema.users.c.id).where(_named(key.owner)).scalar_subquery()
        self._connection.execute(
            insert(keys).values(
                id=allocate(self._connection, keys), uid=key.uid, owner_id=owner, label=key.label, digest=digest,
                rights=sorted(key.rights), agents=null() if key.agents is None else sorted(key.agents),
                worlds=sorted(key.worlds), acts_for=sorted(key.acts_for), created_at=key.created_at,
                expires_at=key.expires_at, revoked_at=key.revoked_at,
            )
        )  # fmt: skip

    def revoke_key(self, uid: str, now: float) -> None:
        keys = schema.keys
        live = and_(keys.c.uid == uid, keys.c.revoked_at.is_(None))
        self._connection.execute(update(keys).where(live).values(revoked_at=now))

    # -- the audit ---------------------------------------------------------------------------------------------------

    def audit(self, audit: Audit) -> int:
        audits, id = schema.audits, allocate(self._connection, schema.audits)
        self._connection.execute(insert(audits).values(id=id, **asdict(audit)))
        return id

    def ended(self, audit: int, status: int) -> None:
        audits = schema.audits
        self._connection.execute(update(audits).where(audits.c.id == audit).values(status=status))

    def audits(self, user_id: str | None, limit: int) -> list[Audit]:
        audits = schema.audits
        query = select(*(audits.c[field.name] for field in fields(Audit))).limit(limit)
        if user_id is None:
            query = query.order_by(audits.c.id.desc())  # the table's own order: no sorting of all that was ever done
        else:
            query = query.where(audits.c.user_id == user_id).order_by(audits.c.at.desc(), audits.c.id.desc())
        return [Audit(*row) for row in self._connection.execute(query)]


def _named(name: str) -> ColumnElement[bool]:
    return schema.users.c.name == name


def _keys() -> Select[Any]:
    """Keys with their owners; their lists as they are written, read in `_key`, whoever runs the statement."""
    keys, lists = schema.keys.c, ("rights", "agents", "worlds", "acts_for")
    plain = (column for column in keys if column.name not in lists)
    written = (type_coerce(keys[name], Text).label(name) for name in lists)
    return select(*plain, *written, schema.users.c.name.label("owner")).join(schema.users)


def _opened(this: ColumnElement[bool]) -> Select[Any]:
    """The key that is shown, while it opens its owner's account at `:now`."""
    keys = schema.keys
    unexpired = or_(keys.c.expires_at.is_(None), keys.c.expires_at > bindparam("now"))
    return _keys().where(this, keys.c.revoked_at.is_(None), unexpired, schema.users.c.closed_at.is_(None))


# Asked at every request: built once, 0.1 ms of it are left of 0.4.
_BY_UID = Prepared(lambda _: _opened(schema.keys.c.uid == bindparam("shown")), named=True)
_BY_DIGEST = Prepared(lambda _: _opened(schema.keys.c.digest == bindparam("shown")), named=True)


def _user(row: Row[Any]) -> User:
    return User(row.name, row.password is not None, row.created_at, row.closed_at)


def _key(row: Any) -> Key:
    rights, worlds, acts_for = (frozenset(read_json(written)) for written in (row.rights, row.worlds, row.acts_for))
    agents = None if row.agents is None else frozenset(read_json(row.agents))
    return Key(
        row.uid, row.owner, row.label, rights, agents, worlds, acts_for, row.created_at, row.expires_at, row.revoked_at
    )
