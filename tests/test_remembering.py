"""What was remembered comes back: with its reasons, within the filters, stronger for being recalled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from recallable import texts
from stubs import ManualClock

from dmha import NotFound, Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


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


def test_a_turn_given_a_parent_hangs_on_it(mind: Mind) -> None:
    """A parent must be known; an unknown one is NotFound and nothing is written."""
    mind.add([Turn("one", id="a"), Turn("two", id="b", parent="a")], **WHO)
    with pytest.raises(NotFound):
        mind.add([Turn("three", parent="zzz")], **WHO)
    assert len(mind.search("one two three", **WHO)) == 2
