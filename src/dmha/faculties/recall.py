"""Recall: an index nominates, the true states are ranked, and what comes back is strengthened.

Ranking reads alone; `reinforcements` says what an act of recall would change, and the caller writes it. Of memories
that say the same only the best is brought back, and so strengthened; the hit names the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dmha.domain.confidence import confidence as sureness
from dmha.domain.expressions import Ranking, Scores
from dmha.domain.forgetting import reinforce, retention, tier_after
from dmha.domain.query import Query, asks_about
from dmha.domain.ranking import exact_match, keyed_uniform, stands, top
from dmha.domain.sameness import ALIKE, Told, asks_the_same, collapse
from dmha.domain.text import terms
from dmha.domain.times import Mention, asks_when, mentions
from dmha.protocols import NEIGHBOURHOOD, Index, Ledger
from dmha.records import Candidates, Filters, Question, Reach, Reinforcement, Scope, State, Uttered
from dmha.types import NEVER_FADES, Affect, Hit, Memory

Column = NDArray[np.float64]

# How many candidates the coarse stage hands to the fine one. On LoCoMo 64, 100 and 200 give the same recall@10, 25 a
# little less, and each candidate costs 0.03 ms to read.
NOMINATED = 64
# Beyond so many it is not asked again: of a thousand "good morning"s one is enough to know, and 4,096 candidates take
# 0.1 s.
MOST_NOMINATED = 1_024

_LOOKS_INTO = re.compile(r"exact_match_boost\((\w+)\)")
_WHAT_SAYS_THE_SAME = frozenset({"text", "speaker", "kind", "uid"})  # is told by these
_OF_OWN_WORDS = ("static_bm25()", "wordiness", "asks")  # an index's columns that are equal where words are
_STRANGER = -1  # no speaker's id: whom nobody knows has said nothing


@dataclass(frozen=True, slots=True)
class Request:
    """One recall or search, ready before any snapshot is opened: what is asked, and how to rank what comes back.

    `zone` is where the times that it names are meant; empty: the companion's.
    """

    question: Question
    query: Query
    ranking: Ranking
    filters: Filters
    top_k: int
    min_confidence: float
    now: float
    seed: int
    exclude: tuple[int, ...] = ()
    by_reading: bool = False
    zone: str = ""


Watch = Callable[[str], AbstractContextManager[object]]
"""Takes the time of the stage of that name."""


def rank(
    ledger: Ledger, index: Index, scope: Scope, request: Request, mood: Affect, watch: Watch = nullcontext
) -> list[tuple[State, Hit]]:
    """The best memories by the ranking in this mood, with their states, best first; none repeats a better one."""
    count = max(NOMINATED, request.top_k)
    while True:
        with watch("coarse"):
            candidates = _nominate(ledger, index, scope, request, mood, count)
        with watch("fine"):
            found = _fine(ledger, index, scope, request, mood, candidates)
        crowded = len(found) < request.top_k and any(hit.also for _, hit in found)
        if not crowded or len(candidates.memory_ids) < count or count > MOST_NOMINATED:
            return found
        count *= 4  # what is said again and again left no room for others


def _fine(
    ledger: Ledger, index: Index, scope: Scope, request: Request, mood: Affect, candidates: Candidates
) -> list[tuple[State, Hit]]:
    texts = _texts(request.ranking) | _WHAT_SAYS_THE_SAME
    told = ledger.reading.columns(scope, candidates.memory_ids.tolist(), texts)
    if not told["memory_id"]:
        return []
    columns, scores = _score(told, candidates, request, mood)
    ids = np.array(told["memory_id"], np.int64)
    confidence = sureness(columns, told["text"], request.query, read=request.question.vector is not None)
    best = top(scores.total, ids, len(ids))
    likely = best[confidence[best] >= request.min_confidence].tolist()
    earned = list(zip(*(columns[name].tolist() for name in _OF_OWN_WORDS if name in columns), strict=True))
    shown = _without_repeats(ledger, index, scope, {**told, "earned": earned}, likely, request.top_k)
    states = ledger.reading.states(scope, [told["memory_id"][place] for place, *_ in shown])
    return [
        (state, _hit(state, scores, place, float(confidence[place]), tuple(told["uid"][other] for other in others)))
        for (place, *others), state in zip(shown, states, strict=True)  # one snapshot: none has gone meanwhile
    ]


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
        id=state.uid, text=state.text, speaker=state.speaker, at=_moment(state.at),
        recorded_at=_moment(state.recorded_at), session_id=state.session, metadata=state.metadata, kind=state.kind,
        source=state.source, trust=state.trust,
        private=state.private_to is not None, pinned=state.pinned, tier=state.tier,
        half_life=state.half_life, recall_count=state.recall_count, last_recalled_at=_moment(state.last_recalled_at),
        importance=state.importance, joy=state.joy, aversion=state.aversion, trauma=state.trauma,
        version=state.version, wrong=state.wrong, raised=state.raised,
    )  # fmt: skip


def may_hear(said: State | Uttered, present: Sequence[str]) -> bool:
    """Whether those who are present may hear it; what was said openly, anybody."""
    return said.private_to is None or said.private_to in present


def _hit(state: State, scores: Scores, place: int, confidence: float, also: tuple[str, ...]) -> Hit:
    reasons = {term: float(given[place]) for term, given in scores.terms.items()}
    return Hit(memory_of(state), float(scores.total[place]), reasons, "match", confidence, also)


def _without_repeats(
    ledger: Ledger, index: Index, scope: Scope, told: Mapping[str, Sequence[Any]], likely: Sequence[int], most: int
) -> list[list[int]]:
    """The places of the best, each before those that say the same; all of these were nominated."""
    names = ("text", "speaker", "kind", "created_at", "earned")
    said = list(map(Told, *([told[name][place] for place in likely] for name in names)))
    ids = [told["memory_id"][place] for place in likely]

    def alike(these: Sequence[int], those: Sequence[int]) -> bool:
        near = index.nearest(ledger.feed, scope.tenant_id, [ids[place] for place in (*these, *those)])
        ours, theirs = (
            list(zip(side, of, strict=True)) for side, of in ((these, near[: len(these)]), (those, near[len(these) :]))
        )
        pairs = [(left.get(ids[that], 0.0), right.get(ids[this], 0.0)) for this, left in ours for that, right in theirs]
        if any(max(pair) >= ALIKE for pair in pairs):
            return True
        # A neighbourhood full of what is alike does not hold all that is, and what fills it may be nobody's business.
        left, right = ([ids[place] for place, near in side if _crowded(near)] for side in (ours, theirs))
        return bool(left and right) and index.likeness(ledger.feed, left, right) >= ALIKE

    groups = collapse(said, most, ZoneInfo(scope.zone), alike)
    return [[likely[place] for place in group] for group in groups]


def _crowded(near: Mapping[int, float]) -> bool:
    return len(near) >= NEIGHBOURHOOD and min(near.values()) >= ALIKE


def _nominate(ledger: Ledger, index: Index, scope: Scope, request: Request, mood: Affect, count: int) -> Candidates:
    ranking, held = request.ranking, None
    if ranking.held:
        ranking, held = ranking.informed, ledger.reading.held(scope, ranking.held, request.now)
    return index.nominate(
        ledger.feed,
        scope.tenant_id,
        dated(
            replace(request.question, sounds=request.query.sounds),
            datetime.fromtimestamp(request.now, ZoneInfo(request.zone or scope.zone)),
        ),
        ranking,
        _reach(ledger, scope, request),
        now=request.now,
        seed=request.seed,
        count=count,
        scalars={"mood_joy": mood.joy, "mood_aversion": mood.aversion},
        held=held,
    )


def dated(question: Question, now: datetime) -> Question:
    """The question with the times that it names, as they are meant at this moment in this zone."""
    found, question = mentions(question.text, now=now), replace(question, asks_when=asks_when(question.text))
    if not found:
        return question
    rest = _rest(question.text, found)
    left = question.terms.keys() & terms(rest)
    relative, dates = (
        frozenset(term for mention in found if mention.exact is exact for term in terms(_of(question.text, mention)))
        for exact in (False, True)
    )
    return replace(
        question,
        spans=tuple((mention.span.start, mention.span.end) for mention in found),
        relative=relative - left,
        dates=dates - relative - left,
        besides=asks_about(rest),
    )


def _of(text: str, mention: Mention) -> str:
    return text[mention.begin : mention.end]


def _rest(text: str, found: Sequence[Mention]) -> str:
    """The text with these times left out."""
    ends = [0, *(mention.end for mention in found)]
    begins = [*(mention.begin for mention in found), len(text)]
    return " ".join(text[end:begin] for end, begin in zip(ends, begins, strict=True))


def _reach(ledger: Ledger, scope: Scope, request: Request) -> Reach:
    filters, reading = request.filters, ledger.reading
    speaker_id = None
    if filters.speaker is not None:
        speaker_id = next(iter(reading.present_ids(scope, [filters.speaker])), _STRANGER)
    return Reach(
        present=reading.present_ids(scope, filters.present),
        allowed=reading.allowed(scope, filters),
        exclude=request.exclude,
        since=filters.since,
        until=filters.until,
        speaker_id=speaker_id,
    )


def _texts(ranking: Ranking) -> frozenset[str]:
    """The texts that the ranking looks into."""
    return frozenset(match[1] for match in map(_LOOKS_INTO.fullmatch, ranking.needs) if match)


def _score(
    told: Mapping[str, Sequence[Any]], candidates: Candidates, request: Request, mood: Affect
) -> tuple[dict[str, Column], Scores]:
    place = {memory_id: i for i, memory_id in enumerate(candidates.memory_ids.tolist())}
    order = [place[memory_id] for memory_id in told["memory_id"]]
    columns: dict[str, Column] = {
        **{name: column[order] for name, column in candidates.columns.items()},
        "now": np.asarray(request.now),
        "mood_joy": np.asarray(mood.joy),
        "mood_aversion": np.asarray(mood.aversion),
    }
    for name in request.ranking.needs - columns.keys():
        columns[name] = _column(name, told, request)
    return columns, request.ranking.fine(columns, len(order))


def _column(name: str, told: Mapping[str, Sequence[Any]], request: Request) -> Column:
    """A column as the truth tells it, or as texts or the seed make it."""
    if name == "random()":
        return keyed_uniform(request.seed, request.question.text, np.array(told["memory_id"], np.int64))
    if text := _LOOKS_INTO.fullmatch(name):
        texts = told[text[1]]
        distinct = list(dict.fromkeys(texts))  # a hundred memories have a handful of speakers
        boosts = dict(zip(distinct, exact_match(request.query.words, distinct).tolist(), strict=True))
        if text[1] == "speaker":  # a name may touch the words around it: 小美养的狗 is cut as 小美养, 的, 狗
            named = (name for name in distinct if len(name) > 1 and stands(name, request.query.text))
            boosts |= {name: max(1.0, boosts[name]) for name in named}
        return np.array([boosts[text] for text in texts], np.float64)
    if name == "same_question":
        return np.array([asks_the_same(text, request.query.text) for text in told["text"]], np.float64)
    column = np.array(told[name], np.float64)
    if name == "last_recalled_at":
        return np.where(np.array(told["pinned"], np.bool_), request.now, column)  # does not fade
    return column


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
