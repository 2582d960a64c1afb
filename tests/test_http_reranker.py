"""A reranker over HTTP: what is sent, what is read, and what each failure says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fake_reranker import Fake, fake_reranker
from judges import WHO, opened

from dmha import Turn
from dmha.errors import Unavailable
from dmha.models.reranker import HTTPReranker
from dmha.protocols import Reranker

KEY = "rk-very-secret"


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake_reranker() as fake:
        yield fake


def test_texts_are_sent_in_their_shape_and_judged_in_their_order(server: Fake) -> None:
    """The relevances follow `index`, whatever order the server answers in; the key goes with the request."""
    model: Reranker = HTTPReranker(server.base_url, "r", key=KEY)
    judged = model.rerank("the cat", ["a dog", "the cat", "the sea"])
    assert judged.tolist() == [0.0, 2.0, 1.0]
    assert judged.dtype == np.float32
    assert model.id == f"{server.base_url}#r"
    assert server.requests == [
        {
            "path": "/v1/rerank",
            "model": "r",
            "query": "the cat",
            "documents": ["a dog", "the cat", "the sea"],
            "top_n": 3,
        }
    ]
    assert server.authorizations == [f"Bearer {KEY}"]


def test_an_address_may_name_the_route_itself(server: Fake) -> None:
    """`/v1/rerank` and `/v1` are the same endpoint; no texts cost no request, no key no header."""
    model = HTTPReranker(server.base_url + "/rerank/", "r")
    assert model.rerank("a", []).shape == (0,)
    assert model.rerank("a", ["a"]).tolist() == [1.0]
    assert [request["path"] for request in server.requests] == ["/v1/rerank"]
    assert server.authorizations == [None]


@pytest.mark.parametrize(
    "results",
    [
        None,
        {},
        [1, 2],
        [],
        [{"index": 0, "relevance_score": 1.0}],
        [{"index": 0, "relevance_score": 1.0}, {"index": 0, "relevance_score": 2.0}],
        [{"index": 0, "relevance_score": 1.0}, {"index": 2, "relevance_score": 2.0}],
        [{"index": i % 2, "relevance_score": 1.0} for i in range(3)],
        [{"index": [], "relevance_score": 1.0}, {"index": 1, "relevance_score": 2.0}],
        [{"index": 0}, {"index": 1, "relevance_score": 2.0}],
        [{"index": 0, "relevance_score": None}, {"index": 1, "relevance_score": 2.0}],
        [{"index": 0, "relevance_score": "high"}, {"index": 1, "relevance_score": 2.0}],
        [{"index": 0, "relevance_score": [1.0]}, {"index": 1, "relevance_score": [2.0]}],
        [{"index": 0, "relevance_score": float("nan")}, {"index": 1, "relevance_score": 2.0}],
        [{"index": 0, "relevance_score": 1e308}, {"index": 1, "relevance_score": 2.0}],
        [{"index": 0, "relevance_score": 10**400}, {"index": 1, "relevance_score": 2.0}],
    ],
)
def test_judgements_that_cannot_be_right_are_refused(server: Fake, results: Any) -> None:
    """Missing, doubled, strange, empty, endless or unreadable relevances order nothing."""
    server.answer = {"results": results}
    with pytest.raises(Unavailable, match="one relevance for each of 2 texts") as caught:
        HTTPReranker(server.base_url, "r").rerank("a", ["a", "b"])
    assert caught.value.component == server.base_url
    assert "DMHA_RERANKER" in caught.value.fix


def test_a_server_that_refuses_is_told_with_the_setting(server: Fake) -> None:
    """The reason is the server's, the fix names what to mend, the key stands in neither."""
    server.status, server.answer = 404, {"detail": f"no model r for {KEY}"}
    with pytest.raises(Unavailable, match=r"no model r for \*\*\*") as caught:
        HTTPReranker(server.base_url, "r", key=KEY).rerank("a", ["a"])
    assert "DMHA_RERANKER" in caught.value.fix


def test_a_mind_is_reranked_by_its_settings(server: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """DMHA_RERANKER names the model, DMHA_RERANKER_KEY goes to it; an empty argument goes without."""
    monkeypatch.setenv("DMHA_RERANKER", f"{server.base_url}#r")
    monkeypatch.setenv("DMHA_RERANKER_KEY", KEY)
    monkeypatch.setenv("DMHA_API_KEY", "sk-of-another")
    for argument, asked in ((None, 1), ("", 0)):
        server.requests.clear()
        with opened(argument) as mind:
            mind.add([Turn("bees and rain"), Turn("the sea and the rain")], **WHO)
            hits = mind.search("where is the sea", **WHO)
        assert hits[0].memory.text == "the sea and the rain"
        assert ("reranker" in hits[0].reasons) is bool(asked)
        assert len(server.requests) == asked
    assert server.authorizations == [f"Bearer {KEY}"]
