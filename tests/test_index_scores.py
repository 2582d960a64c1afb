"""What the local index computes: BM25 as the textbooks have it, codes that stand for vectors, postings that fold."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from libraries import WORDS, Library, assert_same, local

from dmha.domain.characters import language
from dmha.domain.terms import K1, MAX_SATURATION, PRIOR_DOCUMENTS, REFERENCE_LENGTH, B, idf
from dmha.domain.text import terms
from dmha.index.local import LocalIndex
from dmha.index.postings import Postings
from dmha.index.vectors import Codes


def test_bm25_is_the_textbooks(library: Library) -> None:
    """Scores equal a direct computation over the texts, divided by the most that the question can earn."""
    scope, index, draw = library.place(), local(library.truth), random.Random(3)
    texts = {}
    for _ in range(60):
        text = " ".join(draw.choices(WORDS, k=draw.randint(1, 15)))
        texts[library.put(scope, text)] = text
    library.ask(index, scope, library.question("tea"))
    for memory in list(texts)[:20]:
        texts[memory] = " ".join(draw.choices(WORDS, k=5))
        library.change(scope, memory, texts[memory])
    question = library.question("osaka^3 cat unheard")
    counted = {memory: (Counter(terms(text)), len(terms(text)), language(text)) for memory, text in texts.items()}
    worth = {}
    for term, weight in question.terms.items():
        frequency = sum(term in words for words, _, _ in counted.values())
        worth[term] = weight * idf(len(texts) + PRIOR_DOCUMENTS, frequency)  # also of a term that nothing holds
    assert len(worth) == 3
    found = library.ask(index, scope, question)
    for memory, score in zip(found.memory_ids.tolist(), found.static_bm25.tolist(), strict=True):
        words, length, spoken = counted[memory]
        reference = REFERENCE_LENGTH.get(spoken, REFERENCE_LENGTH["other"])
        earned = sum(
            value * words[term] * (K1 + 1) / (words[term] + K1 * (1 - B + B * length / reference))
            for term, value in worth.items()
        )
        assert score == pytest.approx(earned / (sum(worth.values()) * MAX_SATURATION), rel=1e-5)


def test_codes_nominate_exactly_among_what_they_rescore(library: Library) -> None:
    """Of the memories rescored the first are the exact best, best first, and every column is the exact one."""
    scope, draw = library.place(), random.Random(8)
    for number in range(60):
        library.put(scope, " ".join((*draw.choices(WORDS, k=draw.randint(1, 6)), str(number))))
    index, exact = LocalIndex(library.truth.feed, 16, codes_from=0, rescored=12), local(library.truth)
    for _ in range(40):
        question = library.question(" ".join(draw.choices(WORDS, k=draw.randint(1, 4))))
        rescored = library.ask(index, scope, question, count=12)
        assert len(rescored.memory_ids) == 12
        assert_same(rescored, library.ask(exact, scope, question, allowed=rescored.memory_ids.tolist()))
        scores = rescored.similarity + rescored.static_bm25
        assert (np.diff(scores) <= 0).all()
        np.testing.assert_array_equal(library.ask(index, scope, question, count=5).memory_ids, rescored.memory_ids[:5])


def test_codes_tell_the_near_from_the_far() -> None:
    """An estimate is 1 for the vector itself, -1 for its opposite, 0 for no vector, and else near the cosine."""
    draw = np.random.default_rng(2)
    asked, other = draw.standard_normal((2, 384)).astype(np.float32)
    mixed = np.array([asked, -asked, 0 * asked, asked + other, asked + 3 * other, other])
    lengths = np.maximum(np.linalg.norm(mixed, axis=1), 1e-9) * np.linalg.norm(asked)
    codes = Codes(384)
    codes.reserve(6)
    codes.put(0, mixed)
    estimated = codes.against(asked)(slice(0, 6))
    assert estimated[:3].tolist() == [1.0, -1.0, 0.0]
    np.testing.assert_allclose(estimated, mixed @ asked / lengths, atol=0.12)  # 384 signs tell it within .05 or so


def test_postings_fold_without_a_trace() -> None:
    """Documents added one by one, past the fold, are found as when loaded at once, rows ascending."""
    draw = np.random.default_rng(5)
    documents = [np.unique(draw.integers(0, 2_000, 40)).astype(np.uint64) for _ in range(3_000)]
    rows = [np.full(len(held), row, np.int32) for row, held in enumerate(documents)]
    weights = [draw.random(len(held), np.float32) for held in documents]
    at_once, one_by_one = Postings(), Postings()
    at_once.load(np.concatenate(documents), np.concatenate(rows), np.concatenate(weights))
    for document in zip(documents, rows, weights, strict=True):
        one_by_one.add(*document)
    for term in range(2_001):
        for left, right in zip(at_once.of(term), one_by_one.of(term), strict=True):
            np.testing.assert_array_equal(left, right)
