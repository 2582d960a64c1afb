"""HaluMem, read and asked as it is annotated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stubs import StubEmbedder

from dmha.bench import halumem
from dmha.bench.dataset import Told
from dmha.bench.runner import run


def point(content: str, *originals: str, at: str = "Jan 15, 2029, 16:15:20") -> dict[str, Any]:
    return {
        "memory_content": content, "memory_type": "Persona Memory", "timestamp": at,
        "is_update": str(bool(originals)), "original_memories": list(originals),
    }  # fmt: skip


LIFE = {
    "uuid": "u1",
    "sessions": [
        {"memory_points": [point("Ines plays the old cello"), point("Tom sells bread")]},
        {
            "memory_points": [
                point("Ines now plays violas", "Ines played the cello", at="Feb 01, 2029, 08:00:00"),
                point("Tom bakes", "Somebody swims", at="Feb 01, 2029, 08:00:00"),
                point("Ines now plays violas and horns", "Ines now plays violas", at="Feb 01, 2029, 08:00:00"),
            ]
        },
        {"memory_points": []},
    ],
}


def test_an_update_seeks_the_points_of_earlier_sessions_that_share_enough_stems(tmp_path: Path) -> None:
    """Four of five stems are enough, stems of the same session are not; it asks before it is told itself."""
    path = tmp_path / "user.jsonl"
    path.write_text(json.dumps(LIFE) + "\n", encoding="utf-8")
    (user,) = halumem.load(path)
    (question,) = user.questions
    assert question.text == "Ines now plays violas"
    assert question.evidence == {"0.0"}
    assert question.sessions == {"0"}
    assert user.unusable == 2
    place = user.acts.index(question)
    assert [act.turns[0].text for act in user.acts[:place] if isinstance(act, Told)] == [
        "Ines plays the old cello",
        "Tom sells bread",
    ]
    report = run(halumem.DATA_SET, path, embedder=StubEmbedder(), baselines=True)
    assert (report.turns, report.overall.questions) == (5, 1)
    assert report.overall.any_1 == 1.0  # itself was not there yet
    assert report.baselines["BM25"].any_1 == 1.0
    assert report.figures == {
        "updates": 1,
        "one of the replaced in the top 5": 1,
        "all of the replaced in the top 5": 1,
        "one of the replaced in the top 10": 1,
        "all of the replaced in the top 10": 1,
    }
