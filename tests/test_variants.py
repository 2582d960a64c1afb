"""A turn said again: its twin and all that followed from it leave nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recallable import HERE, said
from stubs import ManualClock

from dmha import NotFound, Turn
from dmha.mind import Mind


def test_a_replaced_turn_is_recalled_no_more(mind: Mind) -> None:
    """Neither the rejected words nor the reply to them are found, and the new ones are."""
    first = mind.contextualize("I have a red bicycle.", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("I have a blue bicycle.", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    assert "I have a red bicycle." not in said(mind)
    assert "I have a blue bicycle." in said(mind)
    for id in first.remembered:
        with pytest.raises(NotFound):
            mind.get(id, **HERE)


def test_what_followed_on_the_path_goes_too(mind: Mind) -> None:
    """Turns after the replaced one, and forks that left after it, are taken back; what came before stays."""
    mind.add([Turn("before", "aya", id="t0")], **HERE)
    mind.contextualize("wrong", speaker="aya", turn_id="t1", **HERE)
    mind.add([Turn("after", "aya", id="t2")], **HERE)
    mind.add([Turn("elsewhere", "aya", id="t3", parent="t2")], session_id="fork", **HERE)
    mind.add([Turn("aside", "aya", id="t4", parent="t0")], session_id="other", **HERE)
    mind.contextualize("right", speaker="aya", turn_id="t5", replaces="t1", **HERE)
    assert {"before", "aside", "right"} <= set(said(mind))
    assert not {"wrong", "after", "elsewhere"} & set(said(mind))


def test_a_replaced_turn_s_facts_and_what_followed_from_them_fall(mind: Mind) -> None:
    """A fact told in it is unknown again, so is what a rule made of it, and a fact that its reply ended holds again."""
    knowledge = mind.knowledge(**HERE)
    knowledge.tell("rule: if aya.city = Sapporo then aya.island = Hokkaido")
    mind.contextualize("fact: aya.city = Osaka", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("fact: aya.city = Sapporo", speaker="aya", turn_id="t2", **HERE)
    assert knowledge.ask("aya", "city").value == "Sapporo"
    assert knowledge.ask("aya", "island").value == "Hokkaido"
    mind.contextualize("Good morning.", speaker="aya", turn_id="t3", replaces="t2", **HERE)
    assert knowledge.ask("aya", "city").value == "Osaka"
    assert knowledge.ask("aya", "island").status == "unknown"


def test_a_fact_holds_again_when_the_one_that_ended_it_falls(mind: Mind) -> None:
    """Osaka gave way to Sapporo in a reply of another session; with Sapporo's turn taken back, Osaka holds again."""
    mind.add(Turn("fact: aya.city = Osaka", "aya", id="t1"), session_id="one", **HERE)
    mind.add(Turn("fact: aya.city = Sapporo", "aya", id="t2"), session_id="two", **HERE)
    mind.contextualize("Which city does aya live in?", speaker="aya", turn_id="t3", session_id="one", **HERE)
    knowledge = mind.knowledge(**HERE)
    assert (knowledge.ask("aya", "city").value, knowledge.conflicts()) == ("Sapporo", [])
    mind.contextualize("Never mind.", speaker="aya", turn_id="t4", replaces="t2", session_id="two", **HERE)
    assert knowledge.ask("aya", "city").value == "Osaka"


def test_a_replaced_turn_s_feelings_leave_the_mood(mind: Mind, clock: ManualClock) -> None:
    """The mood after the replacement is the one of a companion that never heard the rejected words."""
    mind.contextualize("The dog died, I am terrified and I hate everything!", speaker="aya", turn_id="t1", **HERE)
    assert mind.feelings(**HERE).mood.aversion > 0.1
    mind.contextualize("The table is made of wood.", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    assert mind.feelings(**HERE).mood.aversion == 0
    assert mind.feelings(**HERE).about["aya"].aversion == 0


def test_a_replaced_turn_s_recalls_strengthen_no_more(mind: Mind, clock: ManualClock) -> None:
    """What it recalled is held as if it had not been; what a later recall did on top is told again without it."""
    (id,) = mind.add(Turn("The lighthouse is on the northern island.", "aya", id="t0"), **HERE)
    clock.forward(days=3)
    mind.contextualize("Where is the lighthouse on the northern island?", speaker="aya", turn_id="t1", **HERE)
    assert mind.get(id, **HERE).recall_count == 1
    clock.forward(days=3)
    mind.recall("lighthouse", key="k", **HERE)
    twice = mind.get(id, **HERE)
    mind.contextualize("Good morning.", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    once = mind.get(id, **HERE)
    assert (twice.recall_count, once.recall_count) == (2, 1)
    # Six days unrecalled, once recalled: 7 d * (1 + .1 + 1.4 * (1 - 2 ** (-6 / 7))).
    assert once.half_life == pytest.approx(7 * 86_400 * (1.1 + 1.4 * (1 - 2 ** (-6 / 7))))
    assert once.last_recalled_at == twice.last_recalled_at


def test_a_world_that_a_rejected_turn_made_is_exported_in_its_place(mind: Mind, tmp_path: Path) -> None:
    """The order of worlds in an export tells nothing of a variant that was the first to enter one."""
    scene = HERE | {"world": "scene"}
    mind.contextualize("one", speaker="aya", turn_id="t1", **scene)
    mind.add(Turn("at home", "aya"), **HERE)
    mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **scene)
    mind.export(tmp_path / "life", user_id="aya")
    headers = [line for line in (tmp_path / "life").read_text().splitlines() if '"format"' in line]
    assert [json.loads(header)["world"] for header in headers] == ["agent:relu", "world:scene"]


def test_a_persona_told_amid_a_talk_stays(mind: Mind) -> None:
    """Who the companion is and what is so in its world are no part of the talk: a swipe takes neither back."""
    mind.contextualize("We stand at the gate.", speaker="aya", turn_id="t1", **HERE)
    mind.add("ReLU is a pirate with a parrot.", kind="persona", **HERE)
    mind.add("The well in the yard is poisoned.", kind="lore", **HERE)
    mind.contextualize("It rains.", speaker="aya", turn_id="t2", **HERE)
    mind.contextualize("It snows.", speaker="aya", turn_id="t3", replaces="t1", **HERE)
    assert {"ReLU is a pirate with a parrot.", "The well in the yard is poisoned.", "It snows."} <= set(said(mind))
    assert "It rains." not in said(mind)
