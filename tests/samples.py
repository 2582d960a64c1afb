"""A small LoCoMo file, written by hand, for the tests of the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def turn(dia_id: str, speaker: str, text: str, **more: str) -> dict[str, str]:
    return {"dia_id": dia_id, "speaker": speaker, "text": text, **more}


def asked(question: str, category: int, *evidence: str) -> dict[str, Any]:
    return {"question": question, "answer": "", "category": category, "evidence": list(evidence)}


# Two sessions of two invented people; the order of the keys is not the order of the sessions.
SAMPLE: dict[str, Any] = {
    "sample_id": "conv-1",
    "conversation": {
        "speaker_a": "Ines",
        "speaker_b": "Tom",
        "session_10_date_time": "9:05 am on 3 March, 2024",
        "session_10": [
            turn("D10:1", "Tom", "I sold my bicycle yesterday."),
            turn("D10:2", "Ines", "Look at the harbour!", blip_caption="a lighthouse at dusk"),
        ],
        "session_2_date_time": "11:30 pm on 28 February, 2024",
        "session_2": [turn("D2:1", "Ines", "My sister teaches chemistry in Porto."), turn("D2:2", "Tom", "Nice.")],
        "session_11_date_time": "9:05 am on 4 March, 2024",
    },
    "qa": [
        asked("Who teaches chemistry?", 4, "D2:1"),
        asked("What did Tom sell, and what does the sister teach?", 1, "D:10:01; D2:1"),
        asked("Where is the lighthouse?", 2, "D10:02", "D10:99"),
        asked("What did Ines sell?", 5, "D10:1"),
        asked("What was never told?", 3, "D"),
    ],
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "data.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
