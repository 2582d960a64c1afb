"""Stand-ins for what a test does not want to wait for: an embedder without a model, a clock that moves when told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

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
