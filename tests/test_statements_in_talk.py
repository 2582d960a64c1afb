"""Facts, denials and rules told in talk: what becomes known, what is mended, what is only words."""

from __future__ import annotations

from typing import Any

import pytest
from stubs import ManualClock

from dmha import Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}


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
