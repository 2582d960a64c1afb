"""The writer: shared commits, savepoints of one's own, nothing lost at close."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, insert, select

from dmha import Unavailable
from dmha.stores import schema
from dmha.stores.engine import open_engine
from dmha.stores.migrate import upgrade
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


def queued(writer: Writer, pool: ThreadPoolExecutor, units: list[Callable[[Connection], str]]) -> list[object]:
    """What each unit came to, all handed in while the writer was held: a value or the error."""
    gate = Gate()
    held = pool.submit(writer.write, gate)
    assert gate.entered.wait(30)
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
        gate = Gate()
        held = pool.submit(writer.write, gate)
        assert gate.entered.wait(30)
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
    writer, gate = Writer(engine), Gate()
    names = [f"n{n}" for n in range(2 * GROUP)]
    with ThreadPoolExecutor(len(names) + 2) as pool:
        pool.submit(writer.write, gate)
        assert gate.entered.wait(30)
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


def test_writing_after_close_says_so(engine: Engine) -> None:
    """A unit handed in after close is Unavailable rather than never answered; closing again is harmless."""
    writer = Writer(engine)
    writer.close()
    writer.close()
    with pytest.raises(Unavailable, match="closed"):
        writer.write(keep("late"))
    assert kept(engine) == set()
