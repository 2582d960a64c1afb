"""What glossing brings to the project's Japanese, Chinese and mixed dialogues, apart from any database.

Usage: python -m benchmarks.glossing        (benchmarks/dialogues; needs the extra gloss; half a minute, one core)

Recall@10 of turns: BM25 over characters and pairs of them, the cosine with and without glossing, and BM25 as a share of
what a question could earn plus half of the glossed cosine. "across": the question is in another language than all of
its evidence.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha.domain.characters import language
from dmha.domain.ranking import top
from dmha.domain.terms import idf
from dmha.domain.text import terms
from dmha.models.gloss.glossed import Glossed
from dmha.protocols import Embedder
from dmha.settings import read_settings
from dmha.wiring import make_embedder

TOP_K = 10
K1, B = 1.2, 0.75  # BM25 as everyone runs it
COSINE = 0.5


def main() -> None:
    plain = make_embedder(read_settings(), "minilm")
    glossed = Glossed(plain)
    print(f"{'':<8}{'':<24}all   same  across")
    for path in sorted((Path(__file__).parent / "dialogues").glob("*.json")):
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        turns = [turn for session in told["sessions"] for turn in session["turns"]]
        asked = [question for question in told["questions"] if question["evidence"]]
        words, meaning = bm25(turns, asked), cosine(glossed, turns, asked)
        for name, scores in (
            ("BM25", words),
            ("MiniLM", cosine(plain, turns, asked)),
            ("MiniLM, glossed", meaning),
            (f"BM25 + {COSINE} glossed", words + COSINE * meaning),
        ):
            print(f"{path.stem:<8}{name:<24}", *(f"{part:.3f}" for part in judge(scores, turns, asked)))


def judge(scores: NDArray[np.float64], turns: Sequence[Any], asked: Sequence[Any]) -> tuple[float, float, float]:
    """Recall@10 of all questions, of those asked in a language of their evidence, of the others."""
    ids = np.arange(len(turns))
    language_of = {turn["id"]: language(turn["text"]) for turn in turns}
    found: dict[bool, list[float]] = {True: [], False: []}
    for question, row in zip(asked, scores, strict=True):
        evidence = set(question["evidence"])
        across = language(question["text"]) not in {language_of[id] for id in evidence}
        best = {turns[place]["id"] for place in top(row, ids, TOP_K)}
        found[across].append(len(best & evidence) / len(evidence))
    return float(np.mean(found[True] + found[False])), float(np.mean(found[False])), float(np.mean(found[True]))


def cosine(embedder: Embedder, turns: Sequence[Any], asked: Sequence[Any]) -> NDArray[np.float64]:
    told = embedder.embed([f"{turn['speaker']}: {turn['text']}" for turn in turns])
    return np.asarray(embedder.embed([question["text"] for question in asked]) @ told.T, np.float64)


def bm25(turns: Sequence[Any], asked: Sequence[Any]) -> NDArray[np.float64]:
    """Questions x turns: BM25 divided by the most that the question could earn."""
    counted = [Counter(terms(turn["text"])) for turn in turns]
    lengths = np.array([found.total() for found in counted])
    slack = K1 * (1 - B + B * lengths / lengths.mean())
    scores = np.zeros((len(asked), len(turns)))
    for row, question in zip(scores, asked, strict=True):
        most = 0.0
        for term in set(terms(question["text"])):
            count = np.array([found[term] for found in counted], dtype=np.float64)
            worth = idf(len(turns), int(np.count_nonzero(count)))
            most += worth * (K1 + 1)
            row += worth * count * (K1 + 1) / (count + slack)
        row /= most or 1.0
    return scores


if __name__ == "__main__":
    main()
