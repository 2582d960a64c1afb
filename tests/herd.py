"""Processes that work on one file at once: started quickly, listened to, and ended whatever becomes of the test.

They are forked from a server that has imported everything and opened nothing. A worker says what it does in lines of
JSON; each is one write of at most PIPE_BUF bytes, so that a killed process leaves no half line, nor one unsaid.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

Line = dict[str, Any]
Tell = Callable[[Line], None]

_PATIENCE = 60.0  # seconds without a word after which the workers are stuck
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["pytest", "dmha.cli.app", "dmha.mind", "dmha.stores.truth", "dmha.index.local", "dmha.models.extractive"]
)


class Worker:
    """One process, and what it said that nobody has read yet."""

    def __init__(self, name: int, work: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.name = name
        self._ear, mouth = _context.Pipe(duplex=False)
        self._heard = b""
        self.process = _context.Process(target=_run, args=(mouth, work, args), daemon=True)
        self.process.start()
        mouth.close()

    def fileno(self) -> int:
        return self._ear.fileno()

    def lines(self) -> list[Line] | None:
        """What it says now; None once it has nothing to say any more."""
        if not (heard := os.read(self.fileno(), 1 << 16)):
            assert not self._heard, "a line was cut"
            return None
        *whole, self._heard = (self._heard + heard).split(b"\n")
        return [json.loads(line) for line in whole]

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self._ear.close()


class Herd:
    """Workers that are ended, each by its id, when the block is left. `on_line` hears (worker's name, line)."""

    def __init__(self, on_line: Callable[[int, Line], None]) -> None:
        self._on_line = on_line
        self._started = 0
        self.workers: dict[int, Worker] = {}

    def __enter__(self) -> Herd:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self.workers.values():
            worker.end()

    def start(self, work: Callable[..., None], *args: Any) -> int:
        """Start a process that runs `work(tell, *args)`; returns its name."""
        self._started += 1
        self.workers[self._started] = Worker(self._started, work, args)
        return self._started

    def listen(self, until: Callable[[], bool]) -> None:
        """Hear the workers until that is so. One that ends, or that says nothing for long, fails the test."""
        while not until():
            assert self._hear(_PATIENCE), f"no worker said anything for {_PATIENCE:.0f} s"

    def listen_for(self, seconds: float) -> None:
        """Hear the workers for that long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._hear(left)

    def kill(self, name: int) -> None:
        """`kill -9`, and hear what it had said by then."""
        worker = self.workers[name]
        worker.process.kill()
        self._hear_out(worker)
        worker.process.join()
        assert worker.process.exitcode == -9

    def finish(self) -> None:
        """Hear every worker to its end, which must be a good one."""
        begun = list(self.workers.values())
        while self.workers:
            assert self._hear(_PATIENCE, ending=True), f"no worker said anything for {_PATIENCE:.0f} s"
        for worker in begun:
            worker.process.join()
            assert worker.process.exitcode == 0

    def _hear(self, seconds: float, *, ending: bool = False) -> bool:
        ready, _, _ = select.select(list(self.workers.values()), [], [], seconds)
        for worker in ready:
            said = worker.lines()
            if said is None:
                assert ending, f"worker {worker.name} ended by itself"
                del self.workers[worker.name]
            else:
                self._tell(worker, said)
        return bool(ready)

    def _hear_out(self, worker: Worker) -> None:
        while (said := worker.lines()) is not None:
            self._tell(worker, said)
        del self.workers[worker.name]

    def _tell(self, worker: Worker, said: list[Line]) -> None:
        for line in said:
            assert "broken" not in line, line["broken"]
            self._on_line(worker.name, line)


def in_threads(tell: Tell, works: list[Callable[[], None]]) -> None:
    """Run these at once, to their end; what one of them raises is told and ends the process."""

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:  # noqa: BLE001 - said to the test, which fails by it
            tell({"broken": traceback.format_exc()[-3_000:]})
            os._exit(1)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _run(mouth: Connection, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    """The whole life of a worker; it ends with the test, even one that was killed."""

    def tell(line: Line) -> None:
        told = json.dumps(line).encode() + b"\n"
        assert len(told) <= select.PIPE_BUF
        try:
            os.write(mouth.fileno(), told)
        except BrokenPipeError:
            os._exit(1)

    in_threads(tell, [lambda: work(tell, *args)])
