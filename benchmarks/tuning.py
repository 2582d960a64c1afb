"""Are the weights of the preset `default` fitted to what they are measured on? Each conversation left out in turn.

Usage: python -m benchmarks.tuning [PATH]        (LoCoMo, its default in DMHA_DATA; a minute, one core)

Every memory's features for every question come from hits' reasons. Weights climb one at a time, from words alone and
all other evidence at 0, so that nothing is taken from the committed ones, to the most of
recall@10 + 0.5 NDCG@10 + 0.3 any of the first five sessions (categories 1-4) + 0.15 recall@10 (category 5).
Words are the unit. How gists stand behind what they tell, and how little forgetting may move, no benchmark decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.conversations import Conversation, conversations, data_of, preset_weights
from dmha.asking import MOST_HITS
from dmha.bench.dataset import TURN
from dmha.bench.locomo import APART, DATA_SET

UNIT = "words_nearby"
DECIDED = ("gist", "retention", "importance")
STEPS = (0.1, 0.05, 0.02)
LEAST = 1e-4  # a gain that is worth a step

MEASURES = ("recall@10", "NDCG@10", "any of 5 sessions", "category 5")
WORTH = (1.0, 0.5, 0.3, 0.15)
CHOSEN = ("committed", "tuned on all", "tuned without it")

_DEEP = DATA_SET.top_k  # memories, among which five sessions are found
_DISCOUNT = 1.0 / np.log2(np.arange(10) + 2.0)

Weights = Mapping[str, float]
Column = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One conversation: of each feature, questions x memories; which memories and sessions answer which question."""

    features: Mapping[str, NDArray[np.float32]]
    wanted: Mask
    session: NDArray[np.intp]
    wanted_sessions: Mask
    apart: Mask

    def measures(self, weights: Weights) -> Column:
        """Rows of MEASURES, a column for each question; nan where one does not judge it."""
        best = self._best(weights)
        gained = np.take_along_axis(self.wanted, best[:, :10], axis=1)
        count = self.wanted.sum(axis=1)
        recall = gained.sum(axis=1) / count
        ndcg = gained @ _DISCOUNT / np.cumsum(_DISCOUNT)[np.minimum(count, 10) - 1]
        answered = np.where(self.apart, np.nan, [recall, ndcg, self._session_found(self.session[best])])
        return np.vstack([answered, np.where(self.apart, recall, np.nan)])

    def _best(self, weights: Weights) -> NDArray[np.intp]:
        scores = np.zeros(self.wanted.shape, np.float32)
        for name, weight in weights.items():
            if weight:
                scores += np.float32(weight) * self.features[name]
        deep = np.argpartition(-scores, _DEEP, axis=1)[:, :_DEEP]
        order = np.argsort(-np.take_along_axis(scores, deep, axis=1), axis=1)
        return np.take_along_axis(deep, order, axis=1)

    def _session_found(self, sessions: NDArray[np.intp]) -> Mask:
        """Whether one of the first five sessions is wanted, from the session of each place."""
        same = sessions[:, :, None] == sessions[:, None, :]
        first = ~np.tril(same, -1).any(axis=2)  # not met at an earlier place
        among_five = first & (np.cumsum(first, axis=1) <= 5)
        return np.asarray((np.take_along_axis(self.wanted_sessions, sessions, axis=1) & among_five).any(axis=1))


def main() -> None:
    committed = preset_weights()
    sheets = [sheet(conversation, list(committed)) for conversation in conversations(data_of(__doc__))]
    words_alone = committed | dict.fromkeys(free(committed), 0.0)
    tuned = climbed(sheets, words_alone)
    left_out = [climbed([other for other in sheets if other is not one], words_alone) for one in sheets]
    choices = [committed] * len(sheets), [tuned] * len(sheets), left_out
    tables = conversations_table(sheets, choices), measures_table(sheets, choices), weights_table(choices)
    print("\n\n".join("\n".join(table) for table in tables))


def sheet(conversation: Conversation, names: Sequence[str]) -> Sheet:
    """A conversation of at most `MOST_HITS` memories: a hit says what each feature gave; what repeats it has 0."""
    ranking = " + ".join(names)
    answers = [conversation.search(question, ranking, MOST_HITS) for question in conversation.questions]
    memories = list({hit.memory.id: hit.memory for hits in answers for hit in hits}.values())
    place = {memory.id: row for row, memory in enumerate(memories)}
    features = {name: np.zeros((len(answers), len(place)), np.float32) for name in names}
    for row, hits in enumerate(answers):
        rows = [place[hit.memory.id] for hit in hits]
        for name, column in features.items():
            column[row, rows] = [hit.reasons[name] for hit in hits]
    sessions = sorted({memory.session_id for memory in memories})
    return Sheet(
        features,
        np.array([[m.metadata.get(TURN) in one.evidence for m in memories] for one in conversation.questions]),
        np.array([sessions.index(memory.session_id) for memory in memories]),
        np.array([[session in one.sessions for session in sessions] for one in conversation.questions]),
        np.array([one.category == APART for one in conversation.questions]),
    )


def climbed(sheets: Sequence[Sheet], weights: Weights) -> Weights:
    """The weights from which no single step gains."""
    for step in STEPS:
        while (after := swept(sheets, weights, step)) != weights:
            weights = after
    return weights


def swept(sheets: Sequence[Sheet], weights: Weights, step: float) -> Weights:
    """The weights after each was tried a step up and a step down."""
    best = worth(sheets, weights)
    for name, change in product(free(weights), (step, -step)):
        tried = {**weights, name: round(weights[name] + change, 3)}
        if (reached := worth(sheets, tried)) > best + LEAST:
            weights, best = tried, reached
    return weights


def free(weights: Weights) -> list[str]:
    return [name for name in weights if name not in (UNIT, *DECIDED)]


def worth(sheets: Sequence[Sheet], weights: Weights) -> float:
    return float(over_questions(sheets, weights) @ WORTH)


def over_questions(sheets: Sequence[Sheet], weights: Weights) -> Column:
    """The MEASURES, averaged over all questions."""
    return np.asarray(np.nanmean(np.hstack([one.measures(weights) for one in sheets]), axis=1))


def conversations_table(sheets: Sequence[Sheet], choices: Sequence[Sequence[Weights]]) -> Iterator[str]:
    """Recall@10 of each conversation, with what was chosen for it in each way."""
    yield f"| recall@10 | questions | {' | '.join(CHOSEN)} |"
    yield "|---" * 5 + "|"
    recall = np.array([[over_questions([one], found[n])[0] for found in choices] for n, one in enumerate(sheets)])
    for number, (one, found) in enumerate(zip(sheets, recall, strict=True), 1):
        yield f"| conversation {number} | {(~one.apart).sum()} | {shown(found)} |"
    yield f"| mean | | {shown(recall.mean(axis=0))} |"
    yield f"| standard deviation | | {shown(recall.std(axis=0, ddof=1))} |"


def measures_table(sheets: Sequence[Sheet], choices: Sequence[Sequence[Weights]]) -> Iterator[str]:
    """All measures over all questions, each conversation's with what was chosen for it."""
    yield f"| over questions | {' | '.join(MEASURES)} |"
    yield "|---" * 5 + "|"
    for label, found in zip(CHOSEN, choices, strict=True):
        each = [one.measures(weights) for one, weights in zip(sheets, found, strict=True)]
        yield f"| {label} | {shown(np.nanmean(np.hstack(each), axis=1))} |"


def weights_table(choices: Sequence[Sequence[Weights]]) -> Iterator[str]:
    committed, tuned, left_out = choices
    yield f"| weight | {' | '.join(CHOSEN)} |"
    yield "|---" * 4 + "|"
    for name in free(tuned[0]):
        least, most = (pick(weights[name] for weights in left_out) for pick in (min, max))
        yield f"| `{name}` | {committed[0][name]:g} | {tuned[0][name]:g} | {least:g} to {most:g} |"


def shown(values: Column) -> str:
    return " | ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main()
