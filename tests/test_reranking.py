"""The third stage: a model's judgement orders what the ranking found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from judges import WHO, Judge, numbered, opened
from recallable import texts
from stubs import StubEmbedder

import dmha
from dmha import Turn
from dmha.errors import InvalidInput, Unavailable
from dmha.faculties.reranking import RERANKED
from dmha.settings import Settings
from dmha.wiring import make_reranker


def test_relevance_alone_orders_what_was_found() -> None:
    """The least of the ranking comes first where the reranker says so; its relevance is the score, told as a reason."""
    with opened(None) as plain, opened(Judge(lambda text: -float(text.count("number 3")))) as mind:
        for each in (plain, mind):
            each.add(numbered(4), **WHO)
        before = plain.search("bees", **WHO)
        hits = mind.search("bees", **WHO)
        last = next(hit for hit in before if hit.memory.text.endswith("number 3"))
        assert texts(hits) == [text for text in texts(before) if text != last.memory.text] + [last.memory.text]
        assert [hit.score for hit in hits] == [0.0, 0.0, 0.0, -1.0]
        assert hits[-1].reasons == {**last.reasons, "reranker": -1.0}
        assert (hits[-1].why, hits[-1].confidence) == (last.why, last.confidence)


def test_more_are_read_than_are_asked_for() -> None:
    """What the reranker finds best comes back in one hit, though the ranking had it thirtieth; no more are read."""
    with opened(None) as plain:
        plain.add(numbered(RERANKED + 5), **WHO)
        ranked = texts(plain.search("bees", top_k=RERANKED + 5, **WHO))
    for wanted, found in ((ranked[RERANKED - 1], True), (ranked[RERANKED], False)):
        judge = Judge(lambda text, wanted=wanted: float(text.endswith(wanted)))  # type: ignore[misc]  # the wanted one of this round
        with opened(judge) as mind:
            mind.add(numbered(RERANKED + 5), **WHO)
            assert (texts(mind.search("bees", top_k=1, **WHO)) == [wanted]) is found
        assert [len(read) for _, read in judge.asked] == [RERANKED]


def test_what_was_not_read_stays_behind_in_its_order() -> None:
    """More hits than the reranker reads: the rest follow as ranked, without its reason."""
    with opened(None) as plain, opened(Judge(lambda text: -100.0)) as mind:
        for each in (plain, mind):
            each.add(numbered(RERANKED + 3), **WHO)
        hits = mind.search("bees", top_k=100, **WHO)
        assert texts(hits) == texts(plain.search("bees", top_k=100, **WHO))
    assert ["reranker" in hit.reasons for hit in hits] == [True] * RERANKED + [False] * 3


def test_the_reranker_reads_who_said_it_and_on_which_day_there() -> None:
    """A memory is shown with its speaker and its local day; the question without its weights."""
    judge = Judge(len)
    with dmha.open(":memory:", embedder=StubEmbedder(), reranker=judge, zone="Asia/Tokyo") as mind:
        mind.add(Turn("蜂を見た", speaker="アヤ", at=datetime(2025, 3, 8, 23, 0, tzinfo=UTC)), **WHO)
        mind.search("蜂^3 見た", **WHO)
    assert judge.asked == [("蜂 見た", ["アヤ (2025-03-09): 蜂を見た"])]


def test_a_book_told_in_one_turn_is_read_by_its_beginning() -> None:
    """The reranker gets no more of one memory than such models read."""
    judge = Judge(len)
    with opened(judge) as mind:
        mind.add("bees " * 20_000, **WHO)
        mind.search("bees", **WHO)
    ((_, [read]),) = judge.asked
    assert len(read) < 2_100


def test_what_is_unlikely_is_not_read() -> None:
    """`min_confidence` leaves out before the reranker judges, and its relevance does not bring it back."""
    judge = Judge(lambda text: 1_000.0 * ("rain" in text))
    with opened(judge) as mind:
        mind.add([Turn("bees in the garden"), Turn("rain")], **WHO)
        assert texts(mind.search("bees garden", min_confidence=0.5, **WHO)) == ["bees in the garden"]
    assert [len(read) for _, read in judge.asked] == [1]


def test_the_best_and_the_worst_stay_together() -> None:
    """With `polarity="both"` each side is reranked for itself, so that neither is lost."""
    sayings = ["I love these wonderful happy bees", "I love this happy day", "I hate these awful painful bees"]
    with opened(Judge(lambda text: float("love" in text))) as mind:
        mind.add([Turn(text) for text in sayings], **WHO)
        both = texts(mind.search("bees", polarity="both", top_k=2, **WHO))
    assert len(both) == 2
    assert sayings[2] in both


def test_where_nothing_is_found_no_model_is_asked() -> None:
    """An empty memory costs no request."""
    judge = Judge(len)
    with opened(judge) as mind:
        assert mind.search("bees", **WHO) == []
        mind.add("bees", **WHO)
        assert mind.search("bees", speaker="nobody", **WHO) == []
    assert judge.asked == []


@pytest.mark.parametrize(
    "given",
    [[], [1.0, 2.0], [float("nan")], [float("inf")], [[1.0]], [[1.0], [1.0, 2.0]], ["high"], [object()], [10**400], {}],
)
def test_a_reranker_that_does_not_judge_is_told(given: Any) -> None:
    """An object that gives too few, too many, NaN, the wrong shape or no numbers orders nothing."""
    judge = Judge(len)
    judge.rerank = lambda query, texts: given  # type: ignore[method-assign]  # the defect under test
    with opened(judge) as mind:
        mind.add("bees", **WHO)
        with pytest.raises(Unavailable, match="one finite number for each of 1 texts"):
            mind.search("bees", **WHO)


def test_a_reranker_is_named_by_its_address() -> None:
    """Nothing is none; an address without a model, or of another kind, is refused; an object is taken as it is."""
    assert make_reranker(Settings()) is None
    for wrong in ("http://127.0.0.1:1/v1", "ftp://host#model"):
        with pytest.raises(InvalidInput, match="DMHA_RERANKER"):
            make_reranker(Settings(reranker=wrong))
    judge = Judge(len)
    assert make_reranker(Settings(), judge) is judge
    assert "rk-secret" not in repr(Settings(reranker_key="rk-secret"))
