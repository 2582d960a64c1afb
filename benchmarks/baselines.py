"""LoCoMo by meaning alone and by words alone, to hold DMHA's own figures against: the same embedder, the same terms.

Usage: python -m benchmarks.baselines [PATH]        (DMHA_DATA/locomo/locomo_dev.json; a minute, one core)

Both are exact and know no database: the cosine of the question to each turn as `speaker: text`, and BM25 of each turn.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dmha.bench import locomo
from dmha.bench.report import Judged, Scores
from dmha.domain.ranking import top
from dmha.domain.terms import REFERENCE_LENGTH, idf, pack, saturated
from dmha.domain.text import terms
from dmha.protocols import Embedder
from dmha.settings import make_embedder, read_settings
from dmha.types import Turn


def main() -> None:
    folder = Path(os.environ.get("DMHA_DATA", "../shared/data"))
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "locomo" / "locomo_dev.json"
    if not data.exists():
        sys.exit(f"{data} is absent: set DMHA_DATA to the folder of the evaluation data, or give the file's path")
    embedder = make_embedder(read_settings())
    judged: defaultdict[str, list[Judged]] = defaultdict(list)
    for conversation in locomo.load(data):
        turns = [(session, turn) for session, told in conversation.sessions.items() for turn in told]
        asked = [question.text for question in conversation.questions]
        for name, scores in (
            ("cosine alone", cosine(embedder, [turn for _, turn in turns], asked)),
            ("BM25 alone", bm25([turn for _, turn in turns], asked)),
        ):
            judged[name] += [judge(q, row, turns) for q, row in zip(conversation.questions, scores, strict=True)]
    print(f"{'categories 1-4':<16} R@1   R@5   R@10  MRR   NDCG@10  session hit@5")
    for name, those in judged.items():
        s = Scores.of([one for one in those if one.category != locomo.APART])
        print(f"{name:<16}", *(f"{v:.3f}" for v in (s.recall_1, s.recall_5, s.recall_10, s.mrr, s.ndcg_10)),
              f"   {s.session_hit_5:.3f}")  # fmt: skip


def cosine(embedder: Embedder, turns: Sequence[Turn], asked: list[str]) -> NDArray[np.float64]:
    """Questions x turns."""
    told = embedder.embed([f"{turn.speaker}: {turn.text}" for turn in turns])
    return np.asarray(embedder.embed(asked) @ told.T, np.float64)


def bm25(turns: Sequence[Turn], asked: Sequence[str]) -> NDArray[np.float64]:
    """Questions x turns: each shared term's saturated count times its idf in the conversation."""
    counted = [terms(turn.text) for turn in turns]
    frequency = Counter(term for found in counted for term in set(found))
    weights = [
        dict(zip(packed["term"].tolist(), saturated(packed, len(found), REFERENCE_LENGTH["en"]).tolist(), strict=True))
        for found in counted
        for packed in (pack(found),)
    ]
    scores = np.zeros((len(asked), len(turns)))
    for row, question in zip(scores, asked, strict=True):
        for term in set(terms(question)) & frequency.keys():
            worth, number = idf(len(turns), frequency[term]), int(pack([term])["term"][0])
            row += [worth * weight.get(number, 0.0) for weight in weights]
    return scores


def judge(question: locomo.Question, scores: NDArray[np.float64], turns: Sequence[tuple[str, Turn]]) -> Judged:
    best = [turns[place] for place in top(scores, np.arange(len(scores)), locomo.TOP_K)]
    return Judged(
        category=question.category,
        turns=tuple(turn.metadata["dia_id"] for _, turn in best),
        sessions=tuple(session for session, _ in best),
        evidence=question.evidence,
        evidence_sessions=question.sessions,
        search_s=0.0,
        embedding_s=0.0,
    )


if __name__ == "__main__":
    main()
