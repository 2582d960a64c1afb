"""Background jobs: put, claimed with a lease, held on to, handed back, cancelled, listed, forgotten in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, insert, or_, select, tuple_, update

from dmha.domain.jobs import HELD, UNFINISHED, after
from dmha.errors import NotFound, Taken
from dmha.records import Job
from dmha.stores import schema
from dmha.stores.places import allocate

_JOBS = schema.jobs
_COLUMNS = tuple(_JOBS.c[field.name] for field in fields(Job))
# Nobody else changes what this reads before the transaction ends.
_STATE = select(_JOBS.c.state).with_for_update()
_ABANDONED = "nobody came for it: no process that knows this kind of work had time"


class Jobs:
    """See `protocols.Jobs`, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, job: Job) -> Job:
        same = and_(_JOBS.c.kind == job.kind, _JOBS.c.key == job.key, _JOBS.c.user_id == job.user_id)
        known = self._all(select(*_COLUMNS).where(same, _JOBS.c.state.in_(UNFINISHED)))
        if known:
            return known[0]
        self._connection.execute(insert(_JOBS).values(id=allocate(self._connection, _JOBS), **asdict(job)))
        return job

    def due(self, kinds: Mapping[str, str | None], now: float) -> list[Job]:
        first = (_JOBS.c.priority.desc(), _JOBS.c.due_at, _JOBS.c.created_at, _JOBS.c.uid)
        place = func.row_number().over(partition_by=_JOBS.c.user_id, order_by=first).label("place")
        waiting = select(_JOBS.c.id, place).where(_JOBS.c.state == "waiting", _JOBS.c.due_at <= now, _taken_by(kinds))
        ranked = waiting.subquery()  # narrow: bodies are read of those that are first alone
        return self._all(select(*_COLUMNS).join(ranked, ranked.c.id == _JOBS.c.id).where(ranked.c.place == 1))

    def lapsed(self, kinds: Iterable[str], now: float) -> list[Job]:
        gone = and_(_JOBS.c.state.in_(HELD), _JOBS.c.leased_until <= now, _JOBS.c.kind.in_(list(kinds)))
        return self._all(select(*_COLUMNS).where(gone).order_by(_JOBS.c.leased_until, _JOBS.c.uid))

    def claim(self, uid: str, *, holder: str, now: float, until: float) -> Job | None:
        row = self._connection.execute(_STATE.where(_JOBS.c.uid == uid)).first()
        state = None if row is None else after(row.state, "claim")
        if state is None:
            return None
        self._set(uid, state=state, holder=holder, leased_until=until, changed_at=now)
        return self.get(uid)

    def renew(self, job: Job, *, now: float, until: float) -> bool:
        row = self._held(job)
        self._set(job.uid, leased_until=until, done=job.done, total=job.total, changed_at=now)
        return bool(row.state == "running")

    def hand_back(self, job: Job, move: Literal["again", "finish", "fail"], now: float) -> Job:
        state = after(self._held(job).state, move)
        self._set(
            job.uid, state=state, holder=None, leased_until=None, due_at=job.due_at, attempts=job.attempts,
            reason=job.reason, done=job.done, total=job.total, result=job.result, changed_at=now,
        )  # fmt: skip
        return self.get(job.uid)

    def cancel(self, uid: str, now: float, user_id: str | None = None) -> Job:
        row = self._row(_STATE, uid, user_id)
        state = after(row.state, "cancel")
        if state not in (None, row.state):  # what is over stays what it came to
            self._set(uid, state=state, changed_at=now)
        return self.get(uid)

    def get(self, uid: str, user_id: str | None = None) -> Job:
        return _job(self._row(select(*_COLUMNS), uid, user_id))

    def page(self, limit: int, user_id: str | None = None, before: tuple[float, str] | None = None) -> list[Job]:
        query = select(*_COLUMNS).order_by(_JOBS.c.created_at.desc(), _JOBS.c.uid.desc()).limit(limit)
        if user_id is not None:
            query = query.where(_JOBS.c.user_id == user_id)
        if before is not None:
            query = query.where(tuple_(_JOBS.c.created_at, _JOBS.c.uid) < before)
        return self._all(query)

    def latest(self, kind: str, key: str) -> Job | None:
        mine = and_(_JOBS.c.kind == kind, _JOBS.c.key == key, _JOBS.c.user_id == "")
        found = self._all(select(*_COLUMNS).where(mine).order_by(_JOBS.c.id.desc()).limit(1))
        return found[0] if found else None

    def waiting(self) -> dict[str, int]:
        query = select(_JOBS.c.kind, func.count()).where(_JOBS.c.state == "waiting").group_by(_JOBS.c.kind)
        return {kind: int(count) for kind, count in self._connection.execute(query)}

    def sweep(self, before: float, now: float, limit: int) -> int:
        over = and_(_JOBS.c.state.not_in(UNFINISHED), _JOBS.c.changed_at < before)
        ids = list(self._connection.execute(select(_JOBS.c.id).where(over).limit(limit)).scalars())
        self._connection.execute(delete(_JOBS).where(_JOBS.c.id.in_(ids)))
        abandoned = or_(
            and_(_JOBS.c.state == "waiting", _JOBS.c.due_at < before),
            and_(_JOBS.c.state.in_(HELD), _JOBS.c.leased_until < before),
        )
        given_up = {"state": "cancelled", "reason": _ABANDONED, "changed_at": now}
        self._connection.execute(update(_JOBS).where(abandoned).values(given_up))
        return len(ids)

    def _held(self, job: Job) -> Row[Any]:
        """The row of a job while whoever says so still holds it."""
        mine = self._connection.execute(_STATE.where(_JOBS.c.uid == job.uid, _JOBS.c.holder == job.holder)).first()
        if mine is None or mine.state not in HELD:
            raise Taken("the job")
        return mine

    def _row(self, query: Select[Any], uid: str, user_id: str | None) -> Row[Any]:
        query = query.where(_JOBS.c.uid == uid)
        row = self._connection.execute(query if user_id is None else query.where(_JOBS.c.user_id == user_id)).first()
        if row is None:
            raise NotFound("job", uid)
        return row

    def _set(self, uid: str, **values: Any) -> None:
        self._connection.execute(update(_JOBS).where(_JOBS.c.uid == uid).values(values))

    def _all(self, query: Select[Any]) -> list[Job]:
        return [_job(row) for row in self._connection.execute(query)]


def _taken_by(kinds: Mapping[str, str | None]) -> ColumnElement[bool]:
    """Jobs of these kinds; of those with a key, the ones under it."""
    anybody = [kind for kind, key in kinds.items() if key is None]
    own = [and_(_JOBS.c.kind == kind, _JOBS.c.key == key) for kind, key in kinds.items() if key is not None]
    return or_(_JOBS.c.kind.in_(anybody), *own)


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)
