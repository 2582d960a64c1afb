"""One question over one tenant's rows: the columns that an index knows, and the best by a ranking's coarse stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dmha.domain.expressions import FEATURES, compile_ranking
from dmha.domain.marks import ASKS, TELLS_TIME
from dmha.domain.ranking import keyed_uniform, time_match, told_then, top
from dmha.index.arrays import BLOCK, TenantArrays
from dmha.index.best import best
from dmha.index.passing import passing
from dmha.index.talk import NOBODY
from dmha.protocols import RankingLike
from dmha.records import Held, Question, Reach

Column = NDArray[np.float64]

# A turn of two usual utterances or more is as long as it needs to be (recall@10 of the preset without it: -.003, MRR
# -.005).
_LONG = 2.0

# Words that only name a time say little of a text ("yesterday" was another day then): how much, the other words decide.
# Where there are none, a tenth; among three or more all, for then they are a part of what was told ("last year" stands
# in both). LoCoMo and the dialogues lose .002 and .013 of recall@10 where it is two thirds among two, .75 among three.
_TIME_ALONE, _AMONG = 0.1, 3
# In the same way, a memory of the very time asked of answers a question of nothing else, an eighth where one other word
# is asked for. By the square instead of the cube LoCoMo's NDCG@10 is .6556 (.6561; .6562 without any of this).
_BESIDES = -3


@dataclass(frozen=True, slots=True)
class Found:
    """Some rows: their memories, those of the turns beside them (-1: none that is heard), the columns by name."""

    memory_ids: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    columns: Mapping[str, Column]

    def best(self, asked: Asked, count: int) -> Found:
        """The best of these, best first."""
        order = top(asked.score(self.columns, self.memory_ids), self.memory_ids, count)
        columns = {name: column[order] for name, column in self.columns.items()}
        return Found(self.memory_ids[order], self.before[order], self.after[order], columns)

    def having(self, name: str, column: Column) -> Found:
        """The same, with this column."""
        return replace(self, columns={**self.columns, name: column})


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what its ranking reads besides the columns of rows."""

    question: Question
    ranking: RankingLike
    scalars: Mapping[str, float]
    seed: int
    held: Held | None = None

    def score(self, columns: Mapping[str, Column], memory_ids: NDArray[np.int64]) -> Column:
        """The coarse scores of some rows."""
        read: dict[str, Column | float] = {**columns, **self.scalars}
        if "random()" in self.ranking.needs:
            read["random()"] = keyed_uniform(self.seed, self.question.text, memory_ids)
        return self.ranking.coarse(read, len(memory_ids))


class Table:
    """The rows with their columns, each of all rows; `similarity` as the arrays know it."""

    def __init__(self, arrays: TenantArrays, asked: Asked, reach: Reach) -> None:
        self._arrays = arrays
        self._asked = asked
        self._reach = reach
        self._heard = arrays.audible(reach)
        self._columns = self._made()

    def best(self, count: int) -> NDArray[np.intp]:
        """The best rows within reach, in no order."""
        arrays, visible = self._arrays, self._arrays.visible(self._reach)

        def score(part: slice) -> Column:
            mask = visible(part)
            if not mask.any():
                return np.full(len(mask), -np.inf)
            columns = {name: column[part] for name, column in self._columns.items()}
            scores = self._asked.score(columns, arrays.memory_ids[part])
            scores[~mask] = -np.inf
            return scores

        if self._reach.allowed is not None:
            parts = (slice(start, min(start + BLOCK, arrays.count)) for start in range(0, arrays.count, BLOCK))
            scores = np.concatenate([np.empty(0), *map(score, parts)])
            return passing(scores, arrays.memory_ids, count, self._reach.allowed, arrays.find)
        rows, scores = best(arrays.count, BLOCK, count, score)
        return rows[top(scores, arrays.memory_ids[rows], count)]

    def found(self, rows: NDArray[np.intp]) -> Found:
        """These rows with their columns."""
        before, after = (self._memories(column[rows]) for column in self._arrays.neighbours(self._heard))
        columns = {name: column[rows] for name, column in self._columns.items()}
        return Found(self._arrays.memory_ids[rows], before, after, columns)

    def _memories(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """The memories of these rows; -1 for none."""
        found = np.full(len(rows), NOBODY, np.int64)
        found[rows >= 0] = self._arrays.memory_ids[rows[rows >= 0]]
        return found

    def _made(self) -> dict[str, Column]:
        arrays, asked, needs = self._arrays, self._asked, self._asked.ranking.needs
        question = asked.question
        words = arrays.words(question.terms, self._heard, self._reach.exclude, self._earning(), question.sounds)
        similarity = arrays.similarity(question.vector)
        made = {
            "created_at": arrays.at,  # what an index does not know stands in by it
            "similarity": similarity,
            "static_bm25()": words.alone(),
            "words_nearby": words.nearby(),
            "asks": arrays.marked(ASKS),
            "told_then": (1 + question.besides) ** _BESIDES * told_then(arrays.at, question.spans),
        }
        others: tuple[tuple[str, Callable[[], Column]], ...] = (
            ("similarity_nearby", lambda: self._nearby(similarity)),
            ("words_of_session", words.stretch),
            ("time_match", lambda: time_match(arrays.at, question.spans)),
            ("when_match", lambda: arrays.marked(TELLS_TIME) if question.asks_when else np.zeros(arrays.count)),
            ("wordiness", lambda: np.minimum(arrays.shares / _LONG, 1.0)),
        )
        return made | {name: column() for name, column in others if name in needs} | self._held()

    def _held(self) -> dict[str, Column]:
        """How the companion holds each row's memory, where the ranking nominates by that."""
        arrays, held, made = self._arrays, self._asked.held, dict[str, Column]()
        if held is None:
            return made
        rows = arrays.find(held.memory_ids)
        for name, told in held.columns.items():
            made[name] = compile_ranking(FEATURES[name].stand_in).coarse({"created_at": arrays.at}, arrays.count)
            made[name][rows[rows >= 0]] = told[rows >= 0]
        return made

    def _earning(self) -> Mapping[str, float]:
        """What share of their worth those of the question's terms earn that only name a time.

        A date may be what a text tells of, so it counts as words do where nothing was told at that time.
        """
        question, at = self._asked.question, self._arrays.at
        share = min(max(_TIME_ALONE, question.besides / _AMONG), 1.0)
        muted = question.relative
        if question.dates and any(self._anything((at >= since) & (at < until)) for since, until in question.spans):
            muted |= question.dates
        return dict.fromkeys(muted, share)

    def _anything(self, rows: NDArray[np.bool_]) -> bool:
        """Whether any of these rows is heard."""
        return bool(rows.any() if self._heard is None else (rows & self._heard).any())

    def _nearby(self, similarity: Column) -> Column:
        """The mean of what the two neighbours' similarity is, 0 where there is none."""
        if self._asked.question.vector is None:
            return similarity
        told = np.append(similarity, 0.0)  # the last is nobody's
        before, after = self._arrays.neighbours(self._heard)
        return np.asarray(0.5 * (told[before] + told[after]))
