"""What a job can become: its moves, put, listed, cancelled; what failed is tried again."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import get_args

import pytest
from stubs import ManualClock
from working import Make, Stopwatch, once

from dmha.domain.jobs import LEASE, UNFINISHED, Move, after, retry_after
from dmha.errors import InvalidInput, NotFound, Unavailable
from dmha.records import Job
from dmha.tasks import JobKind, Ran, Task
from dmha.types import JobState


def test_a_job_moves_as_the_table_says_and_no_other_way() -> None:
    """Each move from each state leads where it is written here, or nowhere."""
    moves: dict[tuple[JobState, Move], JobState] = {
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
    every = product(get_args(JobState), get_args(Move))
    assert {(state, move): to for state, move in every if (to := after(state, move))} == moves
    assert set(get_args(JobState)) - UNFINISHED == {"done", "failed", "cancelled"}


def test_each_retry_waits_twice_as_long_up_to_an_hour() -> None:
    """Ten seconds after the first failure, doubled after each, never more than an hour."""
    assert [retry_after(failures) for failures in range(1, 11)] == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]
    assert retry_after(1_000_000) == 3_600


def test_the_same_work_is_put_once(make: Make) -> None:
    """Put again while it is unfinished it is the same job; another account's, or after its end, it is another one."""
    scheduler = make(JobKind("walk", once))
    first = scheduler.put("walk", key="k", user_id="aya", body={"far": 1})
    assert scheduler.put("walk", key="k", user_id="aya", body={"far": 2}) == first
    assert scheduler.put("walk", key="k", user_id="kenji").uid != first.uid
    while scheduler.step():
        pass
    assert scheduler.get(first.uid).state == "done"
    assert scheduler.put("walk", key="k", user_id="aya").uid != first.uid


def test_work_of_no_known_kind_is_refused(make: Make) -> None:
    """A kind that this scheduler does not know is an error that names those it does."""
    with pytest.raises(InvalidInput, match="Use run, walk"):
        make(JobKind("walk", once), JobKind("run", once)).put("fly")


def test_pages_show_every_job_once_latest_first(make: Make, clock: ManualClock) -> None:
    """Page after page by the last one's time and id: none twice, none left out, though others come meanwhile."""
    scheduler = make(JobKind("walk", once))
    put = []
    for number in range(7):
        put.append(scheduler.put("walk", key=str(number), user_id="aya"))
        scheduler.put("walk", key=str(number), user_id="kenji")
        clock.forward(seconds=number % 2)
    seen: list[Job] = []
    while page := scheduler.list(user_id="aya", limit=2, before=(seen[-1].created_at, seen[-1].uid) if seen else None):
        seen += page
        scheduler.put("walk", key=f"late {len(seen)}", user_id="aya")
    assert [each.created_at for each in seen] == sorted((each.created_at for each in put), reverse=True)
    assert {each.uid for each in seen} >= {each.uid for each in put if each.created_at < seen[0].created_at}
    assert len({each.uid for each in seen}) == len(seen)
    assert len(scheduler.list(limit=100)) > len(scheduler.list(user_id="aya", limit=100))


def test_anothers_job_is_not_found(make: Make) -> None:
    """By another account's name a job can neither be seen nor cancelled, and nothing tells that it is there."""
    scheduler = make(JobKind("walk", once))
    uid = scheduler.put("walk", user_id="aya").uid
    told = set()
    for ask, id in product((scheduler.get, scheduler.cancel), (uid, "0" * 32)):
        with pytest.raises(NotFound) as refused:
            ask(id, user_id="kenji")
        told.add(str(refused.value).replace(id, ""))
    assert len(told) == 1
    assert scheduler.get(uid, user_id="aya").state == "waiting"
    assert scheduler.list(user_id="kenji") == []


def test_a_waiting_job_is_cancelled_at_once(make: Make) -> None:
    """It never runs; cancelled again, it stays what it is."""
    scheduler = make(JobKind("walk", once))
    uid = scheduler.put("walk", user_id="aya").uid
    assert scheduler.cancel(uid, user_id="aya").state == "cancelled"
    assert scheduler.cancel(uid).state == "cancelled"
    assert not scheduler.step()
    assert scheduler.ran() == {"walk": Ran()}


def test_a_running_job_stops_at_its_next_step(make: Make) -> None:
    """Cancelled while it runs it is stopping, sees that it is not wanted, and is cancelled with what it came to."""

    def run(task: Task) -> bool:
        task.progress(1, 3)
        task.result["walked"] = 1
        assert task.wanted()
        assert scheduler.cancel(task.job.uid, user_id="aya").state == "stopping"
        return not task.wanted()

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk", user_id="aya").uid
    assert scheduler.step()
    left = scheduler.get(uid)
    assert (left.state, left.done, left.total, left.result, left.holder) == ("cancelled", 1, 3, {"walked": 1}, None)
    assert not scheduler.step()


def test_a_job_cancelled_by_another_process_hears_of_it_with_its_lease(make: Make, watch: Stopwatch) -> None:
    """Whoever runs a job learns from the truth that it is to stop, at the latest when it renews its lease."""

    def run(task: Task) -> bool:
        other.cancel(task.job.uid)
        assert task.wanted()
        watch.seconds += LEASE / 3
        assert not task.wanted()
        assert not task.wanted()
        return True

    scheduler, other = make(JobKind("walk", run, budget_s=LEASE)), make(JobKind("walk", once), holder="h2")
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    assert scheduler.get(uid).state == "cancelled"


def test_the_numbers_tell_what_waits(make: Make) -> None:
    """Every kind is counted, those too of which nothing waits."""
    scheduler = make(JobKind("walk", once), JobKind("run", once))
    for key in "abc":
        scheduler.put("walk", key=key)
    scheduler.step()
    assert scheduler.waiting() == {"walk": 2, "run": 0}
    assert {name: ran.runs for name, ran in scheduler.ran().items()} == {"walk": 1, "run": 0}


def test_a_failure_is_tried_again_and_its_reason_kept(make: Make, clock: ManualClock) -> None:
    """Not before its time, with the last reason to be read; when the tries are used up, it has failed for good."""
    scheduler = make(JobKind("walk", partial(broken, []), attempts=3))
    uid = scheduler.put("walk").uid
    history = []
    for wait in (0, 9, 1, 19, 1, 1_000_000):
        clock.forward(seconds=wait)
        ran = scheduler.step()
        now = scheduler.get(uid)
        history.append((ran, now.state, now.attempts, now.due_at - clock.now.timestamp()))
    assert [each[:3] for each in history] == [
        (True, "waiting", 1), (False, "waiting", 1), (True, "waiting", 2),
        (False, "waiting", 2), (True, "failed", 3), (False, "failed", 3),
    ]  # fmt: skip
    assert [each[3] for each in history[:4]] == [10, 1, 20, 1]
    assert "Unavailable: the road is unavailable: it is closed" in scheduler.get(uid).reason
    assert scheduler.ran()["walk"].failures == 3


def broken(good: list[str], task: Task) -> bool:
    """Fails until its reasons to succeed are there."""
    if not good:
        raise Unavailable("the road", "it is closed", "Wait.")
    return False


def test_a_job_that_recovers_is_done(make: Make, clock: ManualClock) -> None:
    """A failure that mends by itself leaves a job done, the reason of the last failure beside it."""
    good: list[str] = []
    scheduler = make(JobKind("walk", partial(broken, good)))
    uid = scheduler.put("walk").uid
    scheduler.step()
    good.append("open")
    clock.forward(seconds=10)
    scheduler.step()
    left = scheduler.get(uid)
    assert (left.state, left.attempts, left.reason[:12]) == ("done", 1, "Unavailable:")


def test_what_cannot_mend_is_not_tried_again(make: Make) -> None:
    """An error that is the asker's own fails the job at the first try, and a defect of a kind harms no other kind."""

    def refuse(_: Task) -> bool:
        raise InvalidInput("body", "it is empty", "Give one.")

    def defect(_: Task) -> bool:
        raise ZeroDivisionError("by nothing")

    scheduler = make(JobKind("refuse", refuse), JobKind("defect", defect), JobKind("walk", once))
    uids = [scheduler.put(kind).uid for kind in ("refuse", "defect", "walk")]
    while scheduler.step():
        pass
    left = [scheduler.get(uid) for uid in uids]
    assert [(each.state, each.attempts) for each in left] == [("failed", 1), ("waiting", 1), ("done", 0)]
    assert left[1].reason == "ZeroDivisionError: by nothing"


def test_who_gets_on_may_fail_anew(make: Make, clock: ManualClock) -> None:
    """Tries are counted since the last progress: a long job is not given up for a few failures far apart."""

    def run(task: Task) -> bool:
        if task.done < 4:
            task.progress(task.done + 1, 4)
            raise Unavailable("the road", "it is closed", "Wait.")
        return False

    scheduler = make(JobKind("walk", run, attempts=2))
    uid = scheduler.put("walk").uid
    for _ in range(5):
        assert scheduler.step()
        clock.forward(seconds=10)
    assert scheduler.get(uid).state == "done"


# -- what a kind may get wrong ---------------------------------------------------------------------------------------


def test_an_error_that_cannot_be_told_is_a_failure_like_any(make: Make) -> None:
    """One whose words are a defect of their own is named by its kind, and its job waits to be tried again."""

    class Untold(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def run(_: Task) -> bool:
        raise Untold

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    left = scheduler.get(uid)
    assert (left.state, left.holder, left.attempts, left.reason) == ("waiting", None, 1, "Untold")


def test_who_interrupts_a_job_leaves_none_held(make: Make, clock: ManualClock) -> None:
    """Ctrl-C in the middle of a slice comes through, and the job waits to be tried again."""

    def run(_: Task) -> bool:
        raise KeyboardInterrupt

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    with pytest.raises(KeyboardInterrupt):
        scheduler.step()
    left = scheduler.get(uid)
    assert (left.state, left.holder, left.attempts, left.reason) == ("waiting", None, 1, "KeyboardInterrupt: ")


@pytest.mark.parametrize(
    "result", [{"far": float("nan")}, {"far": object()}, {"far": "\ud800"}, {"far": "x" * 100_000}, {1: "far"}]
)
def test_a_result_that_cannot_be_kept_fails_the_job(make: Make, result: dict[str, object]) -> None:
    """What it came to before stands, and so does how far it got."""

    def run(task: Task) -> bool:
        if not task.done:
            task.result["good"] = True
            task.progress(1, 2)
            return True
        task.result = result
        return False

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    assert scheduler.step()
    left = scheduler.get(uid)
    assert (left.state, left.done, left.result) == ("failed", 1, {"good": True})
    assert "result" in left.reason


@pytest.mark.parametrize("done", [-1, 2**63, 1.5, True, None])
def test_progress_that_is_no_number_fails_the_job(make: Make, done: object) -> None:
    """The kind's error is kept as any other, and what it told before stands."""

    def run(task: Task) -> bool:
        task.progress(1, 2)
        task.progress(done, 2)  # type: ignore[arg-type] # that is the point
        return False

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    assert (scheduler.get(uid).state, scheduler.get(uid).done) == ("failed", 1)


def test_any_reason_can_be_kept(make: Make) -> None:
    """Half a surrogate, a NUL or a megabyte in an error's words are no second error."""

    def run(_: Task) -> bool:
        raise ValueError("\ud800\0 the road" + "!" * 1_000_000)

    scheduler = make(JobKind("walk", run))
    uid = scheduler.put("walk").uid
    assert scheduler.step()
    assert scheduler.get(uid).reason.startswith("ValueError: ? the road!!")
    assert len(scheduler.get(uid).reason) < 3_000


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"body": {"far": float("inf")}}, "body"),
        ({"body": {"far": "\ud800"}}, "body"),
        ({"body": ["far"]}, "body"),
        ({"delay_s": float("nan")}, "delay_s"),
        ({"delay_s": -1.0}, "delay_s"),
        ({"key": "a\nb"}, "key"),
        ({"user_id": "\ud800"}, "user_id"),
    ],
)
def test_work_that_cannot_be_kept_is_refused(make: Make, given: dict[str, object], field: str) -> None:
    """The field is named, and nothing is put."""
    scheduler = make(JobKind("walk", once))
    with pytest.raises(InvalidInput) as refused:
        scheduler.put("walk", **given)  # type: ignore[arg-type] # that is the point
    assert refused.value.field == field
    assert scheduler.list() == []
