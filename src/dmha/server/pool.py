"""A bounded pool for calls of the core: so many at work, so many waiting, and beyond that an honest "not now".

Whoever asked may leave: what waits is then never begun, and what runs hears of it between two steps.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from dmha.errors import Abandoned
from dmha.protocols import Still
from dmha.server.problems import busy

T = TypeVar("T")


# Seconds that a long call lets short ones pass for between two of its steps: however many search, replies get on.
_PASSED_S = 0.05


class Pool:
    """Threads for synchronous calls, asked from an event loop."""

    def __init__(self, workers: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(workers, "dmha-call")
        self._most = workers + waiting
        self.held = 0  # of the event loop alone
        self._lock = threading.Lock()
        self._short = 0  # short calls at work: those that wait for a thread wait for the long ones to go on
        self._only_long = threading.Event()
        self._only_long.set()

    async def run(self, call: Callable[[Still], T], gone: Callable[[], Awaitable[None]], *, short: bool = False) -> T:
        """What the call comes to; `Problem` 503 where too many wait, `Abandoned` once `gone` returns before it does.

        Between its steps a long call lets the short ones pass: all share one interpreter, and who searches waits for
        milliseconds, not for the replies that are composed meanwhile.
        """
        if self.full:
            raise busy("Every worker is busy, and the queue is full. Ask again a little later.")
        self.held += 1
        left, loop = threading.Event(), asyncio.get_running_loop()

        def still() -> bool:
            if not short:
                self._only_long.wait(_PASSED_S)
            return not left.is_set()

        job = self._threads.submit(self._passing if short else _as_it_is, call, still)
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._release))
        work, watch = asyncio.wrap_future(job), asyncio.ensure_future(gone())
        either: list[asyncio.Future[Any]] = [work, watch]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Abandoned("the client left")
            return work.result()
        finally:
            watch.cancel()
            if not job.done():
                left.set()  # it ends at its next step; where it has not begun, it never will
                job.cancel()
                work.add_done_callback(_swallow)

    @property
    def full(self) -> bool:
        """Whether one more would be refused."""
        return self.held >= self._most

    def close(self) -> None:
        """Finish what is under way."""
        self._threads.shutdown()

    def _release(self) -> None:
        self.held -= 1

    def _passing(self, call: Callable[[Still], T], still: Still) -> T:
        with self._lock:
            self._short += 1
            self._only_long.clear()
        try:
            return call(still)
        finally:
            with self._lock:
                self._short -= 1
                if not self._short:
                    self._only_long.set()


def _as_it_is(call: Callable[[Still], T], still: Still) -> T:
    return call(still)


def _swallow(work: asyncio.Future[T]) -> None:
    """Nobody is there any more to hear how it ended."""
    if not work.cancelled():
        work.exception()
