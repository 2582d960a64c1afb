"""The chat model that only quotes: each sentence of a reply was remembered, with its date, in the asker's tongue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dmha.domain.prompt import Known, Parts, Remembered, Said, pack
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


# -- facts --


SAPPORO = Known("aya", "city", "Sapporo", since="2025-09-27")
OSAKA = Known("aya", "city", "Osaka", since="2025-03-08", until="2025-09-27")
MOVED = Said("2025-03-08 19:12", "aya", "I live in Osaka, in one room above a bakery.", (OSAKA,))


def test_a_known_fact_that_answers_is_told_alone() -> None:
    """Where somebody lives now is told; where they lived is not quoted beside it."""
    said = reply("Where do I live now?", facts=[SAPPORO], evidence=[MOVED])
    assert said == "What I know: aya.city = Sapporo (since 2025-09-27).\n"


def test_what_is_over_is_quoted_with_the_day_it_ended() -> None:
    """In each of its languages a quotation says until when it held."""
    told = [Said("2025-03-08 19:12", "aya", "大阪でパン屋の上に住んでいる。", (replace(OSAKA, value="大阪"),))]
    assert "above a bakery.” (until 2025-09-27)" in reply("What was above the bakery?", evidence=[MOVED])
    assert "住んでいる。」（2025-09-27まで）" in reply("パン屋の話、何だっけ？", evidence=told)
    told = [Said("2025-03-08 19:12", "aya", "我住在大阪的面包店楼上。", (replace(OSAKA, value="大阪"),))]
    assert "楼上。”（到2025-09-27为止）" in reply("面包店是什么？", evidence=told)


def test_a_quoted_turn_brings_the_fact_that_it_told() -> None:
    """What its words do not say, its statement does: as it is known now."""
    told = replace(MOVED, text="I found a flat by the sea.", told=(OSAKA,))
    said = reply("What did I find by the sea?", facts=[SAPPORO], evidence=[told])
    assert said.splitlines()[0] == "What I know: aya.city = Sapporo (since 2025-09-27)."
    assert "I found a flat by the sea." in said


def test_a_statement_is_told_as_a_fact_and_never_quoted() -> None:
    """Notation is no speech."""
    curry = Known("彩", "好物", "カレー", since="2025-11-15")
    told = Said("2025-11-15 20:00", "彩", "事実：彩.好物＝カレー", (curry,))
    assert reply("カレーの話は？", evidence=[told]) == "知っていること：彩.好物 = カレー（2025-11-15から）。\n"


def test_a_fact_is_told_in_the_language_of_the_question() -> None:
    """Nothing but the fact itself is in another language, denials included."""
    name, tea = Known("aya", "猫", "こはる", since="2025-11-15"), Known("aya", "猫", "Koharu", denied=True)
    assert reply("うちの猫の名前は？", facts=[name]) == "知っていること：aya.猫 = こはる（2025-11-15から）。\n"
    assert reply("我的猫叫什么名字？", facts=[name]) == "我知道：aya.猫 = こはる（自2025-11-15起）。\n"
    assert reply("猫の名前はKoharu？", facts=[tea]) == "知っていること：aya.猫 は Koharu ではない。\n"
    assert reply("我的猫叫Koharu吗？", facts=[tea]) == "我知道：aya.猫 不是 Koharu。\n"


def test_whoever_tells_a_fact_hears_that_it_is_known() -> None:
    """A statement is acknowledged with the fact, and no memory is brought up for it."""
    said = reply("I moved! fact: aya.city = Sapporo", facts=[SAPPORO], evidence=[MOVED])
    assert said == "What I know: aya.city = Sapporo (since 2025-09-27).\n"


def test_only_what_was_mended_now_is_said_to_be_set_right() -> None:
    """What a draft has to keep to otherwise is said in other words, and what it outweighs is not quoted."""
    said = reply(
        "Do I like coffee?",
        corrections=["I like coffee. → I don't like coffee. (aya, 2025-05-01)"],
        evidence=[Said("2025-03-08 19:12", "aya", "I like coffee.")],
    )
    assert said == "What was said later counts: I like coffee. → I don't like coffee. (aya, 2025-05-01).\n"


# -- what says the same, greetings, remarks --


@pytest.mark.parametrize("remark", ["疲れた…", "今日も仕事だ。", "I am so tired!", "我累了。"])
def test_nothing_is_quoted_that_says_what_was_just_said(remark: str) -> None:
    """Whoever says the same every day is heard, not quoted."""
    told = [Said(f"2025-03-0{day} 19:12", "aya", remark) for day in range(1, 4)]
    assert reply(remark, evidence=told) in {
        "I hear you, and will remember it.\n", "うん、聞いたよ。覚えておくね。\n", "嗯，我听到了，会记住的。\n",
    }  # fmt: skip


def test_two_quotations_never_say_the_same() -> None:
    """The same sentence of three days is quoted once."""
    told = [Said(f"2025-03-0{day} 19:12", "aya", "Work was long today.") for day in range(1, 4)]
    assert reply("How was work?", evidence=told).count("Work was long today.") == 1


@pytest.mark.parametrize("greeting", ["Good morning!", "おはよう！", "你好！", "おやすみ", "晚安"])
def test_a_greeting_is_said_back(greeting: str) -> None:
    """It brings up no memory, whatever words it shares with one; a name after it is not said back."""
    told = [Said("2025-03-08 19:12", "aya", f"{greeting} I baked bread in the good old morning.")]
    assert reply(greeting, evidence=told) == f"{greeting}\n"
    assert reply(f"{greeting.strip('!！')}, ReLU!") == f"{greeting.strip('!！')}\n"


def test_the_same_question_of_another_day_is_no_answer() -> None:
    """With or without its mark, an earlier question is not quoted."""
    for question in ("我最喜欢的颜色呢？", "好きな色は何だっけ", "tell me my favourite colour"):
        assert question not in reply(question, evidence=[Said("2025-03-08 19:12", "aya", question)])


def test_a_remark_brings_up_what_shares_a_word_with_it() -> None:
    """A memory about the same thing is quoted; one about another is not."""
    bees = Said("2025-03-08 19:12", "aya", "My sister keeps bees.")
    assert "My sister keeps bees." in reply("The bees are calm today.", evidence=[bees])
    assert reply("I failed at work.", evidence=[bees]) == "I hear you, and will remember it.\n"


# -- the tongue --


def test_chinese_is_answered_in_chinese_among_japanese() -> None:
    """Characters that Japanese does not write tell Chinese, whatever is remembered."""
    told = [Said("2025-03-29 12:00", "kenji", "花火を見に行きたい。")]
    assert reply("我的血型是什么？", evidence=told).startswith("我记得")
    assert reply("我累了", evidence=told) == "嗯，我听到了，会记住的。\n"


def test_han_characters_alone_are_read_as_their_speaker_speaks() -> None:
    """Where the text leaves it open, the speaker's own last words decide."""
    told = [
        Said("2025-03-29 12:00", "kenji", "花火を見に行きたい。"),
        Said("2025-03-29 12:01", "aya", "我们去看吧。"),
    ]
    assert reply("血液型？", evidence=told).startswith("我记得")
    assert reply("天気？", evidence=told).startswith("覚えているよ")  # 気 is written in Japan alone
