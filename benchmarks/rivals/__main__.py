"""DMHA and the libraries that people use for this today, in one run: recall, search and adds at 10,000 memories.

Usage: python -m benchmarks.rivals --locomo FILE [--memorybank FILE] [--only dmha,mem0] [--memories 10000]
           [--conversations N] [--searches 200] [--alone 100] [--most SECONDS] [--cache FOLDER] [--folder FOLDER]

Each is a process of its own, on one core, never two at work at once; a rival's is of a virtual environment of its own,
made under the cache on the first run (3 GB, from the package index; they reach no network after that). All are given
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
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from types import TracebackType
from typing import Any

from benchmarks.rivals.corpus import Conversation, Corpus, read
from benchmarks.write_speed import disk
from dmha.bench.metrics import percentile, recall_at
from dmha.settings import Settings, cache_folder

HERE = Path(__file__).parent
TORCH = "torch==2.13.0"  # first and pinned: a looser request takes gigabytes of CUDA
K, BATCH, ROUNDS, WARM = 10, 100, 5, 4
MOST_ALONE = 30.0  # seconds of one turn's adds: what is slower is told by fewer of them
TENANT = {"tenant": "one-tenant"}
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
    """What one of them did: recall over questions, milliseconds of each call, memories a second in batches."""

    name: str
    version: str
    recall: float
    adds_per_s: float
    searches: list[float]
    alone: list[float]
    before_durable: list[float]


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


def recall_of(competitor: Competitor, corpus: Corpus, given: argparse.Namespace) -> float:
    """The mean recall@10, each conversation a tenant of a new store, told by a call a session and then asked."""
    with tempfile.TemporaryDirectory(dir=given.folder) as made, child_of(competitor, Path(made), given) as child:
        child.answer()
        return mean([one for talk in corpus.conversations for one in _of_conversation(child, talk)])


def _of_conversation(child: Child, talk: Conversation) -> list[float]:
    for session, turns in talk.sessions.items():
        child.ask(do="add", tenant=talk.name, session=session, turns=[turns])
    found = child.ask(do="search", tenant=talk.name, questions=list(talk.questions), k=K)["found"]
    return [recall_at(came, wanted, K) for came, wanted in zip(found, talk.questions.values(), strict=True)]


def times_of(
    competitors: Sequence[Competitor], corpus: Corpus, recalls: Sequence[float], given: argparse.Namespace
) -> list[Figures]:
    """Each in a new store with one tenant, all filled first; then they take turns, so that a busy minute is everyone's.

    No question is asked twice of one store, and the first of each turn's are not counted.
    """
    with ExitStack() as open_:
        rows, children = [], []
        for competitor, recall in zip(competitors, recalls, strict=True):
            made = Path(open_.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
            children.append(child := open_.enter_context(child_of(competitor, made, given)))
            version = child.answer()["version"]
            batches = enumerate(_batches(0, given.memories, BATCH))
            filled = [
                ms
                for number, batch in batches
                for ms in child.ask(do="add", **TENANT, session=f"talk {number}", turns=[batch])["ms"]
            ]
            speed = 1_000 * given.memories / sum(filled)
            rows.append(Figures(competitor.name, version, recall, speed, [], [], []))
        asked = _spread(len(corpus.questions), ROUNDS * (WARM + given.searches // ROUNDS))
        fresh = _batches(given.memories, given.memories + given.alone, 1)
        for turn in range(ROUNDS):
            for row, child in zip(rows, children, strict=True):
                said = child.ask(do="search", **TENANT, questions=asked[turn::ROUNDS], k=K)
                row.searches.extend(said["ms"][WARM:])
                said = child.ask(
                    do="add", **TENANT, session=f"alone {turn}", turns=fresh[turn::ROUNDS], seconds=MOST_ALONE
                )
                row.alone.extend(said["ms"])
                row.before_durable.extend(said["ms_before_durable"])
    return rows


def child_of(competitor: Competitor, made: Path, given: argparse.Namespace) -> Child:
    """Its process, on an empty folder."""
    cache = cache_of(given)
    return Child(python_of(competitor, cache), competitor.store, made, cache / "corpus", given.most)


def cache_of(given: argparse.Namespace) -> Path:
    return Path(given.cache or cache_folder(Settings())) / "rivals"


def _batches(first: int, end: int, size: int) -> list[tuple[int, int]]:
    return [(at, min(at + size, end)) for at in range(first, end, size)]


def _spread(count: int, wanted: int) -> list[int]:
    """So many of the questions, from all over."""
    return [place * count // min(count, wanted) for place in range(min(count, wanted))]


# --- telling ---------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Figures]) -> str:
    """One row each, in Markdown; times as they are, and against the first's."""
    head = ("", "version", "recall@10", "search p50", "p95, ms", "one durable add p50", "p95, ms", "adds/s, by 100")
    return "\n".join(
        f"| {' | '.join(line)} |" for line in (head, ("---",) * len(head), *(_cells(row, rows[0]) for row in rows))
    )


def _cells(row: Figures, first: Figures) -> tuple[str, ...]:
    times = []
    for own, against in ((row.searches, first.searches), (row.alone, first.alone)):
        p50 = percentile(own, 0.5)
        times += [f"{p50:.2f} ({p50 / percentile(against, 0.5):.1f}x)", f"{percentile(own, 0.95):.2f}"]
    return row.name, row.version, f"{row.recall:.3f}", *times, f"{row.adds_per_s:,.0f}"


def beside(row: Figures, first: Figures) -> str:
    """How far the first is ahead."""
    search, alone = (
        percentile(own, 0.5) / percentile(against, 0.5)
        for own, against in ((row.searches, first.searches), (row.alone, first.alone))
    )
    said = f"{row.name}: recall {first.recall - row.recall:.3f} below, a search {search:.1f} times as long, one durable"
    said += f" add {alone:.1f} times"
    if row.before_durable:
        said += f" (before it is saved {percentile(row.before_durable, 0.5):.2f} ms)"
    return said


def main(given: argparse.Namespace) -> None:
    cache = cache_of(given)
    (cache / "corpus").mkdir(parents=True, exist_ok=True)
    chosen = [one for one in COMPETITORS if given.only is None or one.store in given.only.split(",")]
    for competitor in chosen:
        python_of(competitor, cache)
    corpus = read(given.locomo, given.memorybank, given.conversations, given.memories + given.alone)
    corpus.write(cache / "corpus")
    print(f"disk: {disk(Path(given.folder or tempfile.gettempdir()))}; load before: {os.getloadavg()[0]:.1f}")
    recalls = []
    for competitor in chosen:
        recalls.append(recall_of(competitor, corpus, given))
        print(f"{competitor.name}: recall@{K} {recalls[-1]:.3f}", flush=True)
    rows = times_of(chosen, corpus, recalls, given)
    print(table(rows))
    print("\n".join(beside(row, rows[0]) for row in rows[1:]))
    told = sum(end - first for talk in corpus.conversations for first, end in talk.sessions.values())
    print(
        f"recall: {len(corpus.conversations)} conversations of {told:,} turns, {len(corpus.questions)} questions; "
        f"times: {given.memories:,} memories of one tenant, in {ROUNDS} turns; load after: {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locomo", type=Path, required=True, help="a LoCoMo file")
    parser.add_argument("--memorybank", type=Path, help="MemoryBank's file, for further turns")
    parser.add_argument("--only", help="of dmha, mem0, txtai, chroma; all unless told otherwise")
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--conversations", type=int, help="the first so many; all unless told otherwise")
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--alone", type=int, default=100, help="adds of one memory each")
    parser.add_argument("--most", type=float, default=1_200, help="seconds after which a process is ended")
    parser.add_argument("--cache", type=Path, help="where the environments are; the user's cache unless told otherwise")
    parser.add_argument("--folder", help="where the stores are made; the temporary folder unless told otherwise")
    main(parser.parse_args())
