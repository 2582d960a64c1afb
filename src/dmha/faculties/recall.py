"""Recall: an index nominates, the true states are ranked, and what comes back is strengthened.

Ranking reads alone; `reinforcements` says what an act of recall would change, and the caller writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from dmha.domain.expressions import Ranking, Scores
from dmha.domain.forgetting import reinforce, retention, tier_after
from dmha.domain.query import Query
from dmha.domain.ranking import exact_match, keyed_uniform, top
from dmha.protocols import Index, Ledger
from dmha.records import Candidates, Filters, Question, Reinforcement, Scope, State
from dmha.types import NEVER_FADES, Affect, Hit, Memory

Column = NDArray[np.float64]

# How many candidates the coarse stage hands to the fine one. On LoCoMo 50, 100 and 200 give the same recall@10, 25 a
# little less, and each candidate costs 0.03 ms to read.
NOMINATED = 100

# Hit.confidence is logistic in what words and meaning say, on their fixed scales of 0..1: how likely the memory is to
# know of what was asked. Fitted between LoCoMo questions asked of their own conversation and of another whose speakers'
# names were put in: AUROC .90, Brier .13; the top hit's median is .29 words, .58 meaning against .09, .50.
_WORDS, _MEANING, _DOUBT = 12.0, 9.0, 7.0
# Where the embedder does not read the question, words alone tell: rounded from fits on JSQuAD, DRCD and CMRC (AUROC
# .89, .91, .93).
_WORDS_ALONE, _DOUBT_ALONE = 25.0, 5.2


@dataclass(frozen=True, slots=True)
class Request:
    """One recall or search, ready before any snapshot is opened: what is asked, and how to rank what comes back."""

    question: Question
    query: Query
    ranking: Ranking
    filters: Filters
    top_k: int
    min_confidence: float
    now: float
    seed: int
    exclude: tuple[int, ...] = ()


def rank(ledger: Ledger, index: Index, scope: Scope, request: Request, mood: Affect) -> list[tuple[State, Hit]]:
    """The best memories by the ranking in this mood, with their states, best first."""
    candidates = _nominate(ledger, index, scope, request, mood)
    states = ledger.reading.states(scope, candidates.memory_ids.tolist())
    if not states:
        return []
    columns, scores = _score(states, candidates, request, mood)
    ids = np.fromiter((state.memory_id for state in states), np.int64, len(states))
    confidence = _confidence(columns["static_bm25()"], columns["similarity"], read=request.question.vector is not None)
    hits: list[tuple[State, Hit]] = []
    for place in top(scores.total, ids, len(states)):
        if confidence[place] < request.min_confidence:
            continue
        reasons = {term: float(given[place]) for term, given in scores.terms.items()}
        hit = Hit(memory_of(states[place]), float(scores.total[place]), reasons, "match", float(confidence[place]))
        hits.append((states[place], hit))
        if len(hits) == request.top_k:
            break
    return hits


def reinforcements(states: Sequence[State], now: float) -> list[Reinforcement]:
    """What recalling these memories now does to each: a longer half-life, one more recall, perhaps a deeper tier."""
    return [_reinforced(state, now) for state in states]


def alternate(first: Sequence[tuple[State, Hit]], second: Sequence[tuple[State, Hit]]) -> list[tuple[State, Hit]]:
    """Two rankings in turn, each memory once: the best of either stand together."""
    taken: dict[int, tuple[State, Hit]] = {}
    for pair in zip_longest(first, second):
        for item in pair:
            if item is not None:
                taken.setdefault(item[0].memory_id, item)
    return list(taken.values())


def memory_of(state: State) -> Memory:
    """A state as callers see it."""
    return Memory(
        id=state.uid, text=state.text, speaker=state.speaker, at=_moment(state.at), session_id=state.session,
        metadata=state.metadata, kind=state.kind, source=state.source, trust=state.trust,
        private=state.private_to is not None, pinned=state.pinned, tier=state.tier,
        half_life=state.half_life, recall_count=state.recall_count, last_recalled_at=_moment(state.last_recalled_at),
        importance=state.importance, joy=state.joy, aversion=state.aversion, trauma=state.trauma,
        version=state.version,
    )  # fmt: skip


def _nominate(ledger: Ledger, index: Index, scope: Scope, request: Request, mood: Affect) -> Candidates:
    return index.nominate(
        scope.tenant_id,
        request.question,
        request.ranking,
        now=request.now,
        seed=request.seed,
        count=max(NOMINATED, request.top_k),
        scalars={"mood_joy": mood.joy, "mood_aversion": mood.aversion},
        present=ledger.reading.present_ids(scope, request.filters.present),
        allowed=ledger.reading.allowed(scope, request.filters),
        exclude=request.exclude,
    )


def _score(
    states: Sequence[State], candidates: Candidates, request: Request, mood: Affect
) -> tuple[dict[str, Column], Scores]:
    place = {memory_id: i for i, memory_id in enumerate(candidates.memory_ids.tolist())}
    order = [place[state.memory_id] for state in states]
    columns: dict[str, Column] = {
        "similarity": candidates.similarity[order],
        "static_bm25()": candidates.static_bm25[order],
        **{name: _column(states, field) for name, field in _COLUMNS.items()},
        "now": np.asarray(request.now),
        "mood_joy": np.asarray(mood.joy),
        "mood_aversion": np.asarray(mood.aversion),
    }
    pinned = np.fromiter((state.pinned for state in states), np.bool_, len(states))
    columns["last_recalled_at"] = np.where(pinned, request.now, columns["last_recalled_at"])  # does not fade
    for name in request.ranking.needs - columns.keys():
        columns[name] = _computed(name, states, request)
    return columns, request.ranking.fine(columns, len(states))


# The ranking language's raw columns, and where a state keeps each.
_COLUMNS = {
    "created_at": "at",
    "last_recalled_at": "last_recalled_at",
    "half_life": "half_life",
    "recalls": "recall_count",
    "importance": "importance",
    "joy": "joy",
    "aversion": "aversion",
    "trauma": "trauma",
    "score0": "score0",
}


def _column(states: Sequence[State], field: str) -> Column:
    return np.fromiter((getattr(state, field) for state in states), np.float64, len(states))


def _computed(name: str, states: Sequence[State], request: Request) -> Column:
    """A column that is computed from texts or seeds rather than read: only where the ranking asks for it."""
    if name == "random()":
        ids = np.fromiter((state.memory_id for state in states), np.int64, len(states))
        return keyed_uniform(request.seed, request.question.text, ids)
    if name == "gist":
        return np.fromiter((state.kind == "summary" for state in states), np.float64, len(states))
    field = name.removeprefix("exact_match_boost(").removesuffix(")")
    return exact_match(request.query.words, [getattr(state, field) for state in states])


def _confidence(words: Column, meaning: Column, *, read: bool) -> Column:
    """`read`: the embedder reads the question, so that a low `meaning` says something."""
    if read:
        known = _WORDS * words + _MEANING * np.maximum(meaning, 0.0) - _DOUBT
    else:
        known = _WORDS_ALONE * words - _DOUBT_ALONE
    return np.asarray(1.0 / (1.0 + np.exp(-known)))


def _reinforced(state: State, now: float) -> Reinforcement:
    recalls = state.recall_count + 1
    left = float(retention(now - state.last_recalled_at, state.half_life))
    half_life = reinforce(state.half_life, recalls, left, state.joy, state.aversion)
    return Reinforcement(
        state.memory_id,
        state.half_life if state.kind in NEVER_FADES else half_life,
        recalls,
        tier_after(recalls),
        state.joy,
        state.aversion,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
