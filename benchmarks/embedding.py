"""What the default embedder costs and how true it is: `python -m benchmarks.embedding` (a minute, one core).

Questions and turns are generated from a fixed seed. Bars: a question's p50 <= 4 ms; >= 180 turns/s with at most two
workers; cosine int8 to float32 >= 0.985 on each of 500 texts; alone or among others <= 1e-6.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from dmha.models.minilm import MiniLM

WORDS = re.findall(
    r"\S+",
    """I you we she he they moved lives hates loves remembers forgets wants the a an my your her their cat dog river
    thunderstorm Osaka Lisbon spring winter birthday piano violin because although never always yesterday tomorrow 2019
    coffee? quarterly unbelievable photosynthesis antidisestablishmentarianism don't café naïve !!! ... promise hospital
    mother brother and or not with under about 3.14 :-) Kyoto train ticket garden tomatoes recipe colleague lullaby""",
)
TURN_WORDS = 25  # about 35 word pieces, the middle turn of long conversations


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        rows = [("cold: made, verified, kept (s)", first_embed_s(cache))]
        rows += [("warm: a new process's first vector (s)", first_embed_s(cache))]
        int8, float32 = MiniLM(cache), MiniLM(cache, precision="float32")
        rows += speed(int8, "int8") + speed(float32, "float32") + truth(int8, float32)
    for what, figure in rows:
        print(f"{what:<52} {figure}")


def first_embed_s(cache: Path) -> str:
    """In a process of its own, so that imports count; the interpreter's own start does not."""
    code = (
        "import sys, time; t = time.perf_counter(); import pathlib; from dmha.models.minilm import MiniLM;"
        "MiniLM(pathlib.Path(sys.argv[1])).embed(['cat']); print(f'{time.perf_counter() - t:.2f}')"
    )
    command = [sys.executable, "-c", code, str(cache)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def speed(embedder: MiniLM, name: str) -> list[tuple[str, str]]:
    turns = texts(200, TURN_WORDS, TURN_WORDS)
    questions = texts(200, 9, 9)
    embedder.embed(turns)
    one = [timed(partial(embedder.embed, [question])) for question in questions]
    alone = sum(timed(partial(embedder.embed, [turn])) for turn in turns)
    shared = min(timed(partial(embedder.embed, turns)) for _ in range(3))
    return [
        (f"{name}: one question, p50 (ms)", f"{statistics.median(one) * 1e3:.2f}"),
        (f"{name}: turns/s, one worker", f"{len(turns) / alone:.0f}"),
        (f"{name}: turns/s, two workers", f"{len(turns) / shared:.0f}"),
    ]


def truth(int8: MiniLM, float32: MiniLM) -> list[tuple[str, str]]:
    mixed = texts(500, 1, 300)
    among = int8.embed(mixed)
    cosine = (among.astype(np.float64) * float32.embed(mixed)).sum(axis=1)
    alone = np.concatenate([int8.embed([text]) for text in mixed[:100]])
    return [
        ("cosine int8 to float32, 500 texts of 1..300 words", f"least {cosine.min():.4f}, mean {cosine.mean():.4f}"),
        ("alone against among others, largest difference", f"{np.abs(alone - among[:100]).max():.1e}"),
    ]


def texts(count: int, least: int, most: int) -> list[str]:
    rng = np.random.default_rng(7)
    return [" ".join(rng.choice(WORDS, size=size)) for size in rng.integers(least, most + 1, size=count)]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
