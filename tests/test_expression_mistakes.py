"""What the ranking language refuses: each mistake at its place, with what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dmha.domain.expressions import compile_ranking
from dmha.errors import InvalidInput, OutOfBounds


def test_the_caret_stands_under_wide_characters_of_a_later_line() -> None:
    """Only the line at fault is shown, and a wide character takes two columns."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking("similarity\n + '七日'")
    assert str(raised.value).splitlines()[1:] == ["     + '七日'", "       ^^^^^^"]
    assert "line 2, column 4" in raised.value.reason


@pytest.mark.parametrize(
    ("expression", "place", "fix"),
    [
        ("", 1, "Give an expression"),
        ("1 +", 4, "Complete it"),
        ("1 2", 3, "take out"),
        ("(1", 1, "Close it"),
        ("1)", 2, "take out"),
        ("min(1, 2", 4, "Close it"),
        ("min(1)", 1, "min(a, b, ...)"),
        ("exp(1, 2)", 1, "exp(x)"),
        ("7d", 1, "'7d'"),
        ("age / '7 days'", 7, "'36h'"),
        ("'7d", 1, "Close it"),
        ("age / ‘7d’", 7, "straight quote"),
        ("2 ** 3", 3, "pow(x, y)"),
        ("joy = 1", 5, "=="),
        ("joy && 1", 5, "and"),
        ("1 < 2 < 3", 7, "a < b and b < c"),
        ("1 * not 2", 5, "(not x)"),
        ("2e999", 1, "1e+12"),
        ("'99999999y'", 1, "1e+12"),
        ("joy（1）", 4, "half-width: ("),
        ("joy + 思い出", 7, "A ranking has"),
        ("sim\u200bilarity", 4, "A ranking has"),
        ("joy + \ud800", 7, "A ranking has"),
        ("random", 1, "random()"),
        ("similarity()", 1, "Write similarity"),
        ("1 + exp", 5, "exp(x)"),
        ("exact_match_boost(title)", 1, "exact_match_boost(session)"),
        ("1 + Retention", 5, "Did you mean retention?"),
        ("1 + zzzz", 5, "There are: abs, age"),
        ("timeliness(similarity, '7d')", 12, "created_at"),
        ("timeliness(age, '7d')", 12, "created_at"),
        ("timeliness(created_at, recalls)", 24, "quoted duration"),
        ("timeliness(created_at, now)", 24, "quoted duration"),
        ("timeliness(created_at, 1 - 1)", 24, "'7d'"),
        ("timeliness_ms(created_at, half_life)", 27, "plain milliseconds"),
    ],
)
def test_each_mistake_points_at_its_place_and_says_what_to_write(expression: str, place: int, fix: str) -> None:
    """Whatever is wrong, the error names the column and the remedy."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking(expression)
    assert raised.value.field == "ranking"
    assert f", column {place}, " in raised.value.reason
    assert fix in raised.value.fix


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        (" " * 2_049, 2_048),
        ("1" * 5_000_000, 2_048),
        ("+".join(["1"] * 129), 256),
        ("(" * 33 + "1" + ")" * 33, 32),
        ("-" * 2_000 + "1", 32),
        ("not " * 500 + "1", 32),
        ("exp(" * 500, 32),
    ],
)
def test_limits_are_told(expression: str, limit: int) -> None:
    """Too long, too many parts and too deep are each refused with the limit."""
    with pytest.raises(OutOfBounds) as raised:
        compile_ranking(expression)
    assert (raised.value.field, raised.value.limit) == ("ranking", limit)


def test_what_is_no_text_is_refused() -> None:
    """A number given as a ranking is the caller's mistake, said so."""
    with pytest.raises(InvalidInput, match="it is int, not text"):
        compile_ranking(3)  # type: ignore[arg-type]  # the mistake under test


PIECES = [
    "1",
    "'7d'",
    "similarity",
    "exp",
    "timeliness",
    "created_at",
    "random",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "<",
    "not",
    "and",
    " ",
    "\n",
    "'",
    "．",
    "\ud83d",
    "\x00",
    "1e",
    "==",
]


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=[]), max_size=200),
        st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    )
)
@example("\u202esimilarity")
@example("a" * 2_048)
@example("1" * 2_048)
@example("'" * 2_048)
@example("\u0301" * 2_048)
@settings(max_examples=300)
def test_any_text_is_a_ranking_or_a_clear_mistake(text: str) -> None:
    """No text of any kind raises anything else, and every message can be printed as UTF-8."""
    mistake = mistake_in(text)
    if mistake is not None:
        assert mistake.field == "ranking"
        assert "\n    " in str(mistake)
        assert str(mistake).encode("utf-8")


def mistake_in(text: str) -> InvalidInput | OutOfBounds | None:
    try:
        compile_ranking(text)
    except (InvalidInput, OutOfBounds) as mistake:
        return mistake
    return None
