"""The process in which one store is measured, in an environment of its own: it needs nothing but NumPy and the store.

Usage: python child.py STORE FOLDER CORPUS

`STORE_run.py`, beside this file, holds the class `Store`. Commands come in by standard input, one JSON object a line,
and each is answered by one. Turns and questions go by their numbers in the corpus, the folder that `corpus.py` wrote.
A vector is looked up by its text, so that embedding costs every store the same: nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = Mapping[str, NDArray[np.float32]]
LOOPBACK = ("127.0.0.1", "::1", "localhost", None)


class Store(Protocol):
    """What is measured. `embedding_s` are the seconds that it spent in embedding what has no vector in the corpus."""

    version: str
    embedding_s: float

    def add(self, tenant: str, session: str, turns: Sequence[dict[str, Any]], /) -> float | None:
        """Durable when it returns; the seconds before it was made durable, where that is a step of its own."""

    def search(self, tenant: str, question: dict[str, Any], k: int, /) -> list[int | None]:
        """The numbers of the turns that came back, best first."""


class Measured:
    """The store, with a watch on it."""

    def __init__(self, store: Store, corpus: Mapping[str, Any]) -> None:
        self._store, self._turns, self._questions = store, corpus["turns"], corpus["questions"]

    def add(self, tenant: str, session: str, turns: Sequence[tuple[int, int]], seconds: float = 1e9) -> dict[str, Any]:
        """A call for each of the batches [first, end), until the time is over: what each took in milliseconds."""
        began, taken, before = monotonic(), [], []
        for first, end in turns:
            if monotonic() - began > seconds:
                break
            start, embedding = perf_counter(), self._store.embedding_s
            undone = self._store.add(tenant, session, self._turns[first:end])
            taken.append(1_000 * (perf_counter() - start - self._store.embedding_s + embedding))
            before += [] if undone is None else [1_000 * undone]
        return {"ms": taken, "ms_before_durable": before}

    def search(self, tenant: str, questions: Sequence[int], k: int) -> dict[str, Any]:
        """A call for each of the questions: what came back, and what it took in milliseconds."""
        found, taken = [], []
        for number in questions:
            start, embedding = perf_counter(), self._store.embedding_s
            found.append(self._store.search(tenant, self._questions[number], k))
            taken.append(1_000 * (perf_counter() - start - self._store.embedding_s + embedding))
        return {"found": found, "ms": taken}


def stay_here() -> None:
    """From now on this process reaches nothing beyond this machine, whatever a library has in mind."""

    def refuse(event: str, given: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo" and given[0] not in LOOPBACK:
            raise OSError(f"a measured store wanted to look up {given[0]!r}")
        if event == "socket.connect" and isinstance(given[1], tuple) and given[1][0] not in LOOPBACK:
            raise OSError(f"a measured store wanted to connect to {given[1][0]!r}")

    sys.addaudithook(refuse)


def main(name: str, folder: str, corpus: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    stay_here()
    told = json.loads(Path(corpus, "corpus.json").read_text("utf-8"))
    made = np.load(Path(corpus, "vectors.npz"))
    vectors = {
        one["text"]: vector
        for kind in ("turns", "questions")
        for one, vector in zip(told[kind], made[kind], strict=True)
    }
    store: Store = import_module(f"{name}_run").Store(Path(folder), vectors)
    measured = Measured(store, told)
    print(json.dumps({"version": store.version}), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(measured, command.pop("do"))(**command)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
