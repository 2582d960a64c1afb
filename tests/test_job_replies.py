"""Replies come first, but not for ever; work is done in slices."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stubs import ManualClock
from working import Make, Stopwatch, once, steps

from dmha.domain.jobs import PART, PATIENCE, Idle, Interval, Share
from dmha.jobs import Scheduler
from dmha.mind import Mind
from dmha.tasks import JobKind, Task


def test_a_slice_ends_with_its_budget_and_the_next_goes_on(make: Make, watch: Stopwatch) -> None:
    """Ten steps of 0.3 s in slices of 1 s: four, four and two, with what was done kept in between."""
    scheduler = make(JobKind("walk", steps(watch, 10, 0.3), budget_s=1.0))
    uid = scheduler.put("walk").uid
    history = []
    while scheduler.step():
        now = scheduler.get(uid)
        history.append((now.state, now.done, now.total, now.attempts))
    assert history == [("waiting", 4, 10, 0), ("waiting", 8, 10, 0), ("done", 10, 10, 0)]
    ran = scheduler.ran()["walk"]
    assert (ran.runs, ran.failures, round(ran.seconds, 9)) == (3, 0, 3.0)


def test_nothing_begins_while_somebody_waits_for_a_reply(make: Make) -> None:
    """With a reply under way nothing is put and nothing runs; after the last one it does."""
    scheduler = make(JobKind("walk", once, Interval(60)))
    with scheduler.reply():
        with scheduler.reply():
            assert not scheduler.step()
        assert not scheduler.step()
    assert scheduler.list() == []
    assert scheduler.step()


def test_a_running_job_yields_to_a_reply(make: Make) -> None:
    """It goes back to wait, with what it has done and no attempt counted, even if the reply was a short one."""
    turns: list[int] = []

    def run(task: Task) -> bool:
        turns.append(task.done)
        if task.done == 0:
            task.progress(1, 2)
            with scheduler.reply():
                assert not task.wanted()
            assert not task.wanted()  # what it left undone then is what is left
            return True
        return not task.wanted()

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    left = scheduler.get(uid)
    assert (left.state, left.done, left.attempts, left.reason) == ("waiting", 1, 0, "")
    assert scheduler.step()
    assert scheduler.get(uid).state == "done"
    assert turns == [0, 1]


# -- but not for ever ------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-6, 60), min_size=1, max_size=50))
def test_beside_replies_work_takes_its_part_of_the_time(slices: Sequence[float]) -> None:
    """However long its slices are: patience first, then never more than the part, and never without a next turn."""
    share, now, worked = Share().held_back(0.0), 0.0, 0.0
    assert share.due == PATIENCE
    for took in slices:
        assert share.due is not None
        now = share.due
        assert share.may_begin(now)
        assert worked <= PART * (now - PATIENCE) * (1 + 1e-9)
        share, worked, now = share.worked(now, now + took), worked + took, now + took
        assert share.held_back(now) == share
        assert not share.may_begin(now)


def test_without_a_reply_nothing_is_shared() -> None:
    """Where nothing kept work waiting, it may not begin beside a reply, however late it is."""
    assert not Share().may_begin(1e9)


def beside(scheduler: Scheduler, watch: Stopwatch, uid: str, *at: float) -> list[tuple[bool, int, float]]:
    """Steps at these moments while a reply is under way: whether it ran, how far the job is, when the step was over."""
    history = []
    with scheduler.reply():
        for moment in at:
            watch.seconds = moment
            history.append((scheduler.step(), scheduler.get(uid).done, round(watch.seconds, 6)))
    return history


def test_work_that_replies_keep_waiting_gets_a_twentieth_of_the_time(make: Make, watch: Stopwatch) -> None:
    """After five seconds a slice of fifty milliseconds, then a rest nineteen times as long as it took, and so on."""
    scheduler = make(JobKind("walk", steps(watch, 9, 0.02)))
    uid = scheduler.put("walk").uid
    assert beside(scheduler, watch, uid, 0, 4.99, 5, 6.1, 6.2, 7.39, 7.41, 8.7) == [
        (False, 0, 0), (False, 0, 4.99), (True, 3, 5.06),
        (False, 3, 6.1), (True, 6, 6.26),
        (False, 6, 7.39), (True, 9, 7.47), (False, 9, 8.7),
    ]  # fmt: skip
    assert scheduler.get(uid).state == "done"


def test_a_long_step_is_paid_for_by_the_rest_after_it(make: Make, watch: Stopwatch) -> None:
    """A step of half a second is done, and nothing more for nine and a half."""
    scheduler = make(JobKind("walk", steps(watch, 9, 0.5)))
    uid = scheduler.put("walk").uid
    assert beside(scheduler, watch, uid, 0, 5, 14.99, 15) == [
        (False, 0, 0), (True, 1, 5.5), (False, 1, 14.99), (True, 2, 15.5),
    ]  # fmt: skip


def test_what_takes_long_to_begin_gets_a_step_done(make: Make, watch: Stopwatch) -> None:
    """The time beside replies is counted from the first step on: work that looks something up first gets on, too."""
    walk = steps(watch, 9, 0.02)

    def run(task: Task) -> bool:
        watch.seconds += 0.2
        return walk(task)

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    assert beside(scheduler, watch, uid, 0, 5, 10.19, 10.21)[1:] == [
        (True, 3, 5.26), (False, 3, 10.19), (True, 6, 10.47),
    ]  # fmt: skip


def test_gaps_too_short_for_a_step_are_no_pause(make: Make, watch: Stopwatch) -> None:
    """A job that begins between two replies and is held up by the next before it did anything gets its share, too."""

    def run(task: Task) -> bool:
        with scheduler.reply():
            return steps(watch, 9, 0.02)(task)

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    history = []
    for moment in (0, 2, 4.99, 5, 5.1):
        watch.seconds = moment
        history.append((scheduler.step(), scheduler.get(uid).done))
    assert history == [(True, 0), (True, 0), (True, 0), (True, 3), (True, 3)]


def test_after_a_pause_patience_begins_anew(make: Make, watch: Stopwatch) -> None:
    """A slice without a reply is all that waits for: the next reply is kept waiting by nothing for five seconds."""
    scheduler = make(JobKind("walk", steps(watch, 99, 0.02), budget_s=0.1))
    uid = scheduler.put("walk").uid
    assert beside(scheduler, watch, uid, 0, 4)[-1][0] is False
    assert scheduler.step()
    done = scheduler.get(uid).done
    assert [each[:2] for each in beside(scheduler, watch, uid, 6, 10.99, 11)] == [
        (False, done), (False, done), (True, done + 3),
    ]  # fmt: skip


def test_where_nothing_waits_nothing_is_looked_for_beside_replies(
    make: Make, watch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that finds no work is the last for five seconds."""
    looked: list[float] = []
    scheduler = make(JobKind("walk", once))
    due = scheduler._put_what_is_due

    def look() -> None:
        looked.append(watch.seconds)
        due()

    monkeypatch.setattr(scheduler, "_put_what_is_due", look)
    with scheduler.reply():
        for tenths in range(120):
            watch.seconds = tenths / 10
            assert not scheduler.step()
    assert looked == [5.0, 10.1]


def test_a_pause_is_none_while_a_reply_is_under_way(make: Make, watch: Stopwatch) -> None:
    """What is for pauses is not begun beside a reply, however long the last one is over."""
    scheduler = make(JobKind("dream", once, Idle(30)))
    with scheduler.reply():
        for moment in range(0, 600, 5):
            watch.seconds = moment
            assert not scheduler.step()
    assert scheduler.list() == []


def test_under_unbroken_load_a_job_is_done(mind: Mind, clock: ManualClock) -> None:
    """Four threads search without a pause; a job of two hundred looks into the file is over within a minute."""
    here: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
    mind.add("the sea at night", **here)
    over, searched = threading.Event(), [0] * 4

    def run(task: Task) -> bool:
        while task.wanted() and task.done < 200:
            with mind.truth.read() as ledger:
                ledger.feed.head()
            task.progress(task.done + 1, 200)
        if task.done == 200:
            over.set()
        return task.done < 200

    def search(which: int) -> None:
        while not over.is_set():
            with scheduler.reply():
                mind.search("sea", **here)
                searched[which] += 1

    scheduler = Scheduler(mind.truth, [JobKind("walk", run)], clock)
    threads = [threading.Thread(target=search, args=(which,)) for which in range(4)]
    with scheduler.reply():  # before the first and after the last of theirs: there is no gap
        for thread in threads:
            thread.start()
        uid = scheduler.put("walk").uid
        scheduler.start()
        begun = time.monotonic()
        try:
            assert over.wait(60)
        finally:
            over.set()
        for thread in threads:
            thread.join()
    scheduler.close()
    assert time.monotonic() - begun >= PATIENCE
    assert scheduler.get(uid).state == "done"
    assert min(searched) > 10
