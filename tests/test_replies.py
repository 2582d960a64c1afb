"""Replies without a chat model, through the main path: facts first, nothing twice, in the speaker's language."""

from __future__ import annotations

from typing import Any

import pytest
from stubs import ManualClock

from dmha import Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


def moved(mind: Mind, clock: ManualClock) -> None:
    """Aya lived in Osaka, then in Sapporo, and told both in statements."""
    mind.add([Turn("I live in Osaka, above a bakery. fact: aya.city = Osaka", "aya")], **WHO)
    clock.forward(days=200)
    mind.add([Turn("I live in Sapporo now. fact: aya.city = Sapporo", "aya")], **WHO)
    clock.forward(days=5)


def test_what_was_set_right_is_said_once(mind: Mind, clock: ManualClock) -> None:
    """The first question mends the contradiction and says so; the second has the fact alone, and nothing to repair."""
    moved(mind, clock)
    first = mind.contextualize("Where do I live now?", speaker="aya", session_id="1", **WHO)
    assert first.text.splitlines() == [
        "I set this right: aya.city = Osaka → aya.city = Sapporo (2026-07-20).",
        "What I know: aya.city = Sapporo (since 2026-07-20).",
    ]
    for question in ("Where do I live now?", "Where does Aya live?", "Was there a bakery where I live?"):
        again = mind.contextualize(question, speaker="aya", session_id=question, **WHO)
        assert "What I know: aya.city = Sapporo (since 2026-07-20)." in again.text
        assert "set this right" not in again.text
        assert (again.repairs, again.consistency) == ((), 1.0)


def test_what_is_over_is_never_quoted_as_if_it_held(mind: Mind, clock: ManualClock) -> None:
    """Asked about the old flat, the reply quotes it with the day it ended."""
    moved(mind, clock)
    mind.contextualize("Where do I live now?", speaker="aya", session_id="1", **WHO)
    said = mind.contextualize("Did I live in Osaka, above a bakery?", speaker="aya", session_id="2", **WHO)
    assert "“I live in Osaka, above a bakery.” (until 2026-07-20)" in said.text


def test_words_that_tell_an_old_value_are_past_without_a_statement_of_their_own(mind: Mind, clock: ManualClock) -> None:
    """The facts were told elsewhere; the sentence that names the old city is marked all the same."""
    mind.add([Turn("I live in Osaka, above a bakery.", "aya")], **WHO)
    knowledge = mind.knowledge(**WHO)
    knowledge.tell("fact: aya.city = Osaka (from=2025-01-01, until=2026-02-01)")
    clock.forward(days=100)
    said = mind.contextualize("Did I live in Osaka, above a bakery?", speaker="aya", session_id="2", **WHO)
    assert "above a bakery.” (until 2026-02-01)" in said.text


def test_what_gave_way_but_was_not_ended_is_not_told(mind: Mind, clock: ManualClock) -> None:
    """Of two dates the less sure one is quoted as what somebody said, never told as known."""
    mind.add([Turn("The concert is on the 23rd. fact: concert.date = 23 (conf=0.3)", "kenji")], **WHO)
    mind.add([Turn("No, the concert is on the 22nd. fact: concert.date = 22", "aya")], **WHO)
    clock.forward(days=1)
    said = mind.contextualize("Is the concert on the 23rd?", speaker="kenji", session_id="2", **WHO)
    assert "concert.date = 23." not in said.text
    assert "What I know: concert.date = 23" not in said.text


@pytest.mark.parametrize("greeting", ["おはよう！", "Good morning!", "你好！", "疲れた…", "今日も仕事だ。"])
def test_what_is_said_every_day_is_not_quoted_back(mind: Mind, clock: ManualClock, greeting: str) -> None:
    """On the fourth day the same words are answered as on the first."""
    replies = []
    for day in range(4):
        replies.append(mind.contextualize(greeting, speaker="蓮", session_id=str(day), **WHO).text)
        clock.forward(days=1)
    assert len(set(replies)) == 1


def test_a_statement_s_fact_is_told_in_the_language_of_the_question(mind: Mind) -> None:
    """A fact told in notation is told back in Japanese, and its notation is not quoted."""
    mind.contextualize("事実：彩.好物＝カレー", speaker="彩", session_id="1", **WHO)
    said = mind.contextualize("彩の好物は？", speaker="彩", session_id="2", **WHO)
    assert said.text == "知っていること：彩.好物 = カレー（2026-01-01から）。"
