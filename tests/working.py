"""Background work for tests: a watch that is moved by hand, schedulers that run by it, and kinds of work to run."""

from __future__ import annotations

from collections.abc import Callable

from dmha.jobs import Scheduler
from dmha.records import Job
from dmha.tasks import Task

Make = Callable[..., Scheduler]
"""A scheduler of these kinds on the file of the test; `holder` names another process."""


class Stopwatch:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def once(_: Task) -> bool:
    return False


def steps(watch: Stopwatch, most: int, each: float, log: list[str] | None = None) -> Callable[[Task], bool]:
    """Work of so many steps that take so long each."""

    def run(task: Task) -> bool:
        while task.wanted() and task.done < most:
            watch.seconds += each
            task.progress(task.done + 1, most)
        if log is not None:
            log.append(f"{task.user_id}:{task.done}")
        return task.done < most

    return run


def job(uid: str, user_id: str = "aya", *, priority: int = 0, due_at: float = 0.0) -> Job:
    return Job(uid, "walk", uid, user_id, priority, due_at, 0.0, 0.0)
