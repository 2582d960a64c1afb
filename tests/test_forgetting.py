"""The formulas of forgetting and reinforcement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.forgetting import (
    DAY,
    DEFAULT_HALF_LIFE,
    LONGEST_HALF_LIFE,
    long_term,
    reinforce,
    retention,
    tier_after,
)

ratios = st.floats(0, 1)
half_lives = st.floats(60, LONGEST_HALF_LIFE)
counts = st.integers(1, 1_000)


def test_retention_halves_with_every_half_life() -> None:
    """After 0, 1, 2 and 3 half-lives a whole, a half, a quarter and an eighth are left."""
    left = retention(np.array([0, 1, 2, 3]) * DEFAULT_HALF_LIFE, DEFAULT_HALF_LIFE)
    assert left.tolist() == [1.0, 0.5, 0.25, 0.125]


def test_the_default_half_life_loses_a_tenth_in_a_day() -> None:
    """Seven days of half-life are a lambda of 0.099 a day."""
    assert -np.log(retention(DAY, DEFAULT_HALF_LIFE)) == pytest.approx(0.0990, abs=5e-5)


@given(since=st.floats(-1e12, 1e12), half_life=st.floats(0, 1e12))
def test_retention_is_always_a_ratio(since: float, half_life: float) -> None:
    """Retention lies in 0..1 for any elapsed time, a future recall and a half-life of zero included."""
    left = float(retention(since, half_life))
    assert 0.0 <= left <= 1.0
    assert left == 1.0 or since > 0


@given(half_life=half_lives, times=st.lists(st.floats(0, 1e9), min_size=2, max_size=2))
def test_retention_never_grows_by_waiting(half_life: float, times: list[float]) -> None:
    """Later means no more retention."""
    sooner, later = retention(np.sort(times), half_life)
    assert later <= sooner


def test_a_weekly_recall_has_this_exact_history() -> None:
    """Six weekly recalls of a neutral memory lengthen its half-life (in days) exactly so."""
    half_life, days = DEFAULT_HALF_LIFE, []
    for recall in range(1, 7):
        half_life = reinforce(half_life, recall, float(retention(7 * DAY, half_life)), 0.0, 0.0)
        days.append(round(half_life / DAY, 3))
    assert days == [12.6, 19.498, 27.461, 36.434, 50.889, 67.409]


def test_growth_runs_from_cramming_to_spacing() -> None:
    """What is fresh gains a tenth; what had wholly faded becomes two and a half times as lasting."""
    assert reinforce(1000.0, 1, 1.0, 0.0, 0.0) == pytest.approx(1100.0)
    assert reinforce(1000.0, 1, 0.0, 0.0, 0.0) == pytest.approx(2500.0)


def test_practice_deepens_spacing_from_the_fifth_recall_on() -> None:
    """The fifth spaced recall gains by 1 + 0.7 of what the fourth gained; a crammed one gains the same tenth."""
    assert reinforce(1000.0, 4, 0.0, 0.0, 0.0) == pytest.approx(2500.0)
    assert reinforce(1000.0, 5, 0.0, 0.0, 0.0) == pytest.approx(1000 * (1.1 + 1.4 * 1.7))
    assert reinforce(1000.0, 5, 1.0, 0.0, 0.0) == pytest.approx(1100.0)


def test_feedback_is_signed() -> None:
    """A sweet recall strengthens half as much again, one that hurt half as much."""
    assert reinforce(1000.0, 1, 0.5, 1.0, 0.0) == pytest.approx(2200.0)
    assert reinforce(1000.0, 1, 0.5, 0.0, 0.0) == pytest.approx(1800.0)
    assert reinforce(1000.0, 1, 0.5, 0.0, 1.0) == pytest.approx(1400.0)


@given(half_life=half_lives, count=counts, left=ratios, joy=ratios, aversion=ratios)
def test_no_recall_shortens_a_half_life(half_life: float, count: int, left: float, joy: float, aversion: float) -> None:
    """A recall never weakens, and never leads beyond ten years."""
    after = reinforce(half_life, count, left, joy, aversion)
    assert half_life <= after <= LONGEST_HALF_LIFE


@given(half_life=half_lives, count=counts, lefts=st.tuples(ratios, ratios), joys=st.tuples(ratios, ratios), hurt=ratios)
def test_reinforcement_is_monotone(
    half_life: float, count: int, lefts: tuple[float, float], joys: tuple[float, float], hurt: float
) -> None:
    """More faded, sweeter, or more often recalled never means less strengthened."""
    fresh, faded, sour, sweet = max(lefts), min(lefts), min(joys), max(joys)
    base = reinforce(half_life, count, fresh, sour, hurt)
    assert reinforce(half_life, count, faded, sour, hurt) >= base
    assert reinforce(half_life, count, fresh, sweet, hurt) >= base
    assert reinforce(half_life, count + 1, fresh, sour, hurt) >= base


def test_practice_makes_long_term_by_the_published_formula() -> None:
    """`1 - 0.3 ** (recalls / 5)` from the fifth recall on, nothing before."""
    assert [long_term(count) for count in (0, 4)] == [0.0, 0.0]
    assert [long_term(count) for count in (5, 10)] == pytest.approx([0.7, 0.91])


def test_tiers_begin_at_five_and_forty_recalls() -> None:
    """Four recalls are short-term, five long-term, forty muscle."""
    assert [tier_after(count) for count in (0, 4, 5, 39, 40, 400)] == [
        "short_term",
        "short_term",
        "long_term",
        "long_term",
        "muscle",
        "muscle",
    ]
