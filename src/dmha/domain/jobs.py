"""Background work: how a job's state moves, which one comes next, when it is tried again, what sets work off.

Of time only durations are known here, and points of it that are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dmha.records import Job
from dmha.types import JobState

Move = Literal["claim", "again", "finish", "fail", "cancel"]
"""`again`: whoever ran it lets go of it, because there is more to do, a reply comes first, or it is tried once more."""

# Whoever runs a job hears that it is to stop between two steps: until then it is `stopping`, and no twin can begin.
MOVES: Mapping[tuple[JobState, Move], JobState] = {
    ("waiting", "claim"): "running",
    ("waiting", "cancel"): "cancelled",
    ("running", "again"): "waiting",
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "cancel"): "stopping",
    ("stopping", "again"): "cancelled",
    ("stopping", "finish"): "done",
    ("stopping", "fail"): "failed",
    ("stopping", "cancel"): "stopping",
}
HELD: frozenset[JobState] = frozenset({"running", "stopping"})
UNFINISHED: frozenset[JobState] = frozenset({"waiting", *HELD})

# What fails for a neighbour's sake (a model that starts, a lock) mends within seconds; what lasts is not asked for more
# than once an hour.
FIRST_RETRY = 10.0
LONGEST_RETRY = 3_600.0


def after(state: JobState, move: Move) -> JobState | None:
    """The state that the move leads to; None where it cannot be made."""
    return MOVES.get((state, move))


def next_of(due: Iterable[Job], served: Mapping[str, int]) -> Job | None:
    """The one to run of the jobs that are due: the most urgent, then the account's that was served longest ago.

    `served` tells when each account had its last turn; one that never had comes first. Of the same account, or of two
    that never had a turn, the one that is due longest. An account that asks for a thousand jobs delays another's one
    by a single slice.
    """
    return min(
        due,
        key=lambda job: (-job.priority, served.get(job.user_id, -1), job.due_at, job.created_at, job.uid),
        default=None,
    )


def retry_after(failures: int) -> float:
    """Seconds until the next try after so many failures one after the other: doubled each time, an hour at most."""
    return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 30))


# -- what sets work off ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interval:
    """So many seconds after the last job of the kind was over."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Idle:
    """Once in each pause, when no reply was asked for during so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """When a count reaches `least`; it is counted every so many seconds, and rests as long after a job of the kind."""

    least: int
    every: float


Trigger = Interval | Idle | Pressure


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How things stand for a kind: seconds without a reply, seconds since its last job was over (None: there was none),
    and the count that presses."""

    idle: float
    since_last: float | None
    pressure: int = 0


def is_due(trigger: Trigger, now: Circumstances) -> bool:
    """Whether a job of the kind is to be put."""
    match trigger:
        case Interval(seconds):
            return _passed(seconds, now.since_last)
        case Idle(seconds):
            return now.idle >= seconds and _passed(now.idle, now.since_last)
        case Pressure(least, every):
            return now.pressure >= least and _passed(every, now.since_last)


def _passed(seconds: float, since: float | None) -> bool:
    """Whether so much has passed. A last time that lies in the future is a clock's that was wrong: it binds nobody."""
    return since is None or since < 0 or since >= seconds
