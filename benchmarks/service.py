"""A live `dmha serve` under load: what is served, how fast, and whether its memory stays flat.

Usage: python -m benchmarks.service [--seconds 60] [--clients 8 64]
       python -m benchmarks.service --soak 600                    (eight clients that read, and the service's memory)

Clients ask by turns for a reply and for a search, on loopback, over accounts of 10,000 turns whose vectors were given;
what they ask is embedded by the packaged model. A client that hears 503 waits as long as it is told to.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import fmean
from time import monotonic, perf_counter, sleep
from typing import Any

import httpx2

import dmha
from benchmarks.stand_in import given
from dmha.wiring import open_access

ACCOUNTS, TURNS = 2, 10_000
ALONE = 300  # searches of one client by itself
PATIENCE = 60.0
MOST_GROWTH = 0.01  # of the memory held, over the second half of a soak
_LISTENS = re.compile(r"http://127\.0\.0\.1:\d+")
_PLENTY = "1000000/minute"


def main(seconds: float, clients: list[int], soak: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "companion.db"
        keys = fill(database)
        with served(database) as (url, process):
            bench = Bench(url, keys)
            print(f"{ACCOUNTS} accounts of {TURNS:,} turns; {os.cpu_count()} cores; {load()}")
            asyncio.run(bench.warm())
            if soak:
                flat(bench, process, soak)
                return
            alone = asyncio.run(bench.run(1, ALONE, ("search",)))
            print(told("search alone", alone))
            before: Run | None = None
            for many in clients:
                run = asyncio.run(bench.run(many, seconds, ("contextualize", "search")))
                print(told(f"{many} clients", run), judged(run, alone, before), sep="\n")
                before = before or run


@dataclass
class Run:
    """What came of a run: ms of what was served, by route, and how often each other status came."""

    seconds: float = 0.0
    taken: dict[str, list[float]] = field(default_factory=dict)
    other: Counter[str] = field(default_factory=Counter)

    @property
    def served(self) -> int:
        return sum(map(len, self.taken.values()))

    @property
    def rate(self) -> float:
        return self.served / self.seconds

    def at(self, route: str, share: float) -> float:
        ordered = sorted(self.taken[route])
        return ordered[int(share * (len(ordered) - 1))]


class Bench:
    """Clients of one service."""

    def __init__(self, url: str, keys: list[str]) -> None:
        self._url = url
        self._keys = keys
        self._numbers = count()

    async def warm(self) -> None:
        """Each account's arrays are read, and every thread has done something."""
        await self.run(len(self._keys) * 4, 40, ("contextualize", "search"))

    async def run(self, clients: int, most: float, routes: tuple[str, ...]) -> Run:
        """So many clients for `most` seconds; a single one that does one thing, `most` times."""
        run, began = Run(taken={route: [] for route in routes}), perf_counter()
        limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
        async with httpx2.AsyncClient(base_url=self._url, timeout=PATIENCE, limits=limits, trust_env=False) as client:
            ends = (lambda done: done >= most) if clients == 1 else (lambda _: perf_counter() - began >= most)
            await asyncio.gather(*(self._one(client, number, run, routes, ends) for number in range(clients)))
        run.seconds = perf_counter() - began
        return run

    async def _one(self, client: httpx2.AsyncClient, number: int, run: Run, routes: tuple[str, ...], ends: Any) -> None:
        headers = {"Authorization": f"Bearer {self._keys[number % len(self._keys)]}"}
        done = 0
        while not ends(done):
            route = routes[(number + done) % len(routes)]
            began = perf_counter()
            try:
                answer = await client.post(f"/v1/{route}", json=self._asked(route, number), headers=headers)
            except httpx2.HTTPError as error:
                run.other[type(error).__name__] += 1
                continue
            if answer.status_code == 200:
                run.taken[route].append((perf_counter() - began) * 1_000)
            else:
                run.other[f"{route} {answer.status_code}"] += 1
                await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
            done += 1

    def _asked(self, route: str, number: int) -> dict[str, Any]:
        words = f"What did I say about {given(next(self._numbers)).text[10:]}"
        if route == "search":
            return {"agent_id": "relu", "query": words}
        return {"agent_id": "relu", "text": words, "session_id": f"client{number}", "turn_id": secrets.token_hex(8)}


def fill(database: Path) -> list[str]:
    """Accounts with their memories; a key to each."""
    keys = []
    with open_access(database) as access:
        for account in range(ACCOUNTS):
            access.add_user(f"account{account}")
            keys.append(access.create_key(f"account{account}")[0])
    with dmha.open(database, chat="extractive") as mind:
        for account in range(ACCOUNTS):
            here = {"user_id": f"account{account}", "agent_id": "relu"}
            for start in range(0, TURNS, 100):
                turns = [given(number) for number in range(start, start + 100)]
                mind.add(turns, session_id=f"s{start}", **here)
    return keys


@contextmanager
def served(database: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`dmha serve` on a port of its own; ended with the block."""
    log = database.with_suffix(".log")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DMHA_") or name == "DMHA_CACHE"}
    settings = {"DATABASE": str(database), "PORT": "0", "RATE": _PLENTY, "RATE_ADDRESS": _PLENTY}
    environment = kept | {f"DMHA_{name}": value for name, value in settings.items()}
    with log.open("wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "dmha.cli.app", "serve"], stderr=said, env=environment)
    try:
        deadline = monotonic() + PATIENCE
        while (found := _LISTENS.search(log.read_text())) is None:
            if process.poll() is not None or monotonic() > deadline:
                raise SystemExit(log.read_text())
            sleep(0.1)
        yield found[0], process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def flat(bench: Bench, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Eight clients that search, and what memory the service holds, every five seconds."""
    sizes: list[tuple[float, float]] = []
    began = perf_counter()

    async def watch() -> None:
        while perf_counter() - began < seconds:
            sizes.append((perf_counter() - began, resident(process.pid)))
            await asyncio.sleep(5)

    async def both() -> Run:
        run, _ = await asyncio.gather(bench.run(8, seconds, ("search",)), watch())
        return run

    print(told("8 clients that read", asyncio.run(both())))
    half = [(at, size) for at, size in sizes if at >= seconds / 2]
    mean_at, mean = (fmean(column) for column in zip(*half, strict=True))
    slope = sum((at - mean_at) * (size - mean) for at, size in half) / sum((at - mean_at) ** 2 for at, _ in half)
    grown = slope * seconds / 2 / mean
    print(f"memory: {sizes[0][1]:.1f} MB at first, {mean:.1f} MB in the second half, over which it grew {grown:+.2%}")
    if grown >= MOST_GROWTH:
        raise SystemExit(f"over the bar of {MOST_GROWTH:.0%}")


def resident(pid: int) -> float:
    """MB of memory that a process holds."""
    told = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in told.splitlines() if line.startswith("VmRSS")).split()[1]) / 1_024


def told(what: str, run: Run) -> str:
    parts = [
        f"{route} p50 {run.at(route, 0.5):.0f} p99 {run.at(route, 0.99):.0f} ms"
        for route in run.taken
        if run.taken[route]
    ]
    return (
        f"{what:<20} {run.rate:6.1f} served/s   {'   '.join(parts)}   {dict(run.other) or 'nothing refused'}   {load()}"
    )


def judged(run: Run, alone: Run, before: Run | None) -> str:
    share = run.served / (run.served + sum(run.other.values()))
    times = run.at("search", 0.99) / alone.at("search", 0.5)
    goodput = "" if before is None else f", goodput {run.rate / before.rate:.2f} of the first's (bar: 1)"
    return f"  served {share:.2%} (bar: 99% of 8), p99 of search {times:.1f} x its p50 alone (bar: 20){goodput}"


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--soak", type=float, default=0.0, metavar="SECONDS")
    given_ = parser.parse_args()
    main(given_.seconds, given_.clients, given_.soak)
