"""The extractive summary: verbatim, in order, about what the conversation keeps coming back to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.summary import summarise
from dmha.domain.text import sentences
from dmha.errors import InvalidInput

TALK = [
    ("aya", "Hi! I moved to Osaka last week. The flat in Osaka is small."),
    ("relu", "Wow. How is Osaka?"),
    ("aya", "Osaka is great, but the flat is noisy. I miss my cat Tama."),
    ("relu", "猫のタマはどこ？"),
    ("aya", "猫のタマは実家にいます。"),
]


def test_a_summary_tells_the_centre_of_a_talk_in_its_order() -> None:
    """What is repeated is told once, by whom it was said, and greetings are left out."""
    assert summarise(TALK, limit=3) == (
        "aya: Osaka is great, but the flat is noisy.\naya: I miss my cat Tama.\naya: 猫のタマは実家にいます。"
    )


def test_a_summary_says_nothing_twice() -> None:
    """A sentence whose terms were all told is not chosen, even when there is room."""
    assert summarise([("a", "我喜欢咖啡。"), ("b", "我喜欢咖啡。")], limit=5) == "a: 我喜欢咖啡。"


def test_a_talk_without_content_is_summarised_by_its_beginning() -> None:
    """Something was said, so something is told; of nothing there is no summary."""
    assert summarise([("a", "Hi."), ("b", "Hey!")]) == "a: Hi."
    assert summarise([]) == ""
    assert summarise([("a", " \n")]) == ""


@pytest.mark.parametrize("limit", [0, -1])
def test_a_summary_of_no_sentences_is_refused(limit: int) -> None:
    """The error names the limit."""
    with pytest.raises(InvalidInput, match="limit"):
        summarise(TALK, limit=limit)


TEXTS = st.text(st.characters(exclude_categories=())) | st.text("ab. 猫のハ。！\n")


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), TEXTS), max_size=8), st.integers(1, 6))
def test_a_summary_invents_nothing(talk: list[tuple[str, str]], limit: int) -> None:
    """Every line is a sentence that stands in the talk, in the talk's order, and there are at most `limit`."""
    told = iter([f"{speaker}: {sentence}" for speaker, text in talk for sentence in sentences(text)])
    lines = [line for line in summarise(talk, limit=limit).split("\n") if line]
    assert len(lines) <= limit
    assert all(line in told for line in lines)
