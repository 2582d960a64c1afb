"""What a benchmark of recall measured, as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dmha.bench.metrics import all_at, any_at, mean, ndcg_at, percentile, recall_at, reciprocal_rank


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's answer: the turns that came back, best first, with their sessions, and what was wanted of each.

    `confidence` is that of the first hit, 0 where nothing came back.
    """

    category: str
    turns: tuple[str | None, ...]
    sessions: tuple[str, ...]
    evidence: frozenset[str]
    evidence_sessions: frozenset[str]
    confidence: float = 0.0
    search_s: float = 0.0
    embedding_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Measures:
    """Averages over questions: the share of the wanted among the first k, whether any of it is, whether all of it."""

    recall_1: float
    recall_5: float
    recall_10: float
    any_1: float
    any_5: float
    any_10: float
    all_1: float
    all_5: float
    all_10: float
    mrr: float
    ndcg_10: float


@dataclass(frozen=True, slots=True)
class Scores(Measures):
    """The measures of turns, and those of sessions, which stand in the order of their first turn that came back.

    A session is hit at 5 where one of the first five memories is of a wanted session.
    """

    questions: int
    session_hit_5: float
    session: Measures

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> Scores:
        sessions = [(tuple(dict.fromkeys(one.sessions)), one.evidence_sessions) for one in judged]
        return cls(
            **asdict(_measures([(one.turns, one.evidence) for one in judged])),
            questions=len(judged),
            session_hit_5=mean([any_at(one.sessions, one.evidence_sessions, 5) for one in judged]),
            session=_measures(sessions),
        )


def _measures(ranked: Sequence[tuple[Sequence[object], frozenset[str]]]) -> Measures:
    def average(measure: Callable[[Sequence[object], frozenset[str], int], float], k: int) -> float:
        return mean([measure(found, wanted, k) for found, wanted in ranked])

    at = {
        f"{name}_{k}": average(measure, k)
        for name, measure in (("recall", recall_at), ("any", any_at), ("all", all_at))
        for k in (1, 5, 10)
    }
    mrr = mean([reciprocal_rank(found[:10], wanted) for found, wanted in ranked])
    return Measures(**at, mrr=mrr, ndcg_10=average(ndcg_at, 10))


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """How long one question took, over all of them."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Milliseconds:
        return cls(*(1e3 * percentile(seconds, share) for share in (0.50, 0.95, 0.99)))


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, of which data, and with what.

    `overall` is of the questions that `headline` names. `apart` is the whole `search` without its `embedding`. The
    index counts its memories, gists included, and its bytes in memory.
    """

    benchmark: str
    headline: str
    overall: Scores
    categories: dict[str, Scores]
    baselines: dict[str, Scores]
    figures: dict[str, float]
    search: Milliseconds
    embedding: Milliseconds
    apart: Milliseconds
    turns: int
    turns_per_s: float
    index_memories: int
    index_bytes: int
    unusable_questions: int
    ranking: str
    embedder: str
    data_sha256: str
    version: str

    def to_dict(self) -> dict[str, Any]:
        """The report in what JSON knows."""
        return asdict(self)
