"""Question answering over paragraphs in SQuAD's form: JSQuAD, DRCD, CMRC 2018. Is the paragraph asked about found?

All distinct paragraphs are the lore of one tenant, each a session of its own, so that its neighbours mean nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dmha.bench.dataset import DataSet, Question, Tenant, Told, reading, uttered

_TOLD = datetime(2026, 1, 1, tzinfo=UTC)  # the form tells no times, and lore does not fade
_ASKED = _TOLD + timedelta(minutes=1)


def load(data: Path) -> list[Tenant]:
    """The one tenant of a file."""
    with reading(data, "SQuAD", "Give a file of JSQuAD, DRCD, CMRC 2018 or SQuAD: `data`, `paragraphs`, `qas`."):
        articles = json.loads(data.read_bytes())["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        known = {text: str(number) for number, text in enumerate(dict.fromkeys(one["context"] for one in paragraphs))}
        asked = [
            _question(question["question"], known[paragraph["context"]])
            for paragraph in paragraphs
            for question in paragraph["qas"]
            if not question.get("is_impossible")
        ]
        skipped = sum(bool(question.get("is_impossible")) for one in paragraphs for question in one["qas"])
    lore = [Told(number, (uttered(number, text, "user", _TOLD),), "lore") for text, number in known.items()]
    return [Tenant("paragraphs", (*lore, *asked), skipped)]


def _question(text: str, number: str) -> Question:
    return Question(text, "paragraph", frozenset({number}), frozenset({number}), _ASKED)


DATA_SET = DataSet("squad", load)
