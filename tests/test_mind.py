"""The main path and the calls around it, through the public names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, NotFound, OutOfBounds, Stale, Turn, Unavailable
from dmha.domain.tokens import estimate_tokens
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


def untyped(value: Any) -> Any:
    """The value as a caller without a type checker would give it."""
    return value


class Scripted:
    """A chat model that says what it is told to, and keeps the prompts it was given."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.prompts: list[list[dict[str, Any]]] = []

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.prompts.append(messages)
        text = self.replies.pop(0)
        if text == "FAIL":
            raise Unavailable("chat model", "it is down", "Start it.")
        yield text

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


@pytest.fixture
def scripted(tmp_path: Path, clock: ManualClock) -> Iterator[tuple[Mind, Scripted]]:
    chat = Scripted()
    with dmha.open(tmp_path / "scripted.db", embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        yield mind, chat


def texts(hits: list[dmha.Hit]) -> list[str]:
    return [hit.memory.text for hit in hits]


# -- remembering and bringing back --


def test_what_was_added_is_found_at_once_with_its_reasons(mind: Mind) -> None:
    """A hit's reasons add up to its score, and the memory is whole."""
    (id,) = mind.add([Turn("My sister keeps bees.", "aya", metadata={"place": "roof"})], session_id="s1", **WHO)
    (hit,) = mind.search("Who keeps bees?", **WHO)
    assert hit.memory.id == id
    assert (hit.memory.speaker, hit.memory.session_id, hit.memory.metadata) == ("aya", "s1", {"place": "roof"})
    assert sum(hit.reasons.values()) == pytest.approx(hit.score)
    assert hit.why == "match"


def test_search_of_an_unknown_place_is_empty_and_makes_nothing(mind: Mind, tmp_path: Path) -> None:
    """Asking about nobody gives nothing, and the account does not come to be."""
    assert mind.search("anything", user_id="nobody") == []
    assert mind.recall("anything", user_id="nobody") == []
    with pytest.raises(NotFound):
        mind.export(tmp_path / "nobody.jsonl", user_id="nobody")


def test_search_changes_nothing_and_recall_lengthens_half_lives(mind: Mind, clock: ManualClock) -> None:
    """Only what `recall` returned is strengthened, more the more had faded."""
    mind.add("My sister keeps bees.", **WHO)
    (before,) = mind.search("bees", **WHO)
    clock.forward(days=7)
    (unchanged,) = mind.search("bees", **WHO)
    assert unchanged.memory == before.memory
    mind.recall("bees", **WHO)
    (after,) = mind.search("bees", **WHO)
    assert after.memory.recall_count == 1
    assert after.memory.last_recalled_at == clock.now
    # Retention had fallen to a half after one half-life: 1 + 0.1 + 1.4 * 0.5 = 1.8 times.
    assert after.memory.half_life == pytest.approx(1.8 * before.memory.half_life)


def test_a_keyed_recall_strengthens_once(mind: Mind, clock: ManualClock) -> None:
    """A retry of a recall gives the same hits and strengthens nothing."""
    mind.add("My sister keeps bees.", **WHO)
    first = mind.recall("bees", key="k", **WHO)
    clock.forward(days=1)
    assert texts(mind.recall("bees", key="k", **WHO)) == texts(first)
    assert mind.get(first[0].memory.id, **WHO).recall_count == 1


def test_a_keyed_recall_that_found_nobody_stays_empty(mind: Mind) -> None:
    """Its retry answers the same, whatever was remembered there meanwhile."""
    assert mind.recall("bees", key="k", **WHO) == []
    mind.add("The bees swarmed.", **WHO)
    assert mind.recall("bees", key="k", **WHO) == []
    assert mind.recall("bees", key="other", **WHO)


def test_filters_limit_what_comes_back(mind: Mind, clock: ManualClock) -> None:
    """Each filter lets through what it names and nothing else."""
    start = clock.now
    turns = [
        Turn("bees one", "aya", at=start, metadata={"n": 1, "tag": "x"}),
        Turn("bees two", "kenji", at=start + timedelta(days=10), metadata={"n": 2}),
    ]
    mind.add(turns, **WHO)
    assert texts(mind.search("bees", speaker="kenji", **WHO)) == ["bees two"]
    assert texts(mind.search("bees", until=start + timedelta(days=1), **WHO)) == ["bees one"]
    assert texts(mind.search("bees", since=start + timedelta(days=1), **WHO)) == ["bees two"]
    assert texts(mind.search("bees", metadata={"n": 2}, **WHO)) == ["bees two"]
    assert texts(mind.search("bees", metadata={"tag": "x"}, **WHO)) == ["bees one"]
    assert mind.search("bees", tier="muscle", **WHO) == []
    assert mind.search("bees", speaker="stranger", **WHO) == []
    assert mind.search("bees", min_confidence=1.0, **WHO) == []


def test_polarity_brings_the_sweet_the_bitter_or_both(mind: Mind) -> None:
    """`both` puts the best and the worst memory side by side."""
    mind.add("The festival was wonderful, I was so happy!", **WHO)
    mind.add("The festival was horrible, I hated it.", **WHO)
    mind.add("The festival is in August.", **WHO)
    assert texts(mind.search("festival", polarity="joy", **WHO)) == ["The festival was wonderful, I was so happy!"]
    assert texts(mind.search("festival", polarity="aversion", **WHO)) == ["The festival was horrible, I hated it."]
    assert len(mind.search("festival", polarity="both", top_k=2, **WHO)) == 2


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


def test_a_model_that_writes_sees_the_best_of_the_unlikely(scripted: tuple[Mind, Scripted]) -> None:
    """What is unlikely to answer is shown to a chat model, is not called recalled in vain, and is not strengthened."""
    mind, chat = scripted
    (id,) = mind.add("My sister keeps bees.", **WHO)
    chat.replies = ["I am fine."]
    mind.contextualize("How do you do?", **WHO)
    assert "My sister keeps bees." in chat.prompts[0][1]["content"]
    assert mind.get(id, **WHO).recall_count == 0


def test_a_shared_world_has_one_event_and_two_perspectives(mind: Mind) -> None:
    """What one companion recalls is strengthened for it alone."""
    mind.add([Turn("The bees swarmed.", "aya")], user_id="acct", agent_id="a", world="garden")
    mind.add([Turn("Hello.", "aya")], user_id="acct", agent_id="b", world="garden")
    (seen,) = mind.search("bees", user_id="acct", agent_id="b", world="garden", top_k=1)
    mind.recall("bees", user_id="acct", agent_id="a", world="garden", top_k=1)
    assert mind.get(seen.memory.id, user_id="acct", agent_id="a", world="garden").recall_count == 1
    assert mind.get(seen.memory.id, user_id="acct", agent_id="b", world="garden").recall_count == 0


def test_a_companion_new_to_a_shared_world_finds_what_happened_there(mind: Mind) -> None:
    """What Rin's companion lived through, Bo finds without having been there; recalling it makes it Bo's own."""
    mind.add([Turn("The bees swarmed.", "aya")], user_id="acct", agent_id="rin", world="tavern")
    bo: dict[str, Any] = {"user_id": "acct", "agent_id": "bo", "world": "tavern"}
    (hit,) = mind.search("bees", **bo)
    mind.recall("bees", **bo)
    assert mind.get(hit.memory.id, **bo).recall_count == 1
    assert mind.get(hit.memory.id, user_id="acct", agent_id="rin", world="tavern").recall_count == 0


# -- single memories --


def test_an_update_is_a_new_version_and_the_old_words_stay_in_history(mind: Mind) -> None:
    """New words are found, old ones are not, and both stand in the history."""
    (id,) = mind.add("I keep bees.", **WHO)
    changed = mind.update(id, text="I keep goats.", pinned=True, version=1, **WHO)
    assert (changed.text, changed.version, changed.pinned) == ("I keep goats.", 2, True)
    assert [memory.text for memory in mind.history(id, **WHO)] == ["I keep bees.", "I keep goats."]
    assert texts(mind.search("goats", **WHO)) == ["I keep goats."]
    with pytest.raises(Stale):
        mind.update(id, text="I keep cats.", version=1, **WHO)


def test_changed_words_are_felt_and_understood_anew(mind: Mind) -> None:
    """An edit from love to hate turns the feelings, and what the old words told is no longer known."""
    (id,) = mind.add([Turn("I love sushi!\nfact: aya.food = sushi", "aya")], **WHO)
    changed = mind.update(id, text="I hate sushi.\nfact: aya.food = ramen", **WHO)
    assert changed.aversion > changed.joy
    assert mind.feelings(**WHO).mood.joy == 0
    answer = mind.knowledge(**WHO).ask("aya", "food")
    assert (answer.value, answer.status) == ("ramen", "true")


def test_what_was_just_said_can_be_taken_back(mind: Mind) -> None:
    """A reply names the memories of its turn and of itself, so that both can be deleted."""
    reply = mind.contextualize("I keep bees.", turn_id="t1", **WHO)
    assert reply.turn_id == "t1"
    for id in reply.remembered:
        mind.delete(id, **WHO)
    assert mind.search("bees", **WHO) == []


def test_a_deleted_memory_is_gone_with_what_it_told(mind: Mind) -> None:
    """No search, no fact, no id is left of it."""
    (id,) = mind.add([Turn("I live in Osaka.\nfact: aya.city = Osaka", "aya")], **WHO)
    mind.delete(id, **WHO)
    assert mind.search("Osaka", **WHO) == []
    assert mind.knowledge(**WHO).ask("aya", "city").status == "unknown"
    with pytest.raises(NotFound):
        mind.get(id, **WHO)


def test_another_account_s_memory_does_not_exist(mind: Mind) -> None:
    """Get, update, delete and history of a foreign id are all NotFound."""
    (id,) = mind.add("I keep bees.", **WHO)
    stranger: dict[str, Any] = {"user_id": "stranger", "agent_id": "relu"}
    mind.add("hello", **stranger)
    for call in (mind.get, mind.delete, mind.history):
        with pytest.raises(NotFound):
            call(id, **stranger)
    with pytest.raises(NotFound):
        mind.update(id, text="mine", **stranger)


def test_delete_all_leaves_other_companions_alone(mind: Mind) -> None:
    """One companion is forgotten; the account's other one remembers."""
    mind.add("bees", **WHO)
    mind.add("bees", user_id="acct", agent_id="other")
    mind.delete_all(**WHO)
    assert mind.search("bees", **WHO) == []
    assert len(mind.search("bees", user_id="acct", agent_id="other")) == 1
    mind.delete_all(user_id="acct")
    assert mind.search("bees", user_id="acct", agent_id="other") == []


# -- the main path --


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


def test_a_contradiction_is_found_mended_and_learned_from(mind: Mind, clock: ManualClock) -> None:
    """The newer city ends the older one, what stood on it falls, and a lesson is put down."""
    mind.add([Turn("I live in Osaka.\nfact: aya.city = Osaka", "aya")], **WHO)
    mind.add([Turn("rule: if ?x.city = Osaka then ?x.region = Kansai", "aya")], **WHO)
    kb = mind.knowledge(**WHO)
    assert kb.ask("aya", "region").value == "Kansai"
    clock.forward(days=100)
    reply = mind.contextualize("I moved!\nfact: aya.city = Sapporo", speaker="aya", **WHO)
    (repair,) = reply.repairs
    assert (repair.conflict.left, repair.conflict.right) == ("aya.city = Osaka", "aya.city = Sapporo")
    assert repair.before == pytest.approx(0.2)
    assert reply.consistency == 1.0
    assert "Sapporo" in reply.text
    assert kb.conflicts() == []
    assert (kb.ask("aya", "city").value, kb.ask("aya", "city").status) == ("Sapporo", "true")
    region = kb.ask("aya", "region")
    assert region.status == "unknown"
    assert "Osaka" in region.why[0]
    assert reply.trace["learn"].did == "one lesson recorded"


def test_statements_are_understood_several_to_a_text_in_any_width(mind: Mind) -> None:
    """Facts, denials and rules, full-width signs, quotes and CJK, in one turn."""
    mind.add(
        [
            Turn(
                '近況！\n事実：aya.猫 ＝ こはる\nfact: aya.city = "New York"; deny: aya.drinks = coffee\nfact: broken',
                "aya",
            )
        ],
        **WHO,
    )
    kb = mind.knowledge(**WHO)
    assert kb.ask("aya", "猫").value == "こはる"
    assert kb.ask("aya", "city").value == "New York"
    assert kb.ask("aya", "drinks").status == "false"


def test_what_the_assistant_or_a_tool_says_is_no_fact(mind: Mind) -> None:
    """Statements in their turns are words, not knowledge."""
    mind.add([Turn("fact: aya.city = Osaka", "relu", source="assistant")], **WHO)
    mind.add([Turn("fact: aya.city = Osaka", "search", source="tool")], **WHO)
    assert mind.knowledge(**WHO).ask("aya", "city").status == "unknown"


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


def test_opposite_inputs_give_opposite_moods_and_confidences(mind: Mind) -> None:
    """Delight lifts, hurt lowers; a known thing is answered surely, an unknown one is not."""
    glad = mind.contextualize("I am so happy, this is wonderful!", user_id="glad").mood
    hurt = mind.contextualize("I am so sad, this is horrible.", user_id="hurt").mood
    assert glad.joy > 0.3 > glad.aversion
    assert hurt.aversion > 0.3 > hurt.joy
    mind.add("My sister keeps bees on the roof.", **WHO)
    known = mind.contextualize("Where does my sister keep bees?", **WHO).confidence
    unknown = mind.contextualize("Which blood type am I?", **WHO).confidence
    assert known > 0.5 > unknown


def test_quoting_an_old_hurt_is_no_new_hurt(mind: Mind, clock: ManualClock) -> None:
    """What the companion itself says moves its mood as little as an echo moves the one who hears it."""
    mind.add("The harbour was horrible, I cried for days.", **WHO)
    clock.forward(days=300)
    reply = mind.contextualize("The harbour, those days?", **WHO)
    mood = mind.feelings(**WHO).mood
    assert "horrible" in reply.text
    assert mood.aversion < 0.1


def test_mood_fades(mind: Mind, clock: ManualClock) -> None:
    """The same joy weighs half after the mood's half-life and nothing after a month."""
    mind.add("I am so happy, this is wonderful!", **WHO)
    now = mind.feelings(**WHO).mood.joy
    clock.forward(days=30)
    assert mind.feelings(**WHO).mood.joy < 1e-6 < now


def test_feelings_about_people_follow_what_they_said(mind: Mind) -> None:
    """Who brought joy is told apart from who brought hurt."""
    mind.add([Turn("I love this, what a wonderful day!", "aya"), Turn("I hate this horrible place.", "kenji")], **WHO)
    about = mind.feelings(**WHO).about
    assert about["aya"].joy > about["aya"].aversion
    assert about["kenji"].aversion > about["kenji"].joy


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


# -- bad input --


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("text", lambda mind: mind.add("", **WHO)),
        ("text", lambda mind: mind.add("a\ud800b", **WHO)),
        ("text", lambda mind: mind.add("a\x00b", **WHO)),
        ("text", lambda mind: mind.add([Turn(untyped(5))], **WHO)),
        ("turns", lambda mind: mind.add([{"text": "hi"}], **WHO)),
        ("at", lambda mind: mind.add([Turn("hi", at=datetime(2026, 1, 1))], **WHO)),  # noqa: DTZ001 - a naive time is the point
        ("source", lambda mind: mind.add([Turn("hi", source=untyped("god"))], **WHO)),
        ("metadata", lambda mind: mind.add([Turn("hi", metadata={"x": float("nan")})], **WHO)),
        ("metadata", lambda mind: mind.add([Turn("hi", metadata={"x": {1, 2}})], **WHO)),
        ("vector", lambda mind: mind.add([Turn("hi", vector=untyped([1.0]))], **WHO)),
        ("turn id", lambda mind: mind.add([Turn("a", id="x"), Turn("b", id="x")], **WHO)),
        ("kind", lambda mind: mind.add("hi", kind="rumour", **WHO)),
        ("user_id", lambda mind: mind.add("hi", user_id="")),
        ("agent_id", lambda mind: mind.search("hi", user_id="a", agent_id="b\x00")),
        ("query", lambda mind: mind.search("", **WHO)),
        ("top_k", lambda mind: mind.search("hi", top_k=0, **WHO)),
        ("top_k", lambda mind: mind.search("hi", top_k=True, **WHO)),
        ("ranking", lambda mind: mind.search("hi", ranking="similarity +", **WHO)),
        ("tier", lambda mind: mind.search("hi", tier="deep", **WHO)),
        ("polarity", lambda mind: mind.search("hi", polarity="meh", **WHO)),
        ("min_confidence", lambda mind: mind.search("hi", min_confidence=2, **WHO)),
        ("present", lambda mind: mind.search("hi", present="aya", **WHO)),
        ("since", lambda mind: mind.search("hi", since=datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")), **WHO)),
        ("since", lambda mind: mind.search("hi", since=datetime(2026, 1, 1), **WHO)),  # noqa: DTZ001 - a naive time is the point
        ("statement", lambda mind: mind.knowledge(**WHO).tell("nonsense")),
    ],
)
def test_bad_input_names_its_field_and_writes_nothing(mind: Mind, field: str, call: Any) -> None:
    """Whatever is wrong, the error names the field and the fix, and the file holds nothing of it."""
    with pytest.raises(InvalidInput) as caught:
        call(mind)
    assert caught.value.field == field
    assert caught.value.fix
    assert mind.search("hi", **WHO) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda mind: mind.add("x" * 1_000_001, **WHO),
        lambda mind: mind.add([Turn("hi", speaker="x" * 300)], **WHO),
        lambda mind: mind.add([Turn("hi", metadata={"x": "y" * 70_000})], **WHO),
        lambda mind: mind.search("hi", top_k=10_000, **WHO),
        lambda mind: mind.search("x" * 10_001, **WHO),
    ],
)
def test_too_much_is_out_of_bounds(mind: Mind, call: Any) -> None:
    """A limit is told with what was given."""
    with pytest.raises(OutOfBounds):
        call(mind)


@pytest.mark.parametrize(
    "text",
    [
        "😀😀😀",
        "\u200b\u200bzero\u200bwidth",
        "\u202egnorw\u202c",
        "Ａｙａ　ｆｕｌｌ",
        "'; DROP TABLE memories; --",
        "a" * 100_000,
        "猫",
    ],
)
def test_strange_but_legitimate_text_comes_back_unchanged(mind: Mind, text: str) -> None:
    """Stored text is never altered, and a reply to it is given."""
    (id,) = mind.add(text, **WHO)
    assert mind.get(id, **WHO).text == text
    assert mind.contextualize(text, **WHO).text


def test_a_turn_given_a_parent_hangs_on_it(mind: Mind) -> None:
    """A parent must be known; an unknown one is NotFound and nothing is written."""
    mind.add([Turn("one", id="a"), Turn("two", id="b", parent="a")], **WHO)
    with pytest.raises(NotFound):
        mind.add([Turn("three", parent="zzz")], **WHO)
    assert len(mind.search("one two three", **WHO)) == 2


def test_times_keep_their_microseconds(mind: Mind) -> None:
    """A moment comes back exactly as it was given, in UTC."""
    at = datetime(2031, 5, 6, 7, 8, 9, 123_457, tzinfo=UTC)
    (id,) = mind.add([Turn("later", at=at)], **WHO)
    assert mind.get(id, **WHO).at == at


# -- local time --


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


def test_the_trace_tells_what_each_stage_of_recall_took(mind: Mind) -> None:
    """Nominating and ranking each have their milliseconds."""
    mind.add("The cat hides in the bathtub.", **WHO)
    did = mind.contextualize("Where does the cat hide?", **WHO).trace["recall"].did
    assert re.fullmatch(r"[0-9]+ memories came back \(coarse [0-9.]+ ms, fine [0-9.]+ ms\)", did)
