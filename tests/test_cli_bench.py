"""`dmha bench`: what is typed is what is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import run, told

pytestmark = pytest.mark.usefixtures("desk")

DIALOGUE = {
    "language": "en",
    "zone": "Asia/Tokyo",
    "sessions": [
        {
            "id": "s1",
            "at": "2026-01-05T09:00:00+09:00",
            "turns": [{"id": "s1:1", "speaker": "aya", "text": "I moved to Osaka."}],
        }
    ],
    "questions": [{"text": "Who moved?", "language": "en", "category": "single", "evidence": ["s1:1"]}],
}


def test_bench_measures_what_is_typed() -> None:
    """The data, the ranking and the baselines are those that were typed; stdout is one JSON document, or Markdown."""
    Path("talk.json").write_text(json.dumps(DIALOGUE), encoding="utf-8")
    measured = told("bench", "dialogue", "--data", "talk.json", "--ranking", "semantic", "--baselines")
    assert (measured["benchmark"], measured["ranking"], measured["embedder"]) == ("dialogue", "semantic", "stub")
    assert measured["overall"]["questions"] == 1
    assert len(measured["baselines"]) == 3
    assert run("bench", "dialogue", "--data", "talk.json", "--markdown").stdout.startswith("| dialogue: turns | n |")
    assert "one language" in run("bench", "dialogue", "--data", "talk.json").stdout


@pytest.mark.parametrize("name", ["locomo", "longmemeval", "squad", "halumem", "dialogue", "abstention"])
def test_every_benchmark_names_the_file_that_it_cannot_read(name: str) -> None:
    """A file of another form is the caller's mistake; so are two forms of report at once."""
    Path("talk.json").write_text('{"talk": 1}', encoding="utf-8")
    refused = run("bench", name, "--data", "talk.json")
    assert (refused.exit_code, "talk.json" in refused.stderr) == (2, True)
    assert "--markdown" in run("bench", name, "--data", "talk.json", "--markdown", "--json").stderr
