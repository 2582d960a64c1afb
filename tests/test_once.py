"""Requests under a key, whatever becomes of who is at work on them: each takes effect once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from stubs import ManualClock

from dmha.errors import Taken, Unavailable
from dmha.mind import Mind
from dmha.protocols import Ledger
from dmha.records import Answered, Telling
from dmha.server.once import LEASE, Once
from dmha.server.problems import Problem

DAY = 86_400.0
SECONDS = st.sampled_from([-DAY, -LEASE - 1, -1.0, 1.0, LEASE - 1, LEASE + 1, DAY + 1])


class Requests(RuleBasedStateMachine):
    """One key, two servers on one file that die and come again, a clock that jumps, and the sweep."""

    at_work = Bundle("at_work")
    mind: Mind | None = None  # one for all runs: to open a file takes longer than a run

    def __init__(self) -> None:
        super().__init__()
        self.now = self.latest = 1e9
        self.begun = self.effects = 0

    @rule(target=at_work, server=st.sampled_from("ab"))
    def ask(self, server: str) -> Any:
        """A request comes, the first or a retry."""
        self.begun += 1
        name = f"{server}.{self.begun}"
        came = self.write(
            lambda ledger: ledger.requests.claim(
                "aya", "k", "d", holder=name, now=self.now, until=self.now + LEASE
            )
        )  # fmt: skip
        assert isinstance(came, Answered) == (self.effects == 1)
        return name if came is True else multiple()

    @rule(name=consumes(at_work))
    def take_effect(self, name: str) -> None:
        """The work is done: its effect and its answer stand together, or neither."""
        try:
            self.write(lambda ledger: ledger.requests.close("aya", "k", Answered(200, "x"), Telling(), holder=name))
        except Taken:
            return
        self.effects += 1

    @rule(name=consumes(at_work))
    def fail(self, name: str) -> None:
        """The work comes to nothing."""
        self.write(lambda ledger: ledger.requests.release("aya", "k", holder=name))

    @rule(name=consumes(at_work))
    def die(self, name: str) -> None:
        """Nobody hears of it any more."""

    @rule(server=st.sampled_from("ab"))
    def renew(self, server: str) -> None:
        """A server holds on to what it has."""
        self.write(lambda ledger: ledger.requests.renew(server, self.now + LEASE))

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        """The clock goes on, or is set back."""
        self.now += seconds
        self.latest = max(self.latest, self.now)

    @rule()
    def sweep(self) -> None:
        """What is a day old is forgotten: the key is a new one."""
        if self.write(lambda ledger: ledger.requests.sweep(self.now - DAY, 10)):
            self.effects = 0

    @invariant()
    def once(self) -> None:
        assert self.effects <= 1

    def teardown(self) -> None:
        """Whatever happened, once all leases are over the next retry does it, or hears that it was done."""
        after = self.latest + LEASE + 1
        came = self.write(lambda ledger: ledger.requests.claim("aya", "k", "d", holder="c", now=after, until=after))
        assert came is True or isinstance(came, Answered)
        self.write(lambda ledger: ledger.requests.sweep(self.latest + DAY, 10))

    def write(self, unit: Callable[[Ledger], Any]) -> Any:
        assert self.mind is not None
        return self.mind._truth.write(unit)


def test_whatever_happens_each_effect_happens_once(mind: Mind) -> None:
    """Of a key that two servers are asked for again and again at most one request takes effect, and none is stuck."""
    Requests.mind = mind
    run_state_machine_as_test(Requests, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))


@contextmanager
def server(mind: Mind, clock: ManualClock) -> Iterator[Once]:
    made = Once(mind._truth, clock)
    try:
        yield made
    finally:
        made.close()


def run(once: Once, mind: Mind, meanwhile: Callable[[], object] = lambda: None) -> tuple[Answered, bool]:
    """A memory made under a key, after something else has happened."""

    def work(also: Any) -> list[str]:
        meanwhile()
        return mind.add("the sea", user_id="aya", also=also)

    return once.run("aya", "k", "d", work, lambda ids: Answered(201, ids[0]), lambda ids: Telling(frozenset(ids)))


@pytest.mark.parametrize("same", [True, False], ids=["the same server", "another server"])
def test_who_lost_its_lease_undoes_its_work(mind: Mind, clock: ManualClock, same: bool) -> None:
    """A retry that came to another while the first stood still is answered; the first does nothing and says so."""
    answers: list[tuple[Answered, bool]] = []
    with server(mind, clock) as first, server(mind, clock) as second:

        def taken_over() -> None:
            with pytest.raises(Problem, match="under way"):
                run(second, mind)
            clock.forward(seconds=LEASE + 1)
            answers.append(run(first if same else second, mind))

        with pytest.raises(Taken):
            run(first, mind, taken_over)
        assert run(first, mind) == (answers[0][0], True)
    assert len(mind.memories(user_id="aya").memories) == 1


def test_who_fails_late_leaves_anothers_claim(mind: Mind, clock: ManualClock) -> None:
    """Work that stood still and came to nothing lets go of its own claim, not of that which took its place."""
    with server(mind, clock) as once:

        def fails() -> None:
            clock.forward(seconds=LEASE + 1)
            raise KeyError("late")

        def taken_over() -> None:
            clock.forward(seconds=LEASE + 1)
            claimed = mind._truth.write(
                lambda ledger: ledger.requests.claim(
                    "aya", "k", "d", holder=f"{once._holder}.x", now=clock().timestamp(), until=9e9
                )
            )
            assert claimed is True
            raise KeyError("late")

        for failing in (fails, taken_over):
            with pytest.raises(KeyError):
                run(once, mind, failing)
        with pytest.raises(Problem, match="under way"):
            run(once, mind)


def test_a_claim_whose_commit_was_in_doubt_is_let_go(
    mind: Mind, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the file though it was said to have failed: the next request finds the key free."""
    write, failing = mind._truth.write, [True]

    def doubtful(unit: Callable[[Ledger], Any]) -> Any:
        came = write(unit)
        if failing and failing.pop():
            raise Unavailable("database", "nobody knows", "Try again.")
        return came

    monkeypatch.setattr(mind._truth, "write", doubtful)
    with server(mind, clock) as once:
        with pytest.raises(Unavailable):
            run(once, mind)
        assert run(once, mind)[1] is False
    assert len(mind.memories(user_id="aya").memories) == 1
