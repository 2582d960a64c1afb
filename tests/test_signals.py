"""Textual signals of contradiction in English, Japanese and Chinese: what is one, and above all what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.signals import contradiction

CONTRADICTIONS = [
    ("I like coffee", "I don't like coffee", "negation"),
    ("Aya lives in Osaka.", "Aya does not live in Osaka.", "negation"),
    ("好きです", "好きではありません", "negation"),
    ("大阪に住んでいます", "大阪に住んでいません", "negation"),
    ("我喜欢咖啡", "我不喜欢咖啡", "negation"),
    ("我有猫", "我没有猫", "negation"),
    ("I have 2 cats", "I have three cats", "number"),
    ("猫を2匹飼っています", "猫を三匹飼っています", "number"),
    ("我有两只猫", "我有3只猫", "number"),
    ("The shop is open", "The shop is closed", "antonym"),
    ("猫が好きです", "猫が嫌いです", "antonym"),
    ("我喜欢咖啡", "我讨厌咖啡", "antonym"),
    ("It rains. The shop is open.", "Hello. The shop is closed.", "antonym"),
]


@pytest.mark.parametrize(("left", "right", "kind"), CONTRADICTIONS)
def test_statements_that_cannot_both_hold_are_found(left: str, right: str, kind: str) -> None:
    """The kind is found in either order, with a severity, a confidence and both sentences in the detail."""
    for one, other in ((left, right), (right, left)):
        signal = contradiction(one, other)
        assert signal is not None
        assert signal.kind == kind
        assert 0.0 < signal.confidence < 1.0
        assert 0.0 < signal.severity < 1.0
        assert " / " in signal.detail


HARMLESS = [
    ("I like coffee", "I like coffee"),
    ("I like coffee", "i LIKE coffee"),
    ("Do I like coffee?", "I don't like coffee"),
    ("好きですか", "好きではありません"),
    ("我喜欢咖啡吗", "我不喜欢咖啡"),
    ("I like coffee", "I don't like tea"),
    ("I like coffee", "You don't like coffee"),
    ("The shop is open", "The shop is not closed"),
    ("I have 2 cats", "I have 3 dogs and a bird"),
    ("I go if it rains", "I don't go"),
    ("行きたいです", "行きません"),
    ("行くかもしれない", "行くかもしれません"),
    ("这个不错", "这个真的错"),
    ("My brother is tall", "My sister is tall"),
    ("", "not"),
]


@pytest.mark.parametrize(("left", "right"), HARMLESS)
def test_what_may_both_hold_is_no_contradiction(left: str, right: str) -> None:
    """Equal texts, questions, other subjects, other things, wishes and conditions give no signal."""
    assert contradiction(left, right) is None
    assert contradiction(right, left) is None


WORDS = st.lists(
    st.sampled_from(
        ["I", "like", "not", "never", "2", "three", "open", "closed", "cats", ".", "?", "猫", "好き", "ない", "不"]
    )
).map(" ".join)
TEXTS = st.text(st.characters(exclude_categories=())) | WORDS


@given(TEXTS, TEXTS)
def test_the_kind_is_the_same_both_ways(left: str, right: str) -> None:
    """Which text comes first changes neither whether there is a signal nor its kind; no text fails."""
    one, other = contradiction(left, right), contradiction(right, left)
    assert (one and one.kind) == (other and other.kind)
    assert contradiction(left, left) is None
