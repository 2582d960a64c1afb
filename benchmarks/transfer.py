"""A large life written to a file, read into an empty one, and written again: rows a second, peak memory, same bytes.

Each step runs in a process of its own, so that its peak is its own. While the import runs, another process adds single
memories to the same file, and the longest that one of them waited is told.

Usage: python -m benchmarks.transfer [--memories 100000]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dmha
from benchmarks.long_history import sentence
from dmha import Turn

WHO: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
DIMENSION = 384


class Given:
    """An embedder whose vectors the caller gives; asked itself, it draws one."""

    dimension = DIMENSION
    id = "given-384"

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        drawn = np.random.default_rng(len(texts)).standard_normal((len(texts), DIMENSION)).astype(np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def live(mind: dmha.Mind, memories: int) -> None:
    """A life of that many memories in sessions of fifty, with a reply and a recall now and then."""
    draw, vectors = random.Random(7), np.random.default_rng(7)
    for start in range(0, memories, 50):
        drawn = vectors.standard_normal((50, DIMENSION))
        turns = [
            Turn(sentence(draw), draw.choice(["aya", "kenji"]), id=f"t{start + n}", vector=drawn[n]) for n in range(50)
        ]
        mind.add(turns, session_id=f"s{start // 50}", **WHO)
        if start % 10_000 == 0:
            mind.contextualize(sentence(draw), turn_id=f"c{start}", **WHO)
            mind.recall("dinner in Kyoto", key=f"k{start}", **WHO)


def step(what: str, folder: Path, memories: int) -> None:
    """One step, and what it took, as a line of JSON."""
    database = folder / ("there.db" if what in ("import", "again", "beside") else "here.db")
    with dmha.open(database, embedder=Given(), chat="extractive") as mind:
        began = perf_counter()
        match what:
            case "live":
                live(mind, memories)
            case "export":
                mind.export(folder / "here.jsonl", **WHO)
            case "import":
                mind.import_(folder / "here.jsonl", **WHO)
            case "again":
                mind.export(folder / "there.jsonl", **WHO)
            case "beside":
                beside(mind)
                return
        took = perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": took, "peak_mib": peak}))


def beside(mind: dmha.Mind) -> None:
    """Add until stdin ends; say how many were added, and the median and longest wait."""
    import select

    waits = []
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        began = perf_counter()
        mind.add(Turn("I write beside.", vector=np.ones(DIMENSION)), user_id="ben")
        waits.append(perf_counter() - began)
    print(json.dumps({"adds": len(waits), "median": float(np.median(waits)), "longest": max(waits)}))


def main(memories: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "benchmarks.transfer", "--folder", name, "--memories", str(memories), "--step"]
        other = None
        for what in ("live", "export", "import", "again"):
            if what == "import":
                other = subprocess.Popen([*command, "beside"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            told = json.loads(subprocess.run([*command, what], stdout=subprocess.PIPE, check=True).stdout)
            lines = sum(1 for _ in (folder / "here.jsonl").open("rb")) if what != "live" else memories
            rate = f"{lines / told['seconds']:,.0f} rows/s" if what != "live" else ""
            print(
                f"{what:7} {lines:,} rows, {told['seconds']:.1f} s, {rate} peak {told['peak_mib']:.0f} MiB", flush=True
            )
            if what == "import" and other is not None:
                waited = json.loads(other.communicate("")[0])
                said = f"{waited['adds']} adds, median {waited['median']:.3f} s, longest {waited['longest']:.3f} s"
                print(f"beside the import: {said}")
        same = (folder / "here.jsonl").read_bytes() == (folder / "there.jsonl").read_bytes()
        print(f"{(folder / 'here.jsonl').stat().st_size / 1e6:.0f} MB; the same bytes: {same}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--step")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.step is None:
        main(given.memories)
    else:
        step(given.step, given.folder, given.memories)
