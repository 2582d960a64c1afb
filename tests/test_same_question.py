"""What was asked before is remembered too, and stands behind what answers it."""

from __future__ import annotations

from typing import Any

import pytest

from dmha import Turn
from dmha.domain.sameness import asks_the_same
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


@pytest.mark.parametrize(
    ("told", "question"),
    [
        ("My pen name is Nami Tide.", "What's my pen name?"),
        ("うちの猫の名前はこはるだよ", "猫の名前、なんだっけ？"),
        ("我的猫叫小花", "你记得我的猫叫什么吗？"),
    ],
)
def test_a_question_asked_again_finds_its_answer_before_itself(mind: Mind, told: str, question: str) -> None:
    """Searched in the words in which a reply was asked for, twice, the answer is there before the question."""
    mind.add(Turn(told, "aya"), **WHO)
    for _ in range(2):
        mind.contextualize(question, speaker="aya", **WHO)
    found = [hit.memory.text for hit in mind.search(question, top_k=2, **WHO)]
    assert found.index(told) < (found.index(question) if question in found else len(found))


def test_only_the_very_question_is_the_same_question() -> None:
    """With or without its mark and whatever its case; not another, nor what tells something besides."""
    assert asks_the_same("Where do I live?", "where do I live")
    assert not asks_the_same("Where do I live now?", "Where do I live?")
    assert not asks_the_same("I live in Osaka. Where do I live?", "I live in Osaka. Where do I live?")
    assert not asks_the_same("The harbour", "the harbour")
