"""Background jobs: put, claimed with a lease, held on to, handed back, cancelled, listed, forgotten in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from dmha.domain.jobs import AHEAD, HELD, UNFINISHED, Move, after
from dmha.errors import NotFound, Taken
from dmha.records import Job
from dmha.stores import schema
from dmha.stores.places import allocate
from dmha.types import JobState

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
            return self._move(known[0].uid, known[0].state, "put", job.created_at)
        self._connection.execute(insert(_JOBS).values(id=allocate(self._connection, _JOBS), **asdict(job)))
        return job

    def due(self, kinds: Mapping[str, str | None], now: float) -> list[Job]:
        """The first of each account, found by going from account to account: what others wait for is not read."""
        job = _JOBS.alias("job")
        come = or_(job.c.due_at <= now, job.c.changed_at > now + AHEAD)
        foremost = (
            select(job.c.id)
            .where(job.c.state == "waiting", job.c.user_id == _ACCOUNTS.c.user_id, come, _taken_by(job, kinds))
            .order_by(job.c.priority.desc(), job.c.due_at, job.c.created_at, job.c.uid)
            .limit(1)
            .correlate(_ACCOUNTS)
        )
        return self._all(select(*_COLUMNS).join_from(_ACCOUNTS, _JOBS, _JOBS.c.id == foremost.scalar_subquery()))

    def lapsed(self, kinds: Iterable[str], now: float) -> list[Job]:
        over = or_(_JOBS.c.leased_until <= now, _JOBS.c.leased_until > now + AHEAD)
        held = select(*_COLUMNS).where(_JOBS.c.state.in_(HELD), over)  # few: the kind is looked at here
        gone = self._all(held.order_by(_JOBS.c.leased_until, _JOBS.c.uid))
        return [job for job in gone if job.kind in kinds]

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
        return self._move(uid, self._row(_STATE, uid, user_id).state, "cancel", now)

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
        given_up = {
            "state": "cancelled", "reason": _ABANDONED, "changed_at": now, "holder": None, "leased_until": None,
        }  # fmt: skip
        self._connection.execute(update(_JOBS).where(abandoned).values(given_up))
        return len(ids)

    def _move(self, uid: str, state: JobState, move: Move, now: float) -> Job:
        """The job after the move; what is over stays what it came to."""
        to = after(state, move)
        if to not in (None, state):
            self._set(uid, state=to, changed_at=now)
        return self.get(uid)

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


def _accounts() -> CTE:
    """The accounts that something waits for, each found from the one before it."""
    waiting = _JOBS.c.state == "waiting"
    account = select(func.min(_JOBS.c.user_id).label("user_id")).where(waiting).cte("accounts", recursive=True)
    after_it = select(func.min(_JOBS.c.user_id)).where(waiting, _JOBS.c.user_id > account.c.user_id).correlate(account)
    return account.union_all(select(after_it.scalar_subquery()).where(account.c.user_id.is_not(None)))


_ACCOUNTS = _accounts()


def _taken_by(job: FromClause, kinds: Mapping[str, str | None]) -> ColumnElement[bool]:
    """Jobs of these kinds; of those with a key, the ones under it."""
    anybody = [kind for kind, key in kinds.items() if key is None]
    own = [and_(job.c.kind == kind, job.c.key == key) for kind, key in kinds.items() if key is not None]
    return or_(job.c.kind.in_(anybody), *own)


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)
