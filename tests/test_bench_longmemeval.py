"""LongMemEval, read one haystack after another and asked as it is annotated."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import written
from stubs import StubEmbedder

from dmha.bench import dataset, longmemeval
from dmha.bench.dataset import elements
from dmha.bench.report import Judged
from dmha.bench.runner import run
from dmha.errors import InvalidInput


def said(role: str, content: str, *, has_answer: bool = False) -> dict[str, Any]:
    return {"role": role, "content": content, "has_answer": has_answer}


# A haystack of two sessions, written in another order than they were lived in.
HAYSTACK: dict[str, Any] = {
    "question_id": "q1",
    "question_type": "single-session-user",
    "question": "Which instrument did I buy?",
    "question_date": "2024/05/02 (Thu) 10:00",
    "haystack_dates": ["2024/05/01 (Wed) 20:21", "2024/04/01 (Mon) 08:00"],
    "haystack_session_ids": ["answer_7", "other_3"],
    "haystack_sessions": [
        [said("user", "I bought a cello."), said("assistant", "A cello!", has_answer=True), said("user", "It hums.")],
        [said("user", "The kitchen needs paint.", has_answer=True), said("user", " ")],
    ],
    "answer_session_ids": ["answer_7"],
}
HAYSTACK["haystack_sessions"][0][0]["has_answer"] = True


def retrieved(*turns: tuple[str | None, str]) -> Judged:
    """An answer to a question whose evidence is the turns a1 and a2 of session A and b1 of session B."""
    return Judged(
        "any", tuple(turn for turn, _ in turns), tuple(session for _, session in turns),
        frozenset({"a1", "a2", "b1"}), frozenset({"A", "B"}),
    )  # fmt: skip


def test_of_a_haystack_the_users_turns_are_told_in_the_order_of_their_dates(tmp_path: Path) -> None:
    """What the assistant said and what is empty is left out; evidence is what answers in a session that answers."""
    (tenant,) = longmemeval.load(written(tmp_path, [HAYSTACK]))
    assert [turn.text for told in tenant.told for turn in told.turns] == [
        "The kitchen needs paint.",
        "I bought a cello.",
        "It hums.",
    ]
    (question,) = tenant.questions
    assert question.evidence == {"0.0"}
    assert question.sessions == {"0.answer_7"}
    assert question.at == datetime(2024, 5, 2, 10, 0, tzinfo=UTC)
    assert tenant.told[1].turns[1].at == datetime(2024, 5, 1, 20, 21, 20, tzinfo=UTC)


def test_each_question_searches_its_own_haystack_alone(tmp_path: Path) -> None:
    """Two questions over the same words do not see each other's sessions; `_abs` and the unanswered are left out."""
    abstains = {**HAYSTACK, "question_id": "q2_abs"}
    nobody = {**HAYSTACK, "question_id": "q3", "haystack_sessions": [[said("user", "Well.")], [said("user", "Hm.")]]}
    report = run(
        longmemeval.DATA_SET, written(tmp_path, [HAYSTACK, abstains, nobody, HAYSTACK]), embedder=StubEmbedder()
    )
    assert (report.overall.questions, report.unusable_questions, report.turns) == (2, 2, 6)
    assert report.index_memories == 6
    assert report.overall.session.all_5 == 1.0
    assert report.figures["session recall_all@5"] == 1.0


def test_the_official_figures_count_sessions_by_the_turns_that_answer() -> None:
    """Turns are looked at until five sessions are seen; a turn of A that does not answer is of another session; the
    first two places are not discounted, and the best order has its three answers first."""
    one = retrieved(("a1", "A"), ("x1", "X"), ("a9", "A"), ("y1", "Y"), ("a2", "A"), ("b1", "B"), ("z1", "Z"))
    figures = longmemeval.official([one])
    assert figures["session recall_all@5"] == 1.0  # A, X, the rest of A, Y and, at the sixth place, B
    gained, best = 1 + 1 / math.log2(5) + 1 / math.log2(6), 1 + 1 + 1 / math.log2(3)
    assert figures["session ndcg_any@5"] == pytest.approx(gained / best, abs=1e-15)


def test_a_session_is_not_recalled_by_a_turn_that_does_not_answer() -> None:
    """B came back with another turn than the one that answers: not all sessions are recalled."""
    assert longmemeval.official([retrieved(("a1", "A"), ("b7", "B"))])["session recall_all@10"] == 0.0


@pytest.mark.parametrize("at_once", [1, 7, 1 << 20])
@given(
    content=st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)), indent=st.booleans()
)
def test_a_streamed_array_is_the_array(tmp_path_factory: Any, at_once: int, content: list[Any], indent: bool) -> None:
    """However little is read at a time and however it is laid out, the elements are those that json gives."""
    path = tmp_path_factory.mktemp("array") / "data.json"
    path.write_text(json.dumps(content, indent=2 if indent else None), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "_AT_ONCE", at_once)
        assert list(elements(path)) == content


@pytest.mark.parametrize("broken", ["", "{}", "[1, 2", "[1 2]", "[1, 2] 3", "[tru]", "[1,", "[" * 100_000])
def test_a_broken_array_is_refused(tmp_path: Path, broken: str) -> None:
    """What is no array, ends early, lacks a comma or goes on behind its end is told as the caller's mistake."""
    path = tmp_path / "data.json"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(InvalidInput, match="LongMemEval"):
        list(longmemeval.load(path))
