"""The ranking language: what an expression means."""

from __future__ import annotations

import math

import pytest
from candidates import fine, value

from dmha.domain.expressions import compile_ranking
from dmha.errors import InvalidInput


def test_the_ranking_of_the_design_scores_as_written() -> None:
    """The design's own example gives similarity, timeliness and boost their weights."""
    scores = fine("1.2 * similarity + 0.2 * timeliness(created_at, '7d') + exact_match_boost(text)")
    assert scores == pytest.approx([1.08 + 0.2, 0.6 + 0.1 + 3.0, 0.12 + 0.05 + 1.0])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 - 2 - 1", 5),
        ("8 / 2 / 2", 2),
        ("-2 * -3", 6),
        ("2 - -3", 5),
        ("1 + 2 == 3", 1),
        ("not 1 < 2", 0),
        ("not 0 and not 0", 1),
        ("1 or 0 and 0", 1),
        ("0 and 0 or 1", 1),
        ("2 and -1", 1),
        ("1 != 1", 0),
        ("2 >= 2", 1),
        ("2 <= 1", 0),
        ("1e-3 + .5 + 2.", 2.501),
        ("if(2 > 1, 10, 20)", 10),
        ("if(0, 10, 20)", 20),
        ("min(3, 1, 2)", 1),
        ("max(3, 1, 2, 5)", 5),
        ("clamp(5, 0, 1)", 1),
        ("clamp(-5, 0, 1)", 0),
        ("clamp(5, 2, 1)", 1),
        ("pow(2, 10)", 1024),
        ("ceil(1.2) - floor(1.8)", 1),
        ("abs(-3)", 3),
        ("sqrt(9)", 3),
        ("ln(exp(2))", 2),
        ("log1p(0)", 0),
        ("'7d' / '1d'", 7),
        ("'2w' - '14d'", 0),
        ("'1y'", 365 * 86_400),
        ('"90m" / "1.5h"', 1),
        ("'30s'", 30),
    ],
)
def test_operators_and_functions_mean_what_they_say(expression: str, expected: float) -> None:
    """Precedence, association and every function come out as arithmetic has them."""
    assert value(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 / 0", 0),
        ("0 / 0", 0),
        ("ln(0)", math.log(1e-12)),
        ("ln(-5)", math.log(1e-12)),
        ("log1p(-1)", math.log(1e-12)),
        ("log1p(-9)", math.log(1e-12)),
        ("sqrt(-4)", 0),
        ("pow(-8, 0.5)", 0),
        ("pow(0, -1)", 0),
        ("pow(0, 0)", 1),
        ("exp(1e12)", 1e12),
        ("pow(-10, 999)", -1e12),
        ("-1e12 * 1e12", -1e12),
        ("1 / 1e-300", 1e12),
        ("exp(-1e12)", 0),
    ],
)
def test_arithmetic_always_has_an_answer(expression: str, expected: float) -> None:
    """Where arithmetic has no number, or too large a one, the law of the page gives one."""
    assert value(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("age / '7d'", [0, 1, 2]),
        ("since / '7d'", [0, 1, 1]),
        ("retention", [1, 0.5, 2**-0.5]),
        ("timeliness(last_recalled_at, half_life) - retention", [0, 0, 0]),
        ("timeliness(created_at, 2 * half_life)", [1, 2**-0.5, 2**-0.5]),
        ("timeliness(now + '1y', '7d')", [1, 1, 1]),
        ("timeliness(max(created_at, last_recalled_at), '7d')", [1, 0.5, 0.5]),
        ("mood_joy * joy", [0, 0.5, 0.25]),
    ],
)
def test_names_are_derived_from_the_columns(expression: str, expected: list[float]) -> None:
    """Ages and retention come from raw times, one definition each."""
    assert fine(expression) == pytest.approx(expected)


def test_milliseconds_are_never_taken_for_seconds() -> None:
    """A week in milliseconds is one in `timeliness_ms`, nineteen years in `timeliness`, and a span is neither."""
    week = fine("timeliness(created_at, '7d')")
    assert fine("timeliness(created_at, 604800)") == week == [1.0, 0.5, 0.25]
    assert fine("timeliness_ms(created_at, 604800000)") == week
    assert fine("timeliness(created_at, 604800000)") == pytest.approx([1, 1, 1], abs=2e-3)
    assert fine("timeliness_ms(created_at, 604800)") == pytest.approx([1, 0, 0], abs=1e-9)
    with pytest.raises(InvalidInput, match="plain milliseconds"):
        compile_ranking("timeliness_ms(created_at, '7d')")


@pytest.mark.parametrize("operator", ["+", "*", "and"])
def test_the_largest_allowed_expressions_work(operator: str) -> None:
    """128 operands in a row, and 32 levels deep, still compute."""
    assert value(f" {operator} ".join(["1"] * 128)) == (128 if operator == "+" else 1)
    assert value("(" * 32 + "1" + ")" * 32) == 1
