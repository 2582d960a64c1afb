"""Rankings by how a companion holds its memories: nominated by the truth, so no practised or faded memory is cut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Turn
from dmha.domain.expressions import FEATURES
from dmha.domain.presets import PRESETS
from dmha.domain.ranking import resolve
from dmha.faculties.recall import NOMINATED
from dmha.mind import Mind

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
MANY = 1_000
CUE = "grandma baked apple cake"


@pytest.fixture(scope="module")
def lived() -> Iterator[tuple[Mind, str, str]]:
    """A thousand fresh memories that fit the cue as well as two old ones: one practised, one faded."""
    clock = ManualClock()
    with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=clock) as mind:
        practised, faded = mind.add(
            [Turn(f"{CUE} with {what}", at=clock.now - timedelta(days=400)) for what in ("cinnamon", "vinegar")], **HERE
        )
        for _ in range(40):
            mind.recall("cinnamon", ranking="static_bm25()", top_k=1, **HERE)
            clock.forward(hours=2)
        clock.forward(days=300)
        fresh = [Turn(f"{CUE} with sugar number{n}", at=clock.now - timedelta(minutes=n)) for n in range(MANY)]
        mind.add(fresh, **HERE)
        yield mind, practised, faded


def first(mind: Mind, ranking: str, **asking: Any) -> str:
    return mind.search(CUE, ranking=ranking, top_k=1, **HERE, **asking)[0].memory.id


@pytest.mark.parametrize("ranking", ["recalls", "half_life", "log1p(recalls)", "similarity + recalls", "2 * recalls"])
def test_the_practised_come_first_by_practice(lived: tuple[Mind, str, str], ranking: str) -> None:
    """One memory recalled forty times long ago, among a thousand others that fit better, is the first."""
    mind, practised, _ = lived
    assert first(mind, ranking) == practised


@pytest.mark.parametrize("ranking", ["-retention", "since", "age", "0 - retention"])
def test_the_faded_come_first_where_they_are_asked_for(lived: tuple[Mind, str, str], ranking: str) -> None:
    """What was never recalled in two years is the first of all by what has gone of it."""
    mind, _, faded = lived
    assert first(mind, ranking) == faded


def test_the_faded_come_last_by_retention(lived: tuple[Mind, str, str]) -> None:
    """By what is left of it the faded one follows every fresh one, and so does what was practised long ago."""
    mind, practised, faded = lived
    best = [hit.memory.id for hit in mind.search(CUE, ranking="retention", top_k=1_000, **HERE)]
    assert faded not in best[: MANY - 2]
    assert practised not in best[:100]


def test_what_feelings_rank_by_is_found_among_all() -> None:
    """The one sweet memory among hundreds of plain ones is the first by joy, the one bitter one by aversion."""
    with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=ManualClock()) as mind:
        sweet, bitter = mind.add([Turn("I love it, how wonderful"), Turn("I hate it, it was terrible")], **HERE)
        mind.add([Turn(f"the train stopped at platform {n}") for n in range(4 * NOMINATED)], **HERE)
        best = [first(mind, ranking, kind="episode") for ranking in ("joy", "aversion")]
        assert best == [sweet, bitter]


def test_what_is_pinned_has_not_faded(lived: tuple[Mind, str, str]) -> None:
    """A pinned memory is held as fresh as if it had been told just now, and so is nominated."""
    mind, _, faded = lived
    mind.update(faded, pinned=True, **HERE)
    try:
        assert first(mind, "if(retention >= 1, 1, 0) + 0.1 * min(age / '365d', 1)") == faded
    finally:
        mind.update(faded, pinned=False, **HERE)


@pytest.mark.parametrize(
    "ranking", ["airi-decay", "airi-emotional", "similarity + retention", "similarity + 0.1 * recalls", "importance"]
)
def test_the_best_are_those_of_all_memories_ranked(lived: tuple[Mind, str, str], ranking: str) -> None:
    """The ten best are the ten best of the ranking with as many nominees as can be asked for."""
    mind, *_ = lived
    best, every = (
        [hit.score for hit in mind.search(CUE, ranking=ranking, top_k=top_k, **HERE)] for top_k in (10, 1_000)
    )
    assert best == every[:10]


HELD = sorted(name for name, feature in FEATURES.items() if feature.held)
LEAVES = st.sampled_from([*HELD, "retention", "since", "similarity", "age", "0.3", "0.02 * similarity"])
PAIRS = st.sampled_from(["({} + {})", "({} * {})", "max({}, {})", "(({}) / (1 + {}))", "if({} > 1, {}, 0.5)"])


@settings(max_examples=100)
@given(
    ranking=st.recursive(LEAVES, lambda inner: st.builds(str.format, PAIRS, inner, inner), max_leaves=6),
    seed=st.integers(0, 99),
)
def test_told_how_memories_are_held_both_stages_agree(ranking: str, seed: int) -> None:
    """Whatever a ranking makes of how memories are held: its coarse stage, told of it, scores as the fine one does."""
    draw = np.random.default_rng(seed)
    columns = {name: draw.random(20) for name in {*HELD, "similarity"}} | {
        "half_life": draw.random(20) * 1e6, "recalls": draw.integers(0, 50, 20), "now": np.asarray(2e9),
        "created_at": 1e9 + draw.random(20) * 1e8, "last_recalled_at": 1.1e9 + draw.random(20) * 1e8,
    }  # fmt: skip
    compiled = resolve(f"{ranking} + 0 * similarity")
    assert compiled.informed.coarse(columns, 20).tolist() == compiled.fine(columns, 20).total.tolist()


def test_a_preset_nominates_by_what_it_ranks_by() -> None:
    """Presets that rank by how memories are held nominate by it; the .02 of `default` are left to the fine stage."""
    held = {name: resolve(name).held for name in PRESETS}
    assert held == {
        "default": set(), "airi": set(), "recency": set(), "semantic": set(),
        "airi-decay": {"last_recalled_at", "half_life", "recalls"},
        "airi-emotional": {"last_recalled_at", "half_life", "joy", "aversion", "trauma"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ranking", "held"),
    [
        ("similarity + 0.05 * joy", set()),
        ("similarity - 0.05 * joy", set()),
        ("similarity + 0.06 * joy", {"joy"}),
        ("similarity + 0.05 * recalls", {"recalls"}),  # no ratio: forty recalls make it 2
        ("similarity + 0.01 * joy + joy * trauma", {"joy", "trauma"}),
        ("0.01 * similarity", set()),
        ("since / '1d'", {"last_recalled_at"}),
        ("now - age", set()),
    ],
)
def test_a_ranking_nominates_by_what_weighs_more_than_a_twentieth(ranking: str, held: set[str]) -> None:
    """A ratio times .05 or less is slight; whatever else tells how a memory is held nominates."""
    assert resolve(ranking).held == held
