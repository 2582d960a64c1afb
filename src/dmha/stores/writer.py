"""The one writer of a process: it groups the commits of many callers into one.

A unit is a function of a connection. Each runs in a savepoint of its own, so that one that fails takes nothing with it;
its caller hears of success only after the shared COMMIT has reached the disk. A caller who is alone writes by itself:
to hand its unit to another thread and be woken again takes as long as the fsync does.
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from dmha.errors import Unavailable
from dmha.stores.engine import told, writing
from dmha.stores.group import Group, grouped

T = TypeVar("T")
Unit = Callable[[Connection], T]

# Units that may share one COMMIT: enough to amortise the fsync over 16 busy threads, few enough to keep the lock short.
GROUP = 64
# Seconds that a group waits until it is as large as the one before it: whom that one answered is about to come back.
# Sixteen threads on ext4: 13 units a COMMIT instead of 7.6, and as many adds a second or more. Nobody alone waits.
COMPANY = 0.001


Outcome = tuple[Any, Exception | None]


class Writer:
    """Runs units one after another, and commits those that come together in groups, on a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[tuple[Unit[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # whose it is writes
        self._alone = True  # nobody waited of late: the thread alone sets it
        self._thread = threading.Thread(target=self._run, name="dmha-writer", daemon=True)
        self._thread.start()

    def write(self, unit: Unit[T]) -> T:
        """Run the unit and return what it returned, once it is durable; raises what it raised, undone."""
        self.refuse_if_closed()  # a fork may have happened while another thread held a lock
        if self._alone and not self._turn.locked():
            return cast("T", self._by_itself(unit))
        future: Future[T] = Future()
        with self._lock:
            self.refuse_if_closed()
            self._queue.put((unit, future))
        return future.result()

    def refuse_if_closed(self) -> None:
        """Raise `Unavailable` where nothing can be handed in any more."""
        if self._closed:
            raise Unavailable("database", "this mind is closed", "Open it again with dmha.open().")
        if self.forked:
            raise Unavailable(
                "database",
                "this mind was opened before the process forked",
                "Open one in each process with dmha.open().",
            )

    @property
    def forked(self) -> bool:
        """Whether this is a copy in a forked process: its thread stayed behind, and its connections are another's."""
        return os.getpid() != self._process

    def close(self) -> None:
        """Finish what was handed in, then stop."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()  # whoever closes second waits as well: what comes next lets go of the file
        with self._turn:  # nor is anybody writing by itself any more
            return

    def _by_itself(self, unit: Unit[Any]) -> Any:
        with self._turn:
            self.refuse_if_closed()
            ((value, failure),) = self._commit([unit])
        if failure is not None:
            raise failure
        return value

    def _run(self) -> None:
        open_, before = True, 1
        while open_ and (first := self._queue.get()) is not None:
            self._alone = False  # whoever comes now waits as well, so that nobody is overtaken for long
            with self._turn:
                group, deadline = [first], monotonic() + COMPANY
                while len(group) < GROUP:
                    wait = deadline - monotonic() if len(group) < before else 0.0
                    try:
                        item = self._queue.get(timeout=max(0.0, wait))
                    except queue.Empty:
                        break
                    if item is None:
                        open_ = False
                        break
                    group.append(item)
                before = len(group)
                self._answer(group)
            self._alone = before == 1

    def _answer(self, group: list[tuple[Unit[Any], Future[Any]]]) -> None:
        try:
            outcomes = self._commit([unit for unit, _ in group])
        except BaseException as error:  # noqa: BLE001 - handed to every waiting caller, which raises it
            for _, future in group:
                future.set_exception(error)
            return
        for (_, future), (value, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)

    def _commit(self, units: list[Unit[Any]]) -> list[Outcome]:
        """What each of the units came to, all durable; raises where the group as a whole failed."""
        try:
            with writing(self._engine) as connection, connection.begin(), grouped(connection) as shared:
                return [_attempt(shared, unit) for unit in units]
        except (sqlite3.Error, DBAPIError) as error:
            raise told(error) from error


def _attempt(shared: Group, unit: Unit[Any]) -> Outcome:
    """The unit's value, or the error it raised with its savepoint rolled back.

    When the database itself fails, that is not the unit's own: the whole group stands or falls with it.
    """
    run = shared.connection.connection.cursor().execute  # what `begin_nested` says, at a tenth of its cost
    run("SAVEPOINT unit")
    try:
        value = unit(shared.connection)
    except Exception as failure:  # whatever the unit raised is its caller's to hear: handed over, and raised there
        if isinstance(told(failure), Unavailable):
            raise
        run("ROLLBACK TO SAVEPOINT unit")
        run("RELEASE SAVEPOINT unit")
        shared.memo.clear()
        return None, failure
    run("RELEASE SAVEPOINT unit")
    return value, None
