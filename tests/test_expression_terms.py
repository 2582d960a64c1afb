"""What a ranking tells of itself: its terms, the columns that it needs, and its coarse stage."""

from __future__ import annotations

import math

import pytest
from candidates import CANDIDATES, DAY, fine

from dmha.domain.expressions import FEATURES, Feature, compile_ranking
from dmha.errors import InvalidInput


def test_terms_are_the_written_summands_with_their_signs() -> None:
    """The outermost sum is split, signs folded in, everything else kept as typed."""
    ranking = compile_ranking("0.5*similarity - 0.1 * aversion\n  + (joy - trauma) * 2 - (recalls + 1)")
    assert ranking.terms == ("0.5*similarity", "- 0.1 * aversion", "(joy - trauma) * 2", "- (recalls + 1)")


def test_terms_add_up_to_the_total() -> None:
    """Each term is what it gave, and in order they sum to the score exactly."""
    scores = compile_ranking("0.5 * similarity - 0.1 * aversion + 2").fine(CANDIDATES, 3)
    assert scores.terms["- 0.1 * aversion"].tolist() == pytest.approx([-0.05, 0, -0.1])
    assert scores.terms["2"].tolist() == [2, 2, 2]
    assert sum(scores.terms.values()).tolist() == scores.total.tolist()  # type: ignore[union-attr]  # sum's 0 start


def test_a_term_written_twice_counts_as_one() -> None:
    """Two summands of the same text share one reason, and nothing is lost."""
    scores = compile_ranking("joy + joy").fine(CANDIDATES, 3)
    assert {term: given.tolist() for term, given in scores.terms.items()} == {"joy": [0, 2, 1]}
    assert scores.total.tolist() == [0, 2, 1]


def test_needs_are_the_raw_columns() -> None:
    """A ranking says which columns it reads, derived names by what they are derived from."""
    ranking = compile_ranking(
        "static_bm25() + random() + retention + exact_match_boost(speaker) + timeliness(now, '1d')"
    )
    assert ranking.needs == {
        "static_bm25()",
        "random()",
        "now",
        "last_recalled_at",
        "half_life",
        "exact_match_boost(speaker)",
    }
    assert ranking.coarse_needs == {"static_bm25()", "random()", "now", "created_at"}


def test_coarse_ranking_puts_stand_ins_in_place() -> None:
    """Coarse scores need only what an index has, and equal the expression with each stand-in written out."""
    whole = "similarity + retention + since / '7d' + half_life / '7d' + recalls + importance + exact_match_boost(text)"
    stood_in = "similarity + timeliness(created_at, '7d') + age / '7d' + 1 + 0 + 0.5 + static_bm25()"
    known = {name: CANDIDATES[name] for name in ("now", "similarity", "created_at", "static_bm25()")}
    coarse = compile_ranking(whole).coarse(known, 3)
    assert coarse.tolist() == fine(stood_in)


@pytest.mark.parametrize("feature", FEATURES.values(), ids=lambda feature: feature.name)
def test_every_feature_declares_its_true_stage(feature: Feature) -> None:
    """A fine feature reads a fine column, a coarse one none; and coarse ranking never reads any."""
    ranking = compile_ranking(feature.name)
    stages = {FEATURES[name].stage for name in ranking.needs}
    assert ("fine" in stages) == (feature.stage == "fine")
    assert all(FEATURES[name].stage == "coarse" for name in ranking.coarse_needs)


def test_a_faculty_adds_features_by_name() -> None:
    """A registered feature ranks like any other, and the table it was added to does not change."""
    echo = Feature("echo(joy)", "ratio", "fine", "an echo", stand_in="0.25 * similarity")
    ranking = compile_ranking("2 * echo(joy)", features=FEATURES | {echo.name: echo})
    assert ranking.needs == {"echo(joy)"}
    assert ranking.fine({"echo(joy)": [1.0, 0.5]}, 2).total.tolist() == [2, 1]
    assert ranking.coarse({"similarity": [1.0, 0.5]}, 2).tolist() == [0.5, 0.25]
    assert "echo(joy)" not in FEATURES


def test_a_fine_feature_without_a_stand_in_is_refused() -> None:
    """Coarse ranking must know what to take, so a feature that does not say is an error."""
    with pytest.raises(InvalidInput) as raised:
        Feature("echo", "ratio", "fine", "an echo")
    assert raised.value.field == "stand_in"


def test_parameters_stand_for_numbers() -> None:
    """A preset's parameters are names in its expression, whether numbers or half-lives."""
    ranking = compile_ranking("weight * timeliness(created_at, fade)", {"weight": 4, "fade": 7 * DAY})
    assert ranking.fine(CANDIDATES, 3).total.tolist() == [4, 2, 1]


@pytest.mark.parametrize(
    "parameters", [{"similarity": 1}, {"exp": 1}, {"random": 1}, {"not": 1}, {"é": 1}, {"a b": 1}, {"x": math.nan}]
)
def test_parameters_that_cannot_be_are_refused(parameters: dict[str, float]) -> None:
    """A parameter takes no name of the language, and is a finite number."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking("1", parameters)
    assert raised.value.field == "ranking"
