"""What a run of any data set measures, and the baselines that stand beside it."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from stubs import StubEmbedder

from dmha import Turn
from dmha.bench import baselines, locomo
from dmha.bench.dataset import DataSet, Question, Tenant, Told, uttered
from dmha.bench.runner import run

MORNING = datetime(2026, 1, 5, 9, tzinfo=UTC)


def tiny(*acts: Told | Question) -> DataSet:
    """A data set of one tenant, whatever the file."""
    return DataSet("tiny", lambda _: [Tenant("one", acts)])


def tells(session: str, **turns: str) -> Told:
    return Told(session, tuple(uttered(id, text, "aya", MORNING) for id, text in turns.items()))


def asks(text: str, session: str, *evidence: str) -> Question:
    return Question(text, "any", frozenset(evidence), frozenset({session}), MORNING)


def test_turns_and_sessions_are_judged_apart(data: Path) -> None:
    """Of the two wanted turns one comes first and one last of four: half of them at 1, all at 5."""
    acts = (
        tells("s1", a="harp harp harp harp", b="a quiet day"),
        tells("s2", c="harp", d="one harp more and a great many words beside it"),
        asks("harp", "s1", "a", "b"),
    )
    report = run(tiny(*acts), data, embedder=StubEmbedder(), ranking="static_bm25()")
    scores = report.overall
    assert (scores.recall_1, scores.any_1, scores.all_1) == (0.5, 1.0, 0.0)
    assert (scores.recall_5, scores.any_5, scores.all_5) == (1.0, 1.0, 1.0)
    assert scores.ndcg_10 == pytest.approx((1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3)), abs=1e-12)
    assert (scores.session.recall_1, scores.session.mrr, scores.session_hit_5) == (1.0, 1.0, 1.0)


def test_nothing_is_found_that_is_told_later(data: Path) -> None:
    """A question between two sessions finds the first alone, by the mind and by every baseline; the same one again at
    the end finds the second."""
    acts = (
        tells("s1", a="a harp"),
        asks("the harp", "s2", "b"),
        tells("s2", b="harp"),
        asks("the harp", "s2", "b"),
    )
    report = run(tiny(*acts), data, embedder=StubEmbedder(), baselines=True)
    for scores in (report.overall, *report.baselines.values()):
        assert scores.recall_10 == 0.5


def test_the_report_says_what_was_measured_on(data: Path) -> None:
    """The file's digest, the index's memories and bytes, and three percentiles that do not fall."""
    report = locomo.run(data, embedder=StubEmbedder(), baselines=True)
    assert (report.benchmark, report.data_sha256) == ("locomo", hashlib.sha256(data.read_bytes()).hexdigest())
    assert report.index_memories == 4
    assert report.index_bytes > 4 * 16 * 4  # the vectors alone
    for span in (report.search, report.embedding, report.apart):
        assert 0.0 <= span.p50 <= span.p95 <= span.p99
    assert tuple(report.baselines) == ("exact cosine", "BM25", "RRF of the two")
    assert {scores.questions for scores in report.baselines.values()} == {3}
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_bm25_scores_each_shared_term_by_how_rare_it_is_so_far() -> None:
    """One of two turns holds the word: log(1 + 1.5 / 1.5) times its saturated count; the third is not known yet."""
    turns = [Turn("harp"), Turn("drum"), Turn("harp")]
    weight = 1.45 / (1 + 0.45 * (0.9 + 0.1 * 1 / 10))
    expected = [math.log(2) * weight, 0.0]
    assert baselines.Words(turns).scores("harp?", 2).tolist() == pytest.approx(expected, rel=1e-6)


def test_reciprocal_ranks_are_fused() -> None:
    """First and third, second and first, third and second: 1/61 + 1/63, 1/62 + 1/61, 1/63 + 1/62."""
    fused = baselines.fused(np.array([0.9, 0.5, 0.1]), np.array([1.0, 3.0, 2.0]))
    assert fused.tolist() == [1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62]
