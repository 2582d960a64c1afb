"""Background work: how a job's state moves, which one comes next, when it is tried again, what sets work off, and what
it may take from replies.

Of time only durations are known here, and points of it that are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dmha.records import Job
from dmha.types import JobState

Move = Literal["put", "claim", "again", "finish", "fail", "cancel"]
"""`put`: the same work is asked for once more. `again`: whoever ran it lets go of it, because there is more to do, a
reply comes first, or it is tried once more."""

# Whoever runs a job hears that it is to stop between two steps: until then it is `stopping`, and no twin can begin.
# Work that is asked for again meanwhile is wanted: it goes on, so that nobody's asking is lost.
MOVES: Mapping[tuple[JobState, Move], JobState] = {
    ("waiting", "put"): "waiting",
    ("running", "put"): "running",
    ("stopping", "put"): "running",
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

# Seconds that a job stays its holder's unheard: long over any step between two looks at whether it is wanted, short
# enough that a holder that died is soon forgotten.
LEASE = 60.0
# A time further ahead than this is of a clock that was wrong: it binds nobody. Twice what a lease could be.
AHEAD = 2.0 * LEASE

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


# -- replies come first, but not for ever ----------------------------------------------------------------------------

PATIENCE = 5.0  # seconds that replies keep work waiting before it goes on beside them: longer than all but a herd's do
BESIDE = (
    0.05  # seconds of it at a time, from its first step on; one step may be longer, and is paid for by the rest after
)
PART = 0.05  # of the time, at most; what it costs a search is told in docs/jobs.md


@dataclass(frozen=True, slots=True)
class Share:
    """What work may take from replies that follow each other without a pause. `due` is when it may next; None while
    nothing keeps it waiting."""

    due: float | None = None

    def held_back(self, now: float) -> Share:
        """A reply comes first, now: patience begins, unless it has begun."""
        return Share(now + PATIENCE) if self.due is None else self

    def may_begin(self, now: float) -> bool:
        """Whether work may begin, or go on, beside a reply."""
        return self.due is not None and now >= self.due

    def worked(self, begun: float, ended: float) -> Share:
        """After so long beside replies it rests until that was no more than its part of the time."""
        return Share(ended + (ended - begun) * (1.0 / PART - 1.0))


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
