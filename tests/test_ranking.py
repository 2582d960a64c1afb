"""Presets, exact matches, chance and the best k."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmha.domain.expressions import FEATURES, Feature
from dmha.domain.presets import PRESETS
from dmha.domain.ranking import exact_match, keyed_uniform, resolve, top
from dmha.errors import InvalidInput, OutOfBounds

# Naming a ranking


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_ranks_in_both_stages(name: str) -> None:
    """Each preset compiles and scores a candidate whose every column is given."""
    ranking = resolve(name)
    assert ranking.source == PRESETS[name].expression
    columns = dict.fromkeys(ranking.needs | ranking.coarse_needs, 0.5)
    assert ranking.fine(columns, 2).total[0] > 0
    assert ranking.coarse(columns, 2)[0] > 0


def test_no_ranking_given_is_the_default() -> None:
    """None and the word `default` are one ranking."""
    assert resolve(None) is resolve("default") is resolve(" default ")


def test_the_presets_are_those_of_the_design() -> None:
    """The names other programs call stay."""
    assert list(PRESETS) == ["default", "airi", "airi-decay", "airi-emotional", "recency", "semantic"]


def test_recency_puts_the_newer_first_and_semantic_the_nearer() -> None:
    """The two plain presets disagree where newer and nearer do."""
    columns: dict[str, Any] = {"now": 1e9, "created_at": np.array([1e9, 1e9 - 1e6]), "similarity": np.array([0.1, 0.9])}
    assert resolve("recency").coarse(columns, 2).argmax() == 0
    assert resolve("semantic").coarse(columns, 2).argmax() == 1


def test_practice_keeps_what_time_would_take() -> None:
    """In `airi-decay`, forty recalls outweigh a retention that is gone."""
    columns: dict[str, Any] = {
        "now": 1e9,
        "last_recalled_at": 0.0,
        "half_life": 60.0,
        "recalls": [0.0, 40.0],
        "similarity": 0.0,
    }
    never, often = resolve("airi-decay").fine(columns, 2).total
    assert never == 0
    assert often == pytest.approx(0.2, abs=1e-4)


def test_trauma_is_held_back_in_the_emotional_preset() -> None:
    """Of two equal memories the traumatic one comes second, and the reason is its own term."""
    columns = dict.fromkeys(resolve("airi-emotional").needs, 0.5) | {"trauma": np.array([0.0, 1.0])}
    scores = resolve("airi-emotional").fine(columns, 2)
    assert scores.total[0] - scores.total[1] == pytest.approx(0.6)
    assert scores.terms["- damping * trauma"].tolist() == [0, -0.6]


@pytest.mark.parametrize("name", [name for name in FEATURES if "(" not in name])
def test_a_feature_alone_is_an_expression(name: str) -> None:
    """A bare word that is a feature ranks by that feature."""
    assert resolve(name).terms == (name,)


def test_a_difference_without_spaces_is_no_preset() -> None:
    """A hyphen between two names still means minus."""
    assert resolve("joy-aversion").terms == ("joy", "- aversion")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("defualt", "Did you mean default?"),
        ("airi-emotion", "Did you mean airi-emotional?"),
        ("zzz", "Presets: default"),
    ],
)
def test_an_unknown_bare_word_names_the_presets(word: str, hint: str) -> None:
    """A misspelt preset is told the nearest, and all there are."""
    with pytest.raises(InvalidInput) as raised:
        resolve(word)
    assert raised.value.field == "ranking"
    assert hint in raised.value.fix
    assert all(name in raised.value.fix for name in PRESETS)


def test_what_is_no_ranking_is_refused() -> None:
    """Something that is not text, or is far too long, is the caller's mistake and costs nothing."""
    with pytest.raises(InvalidInput, match="it is list, not text"):
        resolve([])  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(OutOfBounds):
        resolve("a" * 5_000_000)


def test_registered_features_reach_expressions_and_presets() -> None:
    """Features of a faculty can be ranked by, and leave presets as they are."""
    echo = Feature("echo", "ratio", "coarse", "an echo")
    features = FEATURES | {echo.name: echo}
    assert resolve("echo", features).needs == {"echo"}
    assert resolve("airi", features).terms == resolve("airi").terms


# Exact matches


@pytest.mark.parametrize(
    ("term", "field", "stands"),
    [
        ("Neuro", "Neurosama", False),
        ("sama", "Neurosama", False),
        ("Neurosama", "Neurosama's debut", True),
        ("Neurosama", "neurosama’s debut", True),
        ("neurosama", "ＮＥＵＲＯＳＡＭＡ!", True),
        ("Neurosama", "Neurosamaの作り方", True),
        ("Neurosama", "昔のNeurosama", True),
        ("Neuro", "Neurosama and Neuro", True),
        ("a b a", "xa b a b a", True),
        ("作り方", "Neurosamaの作り方を知りたい", True),
        ("カ", "ﾊﾞｶ", True),
        ("서울", "서울에서 만나", True),
        ("のa", "のab のa", True),
        ("3", "13 or 30", False),
        ("3", "3 or 30", True),
        ("C++", "I write C++ daily", True),
        ("c++", "abc++", False),
        ("Straße", "STRASSE", True),
        ("café", "cafe\u0301", True),
        ("fun", "", False),
        ("", "anything", False),
        ("\u200b", "anything", False),
        ("\ud800", "a \ud800 b", True),
        ("𠮷野家", "𠮷野家で牛丼", True),
    ],
)
def test_a_term_stands_as_whole_words(term: str, field: str, stands: bool) -> None:
    """Spaced scripts match whole words, others anywhere, whatever the case and the width."""
    assert exact_match([(term, 2.0)], [field]).tolist() == [2.0 if stands else 0.0]


def test_the_greatest_weight_of_the_standing_terms_counts() -> None:
    """One boost per field: the heaviest term in it, 0 where none is."""
    terms = [("how", 1.0), ("Neurosama", 3.0), ("make", 1.5)]
    fields = ["how to make Neurosama", "how to make tea", "how", "tea", ""]
    assert exact_match(terms, fields).tolist() == [3.0, 1.5, 1.0, 0.0, 0.0]
    assert exact_match([], fields).tolist() == [0.0] * 5


def test_one_endless_word_is_searched_once() -> None:
    """Five million letters that begin like the term do not make the search quadratic."""
    assert exact_match([("aa", 1.0)], ["a" * 5_000_000]).tolist() == [0.0]


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_term_between_spaces_always_stands(before: str, after: str) -> None:
    """Whatever is around it, a term with spaces on both sides is found."""
    assert exact_match([("Neuro", 1.0)], [f"{before} neuro {after}"]).tolist() == [1.0]


# Chance

IDS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=50)


@given(seed=st.integers(), query=st.text(st.characters(exclude_categories=[])), ids=IDS)
def test_chance_depends_on_seed_query_and_memory_alone(seed: int, query: str, ids: list[int]) -> None:
    """The order and the company of memories change nothing; every number is in [0, 1)."""
    together = keyed_uniform(seed, query, np.array(ids, dtype=np.int64))
    alone = [keyed_uniform(seed, query, np.array([id_], dtype=np.int64))[0] for id_ in reversed(ids)]
    assert together.tolist() == alone[::-1]
    assert ((together >= 0) & (together < 1)).all()


def test_chance_has_this_exact_history() -> None:
    """The numbers of one seed and query never change between versions and machines."""
    assert keyed_uniform(7, "where does Aya live?", np.arange(3)).tolist() == [
        0.5668018403171247,
        0.7836122757411396,
        0.04854084356833954,
    ]


def test_chance_does_not_tell_how_far_two_memories_are_apart() -> None:
    """Whoever undoes SplitMix64's mixing for two numbers, whatever bits were cut off, has no ids that lie near."""
    near = keyed_uniform(1, "q", np.array([40, 57], dtype=np.int64))
    states = (near * 2.0**53).astype(np.uint64)[:, None] << np.uint64(11) | np.arange(1 << 11, dtype=np.uint64)
    one, other = _unmixed(states)
    steps = (other[None, :] - one[:, None]) * np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
    assert not (steps + np.uint64(1_000) < np.uint64(2_000)).any()


def _unmixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """What SplitMix64's mixing made these bits of."""
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
        undone = bits
        for _ in range(64 // shift):
            undone = bits ^ (undone >> np.uint64(shift))
        bits = undone * np.uint64(pow(factor, -1, 1 << 64))
    return bits


def test_chance_is_uniform_and_independent_between_queries_and_seeds() -> None:
    """Ten thousand ids fill ten bins evenly, and another query or seed is uncorrelated."""
    ids = np.arange(10_000)
    base = keyed_uniform(1, "q", ids)
    assert np.histogram(base, bins=10, range=(0, 1))[0] == pytest.approx(1_000, abs=150)
    for other in (keyed_uniform(1, "r", ids), keyed_uniform(2, "q", ids), np.roll(base, 1)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.05


# The best k


def test_equal_scores_go_to_the_newer() -> None:
    """Best first; among equals the higher id."""
    total, ids = np.array([1.0, 3.0, 1.0, 2.0, 1.0]), np.array([10, 11, 12, 13, 9])
    assert top(total, ids, 3).tolist() == [1, 3, 2]


SCORED = st.lists(st.sampled_from([0.0, 0.5, 1.0, -1.0, 0.25]), max_size=60)


@given(scores=SCORED, k=st.integers(-1, 70), seed=st.integers(0, 2**32 - 1))
def test_top_equals_a_full_sort_whatever_the_order(scores: list[float], k: int, seed: int) -> None:
    """The best k are the head of a full sort by score and id, however the rows lie."""
    ids = np.random.default_rng(seed).permutation(len(scores)).astype(np.int64)
    total = np.array(scores, dtype=np.float64)
    expected = sorted(range(len(scores)), key=lambda at: (total[at], ids[at]), reverse=True)[: max(k, 0)]
    assert top(total, ids, k).tolist() == expected
