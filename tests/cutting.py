"""Words of one's own, a cutter of words, minds that cut by them, and what their words alone find."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from stubs import ManualClock, StubEmbedder

import dmha
from dmha.domain.dictionary import Dictionary
from dmha.mind import Mind
from dmha.types import WordSource

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
WORDS = Dictionary(
    [("東京スカイツリー", None), ("New York", None), ("ReLU", "れる"), ("重庆", "chóngqìng"), ("長谷川", "はせがわ")], 5
)


class Halves:
    """A cutter of words for tests: pieces of three characters, each read as ことば."""

    name: WordSource = "sudachi"
    languages = frozenset({"ja"})

    def __init__(self, id: str = "halves-1") -> None:
        self.id = id

    def cut(self, run: str, /) -> list[tuple[str, str | None]]:
        return [(run[at : at + 3], "コトバ") for at in range(0, len(run), 3)]


def open_mind(path: Path, *cutters: Halves) -> Mind:
    return dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=ManualClock(), words=cutters)


def found(mind: Mind, query: str, *, by_reading: bool = False) -> list[str]:
    """The texts that words alone find."""
    hits = mind.search(query, ranking="static_bm25()", by_reading=by_reading, **HERE)
    return [hit.memory.text for hit in hits if hit.score > 0]


def changes(mind: Mind) -> list[tuple[int, ...]]:
    """The change log."""
    return raw(mind._truth.path, "SELECT seq, memory_id FROM changes")  # type: ignore[attr-defined]  # it is on a file


def raw(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
