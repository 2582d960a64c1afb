"""The token estimate: what budgets rest on when no tokenizer is at hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.tokens import estimate_tokens

# The greatest of cl100k, o200k, Claude 2 and DeepSeek-V3, counted with their own tokenizers.
COUNTED = [
    ("I moved to Osaka last spring, and my sister's cat is called Mochi.", 19),
    ("去年の春、大阪に引っ越しました。姉の猫の名前はモチです。", 32),
    ("去年春天我搬到了大阪，我姐姐的猫叫麻糬。", 33),
    ("어제 친구와 함께 한강에서 자전거를 타고 맛있는 떡볶이를 먹었어요.", 45),
    ("Вчера мы долго гуляли по набережной.", 21),
    ('{"id": 18446744073709551615, "at": "2026-01-02T03:04:05Z"}', 31),
]


@pytest.mark.parametrize(("text", "counted"), COUNTED)
def test_the_estimate_is_not_below_what_real_tokenizers_count(text: str, counted: int) -> None:
    """Everyday text in each language costs no more than estimated, and no less than a third of it."""
    assert counted <= estimate_tokens(text) <= 3 * counted


@pytest.mark.parametrize(
    ("text", "estimate"),
    [("", 0), (" ", 1), ("\x00", 1), ("cat", 1), ("umbrella", 2), ("a b c", 3), ("12345", 3), ("猫", 2), ("ねこ", 2)],
)
def test_small_texts_have_these_estimates(text: str, estimate: int) -> None:
    """The rule gives exactly these numbers."""
    assert estimate_tokens(text) == estimate


@given(st.text(), st.text())
def test_a_whole_costs_no_more_than_its_parts(left: str, right: str) -> None:
    """What fits in pieces still fits when the pieces are joined."""
    assert estimate_tokens(left + right) <= estimate_tokens(left) + estimate_tokens(right)


@given(st.text(alphabet=st.characters(), min_size=1))
def test_no_text_is_free(text: str) -> None:
    """Any text at all, lone surrogates too, costs at least one token."""
    assert estimate_tokens(text) >= 1


@given(st.text(alphabet=st.characters(exclude_characters=" ")))
def test_no_sign_is_overlooked(text: str) -> None:
    """Without spaces, sixteen characters cost at least one token, whatever they are."""
    assert estimate_tokens(text) >= len(text) / 16
