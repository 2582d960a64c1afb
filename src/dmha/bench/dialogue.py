"""The project's own conversations (benchmarks/dialogues): questions that avoid the words of the turns that answer them.

A file is one conversation and one tenant, its times told in its own zone. Questions in another language than the turns
that answer them stand apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dmha.bench.dataset import TURN, DataSet, Question, Tenant, Told, reading, unanswered, uttered
from dmha.checks import check_time, check_zone

CROSS = "cross-language"

_APART = timedelta(seconds=5)  # between two turns of a session


def load(data: Path) -> list[Tenant]:
    """The conversation of a file."""
    with reading(data, "a dialogue", "Give a file such as those of benchmarks/dialogues."):
        dialogue = json.loads(data.read_bytes())
        sessions = [_session(session) for session in dialogue["sessions"]]
        session_of = {turn.metadata[TURN]: told.session for told in sessions for turn in told.turns}
        asked_at = max(told.at for told in sessions) + timedelta(minutes=1)
        questions = [_question(asked, dialogue["language"], session_of, asked_at) for asked in dialogue["questions"]]
        usable = [question for question in questions if question.evidence]
        zone = check_zone("zone", dialogue["zone"])
    return [Tenant("dialogue", (*sessions, *usable), unanswered(questions), zone)]


def _session(session: Mapping[str, Any]) -> Told:
    began = check_time("at", datetime.fromisoformat(session["at"]))
    return Told(
        session["id"],
        tuple(
            uttered(turn["id"], turn["text"], turn["speaker"], began + place * _APART)
            for place, turn in enumerate(session["turns"])
        ),
    )


def _question(asked: Mapping[str, Any], language: str, session_of: Mapping[str, str], at: datetime) -> Question:
    crosses = asked.get("crosses", False) if language == "mixed" else asked["language"] != language
    evidence = frozenset(asked["evidence"]) & session_of.keys()
    sessions = frozenset(session_of[turn] for turn in evidence)
    return Question(asked["text"], CROSS if crosses else asked["category"], frozenset(evidence), sessions, at)


DATA_SET = DataSet("dialogue", load, headline="one language", apart=frozenset({CROSS}))
