"""Vectors are of one embedder at a time: another one's are as if absent, and all is embedded again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from libraries import WORDS, Library
from stubs import StubEmbedder

import dmha
from dmha import Turn, Unavailable
from dmha.errors import NotFound
from dmha.index.local import LocalIndex
from dmha.mind import Mind
from dmha.records import Question

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


class Counting(StubEmbedder):
    """An embedder that breaks off after so many texts."""

    def __init__(self, dimension: int, id: str, breaks_after: int | None = None) -> None:
        super().__init__(dimension, id)
        self.embedded = 0
        self._breaks_after = breaks_after

    def embed(self, texts: list[str], /) -> np.ndarray:
        if self._breaks_after is not None and self.embedded >= self._breaks_after:
            raise Unavailable("embedder", "it went away", "Try again.")
        self.embedded += len(texts)
        return super().embed(texts)


def open_with(path: Path, embedder: StubEmbedder, progress: Callable[[int, int], None] | None = None) -> Mind:
    return dmha.open(path, embedder=embedder, chat="extractive", progress=progress)


def test_another_embedder_embeds_everything_again(database: Path) -> None:
    """Opened with another embedder, of another dimension, every vector is its own and the answers are as if always."""
    texts = [f"{word} tea {n}" for n, word in enumerate(WORDS)]
    with open_with(database, StubEmbedder(16, "a")) as mind:
        mind.add([Turn(text, id=text) for text in texts], **HERE)
    seen: list[tuple[int, int]] = []
    with open_with(database, StubEmbedder(24, "b"), lambda done, total: seen.append((done, total))) as mind:
        changed = [(hit.memory.text, hit.reasons) for hit in mind.search("sea", ranking="semantic", **HERE)]
    assert seen[-1] == (10, 10)
    with open_with(database.with_name("always.db"), StubEmbedder(24, "b")) as mind:
        mind.add([Turn(text, id=text) for text in texts], **HERE)
        always = [(hit.memory.text, hit.reasons) for hit in mind.search("sea", ranking="semantic", **HERE)]
    assert [text for text, _ in changed] == [text for text, _ in always]
    for (_, left), (_, right) in zip(changed, always, strict=True):
        assert left["similarity"] == pytest.approx(right["similarity"], abs=1e-6)


def test_embedding_again_goes_on_where_it_stopped(database: Path) -> None:
    """Broken off half-way, the next opening embeds what is left, and nothing twice."""
    with open_with(database, StubEmbedder(16, "a")) as mind:
        mind.add([Turn(f"{n} tea") for n in range(600)], session_id="s", **HERE)
        with mind._truth.read() as ledger:
            held = sum(ledger.feed.tenant_counts().values())
    broken = Counting(24, "b", breaks_after=256)
    with pytest.raises(Unavailable, match="went away"):
        open_with(database, broken)
    rest = Counting(24, "b")
    with open_with(database, rest) as mind:
        assert broken.embedded + rest.embedded == held
        assert mind.diagnose()[1].ok
        assert len(mind.search("599 tea", **HERE)) == 10
    with open_with(database, Counting(24, "b", breaks_after=0)):
        pass  # nothing is left to embed


def test_a_vector_of_another_embedder_is_as_if_absent(library: Library) -> None:
    """Before they are made again, vectors of another embedder and dimension give no similarity; words still find."""
    scope = library.place()
    memory = library.put(scope, "osaka")
    other = StubEmbedder(24, "b")
    library.truth.adopt_embedder(other)
    index = LocalIndex(library.truth.feed, 24)
    found = library.ask(index, scope, Question("osaka", {"osaka": 1.0}, other.embed(["osaka"])[0]))
    assert found.memory_ids.tolist() == [memory]
    assert found.similarity.tolist() == [0.0]
    assert found.static_bm25[0] > 0


def test_a_memory_deleted_while_it_was_embedded_stays_deleted(library: Library) -> None:
    """Vectors that come for a memory deleted meanwhile are let go; those of the others are kept."""
    scope = library.place()
    gone, stays = library.put(scope, "osaka"), library.put(scope, "tokyo")
    other = StubEmbedder(24, "b")
    library.truth.adopt_embedder(other)
    with library.truth.read() as ledger:
        waiting = ledger.feed.unembedded(10)
    vectors = other.embed([text for _, _, text in waiting])
    library.drop(scope, gone)
    rows = [(memory, vector) for (memory, _, _), vector in zip(waiting, vectors, strict=True)]
    library.truth.write(lambda ledger: ledger.memories.revector(rows, ledger.embedder_id))
    with library.truth.read() as ledger:
        assert ledger.feed.unembedded_count() == 0
        assert ledger.feed.rows([gone, stays]).memory_ids.tolist() == [stays]
    with pytest.raises(NotFound):
        library.drop(scope, gone)
