"""What cannot hold together: exactly these conflicts, and what they leave of the consistency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowing import REGION, VALUE, knowledge

from dmha.domain.logic import (
    consistency,
)
from dmha.types import Conflict

SAME = "the same is asserted and denied"


CONFLICTS = st.lists(
    st.builds(Conflict, st.just("a"), st.just("b"), st.just("c"), st.floats(0.1, 1), st.floats(0.1, 1), st.just(()))
)


@pytest.mark.parametrize(
    ("facts", "rules", "expected"),
    [
        (
            ["fact: aya.city = Osaka", "deny: aya.city = osaka (conf=0.6)"],
            [],
            [("aya.city = Osaka", "deny: aya.city = osaka", SAME, 1.0, 0.6)],
        ),
        (
            ["deny: aya.city = Osaka", "fact: aya.city = Osaka"],
            [],
            [("deny: aya.city = Osaka", "aya.city = Osaka", SAME, 1.0, 1.0)],
        ),
        (
            ["fact: aya.city = Osaka (conf=0.9)", "fact: aya.city = Kobe"],
            [],
            [("aya.city = Osaka", "aya.city = Kobe", VALUE, 0.8, 0.9)],
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Kobe (conf=0.5)"],
            [],
            [("aya.city = Osaka", "aya.city = Kobe", VALUE, 0.8, 0.5)],
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Kobe (conf=0.49)"],
            [],
            [("aya.city = Kobe", "aya.city = Osaka", VALUE, 0.8, 0.49)],
        ),
        (
            ["fact: aya.likes = tea", "fact: aya.dislikes = TEA"],
            [],
            [("aya.likes = tea", "aya.dislikes = TEA", "likes and dislikes exclude each other", 0.8, 1.0)],
        ),
        (
            ["fact: 彩.好き = 納豆", "fact: 彩.嫌い = 納豆"],
            [],
            [("彩.好き = 納豆", "彩.嫌い = 納豆", "好き and 嫌い exclude each other", 0.8, 1.0)],
        ),
        (
            ["fact: aya.city = Osaka", "deny: aya.region = Kansai"],
            [REGION],
            [
                (
                    "aya.region = Kansai",
                    "deny: aya.region = Kansai",
                    f"a rule's conclusion is denied ({REGION})",
                    0.9,
                    0.8,
                )
            ],
        ),
        (
            ["deny: aya.region = Kansai", "fact: aya.city = Osaka"],
            [REGION],
            [
                (
                    "deny: aya.region = Kansai",
                    "aya.region = Kansai",
                    f"a rule's conclusion is denied ({REGION})",
                    0.9,
                    0.8,
                )
            ],
        ),
        (
            ["fact: aya.region = Kanto", "fact: aya.city = Osaka"],
            [REGION],
            [("aya.region = Kanto", "aya.region = Kansai", "region has one value at a time", 0.8, 0.8)],
        ),
        (
            ["fact: aya.city = Osaka", "fact: aya.city = Osaka", "fact: aya.city = Kobe"],
            [],
            [("aya.city = Osaka", "aya.city = Kobe", VALUE, 0.8, 1.0)],
        ),
        (["fact: aya.city = Osaka", "fact: aya.city = Kobe (scope=game)"], [], []),
        (["fact: aya.city = Osaka", "fact: ken.city = Kobe"], [], []),
        (["fact: aya.city = Osaka (until=2024-06-01)", "fact: aya.city = Kobe"], [], []),
        (["fact: aya.city = Osaka", "deny: aya.city = Kobe"], [], []),
        (["fact: aya.age = 30", "fact: aya.age = 30.0"], [], []),
        (["fact: aya.likes = tea", "deny: aya.dislikes = tea", "fact: aya.dislikes = jazz"], [], []),
    ],
)
def test_exactly_these_conflicts_are_found(
    facts: list[str], rules: list[str], expected: list[tuple[str, str, str, float, float]]
) -> None:
    """What gives way, what stands, by which rule, how bad and how sure."""
    found = [clash.conflict for clash in knowledge(facts, rules).conflicts()]
    assert [(c.left, c.right, c.rule, c.severity, c.confidence) for c in found] == expected
    assert all(2 <= len(c.ways_out) <= 3 for c in found)


def test_a_conflict_in_the_answer_keeps_the_value_that_stands() -> None:
    """While both are live the answer is conflicted, and says who gives way to whom."""
    answer = knowledge(["fact: aya.city = Osaka", "fact: aya.city = Kobe"]).ask("aya", "city")
    assert (answer.value, answer.status) == ("Kobe", "conflicted")
    assert answer.why[-1] == f"conflict: aya.city = Osaka gives way to aya.city = Kobe: {VALUE}"


@given(CONFLICTS)
def test_consistency_is_a_share_and_full_only_without_conflicts(conflicts: list[Conflict]) -> None:
    """0..1, and 1 exactly when nothing conflicts."""
    assert 0.0 <= consistency(conflicts) <= 1.0
    assert (consistency(conflicts) == 1.0) is (not conflicts)


def test_consistency_is_the_product_over_the_conflicts() -> None:
    """prod(1 - severity * confidence)."""
    pair = [Conflict("a", "b", "c", 0.8, 0.5, ()), Conflict("a", "b", "c", 1.0, 0.25, ())]
    assert consistency(pair) == pytest.approx(0.6 * 0.75)
