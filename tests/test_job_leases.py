"""Who runs a job holds it by a lease: nothing is lost when a process dies, and nothing is done by two."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from herd import Herd, Line
from job_child import stand_still
from sqlalchemy.exc import IntegrityError
from stubs import ManualClock
from working import Make, Stopwatch, once

from dmha.domain.jobs import LEASE, UNFINISHED, Interval
from dmha.errors import Unavailable
from dmha.jobs import Scheduler
from dmha.protocols import Ledger
from dmha.stores import schema
from dmha.stores.truth import Truth
from dmha.tasks import JobKind, Ran, Task
from dmha.types import JobState


def test_two_schedulers_share_a_file_and_run_each_job_once(make: Make, clock: ManualClock) -> None:
    """A job that one holds the other leaves alone."""
    ran: list[str] = []

    def run(task: Task) -> bool:
        ran.append(task.key)
        if task.key == "0":
            assert second.step()
            assert not second.step()
        return False

    first, second = make(JobKind("walk", run)), make(JobKind("walk", run), holder="h2")
    for key in "01":
        first.put("walk", key=key)
        clock.forward(seconds=1)
    assert first.step()
    assert not first.step()
    assert ran == ["0", "1"]


def test_who_comes_second_gets_nothing(truth: Truth, make: Make) -> None:
    """What somebody else has claimed, or what is gone, cannot be claimed: that is no error, the next one is tried."""
    uid = make(JobKind("walk", once)).put("walk").uid

    def unit(ledger: Ledger) -> list[bool]:
        claims = (ledger.jobs.claim(each, holder="h", now=0.0, until=1.0) for each in (uid, uid, "gone"))
        return [claimed is not None for claimed in claims]

    assert truth.write(unit) == [True, False, False]


def test_at_once_two_processes_run_every_job_once(database: Path, make: Make, clock: ManualClock) -> None:
    """Two openings of the file, each with its scheduler on a thread: no job twice, none left out."""
    ran: list[str] = []
    over = threading.Event()

    def run(task: Task) -> bool:
        ran.append(task.key)
        if len(ran) >= 30:
            over.set()
        return False

    other = Truth(str(database))
    schedulers = make(JobKind("walk", run)), Scheduler(other, [JobKind("walk", run)], clock, holder="h2")
    for number in range(30):
        schedulers[0].put("walk", key=f"{number:02}")
    for scheduler in schedulers:
        scheduler.start()
    assert over.wait(60)
    for scheduler in schedulers:
        scheduler.close()
    other.close()
    assert sorted(ran) == [f"{number:02}" for number in range(30)]
    assert {job.state for job in schedulers[0].list()} == {"done"}


def test_a_holder_whose_lease_was_lost_cannot_finish(make: Make, clock: ManualClock) -> None:
    """Who stood still for a whole lease finds the job in another's hands: what that one makes of it stands."""

    def stand_still(task: Task) -> bool:
        task.result["by"] = "first"
        clock.forward(seconds=LEASE)
        assert second.step()
        return True

    def finish(task: Task) -> bool:
        task.result["by"] = "second"
        return False

    first, second = make(JobKind("walk", stand_still)), make(JobKind("walk", finish), holder="h2")
    uid = first.put("walk").uid
    assert first.step()
    left = first.get(uid)
    assert (left.state, left.result, left.attempts) == ("done", {"by": "second"}, 1)
    assert left.reason == "h1 ran it and was not heard of any more"
    assert first.ran()["walk"] == Ran(1, 0, 0.0)


def test_a_lease_is_renewed_while_work_goes_on(make: Make, clock: ManualClock, watch: Stopwatch) -> None:
    """However long a slice takes, nobody takes it over from somebody who looks up in time."""

    def run(task: Task) -> bool:
        for _ in range(10):
            clock.forward(seconds=LEASE / 3)
            watch.seconds += LEASE / 3
            task.progress(task.done + 1, 10)
            assert task.wanted()
            assert not second.step()
            assert second.get(task.job.uid).done == task.done
        return False

    first, second = make(JobKind("walk", run, budget_s=1_000)), make(JobKind("walk", once), holder="h2")
    uid = first.put("walk").uid
    assert first.step()
    assert first.get(uid).state == "done"


def test_a_killed_process_leaves_its_job_to_the_next(database: Path, make: Make, clock: ManualClock) -> None:
    """After `kill -9` a job is held until its lease is over, and then run by another process to its end."""
    said: list[Line] = []
    first = make(JobKind("walk", once))
    uid = first.put("walk", user_id="aya", body={"far": 3}).uid
    with Herd(lambda _, line: said.append(line)) as herd:
        child = herd.start(stand_still, str(database))
        herd.listen(lambda: bool(said))
        herd.kill(child)
    assert said[0]["uid"] == uid
    assert not first.step()
    assert first.get(uid).state == "running"
    clock.forward(seconds=LEASE)
    assert first.step()
    left = first.get(uid)
    assert (left.state, left.body, left.attempts) == ("done", {"far": 3}, 1)
    assert left.reason.startswith(said[0]["holder"])


def test_a_job_that_kills_whoever_runs_it_is_given_up(
    make: Make, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holder that is not heard of any more counts as a failure; at the last one the job has failed."""
    kind = JobKind("walk", once, attempts=2)
    first = make(kind)
    uid = first.put("walk").uid
    for died in range(2):
        claim(make, kind, uid, f"died{died}", monkeypatch)
        clock.forward(seconds=LEASE)
    assert not first.step()
    left = first.get(uid)
    assert (left.state, left.reason) == ("failed", "died1 ran it and was not heard of any more")


def claim(make: Make, kind: JobKind, uid: str, holder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a job as a process does that dies over it."""

    class Killed(BaseException):
        pass

    def die(task: Task) -> bool:
        assert task.job.uid == uid
        raise Killed

    dying = make(replace(kind, run=die), holder=holder)
    monkeypatch.setattr(dying, "_hand_back", lambda *_: None)  # who is dead lets go of nothing
    with pytest.raises(Killed):
        dying.step()


def test_what_a_process_does_for_itself_no_other_takes(make: Make, clock: ManualClock) -> None:
    """Each process has its own job of such a kind, and a dead one's is over."""
    kind = JobKind("tidy", once, Interval(600), own=True)
    first, second = make(kind), make(kind, holder="h2")
    assert first.step()
    assert second.step()
    assert {(each.key, each.state) for each in first.list()} == {("h1", "done"), ("h2", "done")}
    assert not first.step()


# -- clocks that are wrong, and what comes at the last moment ----------------------------------------------------------


def test_a_lease_of_a_clock_that_ran_ahead_binds_nobody(
    make: Make, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder whose clock stood at next year dies: once the clock is right its job is taken over, not next year."""
    kind = JobKind("walk", once)
    first = make(kind)
    uid = first.put("walk").uid
    clock.forward(days=365)
    claim(make, kind, uid, "died", monkeypatch)
    clock.forward(days=-365)
    assert first.step()
    assert first.get(uid).state == "done"


def test_a_job_of_a_clock_that_ran_ahead_is_due(make: Make, clock: ManualClock) -> None:
    """What was put, or failed, by a clock that stood at next year is run when the clock is right."""
    fails = [True]

    def run(_: Task) -> bool:
        if fails.pop():
            raise Unavailable("the road", "it is closed", "Wait.")
        return False

    scheduler = make(JobKind("walk", run), JobKind("rest", once))
    clock.forward(days=365)
    scheduler.put("walk")
    assert scheduler.step()
    uids = [scheduler.put("rest", delay_s=60).uid, scheduler.list()[0].uid]
    clock.forward(days=-365)
    fails.append(False)
    while scheduler.step():
        pass
    assert {scheduler.get(uid).state for uid in uids} == {"done"}


def test_a_lease_is_no_longer_than_it_was_for_clocks_a_little_apart(make: Make, clock: ManualClock) -> None:
    """By a clock that is a minute behind the holder's nothing is taken from it."""

    def run(_: Task) -> bool:
        clock.forward(seconds=-60)
        assert not second.step()
        clock.forward(seconds=60)
        return False

    first, second = make(JobKind("walk", run)), make(JobKind("walk", once), holder="h2")
    uid = first.put("walk").uid
    assert first.step()
    assert (first.get(uid).state, first.get(uid).attempts) == ("done", 0)


def test_who_stood_still_and_was_not_missed_goes_on(make: Make, clock: ManualClock, watch: Stopwatch) -> None:
    """A lease that ran out while nobody came is renewed, and the job ends as if nothing had been."""

    def run(task: Task) -> bool:
        clock.forward(seconds=10 * LEASE)
        watch.seconds += 10 * LEASE
        assert task.wanted()
        return False

    scheduler = make(JobKind("walk", run, budget_s=20 * LEASE))
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    assert (scheduler.get(uid).state, scheduler.get(uid).attempts) == ("done", 0)


@pytest.mark.parametrize(("fails", "state"), [(False, "done"), (True, "cancelled")])
def test_a_cancel_in_the_last_step_changes_nothing_that_is_done(make: Make, fails: bool, state: str) -> None:
    """A job that came to its end is done; one that failed then is not tried again."""

    def run(task: Task) -> bool:
        assert other.cancel(task.job.uid).state == "stopping"
        if fails:
            raise Unavailable("the road", "it is closed", "Wait.")
        return False

    scheduler, other = make(JobKind("walk", run)), make(JobKind("walk", once), holder="h2")
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    assert scheduler.get(uid).state == state
    assert not scheduler.step()


def test_work_asked_for_while_it_is_cancelled_goes_on(make: Make) -> None:
    """Whoever asks again is given the job that stops, and it stops no more: nobody's asking is lost."""

    def run(task: Task) -> bool:
        task.progress(task.done + 1, 2)
        if task.done == 1:
            scheduler.cancel(task.job.uid)
            again = other.put("walk", user_id="aya")
            assert (again.uid, again.state) == (task.job.uid, "running")
        return task.done < 2

    scheduler, other = make(JobKind("walk", run)), make(JobKind("walk", once), holder="h2")
    uid = scheduler.put("walk", user_id="aya").uid
    assert scheduler.step()
    assert scheduler.get(uid).state == "waiting"
    assert scheduler.step()
    assert (scheduler.get(uid).state, scheduler.get(uid).done) == ("done", 2)


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_the_schema_itself_holds_no_unfinished_job_twice(truth: Truth, make: Make, state: JobState) -> None:
    """A second row of the same kind, account and key is refused whatever wrote it, until the first is over."""
    scheduler = make(JobKind("walk", once))
    first = scheduler.put("walk", key="k", user_id="aya")

    def insert(uid: str, **changed: object) -> Callable[[Ledger], None]:
        row = asdict(replace(first, uid=uid, **changed))  # type: ignore[arg-type] # what is changed is named below
        return lambda ledger: ledger._connection.execute(  # type: ignore[attr-defined] # past all that looks first
            schema.jobs.insert().values(id=1_000 + int(uid), **row)
        )

    with pytest.raises(IntegrityError):
        truth.write(insert("1", state=state))
    for uid, other in (
        ("2", {"key": "l"}),
        ("3", {"user_id": "kenji"}),
        ("4", {"kind": "run"}),
        ("5", {"state": "done"}),
    ):
        truth.write(insert(uid, **{"state": state, **other}))
    scheduler.cancel(first.uid)
    truth.write(insert("6", state=state))
