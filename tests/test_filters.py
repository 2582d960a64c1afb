"""Filters that only the truth can judge: what passes is ranked as if it alone had been asked for, however few pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stubs import ManualClock, StubEmbedder, only

import dmha
from dmha import Memory, Turn
from dmha.domain.ranking import top
from dmha.index.passing import passing
from dmha.mind import Mind
from dmha.types import POLARITIES, TIERS

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
BOTH_STAGES = "similarity + static_bm25()"  # an index knows all of it: what it nominates first is first
WORDS = ("osaka", "rain", "tea", "cat", "train", "piano", "snow", "garden")
FELT = ("as always", "and it was wonderful, I love it", "and it hurt, I was sad and afraid")
MANY = 300

# -- the walk down the ranking -----------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    scores=st.lists(st.sampled_from([-np.inf, 0.0, 0.25, 0.5, 1.0, 2.0]), max_size=400),
    share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]),
    best_pass=st.booleans(),
    count=st.integers(1, 80),
    seed=st.integers(0, 9),
)
def test_the_best_that_pass_are_those_of_a_ranking_of_what_passes(
    scores: list[float], share: float, best_pass: bool, count: int, seed: int
) -> None:
    """The same rows in the same order, be they many or few, the best of all or the last, of equal scores or not."""
    column, draw = np.array(scores, np.float64), np.random.default_rng(seed)
    ids = draw.permutation(1_000)[: len(column)].astype(np.int64)
    chance = draw.random(len(column)) if best_pass else 1 - np.minimum(np.maximum(column, 0.0), 2.0) / 2
    allowed = only(ids[chance < share].tolist())
    row_of = {memory_id: row for row, memory_id in enumerate(ids.tolist())}

    def rows_of(memory_ids: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([row_of[memory_id] for memory_id in memory_ids], np.int64)

    every = rows_of(allowed(None))
    every = every[column[every] > -np.inf]
    expected = every[top(column[every], ids[every], count)]
    assert passing(column, ids, count, allowed, rows_of).tolist() == expected.tolist()


def asked_of(share: float, count: int = 64, rows: int = 20_000) -> tuple[int, bool]:
    """Of how many rows the truth was asked, and whether it was asked for all that pass."""
    scores, ids = np.random.default_rng(1).random(rows), np.arange(rows, dtype=np.int64)
    those, asked, every = only(np.flatnonzero(np.random.default_rng(2).random(rows) < share).tolist()), [0], [False]

    def allowed(memory_ids: Sequence[int] | None) -> Sequence[int]:
        every[0] |= memory_ids is None
        asked[0] += 0 if memory_ids is None else len(memory_ids)
        return those(memory_ids)

    passing(scores, ids, count, allowed, lambda memory_ids: np.array(memory_ids, np.int64))
    return asked[0], every[0]


def test_what_most_pass_is_judged_by_the_best_alone() -> None:
    """Of 20,000 rows 64 are judged where all pass, and about twice as many where half of them do."""
    assert asked_of(1.0) == (64, False)
    judged, every = asked_of(0.5)
    assert judged <= 256
    assert not every


@pytest.mark.parametrize(("share", "most"), [(0.0, 320), (0.0005, 320), (0.01, 2_500)])
def test_what_few_pass_is_asked_for_at_once(share: float, most: int) -> None:
    """Where next to none pass, some hundreds are judged before all that do are asked for; never more than an eighth."""
    judged, every = asked_of(share)
    assert judged <= most
    assert every


# -- filters of a search -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived() -> Iterator[tuple[Mind, list[Memory]]]:
    """A life of some hundred memories: a few recalled often, some sweet, some bitter, each with its metadata."""
    clock = ManualClock()
    with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=clock) as mind:
        for first in range(0, MANY, 50):
            told = [
                Turn(
                    f"{WORDS[n % 8]} {WORDS[n // 8 % 8]} number{n} {FELT[n % 3]}",
                    metadata={"every": True, "half": n % 2, "place": ("Osaka", "1", "true")[n % 3]}
                    | ({"one": 1.0} if n == 77 else {}),
                )
                for n in range(first, first + 50)
            ]
            mind.add(told, session_id=f"s{first}", **HERE)
        for often, n in ((6, 3), (6, 120), (41, 200)):
            for _ in range(often):
                mind.recall(f"number{n}", top_k=1, ranking="static_bm25()", **HERE)
                clock.forward(hours=1)
        memories = [hit.memory for hit in mind.search("osaka", top_k=1_000, ranking=BOTH_STAGES, **HERE)]
        assert len(memories) > MANY  # and the gists of what left the window
        assert {memory.tier for memory in memories} >= {"long_term", "muscle", "working"}
        yield mind, memories


def passes(memory: Memory, tier: str | None, kind: str | None, metadata: dict[str, Any], polarity: str) -> bool:
    """What docs/api.md says of the filters, of one memory as callers see it."""
    feels = {
        "any": True,
        "joy": memory.joy > max(memory.aversion, 0.05),
        "aversion": memory.aversion > max(memory.joy, 0.05),
    }
    return (
        tier in (None, memory.tier)
        and kind in (None, memory.kind)
        and feels[polarity]
        and all(_same(memory.metadata.get(key), value) for key, value in metadata.items())
    )


def _same(held: Any, wanted: Any) -> bool:
    """1 and 1.0 are the same, 1 and true and "1" are not."""
    kinds = {bool: bool, int: float, float: float, str: str, type(None): None}
    return bool(kinds[type(held)] is kinds[type(wanted)] and held == wanted)


METADATA = st.dictionaries(
    st.sampled_from(["every", "half", "place", "one", "none"]),
    st.sampled_from([True, False, 0, 1, 1.0, "1", "true", "Osaka"]),
    max_size=2,
)


@settings(max_examples=80, deadline=None)
@given(
    query=st.lists(st.sampled_from([*WORDS, "number77", "wonderful"]), min_size=1, max_size=3).map(" ".join),
    tier=st.none() | st.sampled_from(TIERS),
    kind=st.none() | st.sampled_from(["episode", "summary"]),
    metadata=METADATA,
    polarity=st.sampled_from([polarity for polarity in POLARITIES if polarity != "both"]),
    top_k=st.sampled_from([1, 10, 100]),
)
def test_a_filtered_search_is_the_whole_ranking_without_what_does_not_pass(
    lived: tuple[Mind, list[Memory]],
    query: str, tier: Any, kind: Any, metadata: dict[str, Any], polarity: Any, top_k: int,
) -> None:  # fmt: skip
    """The same memories in the same order as of all that there are, whatever passes: none, one, half of them or all."""
    mind, _ = lived
    every = mind.search(query, top_k=1_000, ranking=BOTH_STAGES, **HERE)
    expected = [hit.memory.id for hit in every if passes(hit.memory, tier, kind, metadata, polarity)][:top_k]
    found = mind.search(
        query, top_k=top_k, ranking=BOTH_STAGES, tier=tier, kind=kind, metadata=metadata, polarity=polarity, **HERE
    )
    assert [hit.memory.id for hit in found] == expected


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_judged_alike_one_by_one_and_all_at_once(lived: tuple[Mind, list[Memory]], tier: Any) -> None:
    """Each memory passes the filter of the tier that it shows, and no other."""
    mind, memories = lived
    found = mind.search("osaka", top_k=1_000, ranking=BOTH_STAGES, tier=tier, **HERE)
    assert {hit.memory.id for hit in found} == {memory.id for memory in memories if memory.tier == tier}
