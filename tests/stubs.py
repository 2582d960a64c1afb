"""Stand-ins for what a test does not want to wait for: an embedder, a chat model, a clock that moves when told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha import Unavailable
from dmha.domain.tokens import estimate_tokens
from dmha.records import Allowed


class StubEmbedder:
    """A bag of hashed words as a unit vector: texts that share words are similar. Reads every script."""

    def __init__(self, dimension: int = 16, id: str = "stub") -> None:
        self.dimension = dimension
        self.id = id

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        made = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(made, texts, strict=True):
            for word in text.lower().split() or [""]:
                row += _direction(self.id, word, self.dimension)
            row /= np.linalg.norm(row)
        return made


class Scripted:
    """A chat model that says what it is told to, and keeps the prompts it was given."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.prompts: list[list[dict[str, Any]]] = []

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.prompts.append(messages)
        text = self.replies.pop(0)
        if text == "FAIL":
            raise Unavailable("chat model", "it is down", "Start it.")
        yield text

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


class Listening:
    """A chat model that keeps what it was shown last."""

    def __init__(self) -> None:
        self.shown = ""

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.shown = "\n".join(message["content"] for message in messages)
        yield "Well."

    def count_tokens(self, text: str, /) -> int:
        return len(text) // 4 + 1


class ManualClock:
    """A clock that stands still until `forward` moves it."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **lapse: float) -> None:
        """Move on by a timedelta's keywords: forward(days=1)."""
        self.now += timedelta(**lapse)


def only(these: Collection[int]) -> Allowed:
    """What lets these memories pass and no others."""

    def passing(memory_ids: Sequence[int] | None) -> list[int]:
        return sorted(set(these) if memory_ids is None else set(these).intersection(memory_ids))

    return passing


@lru_cache(maxsize=100_000)
def _direction(id: str, word: str, dimension: int) -> NDArray[np.float32]:
    seed = int.from_bytes(blake2b(f"{id}/{word}".encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
