"""The scheduler of background work: it puts what is due, runs one job at a time in slices, and lets replies come first.

Jobs stand in the truth, held by leases, so that any process with the file may take one over whose holder died. What a
kind of work is stands in `tasks`, those that every memory needs in `chores`.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from dmha.checks import MOST_NAME, check_metadata, check_name, check_text, check_time
from dmha.domain.jobs import LEASE, UNFINISHED, Circumstances, Pressure, is_due, next_of, retry_after
from dmha.errors import DmhaError, InvalidInput, MissingExtra, NotFound, OutOfBounds, Taken, Unavailable
from dmha.protocols import Clock, Ledger, Truth
from dmha.records import Job
from dmha.replies import Replies
from dmha.tasks import JobKind, Ran, Task

_log = logging.getLogger("dmha")

_POLL = 1.0  # seconds between two looks for something to do; what is put in this process is seen at once
_AFTER_TROUBLE = 30.0  # seconds of rest when the truth itself fails: a full disk is not asked every second
_LETS_GO = 10.0  # seconds to close in: ten times the slowest step known, eight long texts embedded beside others' work
_MOST_REASON = 2_000
_SERVED = 10_000  # accounts whose last turn is remembered; who is forgotten had it longest ago, or never

# Trying again changes nothing about these.
_LASTING = (InvalidInput, NotFound, OutOfBounds, MissingExtra)


class Scheduler:
    """Runs the kinds of work it is given, one job at a time: by `step`, or on a thread between `start` and `close`.

    `holder` names it in the leases. `clock` is the time that processes share, `monotonic` measures this one's slices.
    """

    def __init__(
        self, truth: Truth, kinds: Sequence[JobKind], clock: Clock, *, holder: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}" if holder is None else holder
        self._truth = truth
        self._kinds = {kind.name: kind for kind in kinds}
        self._taken = {kind.name: self.holder if kind.own else None for kind in kinds}
        self._clock = clock
        self._monotonic = monotonic
        self._served: OrderedDict[str, int] = OrderedDict()
        self._turns = 0
        self._ran = {kind.name: Ran() for kind in kinds}
        self._counted: dict[str, float] = {}  # when a kind's pressure is counted next
        self._replies = Replies(monotonic)
        self._renewed_at = monotonic()
        self._running: str | None = None
        self._stop = threading.Event()  # the running job was cancelled here
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def reply(self) -> AbstractContextManager[None]:
        """Around work that somebody waits for: no job begins meanwhile, and a running one lets go at its next step.

        Where replies leave no pause, work that is kept waiting takes a small share of the time beside them.
        """
        return self._replies.reply()

    # -- what is asked of it -------------------------------------------------------------------------------------------

    def put(
        self,
        kind: str,
        *,
        key: str = "",
        user_id: str = "",
        body: Mapping[str, Any] | None = None,
        delay_s: float = 0.0,
    ) -> Job:
        """Ask for work in the account's name; while a job of that kind, account and key is unfinished, it is that.

        One that is stopping goes on then.
        """
        if kind not in self._kinds:
            raise InvalidInput("kind", f"{kind!r} is not a kind of work", f"Use {', '.join(sorted(self._kinds))}.")
        for field, name in (("key", key), ("user_id", user_id)):
            if name:
                check_name(field, name)
        check_metadata(body or {}, "body")
        if not 0.0 <= delay_s < math.inf:
            raise InvalidInput("delay_s", f"{delay_s!r} is no time to wait", "Give seconds, 0 or more.")
        now = self._now()
        job = Job(
            uid=uuid4().hex, kind=kind, key=key, user_id=user_id, priority=self._kinds[kind].priority,
            due_at=now + delay_s, created_at=now, changed_at=now, body=body or {},
        )  # fmt: skip
        stands = self._truth.write(lambda ledger: ledger.jobs.put(job))
        self._woken.set()
        return stands

    def list(
        self, *, user_id: str | None = None, limit: int = 50, before: tuple[float, str] | None = None
    ) -> Sequence[Job]:
        """The account's jobs (None: everybody's), latest first; `before` is the last one's `created_at` and `uid`."""
        with self._truth.read() as ledger:
            return ledger.jobs.page(limit, user_id, before)

    def get(self, uid: str, *, user_id: str | None = None) -> Job:
        """One job; another account's is `NotFound`."""
        check_text("id", uid, most=MOST_NAME)
        with self._truth.read() as ledger:
            return ledger.jobs.get(uid, user_id)

    def cancel(self, uid: str, *, user_id: str | None = None) -> Job:
        """Stop a job: one that waits at once, one that runs at its next step; what is over stays what it came to."""
        check_text("id", uid, most=MOST_NAME)
        now = self._now()
        job = self._truth.write(lambda ledger: ledger.jobs.cancel(uid, now, user_id))
        if uid == self._running:
            self._stop.set()
        return job

    def ran(self) -> dict[str, Ran]:
        """What each kind came to in this process so far."""
        return dict(self._ran)

    def waiting(self) -> dict[str, int]:
        """How many jobs of each kind wait."""
        with self._truth.read() as ledger:
            return dict.fromkeys(self._kinds, 0) | ledger.jobs.waiting()

    # -- the work ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Work on a thread of its own from now on."""
        if self.alive:
            return
        self._thread = threading.Thread(target=self._work, name="dmha-jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the running job go at its next step, and stop; it waits in the truth for the next to come.

        One that never looks whether it is wanted is left behind: others come to it when its lease is over.
        """
        self._closing.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(_LETS_GO)
        if self.alive:
            _log.warning("job %s does not let go, and is left behind", self._running)

    @property
    def alive(self) -> bool:
        """Whether its thread works."""
        return self._thread is not None and self._thread.is_alive()

    def step(self) -> bool:
        """Put what is due and run one slice of one job; False where nothing is to be done, or a reply comes first."""
        if self._closing.is_set() or not self._replies.begin():
            return False
        self._put_what_is_due()
        job = self._claim()
        if job is not None:
            self._run(job)
        self._replies.end(worked=job is not None)
        return job is not None

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                if self.step():
                    continue
                rest = self._replies.rest(_POLL)
            except Unavailable as error:
                _log.warning("background work rests: %s", error)
                rest = _AFTER_TROUBLE
            except Exception:  # noqa: BLE001 - nobody hears it, and a thread that ends leaves all work undone
                _log.exception("background work rests: there is a defect")
                rest = _AFTER_TROUBLE
            except BaseException:  # noqa: BLE001 - a kind's own, such as SystemExit: no other work is kept waiting for it
                _log.exception("background work goes on: there is a defect in one kind of it")
                rest = 0.0  # its job is tried again after a while, as any that failed
            self._woken.wait(rest)
            self._woken.clear()

    def _put_what_is_due(self) -> None:
        now = self._now()
        with self._truth.read() as ledger:
            last = {name: ledger.jobs.latest(name, key or "") for name, key in self._taken.items()}
        for name, key in self._taken.items():
            if self._is_due(self._kinds[name], last[name], now):
                self.put(name, key=key or "")

    def _is_due(self, kind: JobKind, last: Job | None, now: float) -> bool:
        if kind.trigger is None or (last is not None and last.state in UNFINISHED):
            return False
        pressure, at = 0, self._monotonic()
        if isinstance(kind.trigger, Pressure) and at >= self._counted.get(kind.name, at):
            self._counted[kind.name] = at + kind.trigger.every
            pressure = self._pressure(kind)
        since_last = None if last is None else now - last.changed_at
        return is_due(kind.trigger, Circumstances(self._replies.pause, since_last, pressure))

    def _pressure(self, kind: JobKind) -> int:
        """What presses; a kind that cannot tell is told of, and keeps no other from its work."""
        try:
            return kind.pressure()
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever a kind gets wrong is its own
            _log.exception("nobody knows whether there is work of the kind %s", kind.name)
            return 0

    def _claim(self) -> Job | None:
        """The job whose turn it is, held by this scheduler. To look takes no lock, and somebody may be quicker."""
        job = None
        while job is None:
            now = self._now()
            with self._truth.read() as ledger:
                lapsed = ledger.jobs.lapsed(self._kinds, now)
                chosen = next_of(ledger.jobs.due(self._taken, now), self._served)
            if lapsed:
                self._truth.write(partial(self._recover, now))
            elif chosen is None:
                return None
            else:
                job = self._truth.write(partial(self._take, chosen.uid, now))
        return job

    def _take(self, uid: str, now: float, ledger: Ledger) -> Job | None:
        return ledger.jobs.claim(uid, holder=self.holder, now=now, until=now + LEASE)

    def _recover(self, now: float, ledger: Ledger) -> None:
        """Let others come to jobs whose holder was not heard of for a lease: that is a failure like any other."""
        for job in ledger.jobs.lapsed(self._kinds, now):
            kind = self._kinds[job.kind]
            told = replace(job, attempts=job.attempts + 1, reason=f"{job.holder} ran it and was not heard of any more")
            lost = (kind.own and job.key != self.holder) or told.attempts >= kind.attempts
            ledger.jobs.hand_back(told, "fail" if lost else "again", now)

    def _run(self, job: Job) -> None:
        kind, begun = self._kinds[job.kind], self._monotonic()
        self._serve(job.user_id)
        self._stop.clear()
        self._running, self._renewed_at = job.uid, begun
        task = Task(job, kind.budget_s, self._monotonic, self._goes_on)
        try:
            self._hand_back(*self._slice(kind, task))
        except Taken:
            _log.warning("job %s (%s) stood still for a lease, and is another process's now", job.uid, kind.name)
        finally:
            self._running = None
            ran = self._ran[kind.name]
            self._ran[kind.name] = replace(ran, runs=ran.runs + 1, seconds=ran.seconds + self._monotonic() - begun)

    def _slice(self, kind: JobKind, task: Task) -> tuple[Job, Literal["again", "finish", "fail"]]:
        """What the job has come to after one slice, and what becomes of it."""
        try:
            more = kind.run(task)
            task.check()
        except Taken:
            raise
        except Exception as error:  # noqa: BLE001 - kept in the truth as the reason, for whoever asks; and tried again
            return self._failed(kind, task, error)
        except BaseException as error:  # who interrupts leaves no job held for a lease
            with suppress(Taken):
                self._hand_back(*self._failed(kind, task, error))
            raise
        attempts = 0 if task.done > task.job.done else task.job.attempts
        return replace(task.now, attempts=attempts, due_at=self._now()), "again" if more else "finish"

    def _failed(self, kind: JobKind, task: Task, error: BaseException) -> tuple[Job, Literal["again", "fail"]]:
        ran = self._ran[kind.name]
        self._ran[kind.name] = replace(ran, failures=ran.failures + 1)
        try:
            task.check()
        except DmhaError:
            task.result = dict(task.job.result or {})  # what it came to now cannot be kept
        attempts = 1 if task.done > task.job.done else task.job.attempts + 1
        reason = _told(error)[:_MOST_REASON].encode(errors="replace").decode().replace("\0", "")
        _log.warning("job %s (%s) failed, attempt %d: %s", task.job.uid, kind.name, attempts, type(error).__name__)
        came_to = replace(task.now, attempts=attempts, reason=reason, due_at=self._now() + retry_after(attempts))
        return came_to, "fail" if isinstance(error, _LASTING) or attempts >= kind.attempts else "again"

    def _hand_back(self, job: Job, move: Literal["again", "finish", "fail"]) -> None:
        now = self._now()
        self._truth.write(lambda ledger: ledger.jobs.hand_back(job, move, now))

    def _goes_on(self, job: Job) -> bool:
        """Whether the running job goes on; where a third of its lease is over, it is renewed, and a cancel heard of."""
        if self._closing.is_set() or self._stop.is_set() or not self._replies.goes_on():
            return False
        at = self._monotonic()
        if at - self._renewed_at < LEASE / 3:
            return True
        now = self._now()
        self._renewed_at = at
        return self._truth.write(lambda ledger: ledger.jobs.renew(job, now=now, until=now + LEASE))

    def _serve(self, user_id: str) -> None:
        self._turns += 1
        self._served[user_id] = self._turns
        self._served.move_to_end(user_id)
        if len(self._served) > _SERVED:
            self._served.popitem(last=False)

    def _now(self) -> float:
        return check_time("clock", self._clock()).timestamp()


def _told(error: BaseException) -> str:
    """What went wrong; by its name alone where it cannot say so itself."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except Exception:  # noqa: BLE001 - whatever a kind gets wrong is its own
        return name
