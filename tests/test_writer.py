"""The writer: shared commits, savepoints of one's own, nothing lost at close."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, event, insert, select
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Turn, Unavailable
from dmha.mind import Mind
from dmha.records import Place
from dmha.stores import schema
from dmha.stores.engine import open_engine
from dmha.stores.group import group_of
from dmha.stores.migrate import upgrade
from dmha.stores.places import Places, allocate
from dmha.stores.truth import Truth
from dmha.stores.writer import GROUP, Writer


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    made = open_engine(database)
    upgrade(made)
    yield made
    made.dispose()


def keep(name: str) -> Callable[[Connection], str]:
    """A unit that writes one row of that name."""

    def unit(connection: Connection) -> str:
        connection.execute(insert(schema.counters).values(name=name, next=1))
        return name

    return unit


def kept(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(schema.counters.c.name)).scalars()) - {"moment"}


class Gate:
    """A unit that holds the writer until the gate opens, so that others queue up behind it."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, connection: Connection) -> None:
        self.entered.set()
        assert self.opened.wait(30)


def hold(writer: Writer, pool: ThreadPoolExecutor) -> tuple[Gate, Future[None]]:
    """The writer's thread at work on a gate's unit: what is handed in queues up, as where many write."""
    gate, writer._alone = Gate(), False
    held = pool.submit(writer.write, gate)
    assert gate.entered.wait(30)
    return gate, held


def queued(writer: Writer, pool: ThreadPoolExecutor, units: Sequence[Callable[[Connection], str]]) -> list[object]:
    """What each unit came to, all handed in while the writer was held: a value or the error."""
    gate, held = hold(writer, pool)
    waiting = [pool.submit(writer.write, unit) for unit in units]
    while writer._queue.qsize() < len(units):
        pass
    gate.opened.set()
    held.result()
    return [future.exception() or future.result() for future in waiting]


def test_callers_that_wait_together_share_a_commit(engine: Engine) -> None:
    """Sixteen units handed in behind one are committed with a single COMMIT, and all are there."""
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)
    writer = Writer(engine)
    names = [f"n{n}" for n in range(16)]
    with ThreadPoolExecutor(17) as pool:
        assert queued(writer, pool, [keep(name) for name in names]) == names
    assert len(commits) == 2  # the held one's, and theirs
    assert kept(engine) == set(names)
    writer.close()


def test_a_group_is_bounded(engine: Engine) -> None:
    """More units than a group takes are committed in several, in the order handed in."""
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)
    writer = Writer(engine)
    names = [f"n{n}" for n in range(GROUP + 1)]
    with ThreadPoolExecutor(GROUP + 2) as pool:
        queued(writer, pool, [keep(name) for name in names])
    assert len(commits) == 3
    writer.close()


def test_a_unit_that_fails_takes_nothing_with_it(engine: Engine) -> None:
    """Its own rows are undone and its error is its caller's; those of its group are kept."""

    def fails(connection: Connection) -> str:
        keep("half")(connection)
        raise KeyError("mine")

    writer = Writer(engine)
    with ThreadPoolExecutor(4) as pool:
        before, failure, after = queued(writer, pool, [keep("before"), fails, keep("after")])
    assert (before, after) == ("before", "after")
    assert isinstance(failure, KeyError)
    assert kept(engine) == {"before", "after"}
    writer.close()


def test_what_a_failed_unit_found_is_forgotten_and_its_ids_are_not_used_again(engine: Engine) -> None:
    """A session made by a unit that is undone is made anew by the next unit of its group, under another id."""
    place, given = Place("u", "a", "agent:a"), list[int]()

    def unit(connection: Connection, *, fails: bool) -> str:
        memo = group_of(connection).memo
        places = memo.setdefault("places", Places(connection))  # as the ledger is: shared by the group's units
        given.append(places.session(places.ensure(place, "UTC", 0.0), "s"))
        if fails:
            raise KeyError("mine")
        return "kept"

    writer = Writer(engine)
    with ThreadPoolExecutor(4) as pool:
        units = [partial(unit, fails=True), partial(unit, fails=False), partial(unit, fails=False)]
        failure, second, third = queued(writer, pool, units)
    assert isinstance(failure, KeyError)
    assert (second, third) == ("kept", "kept")
    assert given == [1, 2, 2]
    with engine.connect() as connection:
        assert connection.execute(select(schema.sessions.c.id)).scalars().all() == [2]
        assert connection.execute(select(schema.tenants.c.id)).scalars().all() == [2]
    writer.close()


def test_ids_go_on_where_the_group_before_left_them(engine: Engine) -> None:
    """Ids handed out in one transaction are counted in the file: the next, here or elsewhere, goes on after them."""

    def take(connection: Connection) -> int:
        return allocate(connection, schema.turns, 3)

    writer = Writer(engine)
    assert [writer.write(take), writer.write(take)] == [1, 4]
    writer.close()
    elsewhere = Writer(engine)
    assert elsewhere.write(take) == 7
    elsewhere.close()


def test_ids_that_the_group_has_counted_are_not_behind(database: Path) -> None:
    """Whoever mends the counters in the group of an add finds nothing to mend: they are written back at its end."""
    truth = Truth(str(database))
    with ThreadPoolExecutor(3) as pool:
        gate, _ = hold(truth._writer, pool)
        pool.submit(truth.write, lambda ledger: ledger.places.ensure(Place("aya", "relu", "agent:relu"), "UTC", 0.0))
        while not truth._writer._queue.qsize():
            pass
        mended = pool.submit(truth.write, lambda ledger: ledger.mending.advance_counters())
        while truth._writer._queue.qsize() < 2:
            pass
        gate.opened.set()
        assert mended.result() == []
    truth.close()


def test_a_commit_that_fails_counts_no_ids(engine: Engine) -> None:
    """Ids of a transaction that never was are counted from where the file stands."""
    writer = Writer(engine)

    def full(connection: Connection) -> None:
        event.remove(engine, "commit", full)
        raise OSError("the disk is gone")

    event.listen(engine, "commit", full)
    with pytest.raises(OSError, match="gone"):
        writer.write(lambda connection: allocate(connection, schema.turns))
    assert writer.write(lambda connection: allocate(connection, schema.turns)) == 1
    writer.close()


def test_a_broken_rule_of_the_database_is_the_units_own_failure(engine: Engine) -> None:
    """A row that exists already fails for the second caller alone."""
    writer = Writer(engine)
    with ThreadPoolExecutor(4) as pool:
        first, second, third = queued(writer, pool, [keep("one"), keep("one"), keep("two")])
    assert (first, third) == ("one", "two")
    assert isinstance(second, Exception)
    assert kept(engine) == {"one", "two"}
    writer.close()


def test_a_commit_that_fails_is_told_to_all_and_keeps_nothing(engine: Engine) -> None:
    """Where the shared COMMIT fails, every caller hears of it, no row stays, and the next write works."""
    writer = Writer(engine)

    def full(connection: Connection) -> None:
        event.remove(engine, "commit", full)
        raise OSError("the disk is gone")

    with ThreadPoolExecutor(3) as pool:
        gate, held = hold(writer, pool)
        waiting = [pool.submit(writer.write, keep(name)) for name in ("a", "b")]
        while writer._queue.qsize() < 2:
            pass
        event.listen(engine, "commit", full)
        gate.opened.set()  # the held unit's commit is the one that fails
        assert isinstance(held.exception(), OSError)
        assert [future.result() for future in waiting] == ["a", "b"]
    assert kept(engine) == {"a", "b"}
    writer.close()


def test_another_processs_lock_fails_the_group_in_words(database: Path) -> None:
    """A write that cannot get the lock in time is Unavailable, and says that another process holds the file."""
    engine = open_engine(database, patience=0.02)
    upgrade(engine)
    writer = Writer(engine)
    with engine.connect() as other:
        other.exec_driver_sql("ROLLBACK")
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="another process holds the file"):
            writer.write(keep("late"))
    assert writer.write(keep("later")) == "later"
    writer.close()
    engine.dispose()


def test_close_finishes_what_was_handed_in(engine: Engine) -> None:
    """Units that wait when close is called are written and acknowledged before it returns."""
    writer = Writer(engine)
    names = [f"n{n}" for n in range(2 * GROUP)]
    with ThreadPoolExecutor(len(names) + 2) as pool:
        gate, _ = hold(writer, pool)
        waiting = [pool.submit(writer.write, keep(name)) for name in names]
        while writer._queue.qsize() < len(names):
            pass
        closing = pool.submit(writer.close)
        while not writer._closed:
            pass
        gate.opened.set()
        closing.result()
        assert kept(engine) == set(names)
        assert {future.result() for future in waiting} == set(names)


def test_whoever_closes_second_waits_as_well(engine: Engine) -> None:
    """Close returns once the writer has stopped, whichever thread asked first: what comes next lets go of the file."""
    writer = Writer(engine)
    with ThreadPoolExecutor(2) as pool:
        gate, _ = hold(writer, pool)
        pool.submit(writer.close)
        while not writer._closed:
            pass
        threading.Timer(0.05, gate.opened.set).start()
        writer.close()
        assert not writer._thread.is_alive()


def test_close_waits_for_whoever_writes_alone(engine: Engine) -> None:
    """A caller without company writes in its own thread; close returns once its unit is durable."""
    writer, gate = Writer(engine), Gate()

    def unit(connection: Connection) -> str:
        gate(connection)
        return keep(threading.current_thread().name)(connection)

    with ThreadPoolExecutor(2, "caller") as pool:
        alone = pool.submit(writer.write, unit)
        assert gate.entered.wait(30)
        closing = pool.submit(writer.close)
        while not writer._closed:
            pass
        assert not closing.done()
        gate.opened.set()
        closing.result()
        assert kept(engine) == {"caller_0"}
        assert alone.result() == "caller_0"


def test_who_comes_while_one_writes_alone_shares_the_next_commit(engine: Engine) -> None:
    """Units handed in behind a lone one are committed together; once one comes without company, it is alone again."""
    commits: list[Connection] = []
    event.listen(engine, "commit", commits.append)
    writer, gate, names = Writer(engine), Gate(), [f"n{n}" for n in range(8)]
    with ThreadPoolExecutor(9) as pool:
        alone = pool.submit(writer.write, gate)
        assert gate.entered.wait(30)
        waiting = [pool.submit(writer.write, keep(name)) for name in names]
        while writer._queue.qsize() < len(names) - 1:  # the thread has the first in hand
            pass
        gate.opened.set()
        alone.result()
        assert [future.result() for future in waiting] == names
    assert len(commits) == 2
    writer.write(keep("by the thread"))
    while not writer._alone:
        pass
    assert writer.write(lambda connection: threading.current_thread()) is threading.main_thread()
    writer.close()


def test_an_interrupt_takes_nothing_but_its_own_unit(engine: Engine) -> None:
    """Whoever is interrupted while writing alone hears of it, with the unit undone; the next caller writes as ever."""
    writer = Writer(engine)

    def interrupted(connection: Connection) -> None:
        keep("half")(connection)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.write(interrupted)
    assert writer.write(keep("whole")) == "whole"
    assert kept(engine) == {"whole"}
    writer.close()


def test_writing_after_close_says_so(engine: Engine) -> None:
    """A unit handed in after close is Unavailable rather than never answered; closing again is harmless."""
    writer = Writer(engine)
    writer.close()
    writer.close()
    with pytest.raises(Unavailable, match="closed"):
        writer.write(keep("late"))
    assert kept(engine) == set()


def test_sixteen_threads_add_at_once_and_all_is_there_once(mind: Mind) -> None:
    """Each of their memories is there, none twice, each after the one before it in its session."""
    here: dict[str, Any] = {"user_id": "u", "agent_id": "a"}

    def live(thread: int) -> list[str]:
        said = [Turn(f"thread {thread} said {number}", id=f"{thread}.{number}") for number in range(12)]
        return [id for turn in said for id in mind.add(turn, session_id=f"s{thread}", **here)]

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(live, range(16)))
    assert len({id for ids in told for id in ids}) == 16 * 12
    for thread, ids in enumerate(told):
        assert [mind.get(id, **here).text for id in ids] == [f"thread {thread} said {number}" for number in range(12)]
    with mind._truth.read() as ledger:
        connection = ledger.memories._connection  # type: ignore[attr-defined]  # the SQLite truth's own
        turns = schema.turns
        rows = connection.execute(select(turns.c.uid, turns.c.session_id, turns.c.parent_id, turns.c.id)).all()
    assert len(rows) == 16 * 12
    assert len({row.parent_id for row in rows if row.parent_id is not None}) == 16 * 11


def test_the_embedder_is_never_asked_inside_a_transaction(database: Path, clock: ManualClock) -> None:
    """While the writer holds its transaction nothing is embedded, be it remembered, changed, answered or folded."""
    inside, asked, held = threading.Event(), list[bool](), list[Connection]()

    class Watching(StubEmbedder):
        def embed(self, texts: list[str], /) -> NDArray[np.float32]:
            asked.append(inside.is_set())
            return super().embed(texts)

    here: dict[str, Any] = {"user_id": "u", "agent_id": "a"}
    with dmha.open(database, embedder=Watching(), chat="extractive", clock=clock) as mind:
        engine = mind._truth._engine  # type: ignore[attr-defined]  # the SQLite truth's own

        def begun(connection: Connection) -> None:
            if connection.get_execution_options().get("dmha_write"):
                inside.set()
                held.append(connection)

        event.listen(engine, "begin", begun)
        for ended in ("commit", "rollback"):
            event.listen(engine, ended, lambda connection: inside.clear())
        first, *_ = mind.add([Turn(f"the hive number {number} was calm", "aya") for number in range(60)], **here)
        mind.update(first, text="the hive was wild", **here)
        mind.contextualize("what about the hive?", speaker="aya", **here)
        assert mind.search("hive", kind="summary", **here)
    assert held
    assert asked
    assert not any(asked)
