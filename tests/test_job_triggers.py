"""What sets work off: an interval, a pause, a count; or somebody, for later."""

from __future__ import annotations

import pytest
from stubs import ManualClock
from working import Make, Stopwatch, once

from dmha.domain.jobs import Circumstances, Idle, Interval, Pressure, Trigger, is_due
from dmha.tasks import JobKind


@pytest.mark.parametrize(
    ("trigger", "now", "due"),
    [
        (Interval(60), Circumstances(0, None), True),
        (Interval(60), Circumstances(0, 59.9), False),
        (Interval(60), Circumstances(0, 60), True),
        (Interval(60), Circumstances(0, -5), True),
        (Idle(30), Circumstances(29.9, None), False),
        (Idle(30), Circumstances(30, None), True),
        (Idle(30), Circumstances(100, 50), False),
        (Idle(30), Circumstances(100, 150), True),
        (Pressure(3, 60), Circumstances(0, None, 2), False),
        (Pressure(3, 60), Circumstances(0, None, 3), True),
        (Pressure(3, 60), Circumstances(0, 59.9, 99), False),
        (Pressure(3, 60), Circumstances(0, 60, 3), True),
    ],
)
def test_a_trigger_goes_off_when_it_says(trigger: Trigger, now: Circumstances, due: bool) -> None:
    """An interval has passed; a pause is long enough and had no job yet; a count is reached and the last one rested."""
    assert is_due(trigger, now) is due


def test_an_interval_is_kept_by_all_processes_together(make: Make, clock: ManualClock) -> None:
    """Whichever process did it last, the next time is an interval later."""
    kind = JobKind("tidy", once, Interval(600))
    first, second = make(kind), make(kind, holder="h2")
    history = []
    for scheduler, wait in ((first, 0), (second, 0), (second, 599), (second, 1), (first, 599), (first, 1)):
        clock.forward(seconds=wait)
        history.append(scheduler.step())
    assert history == [True, False, False, True, False, True]


def test_a_pause_sets_work_off_once(make: Make, clock: ManualClock, watch: Stopwatch) -> None:
    """After half a minute without a reply, and not again before there was one."""
    scheduler = make(JobKind("dream", once, Idle(30)))
    history = []
    for wait in (29, 1, 100, 1_000):
        clock.forward(seconds=wait)
        watch.seconds += wait
        history.append(scheduler.step())
    with scheduler.reply():
        pass
    for wait in (29, 1):
        clock.forward(seconds=wait)
        watch.seconds += wait
        history.append(scheduler.step())
    assert history == [False, True, False, False, False, True]


def test_pressure_is_counted_now_and_then(make: Make, clock: ManualClock, watch: Stopwatch) -> None:
    """The count is asked for once a minute, however often the scheduler looks, and sets work off at its threshold."""
    counts = iter([1, 2, 3, 0])
    asked: list[int] = []

    def pressure() -> int:
        asked.append(next(counts))
        return asked[-1]

    scheduler = make(JobKind("embed", once, Pressure(3, 60), pressure))
    history = []
    for _ in range(4):
        history += [scheduler.step(), scheduler.step()]
        clock.forward(seconds=60)
        watch.seconds += 60
    assert history == [False, False, False, False, True, False, False, False]
    assert asked == [1, 2, 3, 0]


def test_a_job_put_for_later_waits_for_its_time(make: Make, clock: ManualClock) -> None:
    """What is put with a delay is not run before."""
    scheduler = make(JobKind("walk", once))
    scheduler.put("walk", delay_s=60)
    assert not scheduler.step()
    clock.forward(seconds=60)
    assert scheduler.step()


def test_a_kind_that_cannot_count_keeps_no_other_from_its_work(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """What its pressure raises is told, with the kind's name, and the others go on."""

    def pressure() -> int:
        raise ZeroDivisionError

    scheduler = make(JobKind("embed", once, Pressure(3, 60), pressure), JobKind("tidy", once, Interval(60)))
    assert scheduler.step()
    assert [job.kind for job in scheduler.list()] == ["tidy"]
    assert [record.getMessage() for record in caplog.records] == [
        "nobody knows whether there is work of the kind embed"
    ]
