"""A truth and the indexes over it, with shorthand for writing to the one and asking the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from stubs import StubEmbedder, only

from dmha import Turn
from dmha.domain.query import parse_query
from dmha.domain.ranking import resolve
from dmha.faculties.perception import Perception
from dmha.index.local import LocalIndex
from dmha.protocols import Feed, Index
from dmha.records import Candidates, Perceived, Place, Question, Reach, Scope
from dmha.stores.truth import Truth

NOW = 1_767_225_600.0
BOTH = "similarity + static_bm25()"
WORDS = ("osaka", "tokyo", "cat", "dog", "sea", "rain", "blue", "tea", "run", "sleep")

MakeIndex = Callable[[Truth], Index]


def local(truth: Truth) -> Index:
    return LocalIndex(truth.feed, 16)


def tiny(truth: Truth) -> Index:
    """One whose budget holds no more than the tenant asked for."""
    return LocalIndex(truth.feed, 16, budget_bytes=1)


def coded(truth: Truth) -> Index:
    """One that keeps codes from the first memory on."""
    return LocalIndex(truth.feed, 16, codes_from=0)


def growing(truth: Truth) -> Index:
    """One whose vectors become codes as a tenant grows."""
    return LocalIndex(truth.feed, 16, codes_from=4)


INDEXES: list[MakeIndex] = [local, tiny, coded, growing]


class Library:
    """A truth with shorthand for writing to it, and questions made ready."""

    def __init__(self, path: Path) -> None:
        self.truth = Truth(str(path))
        self.embedder = StubEmbedder()
        self.perception = Perception(self.embedder)
        self.truth.adopt_embedder(self.embedder)
        self._uids: dict[int, str] = {}
        self._made = 0

    def place(self, user: str = "aya") -> Scope:
        return self.truth.write(lambda ledger: ledger.places.ensure(Place(user, "relu", "agent:relu"), "UTC", NOW))

    def put(
        self, scope: Scope, text: str, *, private: bool = False, speaker: str = "aya", at: float | None = None
    ) -> int:
        self._made += 1
        when = None if at is None else datetime.fromtimestamp(at, UTC)
        heard = self._heard(scope, Turn(text, speaker, when, id=f"t{id(self)}-{self._made}", private=private))
        kept = self.truth.write(lambda ledger: ledger.memories.remember(scope, "s", [heard], ledger.embedder_id, NOW))
        ((memory_id, _),) = kept.memories
        self._uids[memory_id] = heard.memory_uid
        return memory_id

    def change(self, scope: Scope, memory_id: int, text: str) -> None:
        said = self._heard(scope, Turn(text, "aya", id="unused"))
        self.truth.write(
            lambda ledger: ledger.memories.change(
                scope, self._uids[memory_id], version=None, said=said, metadata=None,
                embedder_id=ledger.embedder_id, now=NOW,
            )
        )  # fmt: skip

    def _heard(self, scope: Scope, turn: Turn) -> Perceived:
        (heard,), _ = self.perception.perceive(
            [turn], user_id="aya", world=f"w{scope.tenant_id}", kind="episode", now=datetime.fromtimestamp(NOW, UTC)
        )
        return heard

    def drop(self, scope: Scope, memory_id: int) -> None:
        self.truth.write(lambda ledger: ledger.memories.forget(scope, self._uids[memory_id]))

    def speaker(self, scope: Scope, name: str) -> int:
        with self.truth.read() as ledger:
            (found,) = ledger.reading.present_ids(scope, [name])
        return found

    def question(self, text: str) -> Question:
        return Question(text, parse_query(text).weights, self.embedder.embed([text])[0])

    def ask(
        self, index: Index, scope: Scope, question: Question, *, ranking: str = BOTH, count: int = 100,
        feed: Feed | None = None, allowed: Sequence[int] | None = None, **reach: Any,
    ) -> Candidates:  # fmt: skip
        if allowed is not None:
            reach["allowed"] = only(allowed)
        with self.truth.feed() if feed is None else nullcontext(feed) as feed:
            return index.nominate(
                feed, scope.tenant_id, question, resolve(ranking), Reach(**reach), now=NOW, seed=7, count=count,
                scalars={"mood_joy": 0.0, "mood_aversion": 0.0},
            )  # fmt: skip


def ids(found: Candidates) -> set[int]:
    return set(found.memory_ids.tolist())


def assert_same(left: Candidates, right: Candidates) -> None:
    """Equal sets with equal columns. Not to the last bit: a matrix product's depend on the number of rows."""
    first, second = np.argsort(left.memory_ids), np.argsort(right.memory_ids)
    np.testing.assert_array_equal(left.memory_ids[first], right.memory_ids[second])
    np.testing.assert_allclose(left.similarity[first], right.similarity[second], atol=1e-6)
    np.testing.assert_allclose(left.static_bm25[first], right.static_bm25[second], atol=1e-6)


def near(library: Library, index: Index, scope: Scope, *memory_ids: int) -> list[dict[int, float]]:
    with library.truth.feed() as feed:
        return [dict(found) for found in index.nearest(feed, scope.tenant_id, memory_ids)]
