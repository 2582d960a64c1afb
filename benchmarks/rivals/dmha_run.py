"""DMHA as a store to be measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dmha
from dmha import Turn
from dmha.settings import read_settings
from dmha.wiring import make_embedder


class LookedUp:
    """The packaged model, asked only for what the corpus does not hold: the gists of full windows."""

    def __init__(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self._model, self._vectors = make_embedder(read_settings(), None), vectors
        self.id, self.dimension, self.seconds = self._model.id, self._model.dimension, 0.0
        self.scripts: frozenset[str] | None = getattr(self._model, "scripts", None)

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        if all(text in self._vectors for text in texts):
            return np.array([self._vectors[text] for text in texts], np.float32)
        start = perf_counter()
        made = self._model.embed(texts)
        self.seconds += perf_counter() - start
        return made


class Store:
    version = dmha.__version__

    def __init__(self, folder: Path, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self._vectors, self._embedder, self._now = vectors, LookedUp(vectors), datetime.fromtimestamp(0, UTC)
        self._mind = dmha.open(
            folder / "companion.db", embedder=self._embedder, chat="extractive", clock=lambda: self._now
        )

    @property
    def embedding_s(self) -> float:
        return self._embedder.seconds

    def add(self, tenant: str, session: str, turns: Sequence[dict[str, Any]]) -> None:
        told = [self._turn(turn) for turn in turns]
        self._now = max(turn.at for turn in told if turn.at)
        self._mind.add(told, user_id=tenant, session_id=session)

    def search(self, tenant: str, question: dict[str, Any], k: int) -> list[int | None]:
        self._now = datetime.fromisoformat(question["at"])
        hits = self._mind.search(question["text"], user_id=tenant, top_k=k)
        return [hit.memory.metadata.get("turn") for hit in hits]  # a gist is no turn

    def _turn(self, turn: Mapping[str, Any]) -> Turn:
        at, vector = datetime.fromisoformat(turn["at"]), self._vectors[turn["text"]]
        return Turn(turn["said"], turn["speaker"], at, metadata={"turn": turn["number"]}, vector=vector)
