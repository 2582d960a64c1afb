"""Requests under a caller's key: claimed, held on to, closed with their effect, forgotten in the end.

Answers are kept in bounds: of what an owner was answered, the newest. Each knows the memories that it tells of, and
goes with the first of them.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, func, insert, select, tuple_, update

from dmha.errors import InvalidInput, Taken
from dmha.records import Answered, Gone, Telling
from dmha.stores import schema
from dmha.stores.inserting import insert_rows
from dmha.stores.places import CHUNK
from dmha.stores.prepared import Ids, Prepared
from dmha.stores.showing import memories_of

_FIX = "Give every request a key of its own, such as a UUID, and send the same request again under it."

# Characters of an answer before it is packed: a recall of a thousand memories of 150 characters is 1.1 million, a reply
# 14,000. zlib's first level makes them five to seven times smaller, a reply within 0.2 ms, so many within 30.
MOST_TEXT = 1 << 21
# Bytes of one answer in the file with what says of what it tells: that recall comes to 360 KB, a reply to 10.
MOST_OF_ONE = 1 << 19
# Bytes of an owner's answers in the file: sixteen hundred replies, more than companions give in a day. A client comes
# again within minutes.
MOST_OF_ALL = 1 << 24
_ROW = 64  # bytes of a row that says of what an answer tells, and of its place in two indexes, beside owner and key

_OF_NONE = Telling()
_KEPT = schema.requests.c.body.is_not(None)


def _named(uids: Ids) -> Select[Any]:
    memories, tenants = schema.memories, schema.tenants
    mine = select(memories.c.id, memories.c.uid).join(tenants, tenants.c.id == memories.c.tenant_id)
    return mine.where(tenants.c.user_id == bindparam("owner"), memories.c.uid.in_(uids))


def _telling(ids: Ids) -> Select[Any]:
    told = schema.request_memories
    return select(told.c.owner, told.c.key).where(told.c.memory_id.in_(ids))


_NAMED, _TELLING = Prepared(_named), Prepared(_telling)


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
            body = "" if row.body is None else zlib.decompress(row.body).decode()
            return Answered(row.status, body, row.gone)
        if row.leased_until > now:
            return False
        self._connection.execute(update(requests).where(here).values(holder=holder, leased_until=until))
        return True

    def close(
        self, owner: str, key: str, answer: Answered, telling: Telling = _OF_NONE, *, holder: str
    ) -> None:  # fmt: skip
        requests = schema.requests
        told_of = self._memories(owner, telling)
        body, gone = _packed(answer)
        bytes_ = len(body or b"") + len(told_of or ()) * (_ROW + 3 * (len(owner) + len(key)))
        if bytes_ > MOST_OF_ONE:
            body, gone = None, "large"
        if told_of is None:
            body, gone = None, "deleted"
        ends = 0 if body is None else self._end(owner) + bytes_
        mine = and_(_of(owner, key), requests.c.holder == holder, requests.c.status.is_(None))
        values = {"status": answer.status, "body": body, "gone": gone, "ends": ends}
        if self._connection.execute(update(requests).where(mine).values(values)).rowcount != 1:
            raise Taken("the request")
        if body is not None:
            rows = [{"memory_id": memory_id, "owner": owner, "key": key} for memory_id in told_of or ()]
            insert_rows(self._connection, schema.request_memories, rows)
            self._make_room(owner, ends)

    def release(self, owner: str, key: str, *, holder: str) -> None:
        mine = and_(_of(owner, key), schema.requests.c.holder == holder, schema.requests.c.status.is_(None))
        self._connection.execute(delete(schema.requests).where(mine))

    def renew(self, holder: str, until: float) -> None:
        requests = schema.requests  # a name with more behind its dot stands between the two
        held = and_(requests.c.holder >= holder, requests.c.holder < f"{holder}/", requests.c.status.is_(None))
        self._connection.execute(update(requests).where(held).values(leased_until=until))

    def forget(self, owner: str) -> None:
        kept = select(schema.requests.c.key).where(schema.requests.c.owner == owner, _KEPT)
        _let_go(self._connection, owner, self._connection.execute(kept).scalars().all(), "deleted")

    def sweep(self, before: float, limit: int) -> int:
        requests, told = schema.requests, schema.request_memories
        this = select(requests.c.owner, requests.c.key).where(requests.c.created_at < before)
        old = this.order_by(requests.c.created_at, *requests.primary_key).limit(limit)  # the same for both
        self._connection.execute(delete(told).where(tuple_(told.c.owner, told.c.key).in_(old)))
        gone = delete(requests).where(tuple_(requests.c.owner, requests.c.key).in_(old))
        return self._connection.execute(gone).rowcount

    def _memories(self, owner: str, telling: Telling) -> set[int] | None:
        """The ids of the memories that are told of; None where one of them is not there any more."""
        named = _NAMED.of(self._connection, list(telling.uids), owner=owner)
        stood_on = memories_of(self._connection, telling)
        # In two worlds two memories may have one id, and either may be meant.
        if stood_on is None or len({uid for _, uid in named}) != len(telling.uids):
            return None
        return stood_on.union(id for id, _ in named)

    def _end(self, owner: str) -> int:
        """Where the owner's newest answer ends."""
        ends = select(func.max(schema.requests.c.ends)).where(schema.requests.c.owner == owner, _KEPT)
        return self._connection.execute(ends).scalar() or 0

    def _make_room(self, owner: str, end: int) -> None:
        """Let the answers go that ended so long before the newest one's end that all would be too many."""
        upto = end - MOST_OF_ALL + MOST_OF_ONE
        if upto > 0:
            ends = schema.requests.c.ends
            old = select(schema.requests.c.key).where(schema.requests.c.owner == owner, _KEPT, ends <= upto)
            _let_go(self._connection, owner, self._connection.execute(old).scalars().all(), "room")


def forget_answers(connection: Connection, memory_ids: Sequence[int]) -> None:
    """Let go what was answered and tells of one of these memories."""
    answers = defaultdict[str, set[str]](set)
    for owner, key in _TELLING.of(connection, memory_ids):
        answers[owner].add(key)
    for owner, keys in answers.items():
        _let_go(connection, owner, sorted(keys), "deleted")


def _let_go(connection: Connection, owner: str, keys: Sequence[str], why: Gone) -> None:
    """Empty the rows of these answers; what they told of is no matter any more."""
    requests, told = schema.requests, schema.request_memories
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        these = update(requests).where(requests.c.owner == owner, requests.c.key.in_(some))
        connection.execute(these.values(body=None, gone=why))
        connection.execute(delete(told).where(told.c.owner == owner, told.c.key.in_(some)))


def _packed(answer: Answered) -> tuple[bytes | None, Gone | None]:
    if answer.gone is not None or len(answer.body) > MOST_TEXT:
        return None, answer.gone or "large"
    return zlib.compress(answer.body.encode(), 1), None


def _of(owner: str, key: str) -> ColumnElement[bool]:
    return and_(schema.requests.c.owner == owner, schema.requests.c.key == key)
