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


class Pool:
    """Threads for synchronous calls, asked from an event loop."""

    def __init__(self, workers: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(workers, "dmha-call")
        self._most = workers + waiting
        self.held = 0  # of the event loop alone

    async def run(self, call: Callable[[Still], T], gone: Callable[[], Awaitable[None]]) -> T:
        """What the call comes to; `Problem` 503 where too many wait, `Abandoned` once `gone` returns before it does."""
        if self.full:
            raise busy("Every worker is busy, and the queue is full. Ask again a little later.")
        self.held += 1
        left, loop = threading.Event(), asyncio.get_running_loop()
        job = self._threads.submit(call, lambda: not left.is_set())
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


def _swallow(work: asyncio.Future[T]) -> None:
    """Nobody is there any more to hear how it ended."""
    if not work.cancelled():
        work.exception()
