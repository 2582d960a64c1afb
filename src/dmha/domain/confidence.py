"""How likely a memory is to know of what was asked: `Hit.confidence`, logistic in what a ranking's columns say of it.

Everything is on the fixed scales of the columns, 0..1. Only the fit lives here, and what it reads of texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dmha.domain.characters import fold
from dmha.domain.marks import merely_asks
from dmha.domain.query import Query
from dmha.domain.text import terms
from dmha.domain.words import COMMON, VAGUE

Column = NDArray[np.float64]

# Where the embedder reads the question: words (the turn's own and those around it, half each) and meaning. Fitted
# between LoCoMo questions asked of their own conversation and of another whose speakers' names were put in
# (`dmha bench abstention`): AUROC .91, Brier .12; the top hit's median is .42 words, .53 meaning against .17, .37.
_WORDS, _MEANING, _DOUBT = 8.0, 8.2, 5.95
# Where it does not, words alone tell: the geometric mean of their share and of how much of each word the text holds, so
# that 妹の名前 is not known by 猫の名前. One fit between 500 questions each of JSQuAD, DRCD and CMRC asked of the half
# that holds their paragraph and of the other: AUROC .94, .95, .97 and Brier .089 of the first hit; by their share
# alone .92, .95, .97 and .093.
_WORDS_ALONE, _DOUBT_ALONE = 15.4, 7.5
# A memory of the very time that a question asks of answers it as all its words would: .98 where the embedder reads the
# question and finds nothing alike, .82 where it does not.
_THEN = 9.0
# What merely asks the same knows nothing of it.
_ASKED = 0.1
# How much a word that many things share (a name, a birthday) says beside one that tells which of them is meant.
_COMMON = 0.2


def confidence(columns: Mapping[str, Column], texts: Sequence[str], query: Query, *, read: bool) -> Column:
    """How likely each text answers. `read`: the embedder reads the question, so that a low `similarity` says much."""
    own, around = columns["static_bm25()"], columns["words_nearby"]
    words = 0.5 * (own + around)
    if read:
        known = _WORDS * words + _MEANING * np.maximum(columns["similarity"], 0.0) - _DOUBT
    else:
        held = words if (found := _held(query, texts)) is None else found
        if query.sounds:  # what sounds alike is held too
            held = np.maximum(held, own)
        known = _WORDS_ALONE * np.sqrt(words * held) - _DOUBT_ALONE
    sure = 1.0 / (1.0 + np.exp(-(known + _THEN * columns["told_then"])))
    for place in np.flatnonzero(columns["asks"]).tolist():
        if merely_asks(texts[place]):
            sure[place] *= _ASKED
    return np.asarray(sure)


def _held(query: Query, texts: Sequence[str]) -> Column | None:
    """How much of each of the query's words a text holds, on average; None where they say nothing of a subject."""
    asked = list(_subjects(query))
    if not asked:
        return None
    most = sum(worth for _, worth in asked)
    folded = map(fold, texts)
    return np.array([sum(w * sum(term in text for term in of) / len(of) for of, w in asked) / most for text in folded])


def _subjects(query: Query) -> Iterator[tuple[frozenset[str], float]]:
    """The terms of each word that says what the query is about, and its worth."""
    for word, weight in query.words:
        of = frozenset(terms(word))
        if not of <= VAGUE:
            yield of, _COMMON * weight if of <= COMMON else weight
