"""Work in the background: shown to whom it belongs, and cancelled by them; all of it to who operates the service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter

from dmha.records import Job
from dmha.server.callers import Caller
from dmha.server.models import Cursor, Id, Limit, Made
from dmha.server.route import Route
from dmha.server.routes.answers import reading
from dmha.server.routes.talk import Reader, Writer
from dmha.types import JobState

router = APIRouter(prefix="/v1/jobs", route_class=Route, tags=["operating"])


class JobSeen(Made):
    """One piece of work."""

    id: str
    """What reads and cancels it."""
    user_id: str | None
    """Whose it is; null for the file's own, which only who may operate is shown."""
    kind: str
    """What is done."""
    state: JobState
    """`stopping` is cancelled, and not at its next step yet."""
    attempts: int
    """How often it failed since it last got on."""
    reason: str
    """Why it failed last; empty where it did not."""
    done: int
    """How far it got, out of `total`."""
    total: int
    """How much there is to do; 0 before that is known."""
    created_at: datetime
    """When it was asked for, in UTC."""
    changed_at: datetime
    """When this was last so, in UTC."""
    result: dict[str, Any] | None
    """What it came to, or has come to so far."""

    @classmethod
    def of(cls, job: Job) -> JobSeen:
        """The job as its owner sees it, or who operates the service."""
        return cls(
            id=job.uid, user_id=job.user_id or None, kind=job.kind, state=job.state, attempts=job.attempts,
            reason=job.reason, done=job.done, total=job.total, created_at=_moment(job.created_at),
            changed_at=_moment(job.changed_at), result=None if job.result is None else dict(job.result),
        )  # fmt: skip


class Jobs(Made):
    """Some jobs."""

    jobs: list[JobSeen]
    """The latest first."""
    next: str | None
    """The `cursor` of the page after this one; null on the last."""


@router.get("", responses=reading())
async def list_(
    caller: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Jobs:
    """The account's jobs; everybody's for who may operate."""
    whose, cursors, scheduler = _whose(caller), caller.service.cursors, caller.service.scheduler
    stood = cursors.read(cursor, "jobs", whose)
    created, _, uid = (stood or "").partition(" ")
    before = (float(created), uid) if stood else None
    found = await caller.ask(lambda _, __: scheduler.list(user_id=whose, limit=limit + 1, before=before))
    last = found[limit - 1] if len(found) > limit else None
    return Jobs(
        jobs=[JobSeen.of(job) for job in found[:limit]],
        next=None if last is None else cursors.made(f"{last.created_at!r} {last.uid}", "jobs", whose),
    )


@router.get("/{id}", responses=reading(404))
async def read(id: Id, caller: Reader) -> JobSeen:
    """One job."""
    scheduler = caller.service.scheduler
    return JobSeen.of(await caller.ask(lambda _, __: scheduler.get(id, user_id=_whose(caller))))


@router.delete("/{id}", responses=reading(404))
async def cancel(id: Id, caller: Writer) -> JobSeen:
    """Stop a job at its next step; what is over stays what it came to."""
    scheduler = caller.service.scheduler
    return JobSeen.of(await caller.ask(lambda _, __: scheduler.cancel(id, user_id=_whose(caller))))


def _whose(caller: Caller) -> str | None:
    return None if "operate" in caller.grant.rights else caller.account()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
