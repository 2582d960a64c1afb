"""The upkeep that goes on in the background: what waits is made up for, the index follows, what is old is forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Turn
from dmha.jobs import Scheduler
from dmha.mind import Mind
from dmha.protocols import Ledger
from dmha.records import Answered
from dmha.tasks import JobKind, Task
from dmha.upkeep import reembed_some

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
WRITTEN = 103  # a hundred turns, and what the window was folded into meanwhile


class Noting(StubEmbedder):
    """Tells how many texts it was given at once, and does what it is asked to then."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.given: list[int] = []
        self.then: Callable[[], object] = lambda: None

    def embed(self, texts: list[str], /) -> NDArray[Any]:
        self.given.append(len(texts))
        self.then()
        return super().embed(texts)


def work(scheduler: Scheduler) -> list[str]:
    """All that is to be done now, with no failure; the kinds, each slice once."""
    slices: list[str] = []
    before = {name: ran.runs for name, ran in scheduler.ran().items()}
    while scheduler.step():
        after = {name: ran.runs for name, ran in scheduler.ran().items()}
        slices += [name for name in after if after[name] > before[name]]
        before = after
    assert not sum(ran.failures for ran in scheduler.ran().values())
    return slices


@pytest.fixture
def unembedded(database: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mind, Noting]]:
    """A mind of a hundred memories that its embedder has not seen yet."""
    with dmha.open(database, embedder=StubEmbedder(id="old"), chat="extractive", clock=clock) as mind:
        mind.add([Turn(f"memory {number}") for number in range(100)], **HERE)
    embedder = Noting("new")
    with monkeypatch.context() as patch:  # opening would embed them
        patch.setattr(Mind, "reembed", lambda *_: 0)
        mind = dmha.open(database, embedder=embedder, chat="extractive", clock=clock)
    with mind:
        yield mind, embedder


def test_what_has_no_vector_is_embedded_in_the_background(unembedded: tuple[Mind, Noting]) -> None:
    """Eight at a time, until none is left; the job tells how many it was."""
    mind, embedder = unembedded
    scheduler = mind.scheduler()
    assert work(scheduler) == ["reembed", "sweep"]
    assert embedder.given == [8] * 12 + [7]
    assert {(job.kind, job.state, job.done, job.total) for job in scheduler.list()} == {
        ("reembed", "done", WRITTEN, WRITTEN),
        ("sweep", "done", 0, 0),
    }
    assert mind.reembed() == 0


def test_embedding_gives_way_to_a_reply_and_goes_on(unembedded: tuple[Mind, Noting]) -> None:
    """A reply is asked for in the first step: what is embedded stays, the rest comes when nobody waits any more."""
    mind, embedder = unembedded
    scheduler = mind.scheduler()
    with ExitStack() as replying:
        embedder.then = lambda: replying.enter_context(scheduler.reply())
        assert scheduler.step()
        (job,) = [job for job in scheduler.list() if job.kind == "reembed"]
        assert (job.state, job.done, job.attempts, embedder.given) == ("waiting", 8, 0, [8])
        assert not scheduler.step()
    embedder.then = lambda: None
    assert work(scheduler) == ["reembed", "sweep"]
    assert (scheduler.get(job.uid).state, scheduler.get(job.uid).done) == ("done", WRITTEN)
    assert embedder.given == [8] * 12 + [7]


def test_words_of_an_overtaken_dictionary_are_counted_in_the_background(
    mind: Mind, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a broken-off change of a dictionary left is counted, and found by its reading then."""
    mind.add("長谷川さんに会った", **HERE)
    with monkeypatch.context() as patch:
        patch.setattr(Mind, "recount", lambda *_: 0)
        mind.dictionary(**HERE).put("長谷川", "はせがわ")
    assert "recount" in work(mind.scheduler())
    assert [hit.memory.text for hit in mind.search("はせがわ", by_reading=True, **HERE)] == ["長谷川さんに会った"]
    assert mind.recount() == 0


def test_an_index_in_use_follows_many_writes(mind: Mind, clock: ManualClock) -> None:
    """After hundreds of writes the tenant's index has taken them in before the next question is asked."""
    mind.add("the sea at night", **HERE)
    mind.search("sea", **HERE)
    assert work(mind.scheduler()) == ["sweep"]
    mind.add([Turn(f"sea {number}") for number in range(600)], **HERE)
    mind.add("the sea of somebody else", user_id="kenji")
    assert work(mind.scheduler()) == ["index"]
    assert mind._index.behind() == {}
    assert all(diagnosis.ok for diagnosis in mind.diagnose())


def test_a_conversation_sets_no_index_work_off(mind: Mind) -> None:
    """What a question takes in by itself within a millisecond is left to it."""
    mind.add("the sea at night", **HERE)
    mind.search("sea", **HERE)
    assert work(mind.scheduler()) == ["sweep"]
    mind.add("the sea at noon", **HERE)
    assert work(mind.scheduler()) == []


def test_what_is_old_is_swept_and_what_is_young_stays(mind: Mind, clock: ManualClock) -> None:
    """Keyed requests go after a day, jobs after a week; what nobody came for in a week is cancelled."""
    scheduler = mind.scheduler()
    work(scheduler)
    (first,) = scheduler.list()
    stranger = Scheduler(mind._truth, [JobKind("later", lambda _: False)], clock)
    forgotten = stranger.put("later")
    clock.forward(days=6, hours=1)
    claim(mind, clock, "old")
    clock.forward(hours=23)
    claim(mind, clock, "young")
    work(scheduler)
    assert scheduler.get(first.uid).state == "done"
    assert scheduler.get(forgotten.uid).state == "waiting"
    clock.forward(hours=1, seconds=1)
    work(scheduler)
    assert first.uid not in {job.uid for job in scheduler.list()}
    left = scheduler.get(forgotten.uid)
    assert (left.state, left.reason[:18]) == ("cancelled", "nobody came for it")
    assert [claim(mind, clock, key) for key in ("old", "young")] == [True, Answered(204, "")]


def claim(mind: Mind, clock: ManualClock, key: str) -> bool | Answered:
    """A request under that key, answered at once if it is new."""
    now = clock.now.timestamp()

    def unit(ledger: Ledger) -> bool | Answered:
        mine = ledger.requests.claim("user:aya", key, "digest", holder="h", now=now, until=now + 60)
        if mine is True:
            ledger.requests.close("user:aya", key, Answered(204, ""), holder="h")
        return mine

    return mind._truth.write(unit)


def test_an_account_that_goes_takes_its_jobs_along(mind: Mind, clock: ManualClock) -> None:
    """With all that is an account's its jobs are deleted, whatever becomes of the one that runs; others' stay."""

    def leave(_: Task) -> bool:
        mind.delete_all(user_id="aya")
        return False

    scheduler = Scheduler(mind._truth, [JobKind("later", leave)], clock)
    scheduler.put("later", user_id="aya", key="1")
    scheduler.put("later", user_id="aya", key="2")
    scheduler.put("later", user_id="kenji")
    mind.delete_all(user_id="aya", agent_id="relu")
    assert len(scheduler.list(user_id="aya")) == 2
    while scheduler.step():
        pass
    assert [(job.user_id, job.state) for job in scheduler.list()] == [("kenji", "done")]


def test_work_of_a_kind_that_is_no_more_is_given_up_in_a_week(
    mind: Mind, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that a newer version knows nothing of harm nothing: what waits and what was held is cancelled, then gone."""

    class Killed(BaseException):
        pass

    def die(_: Task) -> bool:
        raise Killed

    older = Scheduler(mind._truth, [JobKind("gone", die)], clock)
    held, waits = older.put("gone", key="1"), older.put("gone", key="2", delay_s=10)
    monkeypatch.setattr(older, "_hand_back", lambda *_: None)  # who is dead lets go of nothing
    with pytest.raises(Killed):
        older.step()
    scheduler = mind.scheduler()
    states = []
    for days in (0, 7, 8):
        clock.forward(days=days, minutes=2)
        work(scheduler)
        states.append([job.state for job in scheduler.list() if job.uid in (held.uid, waits.uid)])
    assert sorted(states[0]) == ["running", "waiting"]
    assert states[1:] == [["cancelled", "cancelled"], []]


def test_what_waits_for_a_vector_is_told_by_counts_alone(unembedded: tuple[Mind, Noting], database: Path) -> None:
    """The count is the same as one by one, with all, some, one and none embedded, and with a stranger's vector."""
    mind, _ = unembedded

    def counted() -> tuple[int, int]:
        with mind._truth.read() as ledger:
            return ledger.feed.unembedded_count(), len(ledger.feed.unembedded(1_000))

    histories = [counted()]
    for some in (40, WRITTEN - 41, 1):
        reembed_some(mind._truth, mind._perception, some, 0)
        histories.append(counted())
    assert histories == [(WRITTEN, WRITTEN), (63, 63), (1, 1), (0, 0)]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM vectors WHERE memory_id = 3")
    assert counted() == (1, 1)
