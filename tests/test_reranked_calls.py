"""Search, recall and reply with a reranker, and when it fails."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from judges import WHO, Broken, Judge, numbered, opened
from recallable import texts
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Turn
from dmha.domain.prompt import OPENING, read
from dmha.errors import Unavailable
from dmha.faculties.reranking import RERANKED
from dmha.scene import EVIDENCE


def test_recall_strengthens_what_the_reranker_chose_once_a_key() -> None:
    """The same key again gives the same hits and asks no model."""
    judge = Judge(lambda text: float(text.endswith("number 7")))
    with opened(judge) as mind:
        mind.add(numbered(12), **WHO)
        first = mind.recall("bees", top_k=1, key="k", **WHO)
        (again,) = mind.recall("bees", top_k=1, key="k", **WHO)
        assert texts(first) == [numbered(12)[7].text]
        assert (again.score, again.reasons) == (first[0].score, first[0].reasons)
        assert again.memory.recall_count == 1
        assert sum(hit.memory.recall_count for hit in mind.search("bees", top_k=12, **WHO)) == 1
    assert len(judge.asked) == 2  # the first recall and the search


def test_a_reranker_that_fails_fails_search_and_recall() -> None:
    """Who asks for memories is told that the order is not the one wanted; nothing is strengthened or kept."""
    with opened(Broken()) as mind:
        (id,) = mind.add("bees", **WHO)
        with pytest.raises(Unavailable, match="it sleeps"):
            mind.search("bees", **WHO)
        for _ in range(2):
            with pytest.raises(Unavailable, match="it sleeps"):
                mind.recall("bees", key="k", **WHO)
        assert mind.get(id, **WHO).recall_count == 0


def test_a_reply_is_reranked_in_a_step_of_its_own() -> None:
    """The trace tells what the reranker did and its cost; the reply quotes what it put first."""
    with opened(Judge(lambda text: float("hive" in text))) as mind:
        mind.add([Turn("The bees sleep."), Turn("The bees sleep in the hive."), Turn("The bees sleep now.")], **WHO)
        reply = mind.contextualize("Where do the bees sleep?", **WHO)
    assert list(reply.trace)[:4] == ["perceive", "remember", "recall", "rerank"]
    assert reply.trace["rerank"].did == "the best 3 of 3 by judge"
    assert reply.recalled[0].memory.text == "The bees sleep in the hive."
    assert reply.recalled[0].score == 1.0


def test_a_reply_is_written_from_what_the_reranker_chose() -> None:
    """The chat model is shown, first, what the ranking alone would not have brought to it."""
    shown: list[list[str]] = []

    class Chat:
        def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
            (remembered,) = [said["content"] for said in messages if said["content"].startswith(OPENING)]
            shown.append([said.text for said in read(remembered).evidence])
            yield "They sleep."

        def count_tokens(self, text: str, /) -> int:
            return len(text) // 4

    wanted = numbered(RERANKED)[-1].text
    for judge in (None, Judge(lambda text: float(text.endswith(wanted)))):
        with dmha.open(":memory:", embedder=StubEmbedder(), chat=Chat(), reranker=judge, clock=ManualClock()) as mind:
            mind.add(numbered(RERANKED), session_id="before", **WHO)
            mind.contextualize("What of the bees?", **WHO)
    without, reranked = shown
    assert wanted not in without
    assert reranked[0] == wanted
    assert len(reranked) <= EVIDENCE


def test_without_a_reranker_there_is_no_such_step() -> None:
    """The default is two stages."""
    with opened(None) as mind:
        mind.add("The bees sleep.", **WHO)
        assert "rerank" not in mind.contextualize("Where do the bees sleep?", **WHO).trace


def test_a_companion_answers_without_its_reranker(caplog: pytest.LogCaptureFixture) -> None:
    """The reply is the one that the ranking alone gives; the failure stands in the trace and in the log."""
    with opened(None) as plain, opened(Broken()) as mind:
        for each in (plain, mind):
            each.add(numbered(20), **WHO)
        with caplog.at_level(logging.WARNING, "dmha"):
            reply = mind.contextualize("What of the bees?", turn_id="t", **WHO)
        other = plain.contextualize("What of the bees?", turn_id="t", **WHO)
        assert (reply.text, texts(reply.recalled)) == (other.text, texts(other.recalled))
        assert [hit.reasons for hit in reply.recalled] == [hit.reasons for hit in other.recalled]
        assert "it sleeps" in reply.trace["rerank"].did
        assert "it sleeps" in caplog.text


def test_no_model_is_asked_inside_a_snapshot_or_a_transaction(tmp_path: Path) -> None:
    """While the reranker thinks, others write, and what it read is let go: the log of the file can be cut back."""
    path = tmp_path / "life.db"
    blocked: list[int] = []

    def cut_back() -> None:
        with closing(sqlite3.connect(path, timeout=0)) as other:
            blocked.append(other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

    judge = Judge(len)
    with opened(judge, path) as mind:
        mind.add(numbered(3), **WHO)

        def relevance(text: str) -> float:
            mind.add("rain", user_id="other")
            cut_back()
            return 0.0

        judge.relevance = relevance
        mind.search("bees", **WHO)
        mind.recall("bees", **WHO)
        mind.contextualize("bees?", **WHO)
    assert len(judge.asked) == 3
    assert set(blocked) == {0}
