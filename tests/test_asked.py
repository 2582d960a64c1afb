"""Which facts a question asks for, in three languages, and whether that is all it asks."""

from __future__ import annotations

import pytest

from dmha.domain.asked import asked_of
from dmha.domain.prompt import Known

CITY, JOB = Known("aya", "city", "Fukuoka", since="2026-07-01"), Known("aya", "仕事", "司書")
FOOD, TEA = Known("aya", "好物", "カレー"), Known("aya", "drinks", "coffee", denied=True)
COLOUR = Known("aya", "favourite food", "curry")
KENJI = Known("kenji", "city", "Osaka")
ALL = [CITY, JOB, FOOD, TEA, COLOUR, KENJI]


@pytest.mark.parametrize(
    ("question", "facts"),
    [
        ("Where do I live now?", [CITY]),
        ("Which city is mine?", [CITY]),
        ("わたしは今どこに住んでる？", [CITY]),
        ("私の住所は？", [CITY]),
        ("我现在住在哪里？", [CITY]),
        ("What is my job?", [JOB]),
        ("我的工作是什么？", [JOB]),
        ("好物は？", [FOOD]),
        ("Does Aya still drink coffee?", [TEA]),
        ("Where does Kenji live?", [KENJI]),
    ],
)
def test_a_question_for_one_fact_is_answered_by_it_alone(question: str, facts: list[Known]) -> None:
    """By the attribute's name or by the words people ask for it with, whatever language the attribute is in."""
    asked = asked_of(question, "aya", ALL)
    assert (list(asked.facts), asked.alone) == (facts, True)


@pytest.mark.parametrize(
    "question",
    [
        "Why did I stop to drink coffee?", "What can I see from my city?", "前はどこに住んでた？", "我以前住在哪里？",
        "Where did I live before?", "Where did I live in 2024?", "What do I drink?",
    ],
)  # fmt: skip
def test_a_question_that_asks_more_than_what_holds_needs_more(question: str) -> None:
    """A reason, a former time or a further word is not answered by the fact alone."""
    asked = asked_of(question, "aya", ALL)
    assert asked.facts
    assert not asked.alone


@pytest.mark.parametrize(
    "question",
    [
        "What is my favourite colour?",
        "好きな色は何だっけ？",
        "你好！",
        "Where do you live?",
        "彼女はどこに住んでるの？",
        "她住在哪里？",
    ],
)
def test_a_fact_that_is_not_asked_for_is_left_out(question: str) -> None:
    """Neither half a name nor a question about somebody else asks for the speaker's fact."""
    assert asked_of(question, "aya", ALL).facts == ()


def test_a_question_of_any_length_is_read() -> None:
    """A paste of a million characters asks for what it names, and not for that alone."""
    asked = asked_of("where " * 200_000 + "is my city?", "aya", ALL)
    assert CITY in asked.facts
    assert not asked.alone
