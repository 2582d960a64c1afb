"""What a question's words say of each row: by the turn alone, with its neighbours, and by the stretch it was said in.

All on fixed scales: each score is divided by the most that the question could earn, so 1 is every word, said again and
again, and a question about the unknown stays low however well its common words match. What is not heard adds nothing,
and counts for no idf either: how rare a word seems would tell who asks that somebody said it in private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dmha.domain.terms import MAX_SATURATION, PRIOR_DOCUMENTS, idf, term_id
from dmha.index.postings import Numbers, Postings, Weights
from dmha.index.talk import APART, NOBODY

Column = NDArray[np.float64]
Found = tuple[float, Numbers, Weights]
"""What a term is worth, the rows that hold it, its weight in each."""

# How much a word of the turn before and of the turn after counts as this turn's own: an answer seldom repeats what was
# asked. LoCoMo's development half gives .801-.806 from .5/.3 to .8/.6 (recall@10 of the preset; without: .74).
BEFORE, AFTER = 0.6, 0.4
# A stretch's words are worth more by being there than by being many: one word of a usual turn is worth three quarters
# of the most, in a usual stretch, thirty usual utterances long. LoCoMo's recall@10 is .811-.812 from .6 to 1.4, .810 at
# 2; a wanted session is among the first five in .941, .939, .938.
STRETCH_HALF, STRETCH_B, USUAL_STRETCH = 0.6, 0.4, 30.0
ALL: Mapping[str, float] = MappingProxyType({})  # every term earns its whole worth


@dataclass(frozen=True, slots=True)
class Words:
    """The scores of one question, each a column of all rows, made when asked for."""

    found: Sequence[Found]
    most: float  # what the question could earn, in its terms' worth
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    branching: NDArray[np.intp]
    stretches: NDArray[np.int32]
    sizes: NDArray[np.float64]

    def alone(self) -> Column:
        """By the turn's own words."""
        scores = np.zeros(len(self.before))
        for worth, rows, weights in self.found:
            scores[rows] += worth * weights
        return self._share(scores / MAX_SATURATION)

    def nearby(self) -> Column:
        """By the turn's words and its neighbours', counted together before they saturate."""
        scores, counted = np.zeros(len(self.before) + 1), np.zeros(len(self.before) + 1)  # the last is nobody's
        for worth, rows, weights in self.found:
            counts = _counts(weights)
            counted[rows] = counts
            aside = self.branching[counted[self.before[self.branching]] > 0]
            lent = BEFORE * counted[self.before[aside]]
            next_, first = self.after[rows], self.after[self.before[rows]] == rows
            last = np.where(first, self.before[rows], NOBODY)
            counted[next_] += BEFORE * counts  # no row is the first after two, nor has two first ones
            counted[last] += AFTER * counts
            counted[aside] += lent
            touched = np.concatenate([rows, next_, last, aside])
            held = counted[touched]
            scores[touched] = scores[touched] + worth * held / (held + 1.0)  # twice the same is once
            counted[touched] = 0.0
        return self._share(scores[:-1])

    def stretch(self) -> Column:
        """By all that was said around: how many of the question's words the stretch holds."""
        scores = np.zeros(len(self.sizes))
        half = STRETCH_HALF * (1.0 - STRETCH_B + STRETCH_B * self.sizes / USUAL_STRETCH)
        for worth, rows, weights in self.found:
            held = np.bincount(self.stretches[rows], _counts(weights), len(self.sizes))
            scores += worth * held / (held + half)
        scores[APART] = 0.0
        return self._share(scores)[self.stretches]

    def _share(self, scores: Column) -> Column:
        return np.minimum(scores / self.most, 1.0) if self.most else scores


def find(
    postings: Postings,
    terms: Mapping[str, float],
    heard: NDArray[np.bool_] | None,
    documents: int,
    earning: Mapping[str, float] = ALL,
    sounds: frozenset[str] = frozenset(),
) -> tuple[list[Found], float]:
    """What a question's terms find among the heard (None: all), so many `documents`, and the worth of all of them.

    `earning` is the share of its worth that a term earns where it stands; what is not among them earns all.
    What only `sounds` like another term earns in its stead.
    """
    found, most = list[Found](), 0.0
    for term, weight in terms.items():
        rows, weights = postings.of(term_id(term))
        if heard is not None:
            there = heard[rows]
            rows, weights = rows[there], weights[there]
        worth = weight * idf(documents + PRIOR_DOCUMENTS, len(rows))
        most += 0.0 if term in sounds else worth
        if len(rows):
            found.append((earning.get(term, 1.0) * worth, rows, weights))
    return found, most


def _counts(weights: Weights) -> Column:
    """Saturated weights as the counts that they were made of, in units of what half saturates a turn of its length."""
    return np.asarray(weights / (MAX_SATURATION - weights), np.float64)
