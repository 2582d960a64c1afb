"""Whose turn it is: the urgent first, then accounts in turn, by the slice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from stubs import ManualClock
from working import Make, Stopwatch, job, steps

from dmha.domain.jobs import next_of
from dmha.tasks import JobKind, Task


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


def test_ten_thousand_jobs_of_one_account_delay_anothers_by_a_slice(
    database: Path, make: Make, clock: ManualClock
) -> None:
    """However many wait, and though they were put first, the other account's one is the second to run."""
    ran: list[str] = []

    def run(task: Task) -> bool:
        ran.append(task.user_id)
        return False

    scheduler = make(JobKind("walk", run))
    like = asdict(scheduler.put("walk", user_id="aya")) | {"body": "{}"}
    names = ", ".join(["id", *like])
    rows = [(number, *(like | {"uid": str(number), "key": str(number)}).values()) for number in range(2, 10_001)]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * (len(like) + 1))})", rows)
        connection.execute("UPDATE counters SET next = 20000 WHERE name = 'jobs'")
    clock.forward(seconds=1)
    scheduler.put("walk", user_id="kenji")
    assert [scheduler.step() for _ in range(3)] == [True] * 3
    assert sorted(ran[:2]) == ["aya", "kenji"]
    assert ran[2] == "aya"
