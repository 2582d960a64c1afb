"""How many fsyncs an acknowledged unit costs, counted by strace: lone adds, sixteen threads at once, batches of 100.

Usage: python -m benchmarks.fsyncs        (needs strace; half a minute)

The child marks where a phase begins by an fsync of a file that is not open, which fails and stands in the trace.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import dmha
from benchmarks.stand_in import HERE, StandIn, given

MARK = 9_999  # no process here opens so many files
PHASES = (("one after another", 200, 1), ("from 16 threads", 800, 1), ("batches of 100", 50, 100))


def main() -> None:
    if shutil.which("strace") is None:
        sys.exit("strace is absent: install it, or run this where it is. Nothing was counted.")
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        watched = [sys.executable, "-m", "benchmarks.fsyncs", str(Path(folder) / "companion.db")]
        strace = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", str(trace)]
        subprocess.run([*strace, *watched], check=True)
        counted = phases(trace.read_text(errors="replace").splitlines())
    print(f"{'adds':<20} {'units':>6} {'memories':>9} {'fsyncs: log':>12} {'file':>5} {'a unit':>7} {'a memory':>9}")
    for (name, units, size), (log, file) in zip(PHASES, counted, strict=True):
        each = (log + file) / units
        print(f"{name:<20} {units:>6} {units * size:>9} {log:>12} {file:>5} {each:>7.2f} {each / size:>9.3f}")


def phases(trace: list[str]) -> list[tuple[int, int]]:
    """Per phase, the syncs of the write-ahead log, and those of the file itself (checkpoints)."""
    counted: list[tuple[int, int]] = []
    for line in trace:
        if f"({MARK})" in line:
            counted.append((0, 0))
        elif counted and (path := re.search(r"sync\(\d+<([^>]*)>", line)):
            log, file = counted.pop()
            counted.append((log + 1, file) if path[1].endswith("-wal") else (log, file + 1))
    return counted[: len(PHASES)]  # closing has a mark of its own


def work(path: str) -> None:
    """The watched child: each phase on the same file."""
    with dmha.open(path, embedder=StandIn(), chat="extractive") as mind, ThreadPoolExecutor(16) as pool:
        mind.add(given(0), session_id="before", **HERE)
        for number, (name, units, size) in enumerate(PHASES):

            def unit(place: int, number: int = number, size: int = size) -> Any:
                turns = [given(number * 100_000 + place * size + i) for i in range(size)]
                return mind.add(turns, session_id=f"{number}/{place // 20}/{place % 16}", kind="lore", **HERE)

            mark()
            run: Callable[..., Any] = pool.map if "threads" in name else map
            list(run(unit, range(units)))
        mark()


def mark() -> None:
    with suppress(OSError):
        os.fsync(MARK)


if __name__ == "__main__":
    work(sys.argv[1]) if len(sys.argv) > 1 else main()
