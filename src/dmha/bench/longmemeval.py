"""LongMemEval (Wu et al. 2025): a question with a haystack of sessions of its own, so each question is a tenant.

Judged as its authors judge retrieval: of what was said, the user's turns alone are remembered; questions that cannot be
answered (`_abs`) are left out, and so are those that no turn of the user answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmha.bench.dataset import TURN, DataSet, Question, Tenant, Told, elements, reading, uttered
from dmha.bench.metrics import mean

if TYPE_CHECKING:
    from dmha.bench.report import Judged

TOP_K = 50  # as deep as its authors look, so that ten sessions can be told among the turns

_TIME = "%Y/%m/%d (%a) %H:%M"  # "2023/05/25 (Thu) 20:21"; no zone is told, so UTC stands in
_APART = timedelta(seconds=10)  # between a session's turns, of which only the first has a time
_Label = tuple[str | None, bool]


def load(data: Path) -> Iterator[Tenant]:
    """The questions of a LongMemEval file with their haystacks, one after another."""
    with reading(data, "LongMemEval", "Give longmemeval_s.json, longmemeval_m.json or longmemeval_oracle.json."):
        for number, asked in enumerate(elements(data)):
            yield _tenant(f"{number}.{asked['question_id']}", asked)


def _tenant(id: str, asked: Mapping[str, Any]) -> Tenant:
    named = zip(asked["haystack_session_ids"], asked["haystack_dates"], asked["haystack_sessions"], strict=True)
    evidence: set[str] = set()
    sessions: list[Told] = []
    for number, (session, date, turns) in enumerate(named):
        began, spoken = _when(date), []
        for place, turn in enumerate(turns):
            if turn["role"] != "user" or not turn["content"].strip():
                continue
            spoken.append(uttered(f"{number}.{place}", turn["content"], "user", began + place * _APART))
            if turn.get("has_answer") and session in asked["answer_session_ids"]:
                evidence.add(f"{number}.{place}")
        if spoken:
            sessions.append(Told(f"{number}.{session}", tuple(spoken)))
    sessions.sort(key=lambda told: told.at)  # as lived, which is not always as written
    if "_abs" in asked["question_id"] or not evidence:
        return Tenant(id, (), unusable=1)
    answer = frozenset(told.session for told in sessions if any(t.metadata[TURN] in evidence for t in told.turns))
    at = max(_when(asked["question_date"]), sessions[-1].at)
    question = Question(asked["question"], asked["question_type"], frozenset(evidence), answer, at)
    return Tenant(id, (*sessions, question))


def _when(written: str) -> datetime:
    return datetime.strptime(written, _TIME).replace(tzinfo=UTC)


# --- as its authors measure ------------------------------------------------------------------------------------------


def official(judged: Sequence[Judged]) -> dict[str, float]:
    """recall_all and NDCG of the authors' `evaluate_retrieval_turn2session`, at 5 and 10 sessions.

    There a session that answers counts by the turns that do; its other turns are as those of another session.
    """
    figures: dict[str, float] = {}
    for k in (5, 10):
        seen = [_sessions_within(one, k) for one in judged]
        found = [{session for session, answers in labels if answers} for labels in seen]
        figures[f"session recall_all@{k}"] = mean(
            [float(one.evidence_sessions <= sessions) for one, sessions in zip(judged, found, strict=True)]
        )
        figures[f"session ndcg_any@{k}"] = mean(
            [
                _dcg(answers for _, answers in labels) / _dcg([True] * min(len(labels), len(one.evidence)))
                for one, labels in zip(judged, seen, strict=True)
            ]
        )
    return figures


def _sessions_within(judged: Judged, k: int) -> list[_Label]:
    """The sessions of the first turns, as many turns as it takes to see `k` sessions."""
    labels: list[_Label] = []
    for place, (turn, session) in enumerate(zip(judged.turns, judged.sessions, strict=True)):
        if place >= k and len(set(labels)) >= k:
            break
        labels.append((session, turn in judged.evidence))
    return labels


def _dcg(gains: Iterable[bool]) -> float:
    """The authors' discount: nothing off the first two places, log2 of the place from then on."""
    return math.fsum(1.0 / max(1.0, math.log2(place)) for place, gained in enumerate(gains, 1) if gained)


DATA_SET = DataSet("longmemeval", load, top_k=TOP_K, figures=official)
