"""A kind of background work, and a slice of a job as the kind sees it.

A kind is a name and a function of a `Task`. The function works while `task.wanted()`, in steps that each leave the
truth whole, and returns whether more is left; then the job is due again, after those of others. It may come over the
same ground twice: a slice whose process died is begun anew by another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dmha.checks import check_metadata
from dmha.domain.jobs import Trigger
from dmha.errors import InvalidInput
from dmha.records import Job

_MOST_STEPS = 2**63 - 1  # what a database's integer holds


class Task:
    """One slice of a job, as its kind sees it."""

    def __init__(
        self, job: Job, budget_s: float, monotonic: Callable[[], float], goes_on: Callable[[Job], bool]
    ) -> None:
        self.job = job
        self.user_id, self.key, self.body = job.user_id, job.key, job.body
        self.done, self.total = job.done, job.total
        self.result: dict[str, Any] = dict(job.result or {})
        self._monotonic = monotonic
        self._until = monotonic() + budget_s
        self._goes_on = goes_on
        self._goes = True

    @property
    def left(self) -> float:
        """Seconds left of this slice; below zero when it is over."""
        return self._until - self._monotonic()

    def wanted(self) -> bool:
        """Whether to go on: not when the slice is over, somebody waits for a reply, or the job is to stop.

        Once it said no, it says so to the end: what was left undone then is what is left.
        """
        self._goes = self._goes and self.left > 0 and self._goes_on(self.now)
        return self._goes

    def progress(self, done: int, total: int) -> None:
        """How far the whole job is; kept with the lease."""
        for field, number in (("done", done), ("total", total)):
            if type(number) is not int or not 0 <= number <= _MOST_STEPS:
                raise InvalidInput(field, f"{number!r} is no number of steps", "Give a whole number.")
        self.done, self.total = done, total

    def check(self) -> None:
        """Refuse a `result` that cannot be kept."""
        check_metadata(self.result, "result")

    @property
    def now(self) -> Job:
        """The job with what this slice has come to so far."""
        return replace(self.job, done=self.done, total=self.total, result=self.result or None)


def nothing_presses() -> int:
    """The count of a kind that nothing presses for."""
    return 0


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of work. `run` works for a slice and returns whether more is left.

    `trigger` puts a job of the file's own, `pressure` is what a `Pressure` counts; without a trigger only `put` does.
    A higher `priority` comes first. After `attempts` failures with no progress between them a job is given up. `own` is
    for what each process does for itself, such as upkeep of what it holds in memory.
    """

    name: str
    run: Callable[[Task], bool]
    trigger: Trigger | None = None
    pressure: Callable[[], int] = nothing_presses
    priority: int = 0
    budget_s: float = 1.0
    attempts: int = 5
    own: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """What a kind of work came to in this process: slices run, those that failed, the seconds they took."""

    runs: int = 0
    failures: int = 0
    seconds: float = 0.0
