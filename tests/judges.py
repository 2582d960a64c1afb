"""Rerankers that a test writes in a line, and minds reranked by them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Turn
from dmha.errors import Unavailable
from dmha.mind import Mind
from dmha.protocols import Reranker

WHO: Any = {"user_id": "aya", "agent_id": "relu"}


class Judge:
    """A reranker that a test writes in a line: a relevance for a text."""

    id = "judge"

    def __init__(self, relevance: Callable[[str], float]) -> None:
        self.relevance = relevance
        self.asked: list[tuple[str, list[str]]] = []

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        self.asked.append((query, texts))
        return np.array([self.relevance(text) for text in texts], np.float32)


class Broken:
    """A reranker that cannot be reached."""

    id = "broken"

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        raise Unavailable("reranker 'broken'", "it sleeps", "Wake it.")


def opened(reranker: str | Reranker | None, path: str | Path = ":memory:") -> Mind:
    return dmha.open(path, embedder=StubEmbedder(), chat="extractive", reranker=reranker, clock=ManualClock())


def numbered(count: int) -> list[Turn]:
    return [Turn(f"bees {'again ' * place}number {place}", speaker="aya") for place in range(count)]
