"""The bounded pool: so many at work, so many waiting, and whoever leaves takes their work along."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from dmha.errors import Abandoned
from dmha.server.pool import Pool
from dmha.server.problems import Problem


async def never() -> None:
    await asyncio.Event().wait()


def test_beyond_those_who_wait_it_says_not_now() -> None:
    """With one worker and one place to wait, the third is told when to come again, and the two are served."""
    pool, go = Pool(1, 1), threading.Event()

    async def main() -> None:
        first, second = (asyncio.create_task(pool.run(lambda _: go.wait(10), never)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await pool.run(lambda _: None, never)
        assert refused.value.status == 503
        assert int(refused.value.headers["Retry-After"]) >= 1
        go.set()
        assert [await first, await second] == [True, True]
        assert await pool.run(lambda _: "served", never) == "served"

    asyncio.run(main())
    pool.close()


def test_who_leaves_while_waiting_is_never_worked_for() -> None:
    """Work that has not begun is let go, and its place is free."""
    pool, go, begun = Pool(1, 1), threading.Event(), list[str]()

    async def main() -> None:
        first = asyncio.create_task(pool.run(lambda _: go.wait(10), never))
        await asyncio.sleep(0)
        with pytest.raises(Abandoned):
            await pool.run(lambda _: begun.append("second"), _at_once)
        go.set()
        await first
        assert await pool.run(lambda _: "third", never) == "third"

    asyncio.run(main())
    pool.close()
    assert begun == []


def test_work_under_way_hears_that_nobody_waits_for_it() -> None:
    """Between two steps it asks, and stops; its place is held until it has."""
    pool, started, heard = Pool(1, 0), threading.Event(), threading.Event()

    def work(still: Callable[[], bool]) -> None:
        started.set()
        while still():
            pass
        heard.set()

    async def main() -> None:
        async def gone() -> None:
            await asyncio.to_thread(started.wait, 10)

        with pytest.raises(Abandoned):
            await pool.run(work, gone)
        assert await asyncio.to_thread(heard.wait, 10)
        while pool.held:
            await asyncio.sleep(0)

    asyncio.run(main())
    pool.close()


def test_a_long_call_lets_short_ones_pass() -> None:
    """Between two of its steps it waits until what is short is over, and goes on then."""
    pool, order, begun = Pool(2, 0), list[str](), threading.Event()

    def reply(still: Callable[[], bool]) -> None:
        begun.wait(10)
        still()
        order.append("reply")

    def search(_: object) -> None:
        begun.set()
        order.append("search")

    async def main() -> None:
        long = asyncio.create_task(pool.run(reply, never))
        await asyncio.sleep(0)
        await pool.run(search, never, short=True)
        await long

    asyncio.run(main())
    pool.close()
    assert order == ["search", "reply"]


def test_what_a_call_raises_is_raised() -> None:
    """An error of the core is the caller's to hear."""
    pool = Pool(1, 0)

    def fail(_: object) -> None:
        raise ValueError("so")

    with pytest.raises(ValueError, match="so"):
        asyncio.run(pool.run(fail, never))
    pool.close()


async def _at_once() -> None:
    return None
