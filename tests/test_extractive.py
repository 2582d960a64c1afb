"""The chat model that only quotes: each sentence of a reply was remembered, with its date, in the asker's tongue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dmha.domain.prompt import Parts, Remembered, Said, pack
from dmha.models.extractive import Extractive
from dmha.protocols import ChatModel

CHAT = Extractive()


def reply(question: str, *, budget: int = 4_000, max_tokens: int = 500, **remembered: Any) -> str:
    messages = pack(
        Parts(Said("now", "aya", question), "relu", remembered=replace(Remembered(), **remembered)),
        budget,
        CHAT.count_tokens,
    )
    return "".join(CHAT.reply(messages, max_tokens=max_tokens))


def test_it_is_a_chat_model() -> None:
    """It keeps the protocol that every chat model keeps."""
    assert isinstance(CHAT, ChatModel)


def test_it_quotes_the_sentence_that_answers_with_its_date() -> None:
    """Of a long memory the sentence with the question's rare words is quoted, not its neighbours."""
    told = Said("2025-03-08 19:12", "kenji", "The weather was bad. My sister keeps bees on the roof. We had tea.")
    said = reply("Who keeps bees?", evidence=[told])
    assert "2025-03-08, kenji" in said
    assert "My sister keeps bees on the roof." in said
    assert "tea" not in said


def test_it_says_that_it_remembers_nothing() -> None:
    """Without evidence it does not guess, in each of its languages."""
    assert reply("Who keeps bees?") == "I remember nothing that answers this.\n"
    assert reply("蜂を飼っているのは誰？") == "それについては、何も覚えていない。\n"
    assert reply("谁养蜜蜂？") == "关于这个，我什么都不记得。\n"


def test_what_was_set_right_comes_first() -> None:
    """What was set right is said before what is quoted."""
    said = reply(
        "Where do I live?",
        mended=["aya.city = Osaka → aya.city = Sapporo (2025-09-27)"],
        evidence=[Said("2025-03-08 19:12", "aya", "I live in Osaka.")],
    )
    assert said.index("Sapporo") < said.index("I live in Osaka")


def test_the_newest_of_what_answers_comes_first() -> None:
    """Of two sayings that answer alike, the later one is quoted before the earlier."""
    told = [Said("2025-03-08 19:12", "aya", "I live in Osaka."), Said("2025-09-27 10:00", "aya", "I live in Sapporo.")]
    said = reply("Where does Aya live?", evidence=told)
    assert said.index("Sapporo") < said.index("Osaka")


def test_a_question_is_no_answer_and_a_name_no_reason() -> None:
    """Neither a sentence that asks nor one that only greets by name is quoted beside a real answer."""
    told = [
        Said("2025-11-01 09:00", "kenji", "Is the concert on Sunday the 23rd?"),
        Said("2025-11-01 09:01", "aya", "The concert is on Saturday the 22nd."),
        Said("2025-11-01 09:02", "kenji", "Hello, Aya."),
    ]
    said = reply("When is the concert that Aya goes to?", evidence=told)
    assert "22nd" in said
    assert "23rd" not in said
    assert "Hello" not in said


def test_a_short_sentence_brings_along_what_it_announced() -> None:
    """ "The name is decided." is quoted with the name, once."""
    told = [Said("2025-11-15 20:00", "aya", "猫の名前、決まった。こはる。呼んだら耳だけ動いた。")]
    assert reply("猫の名前は？", evidence=told) == "覚えているよ。2025-11-15、aya「猫の名前、決まった。こはる。」\n"


def test_a_statement_is_heard_rather_than_answered() -> None:
    """Where nothing was asked, it says that it will remember, in the language of the talk."""
    assert reply("I failed at work today.") == "I hear you, and will remember it.\n"
    assert reply("仕事で失敗しちゃった。") == "うん、聞いたよ。覚えておくね。\n"


def test_kanji_alone_are_japanese_among_japanese() -> None:
    """A question in Han characters only is answered in the language around it."""
    told = [Said("2025-03-29 12:00", "kenji", "花火を見に行きたい。")]
    assert reply("花火？", evidence=told).startswith("覚えているよ")
    assert reply("烟花？", evidence=[Said("2025-03-29 12:00", "li", "我想去看烟花。")]).startswith("我记得")


def test_it_keeps_to_the_tokens_it_is_given() -> None:
    """A reply stops at a whole piece rather than past its limit."""
    evidence = [Said("2025-03-08 19:12", "aya", f"The bees of hive {i} are calm.") for i in range(9)]
    assert CHAT.count_tokens(reply("How are the bees?", evidence=evidence, max_tokens=40)) <= 40
