"""All that can come back of what was said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dmha import Hit
from dmha.mind import Mind

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


def said(mind: Mind, **place: Any) -> list[str]:
    """Every memory that can come back, oldest first."""
    hits = mind.search("x", top_k=1_000, present=["aya", "ben"], **(place or HERE))
    return [hit.memory.text for hit in sorted(hits, key=lambda hit: (hit.memory.at, hit.memory.id))]


def texts(hits: Iterable[Hit]) -> list[str]:
    """The words of these hits, best first."""
    return [hit.memory.text for hit in hits]
