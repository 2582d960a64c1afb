"""What a benchmark of recall measured, as values and as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dmha.bench.metrics import mean, ndcg_at, percentile, recall_at, reciprocal_rank

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's answer: the turns that came back, best first, with their sessions, and what was wanted of each."""

    category: str
    turns: tuple[str | None, ...]
    sessions: tuple[str, ...]
    evidence: frozenset[str]
    evidence_sessions: frozenset[str]
    search_s: float
    embedding_s: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Averages over questions. A session is hit at 5 where one of the first five memories is of a wanted session."""

    questions: int
    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float
    session_hit_5: float

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> Scores:
        def average(measure: Callable[[Judged], float]) -> float:
            return mean([measure(one) for one in judged])

        return cls(
            questions=len(judged),
            recall_1=average(lambda one: recall_at(one.turns, one.evidence, 1)),
            recall_5=average(lambda one: recall_at(one.turns, one.evidence, 5)),
            recall_10=average(lambda one: recall_at(one.turns, one.evidence, 10)),
            mrr=average(lambda one: reciprocal_rank(one.turns, one.evidence)),
            ndcg_10=average(lambda one: ndcg_at(one.turns, one.evidence, 10)),
            session_hit_5=average(lambda one: not one.evidence_sessions.isdisjoint(one.sessions[:5])),
        )


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """How long one question took, over all of them."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Milliseconds:
        return cls(1e3 * percentile(seconds, 0.50), 1e3 * percentile(seconds, 0.95))


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, of which data, and with what. `apart` is the whole `search` without its `embedding`."""

    overall: Scores
    categories: dict[str, Scores]
    search: Milliseconds
    embedding: Milliseconds
    apart: Milliseconds
    turns: int
    turns_per_s: float
    unusable_questions: int
    ranking: str
    embedder: str
    data_sha256: str
    version: str

    def to_dict(self) -> dict[str, Any]:
        """The report in what JSON knows."""
        return asdict(self)


def table(report: Report) -> RenderableType:
    """The report for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    scores = Table(title="R is recall of the evidence turns", box=SIMPLE_HEAD)
    scores.add_column("questions", no_wrap=True)
    for column in ("n", "R@1", "R@5", "R@10", "MRR", "NDCG@10", "session@5"):
        scores.add_column(column, justify="right")
    for name, row in report.categories.items():
        scores.add_row(name, *_figures(row))
    scores.add_section()
    scores.add_row("categories 1-4", *_figures(report.overall), style="bold")
    return Group(scores, *_footnotes(report))


def _figures(scores: Scores) -> list[str]:
    measures = (scores.recall_1, scores.recall_5, scores.recall_10, scores.mrr, scores.ndcg_10, scores.session_hit_5)
    return [str(scores.questions), *(f"{measure:.3f}" for measure in measures)]


def _footnotes(report: Report) -> list[str]:
    spans = {"search": report.search, "of it embedding": report.embedding, "without it": report.apart}
    return [
        "; ".join(f"{name} p50 {span.p50:.1f} ms, p95 {span.p95:.1f} ms" for name, span in spans.items()),
        f"{report.turns} turns remembered, {report.turns_per_s:.0f} a second",
        f"{report.unusable_questions} questions left out: no turn that exists is named as their evidence",
        f"ranking: {report.ranking}",
        f"dmha {report.version}, embedder {report.embedder}",
        f"data sha256 {report.data_sha256}",
    ]
