"""DMHA and the libraries that people use for this today, in one run: recall, search and durable adds at 10,000 memories.

Usage: python -m benchmarks.rivals --locomo FILE [--memorybank FILE] [--only dmha,mem0] [--memories 10000]
           [--conversations N] [--searches 200] [--alone 100] [--most SECONDS] [--cache FOLDER] [--folder FOLDER]

Each is a process of its own, one after another, on one core; a rival's is of a virtual environment of its own, which is
made under the cache on the first run (2 GB, from the package index; they reach no network after that). All are given
the same vectors, DMHA's packaged model's, so that embedding is in no figure. Adds are durable: acknowledged is on disk,
by each store's own persistent mode.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import TracebackType
from typing import Any

from platformdirs import user_cache_dir

from benchmarks.rivals.corpus import Conversation, Corpus, read
from benchmarks.write_speed import disk
from dmha.bench.metrics import percentile, recall_at

HERE = Path(__file__).parent
TORCH = "torch==2.13.0"  # first and pinned: a looser request takes gigabytes of CUDA
K, BATCH, WARM = 10, 100, 10
QUIET = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
    "MEM0_TELEMETRY": "False", "ANONYMIZED_TELEMETRY": "False", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Competitor:
    """A row of the table: the store that is run, and what is installed for it, in order; nothing for DMHA itself."""

    name: str
    store: str
    installed: tuple[tuple[str, ...], ...] = ()


COMPETITORS = (
    Competitor("DMHA", "dmha"),
    Competitor("mem0", "mem0", (("mem0ai==2.2.1",),)),
    Competitor(
        "mem0, hybrid", "mem0", (("mem0ai==2.2.1", "fastembed==0.9.1", "spacy==3.8.18", "spacy-lookups-data==1.0.5"),)
    ),
    Competitor("txtai, hybrid", "txtai", ((TORCH,), ("txtai==9.14.0",))),
    Competitor("chromadb", "chroma", (("chromadb==1.5.9",),)),
)


@dataclass(frozen=True)
class Figures:
    """What one of them did: recall over questions, milliseconds of a call, memories a second in batches."""

    name: str
    version: str
    recall: float
    search_p50: float
    search_p95: float
    alone_p50: float
    alone_p95: float
    before_durable_p50: float | None
    adds_per_s: float
    load: float


# --- an environment of its own ---------------------------------------------------------------------------------------


def python_of(competitor: Competitor, cache: Path) -> Path:
    """The interpreter that has it: this one, or one of an environment, made where it is not whole yet."""
    if not competitor.installed:
        return Path(sys.executable)
    place = cache / "-".join(wanted.replace("==", "-") for wanted in competitor.installed[-1])
    python, whole = place / "bin" / "python", place / "whole"
    if not whole.exists():
        print(f"installing {competitor.name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        for wanted in competitor.installed:
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *wanted], check=True, timeout=900)
        whole.touch()
    return python


class Child:
    """The process in which a store is measured: asked a command, it answers. It ends with the block, or its time."""

    def __init__(self, python: Path, store: str, folder: Path, corpus: Path, seconds: float) -> None:
        self._log = (folder / "log").open("w+")
        here = os.environ | QUIET | {"MEM0_DIR": str(folder / "mem0")}
        (made := folder / "store").mkdir()
        self._process = subprocess.Popen(
            [str(python), str(HERE / "child.py"), store, str(made), str(corpus)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=here, text=True,
        )  # fmt: skip
        self._end = threading.Timer(seconds, self._process.kill)
        self._end.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.cancel()
        self._process.kill()  # what it holds is thrown away
        self._process.communicate()
        self._log.close()

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            told: dict[str, Any] = json.loads(line)
            return told
        self._process.wait()
        self._log.seek(0)
        raise RuntimeError(f"the child ended ({self._process.returncode}):\n{self._log.read()[-4_000:]}")


# --- measuring -------------------------------------------------------------------------------------------------------


def measure(competitor: Competitor, corpus: Corpus, given: argparse.Namespace, cache: Path) -> Figures:
    """Recall in a store of its own; then the times, in another that holds one tenant."""
    python, kept = python_of(competitor, cache), cache / "corpus"
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        with Child(python, competitor.store, _fresh(made, "recall"), kept, given.most) as child:
            version = child.answer()["version"]
            recall = mean([one for talk in corpus.conversations for one in recall_of(child, talk)])
        load = os.getloadavg()[0]
        with Child(python, competitor.store, _fresh(made, "times"), kept, given.most) as child:
            child.answer()
            filled = child.ask(do="add", tenant="one-tenant", session="talk", turns=_batches(0, given.memories, BATCH))
            asked = _spread(len(corpus.questions), WARM + given.searches)
            searches = child.ask(do="search", tenant="one-tenant", questions=asked, k=K)["ms"][WARM:]
            alone = child.ask(
                do="add", tenant="one-tenant", session="alone", seconds=given.most / 4,
                turns=_batches(given.memories, given.memories + given.alone, 1),
            )  # fmt: skip
    before = alone["ms_before_durable"]
    return Figures(
        name=competitor.name,
        version=version,
        recall=recall,
        search_p50=percentile(searches, 0.5),
        search_p95=percentile(searches, 0.95),
        alone_p50=percentile(alone["ms"], 0.5),
        alone_p95=percentile(alone["ms"], 0.95),
        before_durable_p50=percentile(before, 0.5) if before else None,
        adds_per_s=1_000 * given.memories / sum(filled["ms"]),
        load=load,
    )


def recall_of(child: Child, talk: Conversation) -> list[float]:
    """Each question's recall@10, the whole conversation told: a call a session."""
    for session, turns in talk.sessions.items():
        child.ask(do="add", tenant=talk.name, session=session, turns=[turns])
    found = child.ask(do="search", tenant=talk.name, questions=list(talk.questions), k=K)["found"]
    return [recall_at(came, wanted, K) for came, wanted in zip(found, talk.questions.values(), strict=True)]


def _fresh(made: str, name: str) -> Path:
    (folder := Path(made, name)).mkdir()
    return folder


def _batches(first: int, end: int, size: int) -> list[tuple[int, int]]:
    return [(at, min(at + size, end)) for at in range(first, end, size)]


def _spread(count: int, wanted: int) -> list[int]:
    """So many of the questions, from all over."""
    return [place * count // min(count, wanted) for place in range(min(count, wanted))]


# --- telling ---------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Figures]) -> str:
    """One row each, in Markdown; times as they are, and against the first's."""
    head = ("", "version", "recall@10", "search p50", "p95 (ms)", "one add p50", "p95 (ms)", "adds/s", "load")
    lines = [head, ("---",) * len(head), *((_cells(row, rows[0])) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Figures, first: Figures) -> tuple[str, ...]:
    return (
        row.name, row.version, f"{row.recall:.3f}",
        f"{row.search_p50:.2f} ({row.search_p50 / first.search_p50:.1f}x)", f"{row.search_p95:.2f}",
        f"{row.alone_p50:.2f} ({row.alone_p50 / first.alone_p50:.1f}x)", f"{row.alone_p95:.2f}",
        f"{row.adds_per_s:,.0f}", f"{row.load:.1f}",
    )  # fmt: skip


def bars(rows: Sequence[Figures]) -> list[str]:
    """How far the first is ahead of each other, beside what was asked."""
    ours, told = rows[0], []
    for row in rows[1:]:
        ahead, asked = ours.recall - row.recall, ">= 3" if not row.name.startswith("chromadb") else "reported"
        told.append(
            f"{row.name}: recall ahead by {ahead:.3f} (asked >= .2); search {row.search_p50 / ours.search_p50:.1f} times "
            f"as long, one add {row.alone_p50 / ours.alone_p50:.1f} times ({asked})"
        )
        if row.before_durable_p50 is not None:
            told[-1] += f"; an add before it is saved {row.before_durable_p50:.2f} ms"
    return told


def main(given: argparse.Namespace) -> None:
    cache = (given.cache or Path(user_cache_dir("dmha"))) / "rivals"
    (cache / "corpus").mkdir(parents=True, exist_ok=True)
    chosen = [one for one in COMPETITORS if given.only is None or one.store in given.only.split(",")]
    for competitor in chosen:
        python_of(competitor, cache)
    corpus = read(given.locomo, given.memorybank, given.conversations, given.memories + given.alone)
    corpus.write(cache / "corpus")
    told = sum(end - first for talk in corpus.conversations for first, end in talk.sessions.values())
    print(
        f"{len(corpus.conversations)} conversations of {told:,} turns, {len(corpus.questions)} questions; the times at "
        f"{given.memories:,} memories of one tenant; disk: {disk(Path(given.folder or tempfile.gettempdir()))}",
        flush=True,
    )
    rows = []
    for competitor in chosen:
        rows.append(measure(competitor, corpus, given, cache))
        print(f"{rows[-1]}", flush=True)
    print("\n".join([table(rows), *bars(rows)]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locomo", type=Path, required=True, help="a LoCoMo file")
    parser.add_argument("--memorybank", type=Path, help="MemoryBank's file, for further turns")
    parser.add_argument("--only", help="of dmha, mem0, txtai, chroma; all unless told otherwise")
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--conversations", type=int, help="the first so many; all unless told otherwise")
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--alone", type=int, default=100, help="adds of one memory each")
    parser.add_argument("--most", type=float, default=600, help="seconds that each process may take")
    parser.add_argument("--cache", type=Path, help="where the environments are; the user's cache unless told otherwise")
    parser.add_argument("--folder", help="where the stores are made; the temporary folder unless told otherwise")
    main(parser.parse_args())
