"""One memory, by its id: changed, read through its history, deleted, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from recallable import texts

from dmha import NotFound, Stale, Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


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
