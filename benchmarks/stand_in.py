"""An embedder without a model, and turns that bring their vectors: for measuring what is not embedding."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha import Turn

HERE: dict[str, Any] = {"user_id": "bench", "agent_id": "relu"}
DIMENSION = 384
_WHAT = ("the concert", "a new job", "the garden", "that old camera", "our trip", "a letter", "the piano", "my knee")
_WHERE = ("Osaka", "the library", "Sapporo", "the office", "Kyoto", "the harbour", "home")


class StandIn:
    """A random direction of its own for every text."""

    dimension = DIMENSION
    id = "stand-in"

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        made = np.stack([_direction(text) for text in texts])
        return made / np.linalg.norm(made, axis=1, keepdims=True)


def given(number: int) -> Turn:
    """The turn of that number, with its vector."""
    text = f"Memory {number}: I talked about {_WHAT[number % 8]} and {_WHAT[number // 8 % 8]} in {_WHERE[number % 7]}."
    return Turn(text, f"speaker{number % 5}", vector=_direction(text))


def _direction(text: str) -> NDArray[np.float32]:
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).standard_normal(DIMENSION, np.float32)
