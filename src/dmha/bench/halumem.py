"""HaluMem (Chen et al. 2025): what a user's life tells, point by point. Does an update find the point that it replaces?

Memory points are told one by one. One that updates others asks with its own words before it is told itself; sought are
the points of earlier sessions of whose stemmed words at least 0.6 stand in one of its `original_memories`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmha.bench.dataset import DataSet, Question, Tenant, Told, reading, uttered
from dmha.bench.metrics import all_at, any_at
from dmha.domain.text import words

if TYPE_CHECKING:
    from dmha.bench.report import Judged

SHARED = 0.6

_TIME = "%b %d, %Y, %H:%M:%S"  # "Jan 15, 2029, 16:15:20"; no zone is told, so UTC stands in


def load(data: Path) -> list[Tenant]:
    """The users of a HaluMem file, one a line."""
    fix = "Give a .jsonl file of HaluMem: a user a line, with `sessions` and `memory_points`."
    with reading(data, "HaluMem", fix), data.open("rb") as lines:
        return [_user(json.loads(line)) for line in lines if line.strip()]


def _user(user: Mapping[str, Any]) -> Tenant:
    acts: list[Told | Question] = []
    earlier: list[tuple[str, str, frozenset[str]]] = []  # points with their sessions and stems
    unusable = 0
    for number, session in enumerate(user["sessions"]):
        fresh = []
        for place, point in enumerate(session.get("memory_points", ())):
            id, text = f"{number}.{place}", point["memory_content"]
            at = datetime.strptime(point["timestamp"], _TIME).replace(tzinfo=UTC) + timedelta(seconds=place)
            if str(point["is_update"]) == "True":
                question = _update(text, point, at, earlier)
                acts += [question] if question.evidence else []
                unusable += not question.evidence
            acts.append(Told(str(number), (uttered(id, text, "user", at),)))
            fresh.append((id, str(number), _stems(text)))
        earlier += fresh
    return Tenant(str(user["uuid"]), tuple(acts), unusable)


def _update(
    text: str, point: Mapping[str, Any], at: datetime, earlier: Sequence[tuple[str, str, frozenset[str]]]
) -> Question:
    replaced = [_stems(original) for original in point.get("original_memories", ())]
    found = {id: session for id, session, stems in earlier if any(_shares(stems, one) for one in replaced)}
    return Question(text, str(point["memory_type"]), frozenset(found), frozenset(found.values()), at)


def _shares(point: frozenset[str], original: frozenset[str]) -> bool:
    return bool(point) and len(point & original) >= SHARED * len(point)


def _stems(text: str) -> frozenset[str]:
    import Stemmer

    return frozenset(Stemmer.Stemmer("english").stemWords(words(text)))


def counted(judged: Sequence[Judged]) -> dict[str, float]:
    """How many updates brought back what they replace: one such point, or every one of them."""
    figures = {"updates": float(len(judged))}
    for k in (5, 10):
        figures[f"one of the replaced in the top {k}"] = sum(any_at(one.turns, one.evidence, k) for one in judged)
        figures[f"all of the replaced in the top {k}"] = sum(all_at(one.turns, one.evidence, k) for one in judged)
    return figures


DATA_SET = DataSet("halumem", load, headline="updates", figures=counted)
