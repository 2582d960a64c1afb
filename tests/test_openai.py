"""Chat and embeddings over HTTP: what is sent, what is read, and what each failure says."""

from __future__ import annotations

import json
import socket
from typing import Any

import numpy as np
import pytest
from fake_openai import fake_openai, vector_of

from dmha.errors import InvalidInput, Unavailable
from dmha.models.endpoint import Endpoint
from dmha.models.openai import OpenAIChat, OpenAIEmbedder
from dmha.protocols import ChatModel, Embedder

HELLO = [{"role": "user", "content": "Hello?", "id": "t1"}]
KEY = "sk-very-secret"


def endpoint(base_url: str, waits: list[float] | None = None, **options: Any) -> Endpoint:
    waits = [] if waits is None else waits
    return Endpoint(base_url, KEY, setting="DMHA_CHAT", sleep=waits.append, jitter=lambda: 1.0, **options)


def test_a_reply_comes_in_the_pieces_that_the_server_sent() -> None:
    """Deltas are yielded one by one, without the empty ones."""
    with fake_openai() as server:
        assert list(OpenAIChat(server.base_url, "m", key=KEY).reply(HELLO, max_tokens=9)) == ["Hel", "lo", "!"]
        assert server.requests == [
            {
                "path": "/v1/chat/completions",
                "model": "m",
                "messages": [{"role": "user", "content": "Hello?"}],
                "stream": True,
                "max_tokens": 9,
            }
        ]
        assert server.authorizations == [f"Bearer {KEY}"]


def test_without_a_key_no_authorization_is_sent() -> None:
    """A local server gets no header that it did not ask for."""
    with fake_openai() as server:
        list(OpenAIChat(server.base_url + "/", "m").reply(HELLO, max_tokens=9))
        assert server.authorizations == [None]


def test_a_model_that_wants_the_other_limit_gets_it_from_then_on() -> None:
    """A refusal that names `max_completion_tokens` is answered with it, once."""
    refusal = {"error": {"message": "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."}}
    with fake_openai(refusals=[(400, {}, refusal)]) as server:
        chat = OpenAIChat(server.base_url, "m")
        assert "".join(chat.reply(HELLO, max_tokens=9)) == "Hello!"
        assert "".join(chat.reply(HELLO, max_tokens=9)) == "Hello!"
        assert ["max_tokens" in request for request in server.requests] == [True, False, False]
        assert [request.get("max_completion_tokens") for request in server.requests] == [None, 9, 9]


def test_a_reply_without_a_word_is_an_error() -> None:
    """A model that thinks until its tokens are gone is not a companion that says nothing."""
    ended = json.dumps({"choices": [{"delta": {}, "finish_reason": "length"}]})
    with fake_openai(raw_events=[ended]) as server, pytest.raises(Unavailable, match="finish reason: length"):
        list(OpenAIChat(server.base_url, "m").reply(HELLO, max_tokens=9))


@pytest.mark.parametrize("event", ['{"choices": null}', '{"choices": [1, {"delta": null}]}', '{"usage": {}}'])
def test_events_without_text_are_passed_over(event: str) -> None:
    """Usage reports and odd shapes carry no text and stop nothing."""
    hi = '{"choices": [{"delta": {"content": "hi"}}]}'
    with fake_openai(raw_events=[event, hi]) as server:
        assert list(OpenAIChat(server.base_url, "m").reply(HELLO, max_tokens=9)) == ["hi"]


def test_a_cut_stream_is_told_after_the_pieces_that_came() -> None:
    """What came stays valid, the rest is an error, and nothing is asked twice."""
    with fake_openai(cut_after=2) as server:
        reply = OpenAIChat(server.base_url, "m").reply(HELLO, max_tokens=9)
        assert next(reply) == "Hel"
        with pytest.raises(Unavailable, match="broke off"):
            next(reply)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("event", "reason"), [("{", "not JSON"), ("[1]", "JSON object"), ('{"error": {"message": "full"}}', "error: full")]
)
def test_a_broken_event_is_an_error(event: str, reason: str) -> None:
    """Neither half a JSON nor an error inside a stream passes for text."""
    with fake_openai(raw_events=[event]) as server, pytest.raises(Unavailable, match=reason):
        list(OpenAIChat(server.base_url, "m").reply(HELLO, max_tokens=9))


def test_an_answer_that_is_no_stream_says_so() -> None:
    """A server that ignores `stream` is named as the cause."""
    with (
        fake_openai(refusals=[(200, {}, {"choices": []})]) as server,
        pytest.raises(Unavailable, match="no event stream"),
    ):
        list(OpenAIChat(server.base_url, "m").reply(HELLO, max_tokens=9))


def test_passing_failures_are_tried_again_ever_more_slowly() -> None:
    """Two failures and a success are a success; the waits double."""
    waits: list[float] = []
    with fake_openai(refusals=[(503, {}, {}), (500, {}, {})]) as server:
        assert endpoint(server.base_url, waits).post("/embeddings", {"input": ["a"]})["data"][0]["index"] == 0
    assert waits == [0.5, 1.0]


def test_the_server_may_say_how_long_to_wait() -> None:
    """Retry-After in seconds replaces our own pace."""
    waits: list[float] = []
    with fake_openai(refusals=[(429, {"Retry-After": "7"}, {})]) as server:
        endpoint(server.base_url, waits).post("/embeddings", {"input": ["a"]})
    assert waits == [7.0]


def test_a_wait_that_nobody_would_sit_out_is_an_error_at_once() -> None:
    """An hour's Retry-After is told, not slept."""
    waits: list[float] = []
    with fake_openai(refusals=[(429, {"Retry-After": "3600"}, {"error": "quota"})]) as server:
        with pytest.raises(Unavailable, match="HTTP 429: quota"):
            endpoint(server.base_url, waits).post("/embeddings", {"input": ["a"]})
        assert len(server.requests) == 1
    assert waits == []


def test_retries_end() -> None:
    """After the last retry the failure is told."""
    with fake_openai(refusals=[(503, {}, {"error": "busy"})] * 3) as server:
        with pytest.raises(Unavailable, match="HTTP 503: busy"):
            endpoint(server.base_url).post("/embeddings", {"input": ["a"]})
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told_without_the_key(status: int) -> None:
    """The error names the setting; neither the key nor what the server quotes of it stands there."""
    with fake_openai(refusals=[(status, {}, {"error": {"message": f"bad key {KEY}"}})]) as server:
        with pytest.raises(Unavailable, match="key") as caught:
            endpoint(server.base_url).post("/embeddings", {"input": ["a"]})
        assert KEY not in str(caught.value)
        assert "DMHA_CHAT" in caught.value.fix
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_request_gives_the_servers_reason(status: int) -> None:
    """A wrong model name is told in the server's words with the setting to mend, and not tried again."""
    answer = {"error": {"message": f"model 'x' not found for {KEY}"}}
    with fake_openai(refusals=[(status, {}, answer)]) as server:
        with pytest.raises(Unavailable, match="model 'x' not found") as caught:
            endpoint(server.base_url).post("/embeddings", {"input": ["a"]})
        assert KEY not in str(caught.value)
        assert caught.value.component == server.base_url
        assert "DMHA_CHAT" in caught.value.fix
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 404])
def test_a_quoted_key_is_not_cut_in_half(status: int) -> None:
    """A long reason is shortened after the key is out of it, so that no part of the key stands at its end."""
    answer = {"error": {"message": "x" * 290 + " " + KEY}}
    with fake_openai(refusals=[(status, {}, answer)]) as server:
        with pytest.raises(Unavailable, match="xxx") as caught:
            endpoint(server.base_url).post("/embeddings", {"input": ["a"]})
        assert KEY[:4] not in str(caught.value)


@pytest.mark.parametrize("answer", [b"<html>", b"[1]", b"\xff\xfe", b"[" * 200_000, b'{"error": "no"}'])
def test_an_answer_that_is_no_json_object_is_an_error(answer: bytes) -> None:
    """A web page, an array, bytes that are no text, endless nesting and a reported error are all refused."""
    with fake_openai(refusals=[(200, {}, answer)]) as server, pytest.raises(Unavailable):
        endpoint(server.base_url).post("/embeddings", {"input": ["a"]})


def test_a_shorter_body_than_announced_is_an_error() -> None:
    """Half an answer is not an answer."""
    headers = {"Content-Length": "999", "Connection": "close"}
    with fake_openai(refusals=[(200, headers, {})]) as server, pytest.raises(Unavailable, match="broke off"):
        endpoint(server.base_url).post("/embeddings", {"input": ["a"]})


def test_a_server_that_stalls_is_given_up() -> None:
    """The timeout ends the wait, and each retry is counted."""
    with fake_openai(stall=True) as server:
        with pytest.raises(Unavailable, match="read timeout"):
            endpoint(server.base_url, timeout_s=0.05, retries=1).post("/embeddings", {"input": ["a"]})
        assert len(server.requests) == 2


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose every byte is in time is still held to one timeout for the whole, and to a size."""
    with fake_openai(drip=True) as server, pytest.raises(Unavailable, match="does not end"):
        endpoint(server.base_url, timeout_s=0.1).post("/embeddings", {"input": ["a"]})
    monkeypatch.setattr("dmha.models.endpoint._MOST_BYTES", 10)
    with fake_openai() as server, pytest.raises(Unavailable, match="does not end"):
        endpoint(server.base_url).post("/embeddings", {"input": ["a"]})


def test_nobody_listening_is_told_with_the_address() -> None:
    """A server that is not started is named, with its setting."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(Unavailable, match="connect error") as caught:
            endpoint(url).post("/embeddings", {"input": ["a"]})
    assert caught.value.component == url


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy set for the web does not swallow a call to this machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with fake_openai() as server:
        endpoint(server.base_url).post("/embeddings", {"input": ["a"]})
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "ftp://a/v1",
        "http://",
        "http://u:p@a/v1",
        "http://a/v1?key=s",
        "http://a:x",
        "http://a\n",
    ],
)
def test_an_address_that_cannot_be_right_is_refused_at_once(url: str) -> None:
    """A wrong base URL is the caller's fault and named so."""
    with pytest.raises(InvalidInput) as caught:
        OpenAIChat(url, "m")
    assert caught.value.field == "base_url"


@pytest.mark.parametrize("key", ["", "two words", "line\n", "鍵"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    """A key copied with its line break is refused before it is sent or printed."""
    with pytest.raises(InvalidInput) as caught:
        OpenAIChat("http://127.0.0.1/v1", "m", key=key)
    assert not key or key not in str(caught.value)


def test_lone_surrogates_are_sent_as_question_marks() -> None:
    """Text that has no UTF-8 does not crash the request."""
    with fake_openai() as server:
        list(OpenAIChat(server.base_url, "m").reply([{"role": "user", "content": "a\ud800b\0😀"}], max_tokens=9))
        assert server.requests[0]["messages"][0]["content"] == "a?b\0😀"


def test_tokens_are_counted_by_the_stated_estimate() -> None:
    """The budget's measure needs no server."""
    chat: ChatModel = OpenAIChat("http://127.0.0.1/v1", "m")
    assert chat.count_tokens("umbrella") == 2


def test_embeddings_come_back_in_the_order_of_the_texts() -> None:
    """Rows follow `index`, over batches of 64, at length 1."""
    texts = ["x" * n for n in range(1, 131)]
    with fake_openai() as server:
        embedder: Embedder = OpenAIEmbedder(server.base_url, "e")
        rows = embedder.embed(texts)
        assert [len(request["input"]) for request in server.requests] == [64, 64, 2, 1]
        assert embedder.id == f"{server.base_url}#e"
    right = np.array([vector_of(text) for text in texts])
    assert rows.dtype == np.float32
    assert np.allclose(rows, right / np.linalg.norm(right, axis=1, keepdims=True), atol=1e-7)


def test_the_dimension_is_asked_once() -> None:
    """It costs one request, and no texts still give a shape."""
    with fake_openai() as server:
        embedder = OpenAIEmbedder(server.base_url, "e")
        assert embedder.embed([]).shape == (0, 3)
        assert embedder.dimension == 3
        assert len(server.requests) == 1


def test_an_empty_text_is_embedded_as_a_space() -> None:
    """Servers refuse the empty string."""
    with fake_openai() as server:
        assert OpenAIEmbedder(server.base_url, "e").embed([""]).shape == (1, 3)
        assert server.requests[0]["input"] == [" "]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}],
        [{"index": 1, "embedding": [1.0]}],
        [{"index": [], "embedding": [1.0]}],
        [{"index": 0, "embedding": "AAAA"}],
        [{"index": 0, "embedding": []}],
        [{"index": 0, "embedding": 1.0}],
        [{"index": 0, "embedding": [0.0, 0.0]}],
        [{"index": 0, "embedding": [float("nan"), 1.0]}],
        [{"index": 0, "embedding": [1e308, 1e308]}],
        [{"index": 0, "embedding": [10**400]}],
    ],
)
def test_vectors_that_cannot_be_right_are_refused(data: Any) -> None:
    """Missing, extra, empty, null, endless or unreadable vectors never enter an index."""
    with fake_openai(raw_answer={"data": data}) as server, pytest.raises(Unavailable, match="answered with"):
        OpenAIEmbedder(server.base_url, "e").embed(["a"])
