"""Questions of a time, questions without a mark, and how sure the mind is of what they bring back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Hit, Turn
from dmha.domain.marks import merely_asks
from dmha.domain.text import asks
from dmha.mind import Mind
from dmha.scene import EVIDENCE_CONFIDENCE


class Unread(StubEmbedder):
    """An embedder that reads nothing that is said here."""

    scripts = frozenset({"Klingon"})


HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)


@pytest.fixture
def mind(tmp_path: Path) -> Iterator[Mind]:
    clock = ManualClock(NOW)
    with dmha.open(tmp_path / "life.db", embedder=StubEmbedder(256), chat="extractive", clock=clock) as opened:
        yield opened


def told(mind: Mind, *said: tuple[int, str]) -> None:
    """Each so many days ago, in a session of its own."""
    for days, text in said:
        mind.add(Turn(text, at=NOW - timedelta(days=days)), session_id=str(days), **HERE)


def first(mind: Mind, query: str, **asking: Any) -> Hit:
    return mind.search(query, **HERE, **asking)[0]


YESTERDAYS = pytest.mark.parametrize(
    ("question", "then", "other"),
    [
        ("What did I do yesterday?", "I had a job interview.", "Yesterday I went to the aquarium with Ken."),
        ("昨日は何をした？", "駅前で面接だった。", "昨日は母と水族館に行った。"),
        ("昨天我做了什么？", "在咖啡馆面试了。", "昨天我和妈妈去了水族馆。"),
    ],
    ids=["en", "ja", "zh"],
)


@YESTERDAYS
def test_yesterday_is_the_day_and_not_the_word(mind: Mind, question: str, then: str, other: str) -> None:
    """What was told yesterday comes first and is trusted; what says "yesterday" of another day is not."""
    told(mind, (5, other), (1, then))
    best, second = mind.search(question, **HERE)
    assert best.memory.text == then
    assert best.confidence > 0.6
    assert second.confidence < EVIDENCE_CONFIDENCE


@YESTERDAYS
def test_a_day_on_which_nothing_was_told_is_nothing(mind: Mind, question: str, then: str, other: str) -> None:
    """Asked of a day without a memory, nothing is trusted, whatever says the word."""
    told(mind, (5, other), (2, then))
    assert first(mind, question).confidence < EVIDENCE_CONFIDENCE


@pytest.mark.parametrize(
    ("question", "then", "other"),
    [
        ("What happened in December 2025?", "We skated on the lake.", "Since 2025 my shoe size is 38."),
        ("2025年12月は何をした？", "湖でスケートをした。", "2025年から靴のサイズは38だ。"),
        ("2025年12月发生了什么？", "我们在湖上滑冰。", "2025年起我穿38码的鞋。"),
    ],
)
def test_a_date_is_a_time_where_something_was_told_then(mind: Mind, question: str, then: str, other: str) -> None:
    """A month with a memory brings it, before what only has the year's number."""
    told(mind, (60, then), (1, other))
    assert first(mind, question).memory.text == then


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who wrote about the flood of 1953?", "Hendrik wrote about the flood of 1953."),
        ("1953年の洪水は？", "1953年に洪水があった。"),
        ("1953年的洪水？", "1953年发生了洪水。"),
    ],
)
def test_a_date_in_which_nothing_was_told_counts_as_words(mind: Mind, question: str, text: str) -> None:
    """A year of which a text tells is found by its number, and weighs as any word does."""
    told(mind, (3, text), (2, "..."))
    assert first(mind, question, ranking="static_bm25()").score > 0.5


def test_a_name_is_no_month(mind: Mind) -> None:
    """May, who is a person, and a spring onion are words like others."""
    told(mind, (300, "We painted the fence."), (3, "May likes soup with spring onion."))
    assert first(mind, "What does May like?").memory.text.startswith("May")
    assert first(mind, "Who likes spring onion?").memory.text.startswith("May")


@pytest.mark.parametrize(
    "sentence",
    [
        "tell me my favourite colour", "Do you remember my dog's name", "what's my name", "did we swim last summer",
        "昨日は何したっけ", "好きな色は何だっけ", "誕生日はいつだったかな", "名前を教えて", "好きな色は何",
        "我最喜欢的颜色呢", "我家的猫叫什么名字", "告诉我我的生日", "它叫什么来着",
    ],
)  # fmt: skip
def test_a_question_needs_no_mark(sentence: str) -> None:
    """What is put as a question asks, in three languages."""
    assert asks(sentence)
    assert merely_asks(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Remind me to call mum.", "What a day.", "When I was young, I swam.", "Did I tell you, I got the job!",
        "You tell me nothing.", "まあいいかな。", "そうか。", "教えてくれた。", "何か食べた。", "どこかに行った。",
        "没什么。", "他告诉我他来了。", "我不知道多少次了。",
    ],
)  # fmt: skip
def test_what_tells_does_not_ask(sentence: str) -> None:
    """A statement with a word that also asks is a statement."""
    assert not asks(sentence)


def test_a_text_that_also_tells_does_not_merely_ask() -> None:
    """A question after a statement leaves the statement."""
    assert not merely_asks("My cat is called Mike. And yours?")
    assert not merely_asks("")


@pytest.mark.parametrize(
    "question",
    ["What is my favourite film?", "tell me my favourite film", "好きな映画は？", "好きな映画は何だっけ",
     "我最喜欢的电影是什么？", "我最喜欢的电影呢"],
)  # fmt: skip
def test_asked_twice_nothing_is_known_still(mind: Mind, question: str) -> None:
    """An earlier question is no answer: the second reply is as unsure as the first."""
    replies = [mind.contextualize(question, session_id=session, **HERE) for session in ("a", "b", "b")]
    assert [reply.confidence for reply in replies] == [replies[0].confidence] * 3
    assert replies[0].confidence < 0.1
    assert len({reply.text for reply in replies}) == 1


@pytest.mark.parametrize(
    ("word", "reading", "heard", "text"),
    [
        ("長谷川", "はせがわ", "はせがわ", "長谷川に会った。"),
        ("東京", "とうきょう", "トウキョウ", "東京に引っ越した。"),
        ("重庆", "chong2 qing4", "chong qing", "我在重庆吃火锅。"),
    ],
)
def test_what_sounds_alike_counts_nearly_as_the_word(
    mind: Mind, word: str, reading: str, heard: str, text: str
) -> None:
    """Asked by its reading, a word earns at least two thirds of what it earns asked as it is written."""
    mind.dictionary(**HERE).put(word, reading)
    told(mind, (2, text))
    by_word = first(mind, word, ranking="static_bm25()").score
    by_reading = first(mind, heard, ranking="static_bm25()", by_reading=True).score
    assert by_word >= by_reading >= 2 / 3 * by_word > 0.0


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("うちの猫の名前はミケ。", "猫の名前は？", "妹の名前は？"),
        ("うちの猫の名前はミケ。", "うちの猫の名前は？", "うちの犬の名前は？"),
        ("弟の誕生日は五月だ。", "弟の誕生日は？", "姉の誕生日は？"),
        ("疲れた…", "いつ疲れたって言った？", "いつ眠れたって言った？"),
        ("我家的猫叫咪咪。", "我家的猫叫什么？", "我家的狗叫什么？"),
        ("弟弟的生日是五月。", "弟弟的生日是哪天？", "姐姐的生日是哪天？"),
    ],
)
def test_words_alone_must_be_those_that_tell_which(tmp_path: Path, text: str, known: str, unknown: str) -> None:
    """Where nobody reads meaning, a text of something else with the same property is not trusted."""
    with dmha.open(tmp_path / "words.db", embedder=Unread(), chat="extractive", clock=ManualClock(NOW)) as mind:
        told(mind, (2, text))
        assert first(mind, known).confidence > EVIDENCE_CONFIDENCE > first(mind, unknown).confidence


def test_a_neighbours_words_are_not_a_turns_own(tmp_path: Path) -> None:
    """Where nobody reads meaning, the turn before what was asked for is not trusted for its neighbour's words."""
    with dmha.open(tmp_path / "words.db", embedder=Unread(), chat="extractive", clock=ManualClock(NOW)) as mind:
        mind.add([Turn("大嫌い！蜘蛛が出た。"), Turn("うちの猫の名前はミケ。")], **HERE)
        hits = mind.search("猫の名前", min_confidence=EVIDENCE_CONFIDENCE, **HERE)
    assert [hit.memory.text for hit in hits] == ["うちの猫の名前はミケ。"]
