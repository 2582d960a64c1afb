"""Knowledge told outside a turn: one statement, which says by its keyword that it is one."""

from __future__ import annotations

import pytest

from dmha.errors import InvalidInput
from dmha.mind import Mind


@pytest.mark.parametrize(
    "said", ["aya.city = Kyoto", "hello there. I like = tea", "end 'aya.city = Osaka' on 2026-01-01", "彩.都市＝大阪"]
)
def test_what_begins_with_no_keyword_is_no_statement(mind: Mind, said: str) -> None:
    """Words with a full stop and a sign of equality are not taken for a fact; nothing is kept of them."""
    known = mind.knowledge(user_id="aya")
    with pytest.raises(InvalidInput, match="keyword"):
        known.tell(said)
    assert known.facts() == []


@pytest.mark.parametrize("said", ["fact: aya.city = 大阪", "  事実：aya.city＝大阪", "Fact： aya.city = 大阪"])
def test_a_keyword_may_be_written_as_in_a_turn(mind: Mind, said: str) -> None:
    """In its language, in either width, after spaces."""
    known = mind.knowledge(user_id="aya")
    known.tell(said)
    assert known.ask("aya", "city").value == "大阪"
