"""Requests under a caller's key: claimed, held on to, closed with their effect, forgotten in the end."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from dmha.errors import InvalidInput, Taken
from dmha.records import Answered
from dmha.stores import schema

_FIX = "Give every request a key of its own, such as a UUID, and send the same request again under it."


class Requests:
    """See `protocols.Requests`, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, owner: str, key: str, digest: str, *, holder: str, now: float, until: float) -> bool | Answered:
        requests, here = schema.requests, _of(owner, key)
        row = self._connection.execute(select(requests).where(here)).first()
        if row is None:
            values = {"owner": owner, "key": key, "digest": digest, "created_at": now}
            self._connection.execute(insert(requests).values(**values, holder=holder, leased_until=until))
            return True
        if row.digest != digest:
            raise InvalidInput("Idempotency-Key", "it was another request's", _FIX)
        if row.status is not None:
            return Answered(row.status, row.body)
        if row.leased_until > now:
            return False
        self._connection.execute(update(requests).where(here).values(holder=holder, leased_until=until))
        return True

    def close(self, owner: str, key: str, answer: Answered, *, holder: str) -> None:
        mine = and_(_of(owner, key), schema.requests.c.holder == holder, schema.requests.c.status.is_(None))
        closed = update(schema.requests).where(mine).values(status=answer.status, body=answer.body)
        if self._connection.execute(closed).rowcount != 1:
            raise Taken("the request")

    def release(self, owner: str, key: str, *, holder: str) -> None:
        mine = and_(_of(owner, key), schema.requests.c.holder == holder, schema.requests.c.status.is_(None))
        self._connection.execute(delete(schema.requests).where(mine))

    def renew(self, holder: str, until: float) -> None:
        held = and_(schema.requests.c.holder == holder, schema.requests.c.status.is_(None))
        self._connection.execute(update(schema.requests).where(held).values(leased_until=until))

    def forget(self, owner: str, memory_uid: str | None) -> None:
        requests = schema.requests
        told = and_(requests.c.owner == owner, requests.c.status.is_not(None))
        if memory_uid is not None:
            told = and_(told, requests.c.body.contains(memory_uid, autoescape=True))
        self._connection.execute(update(requests).where(told).values(body=""))

    def sweep(self, before: float, limit: int) -> int:
        requests = schema.requests
        old = select(requests.c.owner, requests.c.key).where(requests.c.created_at < before).limit(limit)
        rows = self._connection.execute(old).all()
        for owner, key in rows:
            self._connection.execute(delete(requests).where(_of(owner, key)))
        return len(rows)


def _of(owner: str, key: str) -> ColumnElement[bool]:
    return and_(schema.requests.c.owner == owner, schema.requests.c.key == key)
