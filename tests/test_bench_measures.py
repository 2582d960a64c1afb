"""The benchmarks' measures give their textbook figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.bench.metrics import all_at, any_at, auroc, mean, ndcg_at, percentile, recall_at, reciprocal_rank


def test_recall_is_the_share_of_the_wanted_among_the_first() -> None:
    """Of three wanted, one stands among the first two and two among the first four."""
    ranked, wanted = ["a", "x", "y", "b"], {"a", "b", "c"}
    assert [recall_at(ranked, wanted, k) for k in (1, 2, 4)] == [1 / 3, 1 / 3, 2 / 3]


def test_any_asks_for_one_and_all_for_every_one() -> None:
    """Of two wanted at places 2 and 4, one is among the first two, both only among the first four."""
    ranked, wanted = ["x", "a", "y", "b"], {"a", "b"}
    assert [any_at(ranked, wanted, k) for k in (1, 2, 4)] == [0.0, 1.0, 1.0]
    assert [all_at(ranked, wanted, k) for k in (1, 2, 4)] == [0.0, 0.0, 1.0]


def test_auroc_counts_the_pairs_that_stand_rightly() -> None:
    """Of six pairs four stand rightly and one is equal: 4.5 / 6; whatever is told apart gives 1, its reverse 0."""
    assert auroc([0.9, 0.5, 0.2], [0.5, 0.1]) == 4.5 / 6
    assert (auroc([2.0, 3.0], [1.0]), auroc([1.0], [2.0, 3.0])) == (1.0, 0.0)


def test_the_reciprocal_rank_is_that_of_the_first_wanted() -> None:
    """Third place gives a third; nothing wanted gives nothing."""
    assert reciprocal_rank(["x", "y", "a", "b"], {"a", "b"}) == 1 / 3
    assert reciprocal_rank(["x", "y"], {"a"}) == 0.0


def test_ndcg_discounts_by_the_logarithm_of_the_place() -> None:
    """Still at places 2 and 3 of two wanted: (1/log2 3 + 1/log2 4) / (1/log2 2 + 1/log2 3)."""
    expected = (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3))
    assert ndcg_at(["x", "a", "b"], {"a", "b"}, 10) == pytest.approx(expected, abs=1e-15)


def test_ndcg_is_whole_when_more_is_wanted_than_there_are_places() -> None:
    """Two places cannot hold three; two of them are all that can be earned."""
    assert ndcg_at(["a", "b"], {"a", "b", "c"}, 2) == 1.0


def test_a_percentile_is_a_value_that_occurred() -> None:
    """Nearest rank: of 1..20 the median is 10 and the 95th percentile 19; a single value is each of its percentiles."""
    values = list(range(20, 0, -1))
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([7.0], 0.95)) == (10, 19, 7.0)


@given(st.permutations(range(12)), st.sets(st.integers(0, 20), min_size=1), st.integers(1, 12))
def test_every_measure_stays_within_0_and_1(ranked: list[int], wanted: set[int], k: int) -> None:
    """Whatever is ranked and wanted, no measure leaves 0..1."""
    measures = (
        recall_at(ranked, wanted, k), any_at(ranked, wanted, k), all_at(ranked, wanted, k),
        reciprocal_rank(ranked, wanted), ndcg_at(ranked, wanted, k),
    )  # fmt: skip
    assert all(0.0 <= measure <= 1.0 for measure in measures)
    assert 0.0 <= mean(measures) <= 1.0
