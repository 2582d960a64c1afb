"""Extractive summary: the few sentences of a conversation that say the most of it, word for word.

Only the choice of sentences lives here; nothing is rephrased, so a summary cannot invent anything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from dmha.domain.text import asks, sentences, terms
from dmha.errors import InvalidInput

_ASKED = 0.5  # the answer says more than the question


def summarise(utterances: Sequence[tuple[str, str]], *, limit: int = 5) -> str:
    """At most `limit` sentences of the (speaker, text) pairs, in their order, one "speaker: sentence" a line.

    The sentence whose terms weigh most is taken first; terms once told weigh nothing more, so the next one is new.
    """
    if limit < 1:
        raise InvalidInput("limit", f"{limit} is not a number of sentences", "Give 1 or more.")
    told = [(speaker, sentence) for speaker, text in utterances for sentence in sentences(text)]
    chosen = _choose([frozenset(terms(sentence)) for _, sentence in told], [_worth(s) for _, s in told], limit)
    return "\n".join(f"{told[place][0]}: {told[place][1]}" for place in sorted(chosen))


def _worth(sentence: str) -> float:
    return _ASKED if asks(sentence) else 1.0


def _choose(about: Sequence[frozenset[str]], worth: Sequence[float], limit: int) -> list[int]:
    weights = _centrality(about)
    left = list(range(len(about)))
    chosen: list[int] = []
    while left and len(chosen) < limit:
        gain, place = max((worth[at] * _told(about[at], weights), -at) for at in left)
        if gain <= 0.0 and chosen:
            break
        chosen.append(-place)
        weights = {**weights, **dict.fromkeys(about[-place], 0.0)}
        left.remove(-place)
    return chosen


def _centrality(about: Sequence[frozenset[str]]) -> dict[str, float]:
    """What the conversation keeps coming back to weighs most, except what stands in nearly every sentence."""
    frequency = Counter(term for sentence in about for term in sentence)
    return {term: count * math.log(1.0 + len(about) / count) for term, count in frequency.items()}


def _told(sentence: frozenset[str], weights: Mapping[str, float]) -> float:
    """The weight of a sentence's terms; divided by the root of its length, so that long ones do not always win."""
    return math.fsum(weights[term] for term in sentence) / math.sqrt(len(sentence)) if sentence else 0.0
