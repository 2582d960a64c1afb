"""Work in the background: shown to whom it belongs, and cancelled by them; all of it to who operates the service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from dmha.records import Job
from dmha.server.callers import Caller
from dmha.server.models import Name
from dmha.server.route import Route
from dmha.server.routes.answers import reading, writing
from dmha.server.routes.talk import Reader, Writer

router = APIRouter(prefix="/v1/jobs", route_class=Route, tags=["operating"])


class JobSeen(BaseModel):
    """One piece of work: `done` of `total` so far, `reason` is why it failed last; `user_id` is whose it is, null for
    the file's own, which only who may operate is shown."""

    id: str
    user_id: str | None
    kind: str
    state: str
    attempts: int
    reason: str
    done: int
    total: int
    created_at: datetime
    changed_at: datetime
    result: dict[str, Any] | None

    @classmethod
    def of(cls, job: Job) -> JobSeen:
        """The job as its owner sees it, or who operates the service."""
        return cls(
            id=job.uid, user_id=job.user_id or None, kind=job.kind, state=job.state, attempts=job.attempts,
            reason=job.reason, done=job.done, total=job.total, created_at=_moment(job.created_at),
            changed_at=_moment(job.changed_at), result=None if job.result is None else dict(job.result),
        )  # fmt: skip


class Jobs(BaseModel):
    """Some jobs, the latest first, and the cursor of those before them; null on the last page."""

    jobs: list[JobSeen]
    next: str | None


@router.get("", responses=reading())
async def list_(
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_024, description="`next` of the page before.")] = None,
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
async def read(id: Name, caller: Reader) -> JobSeen:
    """One job."""
    scheduler = caller.service.scheduler
    return JobSeen.of(await caller.ask(lambda _, __: scheduler.get(id, user_id=_whose(caller))))


@router.delete("/{id}", responses=writing(404))
async def cancel(id: Name, caller: Writer) -> JobSeen:
    """Stop a job at its next step; what is over stays what it came to."""
    scheduler = caller.service.scheduler
    return JobSeen.of(await caller.ask(lambda _, __: scheduler.cancel(id, user_id=_whose(caller))))


def _whose(caller: Caller) -> str | None:
    return None if "operate" in caller.grant.rights else caller.account()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
