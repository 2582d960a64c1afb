"""The bars of every part at small size: `make bench-gate` fails where one got more than a tenth worse than was kept.

Usage: python -m benchmarks.gate [--keep] [--only WORDS] [--data FOLDER]        (a few minutes, one core)

A time is told as a ratio to a reference workload that is timed beside it, so that neither another machine nor a busy
one moves it much. Kept in gate.json is the median of three rounds, judged the best of three. Quality is told as it is,
and only where the data is (--data, or DMHA_DATA). --keep writes what was measured instead of judging it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import numpy as np

import dmha
from benchmarks import embedding, import_time, long_history
from benchmarks.embedding import timed
from benchmarks.stand_in import HERE, StandIn, given
from dmha.mind import Mind

KEPT = Path(__file__).with_name("gate.json")
ROUNDS = 3
WORSE = 0.10


@dataclass(frozen=True)
class Bar:
    """A figure of which less is better: seconds, as a ratio to the reference's; or a share that is lost, as it is."""

    name: str
    measure: Callable[[], float]
    reference: Callable[[], float] | None


def thinking() -> float:
    """Seconds of a fixed piece of work of our kind: Python objects, NumPy, SQLite in memory. No disk."""

    def work() -> None:
        counted: dict[str, int] = {}
        for number in range(40_000):
            word = f"w{number % 997}"
            counted[word] = counted.get(word, 0) + 1
        rows = np.arange(3_000_000, dtype=np.float32).reshape(-1, 300)
        for _ in range(10):
            np.argpartition(rows @ rows[0], 100)
        with closing(sqlite3.connect(":memory:")) as held:
            held.execute("CREATE TABLE words (word TEXT PRIMARY KEY, count INTEGER)")
            held.executemany("INSERT INTO words VALUES (?, ?)", counted.items())
            for word in list(counted)[:500]:
                held.execute("SELECT count FROM words WHERE word = ?", (word,)).fetchone()

    return median(timed(work) for _ in range(15))


def keeping() -> float:
    """Seconds of a durable commit of a row beside some thinking, on the disk that the measured file is on."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "reference.db")) as held:
        held.execute("PRAGMA journal_mode=WAL")
        held.execute("PRAGMA synchronous=FULL")
        held.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, text TEXT)")

        def commit() -> None:
            sum(len(f"w{number}") for number in range(20_000))
            held.execute("INSERT INTO kept (text) VALUES (?)", ("x" * 500,))
            held.commit()

        return median(timed(commit) for _ in range(60))


def embedding_alone() -> float:
    """Seconds a turn, by as many workers as remembering uses: an embedder's gain from two is lost on a busy machine."""
    draw, model = random.Random(7), embedding.MiniLM(_cache())
    turns = [long_history.sentence(draw) for _ in range(200)]
    model.embed(turns[:20])
    return min(timed(partial(model.embed, turns)) for _ in range(3)) / len(turns)


def a_question() -> float:
    model = embedding.MiniLM(_cache())
    questions = embedding.texts(60, 9, 9)
    return median([timed(partial(model.embed, [question])) for question in questions][10:])


def ingest() -> float:
    lived = long_history.live(20_000, 0)
    return lived.remembered_s / lived.turns


def answering() -> float:
    return median(long_history.live(20_000, 40).answered_ms[1:]) / 1_000


def search(memories: int) -> float:
    with _opened() as mind:
        for start in range(0, memories, 1_000):
            mind.add([given(number) for number in range(start, start + 1_000)], kind="lore", **HERE)
        questions = [f"Who talked about the garden in Kyoto, number {number}?" for number in range(40)]
        ask = partial(mind.search, **HERE)
        for question in questions:
            ask(question)  # embedded once: from here on the vector is remembered
        return median(timed(partial(ask, question)) for question in questions)


def one_add() -> float:
    with _opened() as mind:
        return median(
            timed(partial(mind.add, given(number), session_id=f"s{number // 30}", **HERE)) for number in range(150)
        )


def a_batch() -> float:
    with _opened() as mind:
        numbers = count()

        def add() -> None:
            mind.add([given(next(numbers)) for _ in range(100)], session_id=f"s{next(numbers)}", **HERE)

        return median(timed(add) for _ in range(12)) / 100


def missed(data: Path) -> float:
    """The share of LoCoMo's evidence that is not among the first ten, categories 1-4."""
    from dmha.bench import locomo

    return 1.0 - locomo.run(data).overall.recall_10


BARS = (
    Bar("import dmha", import_time.seconds, thinking),
    Bar("embedding a question", a_question, thinking),
    Bar("a turn remembered, to embedding it", ingest, embedding_alone),
    Bar("contextualize over 20,000 tokens", answering, thinking),
    Bar("search among 1,000", partial(search, 1_000), thinking),
    Bar("search among 10,000", partial(search, 10_000), thinking),
    Bar("a lone add", one_add, keeping),
    Bar("a memory in a batch of 100", a_batch, keeping),
)


def main(bars: tuple[Bar, ...], *, keep: bool) -> int:
    kept: dict[str, float] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    worse = []
    print(f"{'':<36} {'kept':>8} {'now':>8}  moved   (ratios to the reference; less is better)")
    for bar in bars:
        known = kept.get(bar.name)
        now = judge(bar, None if keep else known)
        if keep or known is None:
            kept[bar.name] = round(now, 4)
            print(f"{bar.name:<36} {known or 0.0:>8.3f} {now:>8.3f}   {'kept' if keep else 'not kept yet'}", flush=True)
            continue
        moved = now / known - 1.0
        worse += [bar.name] if moved > WORSE else []
        word = "WORSE" if moved > WORSE else "better" if moved < -WORSE else ""
        print(f"{bar.name:<36} {known:>8.3f} {now:>8.3f} {moved:>+6.0%}   {word}", flush=True)
    if keep:
        KEPT.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    if worse:
        print(f"\nMore than {WORSE:.0%} worse than kept: {', '.join(worse)}. Mend it, or say so and run with --keep.")
    return 1 if worse else 0


def judge(bar: Bar, known: float | None) -> float:
    """The figure: with nothing to hold it against the median of the rounds, else the best, as soon as it is good."""
    rounds: list[float] = []
    for _ in range(ROUNDS if bar.reference else 1):
        rounds.append(figure(bar))
        if known is not None and rounds[-1] <= known * (1.0 + WORSE):
            break
    return median(rounds) if known is None else min(rounds)


def figure(bar: Bar) -> float:
    if bar.reference is None:
        return bar.measure()
    before = bar.reference()
    measured = bar.measure()
    return measured / ((before + bar.reference()) / 2)


def _opened() -> Mind:
    return dmha.open(":memory:", embedder=StandIn(), chat="extractive")  # a file of its own, as durable as any


def _cache() -> Path:
    from dmha.settings import cache_folder, read_settings

    return cache_folder(read_settings())


def _given() -> tuple[tuple[Bar, ...], bool]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DMHA_DATA", "../shared/data")))
    asked = parser.parse_args()
    bars = BARS
    if (data := asked.data / "locomo" / "locomo_dev.json").exists():
        bars += (Bar("LoCoMo dev evidence missed at 10", partial(missed, data), None),)
    else:
        print(f"left out: recall@10 on LoCoMo, as there is no {data}; give --data or set DMHA_DATA")
    return tuple(bar for bar in bars if asked.only in bar.name), asked.keep


if __name__ == "__main__":
    chosen, keeps = _given()
    sys.exit(main(chosen, keep=keeps))
