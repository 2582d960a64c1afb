"""Times through the public names: kept exactly, and meant in the zone of whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from recallable import texts
from stubs import ManualClock, Scripted, StubEmbedder

import dmha
from dmha import InvalidInput, Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


def test_times_keep_their_microseconds(mind: Mind) -> None:
    """A moment comes back exactly as it was given, in UTC."""
    at = datetime(2031, 5, 6, 7, 8, 9, 123_457, tzinfo=UTC)
    (id,) = mind.add([Turn("later", at=at)], **WHO)
    assert mind.get(id, **WHO).at == at


def test_times_in_a_question_are_meant_in_the_zone_of_who_asks(tmp_path: Path) -> None:
    """The same "yesterday" is another day in Tokyo than in New York; the companion's own zone where none is told."""
    clock = ManualClock(datetime(2026, 5, 10, 1, 0, tzinfo=UTC))  # the 10th, 10:00 in Tokyo; the 9th, 21:00 in New York
    with dmha.open(tmp_path / "zones.db", embedder=StubEmbedder(), clock=clock, zone="Asia/Tokyo") as mind:
        for day, fruit in ((8, "apples"), (9, "pears")):
            mind.add(Turn(f"We ate {fruit}.", at=datetime(2026, 5, day, 12, tzinfo=UTC)), session_id=fruit, **WHO)
        ranking = "time_match"
        assert texts(mind.search("what did we eat yesterday?", ranking=ranking, **WHO))[0] == "We ate pears."
        asked: dict[str, Any] = {"ranking": ranking, "zone": "America/New_York"}
        assert texts(mind.search("what did we eat yesterday?", **asked, **WHO))[0] == "We ate apples."
        with pytest.raises(InvalidInput, match="no zone"):
            mind.search("yesterday?", zone="Mars/Olympus", **WHO)


def test_a_speakers_zone_is_kept(tmp_path: Path) -> None:
    """Once told, times are told to that speaker in the own zone, to others in the companion's, and an export has it."""
    clock, chat = ManualClock(datetime(2026, 5, 10, 1, 0, tzinfo=UTC)), Scripted("Hm.", "Hm.", "Hm.", "Hm.")
    with dmha.open(tmp_path / "zones.db", embedder=StubEmbedder(), clock=clock, zone="Asia/Tokyo", chat=chat) as mind:
        mind.contextualize("Good evening!", speaker="ken", zone="America/New_York", **WHO)
        mind.contextualize("And now?", speaker="ken", **WHO)
        mind.contextualize("And here?", speaker="aya", **WHO)
        mind.export(tmp_path / "zones.jsonl", user_id="acct")
    shown = [str(prompt[-1]["content"]) for prompt in chat.prompts]
    assert ["2026-05-09 21:00" in text for text in shown] == [True, True, False]
    assert "2026-05-10 10:00" in shown[2]
    with dmha.open(tmp_path / "there.db", embedder=StubEmbedder(), clock=clock, chat=chat) as mind:
        mind.import_(tmp_path / "zones.jsonl", user_id="acct", agent_id="relu")
        mind.contextualize("And then?", speaker="ken", **WHO)
    assert "2026-05-09 21:00" in str(chat.prompts[-1][-1]["content"])
