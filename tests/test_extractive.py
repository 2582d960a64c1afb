"""The chat model that only quotes: each sentence of a reply was remembered, with its date, in the asker's tongue."""

from __future__ import annotations

from dmha.domain.prompt import Parts, Remembered, Said, pack
from dmha.models.extractive import Extractive
from dmha.protocols import ChatModel

CHAT = Extractive()


def reply(question: str, *, budget: int = 4_000, max_tokens: int = 500, **remembered: list) -> str:  # type: ignore[type-arg]  # of Said or str
    messages = pack(Parts(Said("now", "aya", question), remembered=Remembered(**remembered)), budget, CHAT.count_tokens)
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


def test_corrections_come_first() -> None:
    """What was set right is said before what is quoted."""
    said = reply(
        "Where do I live?",
        corrections=["aya.city = Osaka → aya.city = Sapporo (2025-09-27)"],
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


def test_it_keeps_to_the_tokens_it_is_given() -> None:
    """A reply stops at a whole piece rather than past its limit."""
    evidence = [Said("2025-03-08 19:12", "aya", f"The bees of hive {i} are calm.") for i in range(9)]
    assert CHAT.count_tokens(reply("How are the bees?", evidence=evidence, max_tokens=40)) <= 40
