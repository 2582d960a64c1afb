"""Forks: each sees the path to it alone, copies nothing, and costs as little among many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from recallable import HERE, said
from stubs import Listening, ManualClock, StubEmbedder

import dmha
from dmha import Turn
from dmha.mind import Mind


@pytest.fixture
def listened(database: Path, clock: ManualClock) -> Iterator[tuple[Mind, Listening]]:
    chat = Listening()
    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        yield mind, chat


def test_a_fork_sees_the_path_to_it_alone(listened: tuple[Mind, Listening]) -> None:
    """What another branch went through is neither in the window nor recalled nor known; the shared path is."""
    mind, chat = listened
    mind.add([Turn("We meet at the harbour.", "aya", id="t0"), Turn("fact: aya.boat = Merry", "aya", id="t1")], **HERE)
    mind.add(Turn("fact: aya.captain = Nami. The harbour burns.", "aya", id="left"), parent="t1", **HERE)
    mind.contextualize("What about the harbour and aya?", speaker="aya", turn_id="right", parent="t1", **HERE)
    assert "We meet at the harbour." in chat.shown
    assert "aya.boat" in chat.shown
    assert "Nami" not in chat.shown
    assert "burns" not in chat.shown
    mind.contextualize("And the harbour?", speaker="aya", parent="left", **HERE)
    assert "burns" in chat.shown
    assert "What about the harbour" not in chat.shown


def test_a_fact_ended_on_another_branch_holds_on_this_one(listened: tuple[Mind, Listening], clock: ManualClock) -> None:
    """What a reply on one branch ended is known as before on a fork that left earlier, and ends there of itself."""
    mind, chat = listened
    mind.add(Turn("fact: aya.city = Osaka", "aya", id="t0"), **HERE)
    clock.forward(days=1)
    mind.contextualize("fact: aya.city = Sapporo", speaker="aya", turn_id="left", **HERE)
    clock.forward(days=1)
    mind.contextualize("Where is the city of aya?", speaker="aya", parent="t0", **HERE)
    assert '"of": "aya", "is": "Osaka", "since"' in chat.shown
    clock.forward(days=1)
    reply = mind.contextualize("fact: aya.city = Nara", speaker="aya", **HERE)
    assert [repair.conflict.left for repair in reply.repairs] == ["aya.city = Osaka"]
    assert not mind.contextualize("Where is the city of aya?", speaker="aya", **HERE).conflicts
    assert '"of": "aya", "is": "Nara", "since"' in chat.shown


def test_a_fork_copies_nothing(mind: Mind) -> None:
    """Going on from an earlier turn adds the new turn alone."""
    mind.add([Turn(f"turn {n}", "aya", id=f"t{n}") for n in range(5)], **HERE)
    before = len(said(mind))
    mind.add(Turn("otherwise", "aya"), parent="t2", session_id="what if", **HERE)
    assert len(said(mind)) == before + 1


def test_a_fork_asks_as_little_among_many(mind: Mind) -> None:
    """What lies aside of a path is asked for once, be there two branches or fifty."""
    mind.add([Turn("root", "aya", id="t0"), Turn("trunk", "aya", id="t1")], **HERE)
    for n in range(50):
        mind.add([Turn(f"fork {n}", "aya", id=f"f{n}"), Turn("leaf", "aya")], parent="t0", **HERE)
    asked: list[str] = []
    with mind._truth.read() as ledger:
        tip = ledger.memories._tree.find(ledger.places.find(mind._place("aya", "relu", None)), "f7").id  # type: ignore[attr-defined]  # the store itself
        connection = ledger._connection  # type: ignore[attr-defined]  # the file behind the protocol
        connection.connection.driver_connection.set_trace_callback(asked.append)
        assert len(ledger.reading.aside(tip)) == 1 + 49 * 2 + 1
        connection.connection.driver_connection.set_trace_callback(None)
    assert len(asked) == 1


def test_a_fork_s_window_is_its_own(listened: tuple[Mind, Listening]) -> None:
    """A window folded on one branch is still whole on the other, and each is told the gists of its path alone."""
    mind, chat = listened
    mind.add([Turn(f"On day {n} the lamp {n} was lit.", "aya", id=f"t{n}") for n in range(30)], **HERE)
    mind.add([Turn(f"On night {n} the owl {n} called.", "aya") for n in range(30)], parent="t29", **HERE)
    mind.contextualize("Good morning.", speaker="aya", session_id="fork", parent="t29", token_budget=16_000, **HERE)
    assert '"gist"' not in chat.shown
    assert "On day 0 the lamp 0 was lit." in chat.shown
    mind.contextualize("Good morning.", speaker="aya", token_budget=16_000, **HERE)
    assert '"gist"' in chat.shown


def test_the_session_goes_on_from_its_last_turn(listened: tuple[Mind, Listening]) -> None:
    """Without a parent named, a session goes on where something was said last, be that on a fork."""
    mind, chat = listened
    mind.add([Turn("root", "aya", id="t0"), Turn("left", "aya", id="t1")], **HERE)
    mind.add(Turn("right", "aya", id="t2"), parent="t0", **HERE)
    mind.contextualize("Go on.", speaker="aya", **HERE)
    assert "right" in chat.shown
    assert '"left"' not in chat.shown


def test_more_of_what_is_known_goes_on_from_it(listened: tuple[Mind, Listening]) -> None:
    """A batch that repeats known turns and adds new ones stands after the last it repeats, on that branch."""
    mind, chat = listened
    told = [Turn("root", "aya", id="t0"), Turn("left", "aya", id="t1")]
    mind.add(told, **HERE)
    mind.add(Turn("right", "aya", id="t2"), parent="t0", **HERE)
    mind.add([*told, Turn("farther left", "aya", id="t3")], **HERE)
    mind.contextualize("Go on.", speaker="aya", parent="t3", **HERE)
    assert "aya: left" in chat.shown
    assert "right" not in chat.shown
