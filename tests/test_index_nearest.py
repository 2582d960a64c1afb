"""The nearest of a memory: what comparing every pair finds, found once, and spoilt by no older snapshot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from libraries import WORDS, Library, MakeIndex, coded, near

from dmha.index.local import LocalIndex
from dmha.index.pairs import Pairs
from dmha.protocols import NEIGHBOURHOOD, Index
from dmha.records import Scope


def assert_nearest(library: Library, index: Index, scope: Scope, texts: dict[int, str]) -> None:
    """The nearest of all are those that comparing every pair finds; of equals any may be left out."""
    vectors = {memory: library.embedder.embed([f"aya: {text}"])[0] for memory, text in texts.items()}
    for memory, found in zip(texts, near(library, index, scope, *texts), strict=True):
        exact = {other: float(vectors[memory] @ vectors[other]) for other in texts if other != memory}
        best = sorted((cosine for cosine in exact.values() if cosine > 1e-6), reverse=True)[:NEIGHBOURHOOD]
        assert list(found.values()) == sorted(found.values(), reverse=True)
        np.testing.assert_allclose(list(found.values()), best, atol=1e-6)
        np.testing.assert_allclose(list(found.values()), [exact[other] for other in found], atol=1e-6)


def test_an_index_gives_the_nearest_of_a_memory(library: Library, make_index: MakeIndex) -> None:
    """The eight most alike with their cosines, never itself; as memories come, change and go, as if asked first now."""
    scope, index = library.place(), make_index(library.truth)
    texts = {library.put(scope, text): text for text in ("osaka tea", "osaka tea cat", "rain")}
    assert_nearest(library, index, scope, texts)
    for n in range(12):
        text = f"tea {WORDS[n % 10]} {WORDS[n % 7]}"
        texts[library.put(scope, text)] = text
        assert_nearest(library, index, scope, texts)
    first, second, *_ = texts
    library.change(scope, first, "tea rain")
    texts[first] = "tea rain"
    assert_nearest(library, index, scope, texts)
    library.drop(scope, second)
    del texts[second]
    assert_nearest(library, index, scope, texts)
    for memory in list(texts)[3:9]:  # so many that the rows move
        library.drop(scope, memory)
        del texts[memory]
    assert_nearest(library, index, scope, texts)


def test_what_has_no_vector_has_no_nearest(library: Library, make_index: MakeIndex) -> None:
    """An unknown memory, another tenant's and one without a vector are near nothing, and nothing is near them."""
    scope, index = library.place(), make_index(library.truth)
    memory, bare = library.put(scope, "osaka tea"), library.put(scope, "osaka")
    foreign = library.put(library.place("ben"), "osaka tea")
    forget = f"DELETE FROM vectors WHERE memory_id = {bare}"
    library.truth.write(lambda ledger: ledger._connection.exec_driver_sql(forget))  # as if no embedder served it
    assert near(library, index, scope, memory, bare, 10**9, foreign) == [{}, {}, {}, {}]
    assert near(library, index, scope) == []


def test_the_nearest_are_found_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again, a memory is compared with nothing; after an addition, with what was added alone."""
    scope, index = library.place(), LocalIndex(library.truth.feed, 16)
    memory, *_ = [library.put(scope, f"tea {word}") for word in WORDS]
    near(library, index, scope, memory)
    compared: list[tuple[int, int]] = []
    exact = Pairs.exact

    def watched(pairs: Pairs, asked: Any, start: int, stop: int) -> Any:
        compared.append((start, stop))
        return exact(pairs, asked, start, stop)

    monkeypatch.setattr(Pairs, "exact", watched)
    near(library, index, scope, memory)
    assert compared == []
    library.put(scope, "tea again")
    near(library, index, scope, memory)
    assert compared == [(10, 11)]


def test_an_older_snapshot_spoils_no_nearest(library: Library) -> None:
    """Where codes are newer than the vectors that a snapshot reads, what is found there is not kept."""
    scope, index = library.place(), coded(library.truth)
    memory = library.put(scope, "osaka tea")
    with library.truth.feed() as old:
        assert index.nearest(old, scope.tenant_id, [memory]) == [{}]
        other = library.put(scope, "osaka tea")
        library.ask(index, scope, library.question("tea"))
        assert index.nearest(old, scope.tenant_id, [memory]) == [{}]
    assert near(library, index, scope, memory) == [{other: pytest.approx(1.0)}]
