"""The main path: a turn comes in, a reply goes out, and what it was made of can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recallable import texts
from stubs import ManualClock, Scripted, StubEmbedder

import dmha
from dmha import InvalidInput, Turn, Unavailable
from dmha.domain.tokens import estimate_tokens
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


@pytest.fixture
def scripted(tmp_path: Path, clock: ManualClock) -> Iterator[tuple[Mind, Scripted]]:
    chat = Scripted()
    with dmha.open(tmp_path / "scripted.db", embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        yield mind, chat


def test_a_turn_never_recalls_itself(mind: Mind) -> None:
    """The words just said are remembered, and are not among what they brought back."""
    reply = mind.contextualize("Who keeps bees?", speaker="aya", **WHO)
    assert reply.recalled == ()
    assert "nothing" in reply.text
    assert texts(mind.search("bees", **WHO)) == ["Who keeps bees?"]


def test_the_trace_names_every_step_and_its_time(mind: Mind) -> None:
    """Perceive, remember, recall, generate, check, repair, learn, commit: in this order."""
    steps = mind.contextualize("Hello there.", **WHO).trace
    assert list(steps) == ["perceive", "remember", "recall", "generate", "check", "repair", "learn", "commit"]
    assert all(step.did and step.ms >= 0 for step in steps.values())


def test_the_trace_tells_what_each_stage_of_recall_took(mind: Mind) -> None:
    """Nominating and ranking each have their milliseconds."""
    mind.add("The cat hides in the bathtub.", **WHO)
    did = mind.contextualize("Where does the cat hide?", **WHO).trace["recall"].did
    assert re.fullmatch(r"[0-9]+ memories came back \(coarse [0-9.]+ ms, fine [0-9.]+ ms\)", did)


def test_a_retry_with_the_same_turn_id_changes_nothing(mind: Mind, tmp_path: Path) -> None:
    """The second answer is the first, and the export before and after is the same."""
    mind.add("My sister keeps bees.", **WHO)
    first = mind.contextualize("Who keeps bees?", turn_id="t1", **WHO)
    mind.export(tmp_path / "before", **WHO)
    again = mind.contextualize("Who keeps bees?", turn_id="t1", **WHO)
    mind.export(tmp_path / "after", **WHO)
    assert (again.text, again.confidence, again.consistency) == (first.text, first.confidence, first.consistency)
    assert [hit.memory.id for hit in again.recalled] == [hit.memory.id for hit in first.recalled]
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
    with pytest.raises(InvalidInput):
        mind.contextualize("Something else.", turn_id="t1", **WHO)


def test_a_turn_whose_answer_failed_is_answered_by_its_retry(scripted: tuple[Mind, Scripted]) -> None:
    """When the chat model was down, the turn is kept once and the retry goes on from there."""
    mind, chat = scripted
    chat.replies = ["FAIL", "Hello again."]
    with pytest.raises(Unavailable):
        mind.contextualize("Hello there.", turn_id="t1", **WHO)
    assert mind.contextualize("Hello there.", turn_id="t1", **WHO).text == "Hello again."
    assert texts(mind.search("Hello there.", **WHO)).count("Hello there.") == 1


def test_a_model_that_writes_sees_the_best_of_the_unlikely(scripted: tuple[Mind, Scripted]) -> None:
    """What is unlikely to answer is shown to a chat model, is not called recalled in vain, and is not strengthened."""
    mind, chat = scripted
    (id,) = mind.add("My sister keeps bees.", **WHO)
    chat.replies = ["I am fine."]
    mind.contextualize("How do you do?", **WHO)
    assert "My sister keeps bees." in chat.prompts[0][1]["content"]
    assert mind.get(id, **WHO).recall_count == 0


def test_an_echo_is_not_remembered_as_new(mind: Mind) -> None:
    """A reply that quotes a memory does not come back as a second memory of it."""
    mind.add("My sister keeps bees.", **WHO)
    mind.contextualize("Who keeps bees?", **WHO)
    assert all(hit.memory.source != "assistant" for hit in mind.search("sister keeps bees", **WHO))


def test_what_a_model_says_of_its_own_is_remembered_as_its_saying(scripted: tuple[Mind, Scripted]) -> None:
    """The companion knows what it said, under its own name and with less trust."""
    mind, chat = scripted
    chat.replies = ["I dreamt of a lighthouse."]
    mind.contextualize("Good morning!", speaker="aya", **WHO)
    (hit,) = mind.search("lighthouse", top_k=1, **WHO)
    assert (hit.memory.speaker, hit.memory.source, hit.memory.trust) == ("relu", "assistant", 0.5)


def test_the_window_and_the_persona_reach_the_model(scripted: tuple[Mind, Scripted]) -> None:
    """The system role holds the persona and no recalled text; the window alternates; the question stands last."""
    mind, chat = scripted
    mind.add("ReLU speaks softly.", kind="persona", **WHO)
    mind.add("Aya keeps bees.", session_id="old", **WHO)
    chat.replies = ["First.", "Second."]
    mind.contextualize("Hello bees.", session_id="s", speaker="aya", **WHO)
    mind.contextualize("And now the bees?", session_id="s", speaker="aya", **WHO)
    system, block, *window, question = chat.prompts[-1]
    assert "ReLU speaks softly." in system["content"]
    assert "bees" not in system["content"]
    assert "Aya keeps bees." in block["content"]
    assert [message["role"] for message in window] == ["user", "assistant"]
    assert question["content"] == "[2026-01-01 00:00] aya: And now the bees?"


def test_a_full_window_leaves_a_gist_and_every_word(mind: Mind) -> None:
    """After many turns a summary links to its sources, and each turn is still there verbatim."""
    turns = [Turn(f"On day {i} the hive number {i} was calm.", "aya") for i in range(90)]
    ids = mind.add(turns, session_id="s", **WHO)
    assert len({mind.get(id, **WHO).text for id in ids}) == 90
    gists = mind.search("hive", kind="summary", **WHO)
    assert gists
    assert all(line.startswith("aya: On day") for line in gists[0].memory.text.splitlines())


def test_a_small_budget_is_kept_and_too_small_a_one_refused(scripted: tuple[Mind, Scripted]) -> None:
    """The prompt and the reply share the budget by the model's own count."""
    mind, chat = scripted
    mind.add([Turn(f"The hive number {i} was calm and full of bees. " * 5) for i in range(60)], session_id="s", **WHO)
    chat.replies = ["Calm."]
    mind.contextualize("How are the bees?", session_id="s", token_budget=600, **WHO)
    assert sum(estimate_tokens(message["content"]) for message in chat.prompts[0]) <= 600
    with pytest.raises(InvalidInput, match="token_budget"):
        mind.contextualize("How are the bees?", token_budget=10, **WHO)


def test_a_caret_in_a_turn_is_only_a_caret(mind: Mind) -> None:
    """Talk is not in the query language: no weight, no error."""
    assert mind.contextualize("x^500 is large ^", **WHO).text
    assert mind.contextualize("^", **WHO).text
