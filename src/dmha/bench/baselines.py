"""What is held against the mind in the same run: exact cosine, BM25, and the two fused by reciprocal rank.

They know no database: the same embedder over each turn as `speaker: text`, the same terms (characters and bigrams where
words are not spaced), every turn told so far scored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dmha.bench.dataset import TURN, Question, Tenant, Told
from dmha.bench.report import Judged
from dmha.domain.characters import language
from dmha.domain.ranking import top
from dmha.domain.terms import REFERENCE_LENGTH, idf, pack, saturated
from dmha.domain.text import terms
from dmha.protocols import Embedder
from dmha.types import Turn

NAMES = COSINE, BM25, FUSED = "exact cosine", "BM25", "RRF of the two"

_RRF = 60  # Cormack, Clarke & Buettcher 2009

Column = NDArray[np.float64]


def judge(tenant: Tenant, embedder: Embedder, top_k: int) -> Iterator[tuple[str, Judged]]:
    """Each baseline's answer to each question of the tenant, from the turns that were told before it."""
    said = [(told.session, turn) for told in tenant.told for turn in told.turns]
    words, meaning = Words([turn for _, turn in said]), _cosines(tenant, embedder, [turn for _, turn in said])
    for (question, known), similarity in zip(_asked(tenant), meaning, strict=True):
        near, alike = similarity[:known], words.scores(question.text, known)
        for name, scores in zip(NAMES, (near, alike, fused(near, alike)), strict=True):
            yield name, _judged(question, [said[place] for place in top(scores, np.arange(known), top_k)])


def fused(*scores: Column) -> Column:
    """The sum of 1 / (60 + place) over rankings."""
    total = np.zeros(len(scores[0]))
    for column in scores:
        total[top(column, np.arange(len(column)), len(column))] += 1.0 / (_RRF + np.arange(1, len(column) + 1))
    return total


class Words:
    """BM25 over turns: a term's saturated count times its idf among the turns that are known."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        postings: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        for row, turn in enumerate(turns):
            found = terms(turn.text)
            packed = pack(found)
            weights = saturated(packed, len(found), REFERENCE_LENGTH[language(turn.text)])
            for term, weight in zip(packed["term"].tolist(), weights.tolist(), strict=True):
                postings[term].append((row, weight))
        self._postings = {term: tuple(map(np.array, zip(*held, strict=True))) for term, held in postings.items()}

    def scores(self, text: str, known: int) -> Column:
        """What the text scores in each of the first `known` turns."""
        total = np.zeros(known)
        for term in pack(terms(text))["term"].tolist():
            if (held := self._postings.get(term)) is not None:
                frequency = int(np.searchsorted(held[0], known))
                total[held[0][:frequency]] += idf(known, frequency) * held[1][:frequency]
        return total


def _cosines(tenant: Tenant, embedder: Embedder, turns: Sequence[Turn]) -> Column:
    """Questions x turns."""
    told = embedder.embed([f"{turn.speaker}: {turn.text}" for turn in turns])
    asked = embedder.embed([question.text for question in tenant.questions])
    return np.asarray(asked @ told.T, np.float64)


def _asked(tenant: Tenant) -> Iterator[tuple[Question, int]]:
    """The questions, with how many turns were told before each."""
    known = 0
    for act in tenant.acts:
        if isinstance(act, Told):
            known += len(act.turns)
        else:
            yield act, known


def _judged(question: Question, best: Sequence[tuple[str, Turn]]) -> Judged:
    return Judged(
        category=question.category,
        turns=tuple(turn.metadata[TURN] for _, turn in best),
        sessions=tuple(session for session, _ in best),
        evidence=question.evidence,
        evidence_sessions=question.sessions,
    )
