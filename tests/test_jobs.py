"""Background work: its states, its order, its leases; replies come first, and nothing is lost when a process dies."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import get_args

import pytest
from herd import Herd, Line
from hypothesis import given
from hypothesis import strategies as st
from job_child import stand_still
from stubs import ManualClock

from dmha.domain.jobs import (
    UNFINISHED,
    Circumstances,
    Idle,
    Interval,
    Move,
    Pressure,
    Trigger,
    after,
    is_due,
    next_of,
    retry_after,
)
from dmha.errors import InvalidInput, NotFound, Unavailable
from dmha.jobs import LEASE, Scheduler
from dmha.protocols import Ledger
from dmha.records import Job
from dmha.stores.truth import Truth
from dmha.tasks import JobKind, Ran, Task
from dmha.types import JobState


class Stopwatch:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def truth(database: Path) -> Iterator[Truth]:
    opened = Truth(str(database))
    yield opened
    with opened.read() as ledger:  # what a test asserts inside of a job is a reason there
        assert not [each.reason for each in ledger.jobs.page(1_000) if "AssertionError" in each.reason]
    opened.close()


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


Make = Callable[..., Scheduler]


@pytest.fixture
def make(truth: Truth, clock: ManualClock, watch: Stopwatch) -> Make:
    """A scheduler on the file, of these kinds."""
    return lambda *kinds, holder="h1": Scheduler(truth, kinds, clock, holder=holder, monotonic=watch)


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


# -- the states, exactly ---------------------------------------------------------------------------------------------


def test_a_job_moves_as_the_table_says_and_no_other_way() -> None:
    """Each move from each state leads where it is written here, or nowhere."""
    moves: dict[tuple[JobState, Move], JobState] = {
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


# -- what comes next -------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), min_size=1, max_size=40))
def test_no_account_has_two_turns_while_another_waits_for_one(asked: Sequence[tuple[str, int]]) -> None:
    """Whoever asks for how much and when: between two turns of one account, each that waits has one."""
    waiting = [job(f"{place:02}", user, due_at=due) for place, (user, due) in enumerate(asked)]
    served: dict[str, int] = {}
    turns: list[tuple[str, set[str]]] = []
    while chosen := next_of(waiting, served):
        turns.append((chosen.user_id, {each.user_id for each in waiting} - {chosen.user_id}))
        served[chosen.user_id] = len(turns)
        waiting.remove(chosen)
    assert len(turns) == len(asked)
    for user in set("abcd"):
        own = [place for place, (who, _) in enumerate(turns) if who == user]
        for first, second in pairwise(own):
            assert turns[second][1] & turns[first][1] <= {who for who, _ in turns[first + 1 : second]}


def test_what_is_urgent_comes_before_whose_turn_it_is() -> None:
    """A higher priority wins over fairness, fairness over how long a job is due."""
    plain, urgent, long_due = job("1", "kenji", due_at=5), job("2", "aya", priority=1, due_at=9), job("3", due_at=1)
    assert next_of([plain, urgent, long_due], {"aya": 7}) is urgent
    assert next_of([plain, long_due], {"aya": 7}) is plain
    assert next_of([plain, long_due], {}) is long_due
    assert next_of([], {}) is None


def test_accounts_take_turns_by_the_slice(make: Make, clock: ManualClock, watch: Stopwatch) -> None:
    """One account's long job and many jobs delay another's by one slice at a time."""
    log: list[str] = []
    scheduler = make(JobKind("walk", steps(watch, 4, 0.5, log), budget_s=1.0))
    for user, key in (("aya", "x"), ("aya", "y"), ("aya", "z"), ("kenji", "x")):
        scheduler.put("walk", key=key, user_id=user)
        clock.forward(seconds=1)
    while scheduler.step():
        pass
    assert log[:4] == ["aya:2", "kenji:2", "aya:2", "kenji:4"]
    assert Counter(line[:-2] for line in log) == {"aya": 6, "kenji": 2}


# -- putting, listing, cancelling ------------------------------------------------------------------------------------


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


# -- slices, budgets, replies ----------------------------------------------------------------------------------------


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


# -- failing ---------------------------------------------------------------------------------------------------------


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


# -- leases ----------------------------------------------------------------------------------------------------------


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


def test_a_job_that_kills_whoever_runs_it_is_given_up(make: Make, clock: ManualClock) -> None:
    """Each holder that is not heard of any more counts as a failure; at the last one the job has failed."""
    kind = JobKind("walk", once, attempts=2)
    first = make(kind)
    uid = first.put("walk").uid
    for died in range(2):
        claim(make, kind, uid, clock, f"died{died}")
        clock.forward(seconds=LEASE)
    assert not first.step()
    left = first.get(uid)
    assert (left.state, left.reason) == ("failed", "died1 ran it and was not heard of any more")


def claim(make: Make, kind: JobKind, uid: str, clock: ManualClock, holder: str) -> None:
    """Take a job as a process does that dies over it."""

    class Killed(BaseException):
        pass

    def die(task: Task) -> bool:
        assert task.job.uid == uid
        raise Killed

    with pytest.raises(Killed):
        make(replace(kind, run=die), holder=holder).step()


def test_what_a_process_does_for_itself_no_other_takes(make: Make, clock: ManualClock) -> None:
    """Each process has its own job of such a kind, and a dead one's is over."""
    kind = JobKind("tidy", once, Interval(600), own=True)
    first, second = make(kind), make(kind, holder="h2")
    assert first.step()
    assert second.step()
    assert {(each.key, each.state) for each in first.list()} == {("h1", "done"), ("h2", "done")}
    assert not first.step()


# -- what sets work off ----------------------------------------------------------------------------------------------


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


def test_the_numbers_tell_what_waits(make: Make) -> None:
    """Every kind is counted, those too of which nothing waits."""
    scheduler = make(JobKind("walk", once), JobKind("run", once))
    for key in "abc":
        scheduler.put("walk", key=key)
    scheduler.step()
    assert scheduler.waiting() == {"walk": 2, "run": 0}
    assert {name: ran.runs for name, ran in scheduler.ran().items()} == {"walk": 1, "run": 0}


def test_a_job_put_for_later_waits_for_its_time(make: Make, clock: ManualClock) -> None:
    """What is put with a delay is not run before."""
    scheduler = make(JobKind("walk", once))
    scheduler.put("walk", delay_s=60)
    assert not scheduler.step()
    clock.forward(seconds=60)
    assert scheduler.step()


# -- the thread ------------------------------------------------------------------------------------------------------


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
