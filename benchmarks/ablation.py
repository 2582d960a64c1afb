"""What each term of the preset `default` brings and costs, and what forgetting, feelings and reinforcement take.

Usage: python -m benchmarks.ablation [PATH]        (LoCoMo, its default in DMHA_DATA; a minute, one core)

All rankings search the same mind, each question by all of them in turn, another first each time, so that what else the
machine does slows them alike; what a term costs is the median difference to `default` on the same question. The times
leave embedding out: a mind remembers the vectors of the latest questions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import median
from time import perf_counter

from benchmarks.conversations import Conversation, conversations, data_of, expression, preset_weights
from dmha.bench.dataset import TURN, Question
from dmha.bench.locomo import APART, DATA_SET
from dmha.bench.report import Judged, Scores
from dmha.types import Hit

WHOLE, TIMELESS = "`default`", "without forgetting, feelings, reinforcement"
PRIORS = ("exact_match_boost(speaker)", "time_match", "told_then", "when_match", "asks", "wordiness")
LIFE = ("retention", "importance")

ONE_IN = 3  # of the questions is recalled, so that what it brings back is strengthened

Answers = Mapping[str, list[Judged]]


def main() -> None:
    rankings = variants(preset_weights())
    fresh: defaultdict[str, list[Judged]] = defaultdict(list)
    lived: defaultdict[str, list[Judged]] = defaultdict(list)
    recalled: list[bool] = []
    for conversation in conversations(data_of(__doc__)):
        ask(conversation, rankings, fresh)
        for question in conversation.questions[::ONE_IN]:
            conversation.recall(question)
        ask(conversation, {name: rankings[name] for name in (WHOLE, TIMELESS)}, lived)
        recalled += [place % ONE_IN == 0 for place in range(len(conversation.questions))]
    print("\n".join((*terms_table(fresh), "", *life_table(fresh, lived, recalled))))


def variants(weights: Mapping[str, float]) -> dict[str, str]:
    """Rankings by what is said of them."""

    def without(features: Collection[str]) -> str:
        return expression({name: weight for name, weight in weights.items() if name not in features})

    own_words = {"static_bm25()" if name == "words_nearby" else name: weight for name, weight in weights.items()}
    return {
        WHOLE: expression(weights),
        **{f"without `{name}`": without([name]) for name in weights},
        "`static_bm25()` for `words_nearby`": expression(own_words),
        "no dialogue prior": without(PRIORS),
        TIMELESS: without(LIFE),
    }


def ask(conversation: Conversation, rankings: Mapping[str, str], answers: Answers) -> None:
    """Every question by every ranking; the answers are added to those before."""
    names = list(rankings)
    for turn, question in enumerate(conversation.questions):
        conversation.search(question, rankings[WHOLE], DATA_SET.top_k)  # embeds it
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = perf_counter()
            hits = conversation.search(question, rankings[name], DATA_SET.top_k)
            answers[name].append(judged(question, hits, perf_counter() - start))


def judged(question: Question, hits: Sequence[Hit], seconds: float) -> Judged:
    return Judged(
        category=question.category,
        turns=tuple(hit.memory.metadata.get(TURN) for hit in hits),
        sessions=tuple(hit.memory.session_id for hit in hits),
        evidence=question.evidence,
        evidence_sessions=question.sessions,
        search_s=seconds,
    )


def terms_table(answers: Answers) -> Iterator[str]:
    """A row for each ranking: categories 1-4, recall@10 of category 5, the time of all and how much less it is."""
    yield "| ranking | recall@10 | | NDCG@10 | MRR | any of 5 sessions | session hit@5 | category 5 | ms | saved |"
    yield "|---" * 10 + "|"
    whole = answers[WHOLE]
    for name, found in answers.items():
        scores, apart = answered(found), Scores.of([one for one in found if one.category == APART])
        change = scores.recall_10 - answered(whole).recall_10
        figures = (scores.ndcg_10, scores.mrr, scores.session.any_5, scores.session_hit_5, apart.recall_10)
        shown = " | ".join(f"{figure:.3f}" for figure in figures)
        ms = 1e3 * median(one.search_s for one in found)
        saved = 1e3 * median(was.search_s - one.search_s for was, one in zip(whole, found, strict=True))
        yield f"| {name} | {scores.recall_10:.3f} | {change:+.3f} | {shown} | {ms:.2f} | {saved:+.2f} |"


def life_table(fresh: Answers, lived: Answers, recalled: Sequence[bool]) -> Iterator[str]:
    """Recall@10 with what a life changes and without it: before any recall, and after."""
    yield f"| recall@10, categories 1-4 | questions | {WHOLE} | {TIMELESS} | gain |"
    yield "|---" * 5 + "|"
    count = sum(recalled)
    for label, answers, kept in (
        ("before any recall", fresh, [True] * len(recalled)),
        (f"after {count} recalls: all", lived, [True] * len(recalled)),
        (f"after {count} recalls: what was recalled", lived, recalled),
        (f"after {count} recalls: what was not", lived, [not was for was in recalled]),
    ):
        whole, timeless = (
            answered([one for one, keep in zip(answers[name], kept, strict=True) if keep]) for name in (WHOLE, TIMELESS)
        )
        gain = whole.recall_10 - timeless.recall_10
        yield f"| {label} | {whole.questions} | {whole.recall_10:.4f} | {timeless.recall_10:.4f} | {gain:+.4f} |"


def answered(found: Sequence[Judged]) -> Scores:
    """The scores of the categories that have an answer."""
    return Scores.of([one for one in found if one.category != APART])


if __name__ == "__main__":
    main()
