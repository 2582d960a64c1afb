"""The scheduler's thread: it works by itself, lets go when it is closed, and outlives what a kind gets wrong."""

from __future__ import annotations

import logging
import threading

import pytest
from working import Make, once

from dmha.tasks import JobKind, Task


def test_the_thread_runs_what_is_put_and_lets_go_when_closed(make: Make) -> None:
    """Started, it works by itself; closed in the middle of a job, the job waits for the next process."""
    begun, closing = threading.Event(), threading.Event()

    def run(task: Task) -> bool:
        begun.set()
        closing.wait()
        while task.wanted():
            closing.wait(0.001)
        return True

    scheduler = make(JobKind("walk", run, budget_s=1_000))
    alive = [scheduler.alive]
    scheduler.start()
    uid = scheduler.put("walk").uid
    assert begun.wait(30)
    alive.append(scheduler.alive)
    assert scheduler.get(uid).state == "running"
    closing.set()
    scheduler.close()
    assert [*alive, scheduler.alive] == [False, True, False]
    assert scheduler.get(uid).state == "waiting"
    assert not scheduler.step()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_kind_that_ends_its_thread_ends_itself_alone(
    make: Make, error: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raised is its job's reason; the thread is told of it, and runs the others without a rest."""
    monkeypatch.setattr("dmha.jobs._AFTER_TROUBLE", 3_600.0)
    monkeypatch.setattr("dmha.jobs._POLL", 3_600.0)
    over = threading.Event()

    def end(_: Task) -> bool:
        raise error

    def run(_: Task) -> bool:
        over.set()
        return False

    scheduler = make(JobKind("end", end, priority=1), JobKind("walk", run))
    uid = scheduler.put("end").uid
    scheduler.put("walk")
    scheduler.start()
    assert over.wait(30)
    assert scheduler.alive
    scheduler.close()
    assert (scheduler.get(uid).state, scheduler.get(uid).reason) == ("waiting", f"{error.__name__}: ")
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "background work goes on: there is a defect in one kind of it"
    ]


def test_a_job_that_never_looks_is_left_behind(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Closing waits for it no longer than it says; the job stays held, for whoever comes when its lease is over."""
    monkeypatch.setattr("dmha.jobs._LETS_GO", 0.01)
    begun, going = threading.Event(), threading.Event()

    def run(_: Task) -> bool:
        begun.set()
        going.wait()
        return True

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    scheduler.start()
    assert begun.wait(30)
    scheduler.close()
    assert scheduler.get(uid).state == "running"
    assert f"job {uid} does not let go" in caplog.text
    going.set()
    monkeypatch.undo()
    scheduler.close()
    assert not scheduler.alive


def test_started_twice_it_has_one_thread(make: Make) -> None:
    """A second start changes nothing."""
    scheduler = make(JobKind("walk", once))
    scheduler.start()
    thread = scheduler._thread
    scheduler.start()
    assert scheduler._thread is thread
    scheduler.close()
