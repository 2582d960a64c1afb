"""LoCoMo (Maharana et al. 2024): very long conversations, and questions with the turns that hold the answers.

Each conversation is a tenant and each turn a memory; the questions are asked a minute after the last session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from dmha.bench.dataset import TURN, DataSet, Question, Tenant, Told, reading, unanswered, uttered
from dmha.bench.runner import run as run_any
from dmha.types import Turn

CATEGORIES = {1: "1 multi-hop", 2: "2 temporal", 3: "3 open-domain", 4: "4 single-hop", 5: "5 adversarial"}
APART = CATEGORIES[5]  # asks one speaker about what the other told: it has evidence, but no right answer

_SESSION = re.compile(r"session_([0-9]+)")
_EVIDENCE = re.compile(r"D:?([0-9]+):([0-9]+)")  # as annotated: "D8:6; D9:17", "D:11:26", "D30:05"
_TIME = "%I:%M %p on %d %B, %Y"  # "1:56 pm on 8 May, 2023"; no zone is told, so UTC stands in


def load(data: Path) -> list[Tenant]:
    """The conversations of a LoCoMo file."""
    with reading(data, "LoCoMo", "Give locomo10.json or a part of it."):
        return [_conversation(sample) for sample in json.loads(data.read_bytes())]


def _conversation(sample: Mapping[str, Any]) -> Tenant:
    told: Mapping[str, Any] = sample["conversation"]
    numbers = sorted(int(name[1]) for name in map(_SESSION.fullmatch, told) if name)
    named = [f"session_{number}" for number in numbers]
    sessions = [Told(name, turns) for name in named if (turns := _turns(told, name))]
    session_of = {turn.metadata[TURN]: session.session for session in sessions for turn in session.turns}
    asked_at = max(session.at for session in sessions) + timedelta(minutes=1)
    questions = [_question(asked, session_of, asked_at) for asked in sample["qa"]]
    usable = [question for question in questions if question.evidence]
    return Tenant(str(sample["sample_id"]), (*sessions, *usable), unanswered(questions))


def _turns(told: Mapping[str, Any], session: str) -> tuple[Turn, ...]:
    return tuple(
        uttered(turn["dia_id"], text, turn["speaker"], _when(told, session))
        for turn in told[session]
        if (text := _text(turn)).strip()
    )


def _text(turn: Mapping[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [shares {caption}]" if caption else str(turn["text"])


def _when(told: Mapping[str, Any], session: str) -> datetime:
    return datetime.strptime(told[f"{session}_date_time"], _TIME).replace(tzinfo=UTC)


def _question(asked: Mapping[str, Any], session_of: Mapping[str, str], at: datetime) -> Question:
    named = {
        f"D{int(session)}:{int(turn)}"
        for written in asked.get("evidence", ())
        for session, turn in _EVIDENCE.findall(written)
    }
    evidence = frozenset(named & session_of.keys())
    sessions = frozenset(session_of[turn] for turn in evidence)
    return Question(asked["question"], CATEGORIES[asked["category"]], evidence, sessions, at)


# Fifty memories are asked for, so that five sessions are among them; turns are judged by the first ten.
DATA_SET = DataSet("locomo", load, headline="categories 1-4", apart=frozenset({APART}), top_k=50)
run = partial(run_any, DATA_SET)
