"""A process that adds one memory after another, until it is ended, and says the id of each turn once `add` returned."""

from __future__ import annotations

from itertools import count
from typing import Any

from herd import Tell
from stubs import StubEmbedder

import dmha
from dmha import Turn


def write(tell: Tell, path: str, here: dict[str, Any], name: int) -> None:
    mind = dmha.open(path, embedder=StubEmbedder(), chat="extractive")
    for number in count():
        turn = f"{name}/{number}"
        mind.add(Turn(f"memory {turn}", id=turn), session_id=f"session {name}/{number // 30}", **here)
        tell({"turn": turn})
