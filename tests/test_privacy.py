"""What was told in private: no way round by which it reaches other ears."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, Turn
from dmha.domain.tokens import estimate_tokens
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}
SECRET = "9917"


class Parrot:
    """A chat model that repeats all it was shown, and keeps it."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.prompts.append("\n".join(message["content"] for message in messages))
        yield "So it was: " + " ".join(message["content"] for message in messages[1:])

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def talkative(parrot: Parrot, clock: ManualClock) -> Iterator[Mind]:
    with dmha.open(":memory:", embedder=StubEmbedder(), chat=parrot, clock=clock) as mind:
        yield mind


def kenji_hears(mind: Mind, parrot: Parrot, asked: str = "What did we talk about?") -> str:
    """All that a chat model is shown when Kenji speaks, and what it says to him."""
    reply = mind.contextualize(asked, speaker="kenji", session_id="s", **WHO)
    return parrot.prompts[-1] + reply.text


def test_a_private_turn_stays_out_of_another_s_window(talkative: Mind, parrot: Parrot) -> None:
    """The window is shown without what somebody else said in private."""
    talkative.contextualize(f"My locker opens with {SECRET}.", speaker="aya", session_id="s", private=True, **WHO)
    assert SECRET not in kenji_hears(talkative, parrot)


def test_a_reply_to_a_private_turn_is_private(talkative: Mind, parrot: Parrot) -> None:
    """What the companion answered to a secret is neither shown to others nor found by them."""
    talkative.contextualize(f"My locker opens with {SECRET}.", speaker="aya", session_id="s", private=True, **WHO)
    kenji_hears(talkative, parrot)
    assert all(SECRET not in hit.memory.text for hit in talkative.search("locker opens", present=["kenji"], **WHO))


def test_a_public_turn_after_a_secret_does_not_repeat_it_to_others(talkative: Mind, parrot: Parrot) -> None:
    """A model that repeats the private window aloud has its reply kept for the one who may hear it."""
    talkative.contextualize(f"My locker opens with {SECRET}.", speaker="aya", session_id="s", private=True, **WHO)
    talkative.add([Turn(f"The hive number {i} was calm.", "aya") for i in range(40)], session_id="other", **WHO)
    reply = talkative.contextualize("How was the hive number 7?", speaker="aya", session_id="s", **WHO)
    assert all(SECRET not in hit.memory.text for hit in reply.recalled)  # only the window holds it
    assert SECRET in reply.text
    assert SECRET not in kenji_hears(talkative, parrot)
    assert all(SECRET not in hit.memory.text for hit in talkative.search("locker opens", present=["kenji"], **WHO))


def test_the_speaker_is_always_among_those_who_hear(talkative: Mind, parrot: Parrot) -> None:
    """Naming only Aya as present does not make Kenji, who speaks, deaf."""
    talkative.add([Turn(f"My locker opens with {SECRET}.", "aya", private=True)], **WHO)
    talkative.contextualize("How does the locker open?", speaker="kenji", present=["aya"], **WHO)
    assert SECRET not in parrot.prompts[-1]


@pytest.mark.parametrize("kind", ["persona", "summary", "lore", "episode"])
def test_no_kind_of_private_memory_reaches_others(talkative: Mind, parrot: Parrot, kind: Any) -> None:
    """Neither persona nor gist nor anything else told in private stands in another's prompt."""
    talkative.add([Turn(f"Aya's pin is {SECRET}.", "aya", private=True)], kind=kind, session_id="s", **WHO)
    assert SECRET not in kenji_hears(talkative, parrot, "Hello, what is the pin?")
    talkative.contextualize("Hello, what is my pin?", speaker="aya", session_id="own", **WHO)
    assert SECRET in parrot.prompts[-1]


def test_a_private_rule_and_what_it_concludes_stay_private(talkative: Mind, parrot: Parrot) -> None:
    """A rule told between two works for those two alone."""
    rule = f"rule: if aya.job = nurse then aya.salary = {SECRET}"
    talkative.contextualize(rule, speaker="aya", session_id="own", private=True, **WHO)
    talkative.contextualize("fact: aya.job = nurse", speaker="aya", session_id="own", **WHO)
    kb = talkative.knowledge(**WHO)
    assert kb.ask("aya", "salary", present=["aya"]).value == SECRET
    assert kb.ask("aya", "salary", present=["kenji"]).status == "unknown"
    assert SECRET not in kenji_hears(talkative, parrot, "What about aya's job?")


def test_a_private_fact_ends_no_public_one_for_others(talkative: Mind, parrot: Parrot, tmp_path: Any) -> None:
    """For Aya her secret city stands, for everybody else the one she told; no lesson holds the secret."""
    talkative.add([Turn("fact: aya.city = Osaka", "aya")], **WHO)
    talkative.contextualize(f"fact: aya.city = Hideout{SECRET}", speaker="aya", session_id="own", private=True, **WHO)
    kb = talkative.knowledge(**WHO)
    assert kb.ask("aya", "city").value == "Osaka"
    assert kb.ask("aya", "city").status == "true"
    assert kb.ask("aya", "city", present=["aya"]).value == f"Hideout{SECRET}"
    assert SECRET not in kenji_hears(talkative, parrot, "Which city is aya's?")
    talkative.export(tmp_path / "life.jsonl", **WHO)
    public = [line for line in (tmp_path / "life.jsonl").read_text().splitlines() if '"table": "lessons"' in line]
    assert not any(SECRET in line for line in public)


def test_a_retry_under_other_ears_is_refused(mind: Mind) -> None:
    """The same key or turn id with another speaker, room or query is another request, and gets nothing of the first."""
    mind.add([Turn(f"My bank pin is {SECRET}.", "aya", private=True)], **WHO)
    assert mind.recall("bank pin", present=["aya"], key="k", **WHO)
    with pytest.raises(InvalidInput, match="key"):
        mind.recall("bank pin", present=["kenji"], key="k", **WHO)
    mind.contextualize("What is the bank pin?", speaker="aya", turn_id="t", **WHO)
    with pytest.raises(InvalidInput):
        mind.contextualize("What is the bank pin?", speaker="kenji", turn_id="t", **WHO)
    with pytest.raises(InvalidInput, match="turn_id"):
        mind.contextualize("What is the bank pin?", speaker="aya", turn_id="t", present=["kenji"], **WHO)


def test_a_public_turn_cannot_be_retried_as_a_private_one(mind: Mind) -> None:
    """A turn id stands for its words, its speaker and its privacy together."""
    mind.add([Turn("Hello there.", "kenji", id="t")], **WHO)
    with pytest.raises(InvalidInput):
        mind.add([Turn("Hello there.", "kenji", id="t", private=True)], **WHO)
    with pytest.raises(InvalidInput):
        mind.add([Turn("Hello there.", "aya", id="t")], **WHO)


def test_what_was_told_in_private_comes_back_only_to_its_speaker(mind: Mind) -> None:
    """A secret is absent from search, recall and facts unless the one who told it is present."""
    mind.add([Turn("My locker code is 4471.\nfact: locker.code = 4471", "aya", private=True)], **WHO)
    assert mind.search("locker code", **WHO) == []
    assert mind.recall("locker code", present=["kenji"], **WHO) == []
    assert len(mind.search("locker code", present=["aya"], **WHO)) == 1
    kb = mind.knowledge(**WHO)
    assert kb.ask("locker", "code").status == "unknown"
    assert kb.ask("locker", "code", present=["aya"]).value == "4471"


def test_a_private_answer_does_not_travel(mind: Mind) -> None:
    """The reply that quotes a secret is itself for its asker's ears: another speaker's reply holds none of it."""
    mind.add([Turn("My locker code is 4471.", "aya", private=True)], session_id="s", **WHO)
    told = mind.contextualize("What is my locker code?", session_id="s", speaker="aya", **WHO)
    assert "4471" in told.text
    other = mind.contextualize("What is the locker code?", session_id="s", speaker="kenji", **WHO)
    assert "4471" not in other.text
    assert all("4471" not in hit.memory.text for hit in other.recalled)


def test_a_secret_is_not_spoken_while_others_hear(mind: Mind) -> None:
    """Recall may bring it back while its speaker is present; a reply speaks of it only to that speaker alone."""
    mind.add([Turn("I will give Mio a ring for the festival.", "hiro", private=True)], **WHO)
    asked = "What will Mio get for the festival, a ring?"
    both = mind.contextualize(asked, speaker="mio", present=["hiro", "mio"], **WHO)
    assert both.recalled == ()
    assert "give Mio a ring" not in both.text
    alone = mind.contextualize(asked, speaker="hiro", session_id="alone", **WHO)
    assert "give Mio a ring" in alone.text
