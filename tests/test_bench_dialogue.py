"""Dialogues of one language or of two, read and asked as they are annotated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from samples import written
from stubs import StubEmbedder

from dmha.bench import dialogue
from dmha.bench.runner import run
from dmha.errors import InvalidInput


def conversation(language: str, *questions: dict[str, Any]) -> dict[str, Any]:
    turns = [
        {"id": "s1:1", "speaker": "千尋", "text": "桜が咲いたよ。"},
        {"id": "s1:2", "speaker": "Ines", "text": "I broke my wrist."},
    ]
    session = {"id": "s1", "at": "2024-04-06T21:10:00+09:00", "turns": turns}
    return {
        "language": language, "speakers": ["千尋", "Ines"], "zone": "Asia/Tokyo", "sessions": [session],
        "questions": list(questions),
    }  # fmt: skip


def wonders(text: str, language: str, *evidence: str, **more: bool) -> dict[str, Any]:
    return {"id": text, "text": text, "language": language, "category": "single", "evidence": list(evidence), **more}


def test_turns_of_a_dialogue_are_seconds_apart_and_asked_about_a_minute_later(tmp_path: Path) -> None:
    """Times are those of the conversation's zone, and evidence that does not exist is left out."""
    content = conversation("ja", wonders("花は？", "ja", "s1:1", "s9:9"), wonders("誰？", "ja", "s9:9"))
    (tenant,) = dialogue.load(written(tmp_path, content))
    assert [turn.at for turn in tenant.told[0].turns] == [
        datetime(2024, 4, 6, 12, 10, second, tzinfo=UTC) for second in (0, 5)
    ]
    (question,) = tenant.questions
    assert question.evidence == {"s1:1"}
    assert question.at == datetime(2024, 4, 6, 12, 11, 5, tzinfo=UTC)
    assert (tenant.zone, tenant.unusable) == ("Asia/Tokyo", 1)


@pytest.mark.parametrize(
    ("language", "questions"),
    [
        ("ja", (wonders("花は？", "ja", "s1:1"), wonders("Blossoms?", "en", "s1:1"))),
        ("mixed", (wonders("Whose wrist?", "en", "s1:2"), wonders("手首は？", "ja", "s1:2", crosses=True))),
    ],
)
def test_questions_in_another_language_stand_apart(tmp_path: Path, language: str, questions: Any) -> None:
    """Of one language: where the question's is another; of two: where it is marked as crossing."""
    report = run(dialogue.DATA_SET, written(tmp_path, conversation(language, *questions)), embedder=StubEmbedder())
    assert {name: scores.questions for name, scores in report.categories.items()} == {"cross-language": 1, "single": 1}
    assert report.overall.questions == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"zone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"sessions": [{"id": "s1", "at": "2024-04-06T21:10:00", "turns": []}]}, "zone"),
        ({"sessions": []}, "cannot be read as a dialogue"),
        ({"questions": [{"text": "?", "language": "ja"}]}, "there is no 'evidence'"),
    ],
)
def test_what_a_dialogue_lacks_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    """A wrong zone, a time without one, no session, a question without evidence."""
    content = {**conversation("ja", wonders("花は？", "ja", "s1:1")), **change}
    with pytest.raises(InvalidInput, match=told):
        dialogue.load(written(tmp_path, content))
