"""Durable adds with given vectors, through `Mind.add` on a real disk: batches of 100, 16 threads, one alone.

Usage: python -m benchmarks.write_speed [--folder FOLDER]        (benchmarks.fsyncs counts the fsyncs of the same work)

Turns of about 13 words in several sessions, as conversations are: full windows fold into gists, which is in the time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import dmha
from benchmarks.stand_in import HERE, StandIn, given
from dmha import Turn
from dmha.mind import Mind

ROUNDS = 3
SESSIONS = 8
THREADS = 16


def main(folder: str | None) -> None:
    print(f"disk: {disk(Path(folder or tempfile.gettempdir()))}; load before: {os.getloadavg()[0]:.1f}")
    rounds = [one_round(folder) for _ in range(ROUNDS)]
    for name, bar in (("batches of 100", "4,000/s"), (f"{THREADS} threads", "1,000/s"), ("one alone", "10 ms")):
        figures = [told[name] for told in rounds]
        rate, p50, p95, p99, cpu = (median(column) for column in zip(*figures, strict=True))
        print(
            f"{name:<15} {rate:>7,.0f} memories/s   p50 {p50:6.2f}  p95 {p95:6.2f}  p99 {p99:6.2f} ms a call   "
            f"CPU {cpu:.2f} ms a memory   (bar: {bar}; rounds: {', '.join(f'{f[0]:,.0f}' for f in figures)})"
        )
    print(f"load after: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; figures are medians of {ROUNDS} rounds")


def one_round(folder: str | None) -> dict[str, tuple[float, ...]]:
    """Each way of adding on a new file: memories/s, then p50, p95, p99 of a call in ms, then CPU ms a memory."""
    fresh = map(given, count())
    with (
        tempfile.TemporaryDirectory(dir=folder) as made,
        dmha.open(Path(made) / "companion.db", embedder=StandIn(), chat="extractive") as mind,
    ):
        mind.add([next(fresh) for _ in range(200)], session_id="before", **HERE)
        batches = [[next(fresh) for _ in range(100)] for _ in range(40)]
        singles = [[[next(fresh)] for _ in range(100)] for _ in range(THREADS)]
        alone = [[next(fresh)] for _ in range(300)]
        return {
            "batches of 100": timed(mind, [batches], "b"),
            f"{THREADS} threads": timed(mind, singles, "t"),
            "one alone": timed(mind, [alone], "o"),
        }


def timed(mind: Mind, callers: list[list[list[Turn]]], name: str) -> tuple[float, ...]:
    """What each caller's calls took, all callers at once; each goes on in sessions of its own."""

    def call(caller: int) -> list[float]:
        taken = []
        for place, unit in enumerate(callers[caller]):
            began = perf_counter()
            mind.add(unit, session_id=f"{name}{caller}.{place % SESSIONS}", **HERE)
            taken.append((perf_counter() - began) * 1_000)
        return taken

    with ThreadPoolExecutor(len(callers)) as pool:
        began, used = perf_counter(), process_time()
        taken = sorted(ms for calls in pool.map(call, range(len(callers))) for ms in calls)
        wall, cpu = perf_counter() - began, process_time() - used
    memories = sum(len(unit) for units in callers for unit in units)
    p50, p95, p99 = (taken[int(share * (len(taken) - 1))] for share in (0.5, 0.95, 0.99))
    return memories / wall, p50, p95, p99, cpu / memories * 1_000


def disk(folder: Path) -> str:
    """The file system under a folder, in the words of /proc/mounts where there is one."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown"
    over = [line.split()[:3] for line in mounts.read_text().splitlines()]
    here = [(at, device, kind) for device, at, kind in over if folder.resolve().is_relative_to(at)]
    _, device, kind = max(here, key=lambda mount: len(mount[0]))
    return f"{device} ({kind})" + (" - no real disk: an fsync costs nothing here" if kind == "tmpfs" else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where the file is made; the system's temporary folder unless told otherwise")
    main(parser.parse_args().folder)
