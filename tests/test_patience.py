"""How long whoever asked waits: a deadline cuts what can be cut, and nobody works on for one who has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_openai import fake_openai
from numpy.typing import NDArray
from serving import key_of, serving
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, OutOfBounds, Turn, Unavailable
from dmha.domain.tokens import estimate_tokens
from dmha.errors import Abandoned
from dmha.mind import Mind
from dmha.models.endpoint import Endpoint
from dmha.models.openai import OpenAIChat

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


class Watch:
    """The time that deadlines are kept by; it passes when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Slow:
    """A chat model each of whose pieces takes a second. `UNREACHABLE` is where it gives up."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.replies: list[list[str]] = []
        self.spoken = 0

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        for piece in self.replies.pop(0):
            self.watch.seconds += 1.0
            if piece == "UNREACHABLE":
                raise Unavailable("chat model", "no answer", "Start it.")
            self.spoken += 1
            yield piece

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


class SlowReranker:
    """A reranker that turns the order round, and takes a second for it."""

    id = "slow"

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.asked = 0
        self.fails = False

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        self.watch.seconds += 1.0
        self.asked += 1
        if self.fails:
            raise Unavailable("reranker 'slow'", "no answer", "Start it.")
        return np.arange(len(texts), dtype=np.float32)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("dmha.patience.monotonic", watch)
    return watch


@pytest.fixture
def slow(watch: Watch, database: Path) -> Iterator[tuple[Mind, Slow]]:
    chat = Slow(watch)
    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=ManualClock()) as mind:
        mind.add([Turn("My cat is called Momo.", "aya"), Turn("I moved to Osaka.", "aya")], session_id="old", **HERE)
        yield mind, chat


def test_a_reply_ends_at_the_deadline(slow: tuple[Mind, Slow]) -> None:
    """What had come of it is the reply, the model is heard no further, the trace says so, and it is remembered."""
    mind, chat = slow
    chat.replies = [["It ", "is ", "sunny ", "today."]]
    reply = mind.contextualize("What weather is it?", turn_id="t", deadline_ms=2_000, **HERE)
    assert reply.text == "It is"
    assert chat.spoken == 2
    assert "cut at the deadline" in reply.trace["generate"].did
    assert mind.get(reply.remembered[1], **HERE).text == "It is"
    assert mind.contextualize("What weather is it?", turn_id="t", **HERE).text == "It is"


def test_a_reply_within_the_deadline_is_whole(slow: tuple[Mind, Slow]) -> None:
    """A deadline that does not pass changes nothing."""
    mind, chat = slow
    chat.replies = [["It ", "is ", "sunny."]]
    reply = mind.contextualize("What weather is it?", deadline_ms=600_000, **HERE)
    assert reply.text == "It is sunny."
    assert not any("deadline" in step.did for step in reply.trace.values())


@pytest.mark.parametrize("pieces", [["UNREACHABLE"], ["<think>hm", "hm</think>"], [" ", "Momo."]])
def test_where_no_word_has_come_memories_are_quoted(slow: tuple[Mind, Slow], pieces: list[str]) -> None:
    """The reply is then the quoting one's, and as such is never brought back as new."""
    mind, chat = slow
    chat.replies = [pieces]
    reply = mind.contextualize("What is my cat called?", speaker="aya", deadline_ms=500, **HERE)
    assert "“My cat is called Momo.”" in reply.text
    assert "cut at the deadline" in reply.trace["generate"].did
    assert all(hit.confidence >= 0.25 for hit in reply.recalled)
    assert reply.remembered[1] not in {hit.memory.id for hit in mind.search("cat called Momo", **HERE)}


def test_a_deadline_may_pass_while_the_prompt_is_packed(
    slow: tuple[Mind, Slow], watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is then not asked at all."""
    mind, chat = slow

    def counted(text: str) -> int:
        watch.seconds += 1.0
        return estimate_tokens(text)

    monkeypatch.setattr(chat, "count_tokens", counted)
    reply = mind.contextualize("What is my cat called?", speaker="aya", deadline_ms=500, **HERE)
    assert "“My cat is called Momo.”" in reply.text
    assert chat.spoken == 0


def test_a_model_that_fails_in_time_is_unavailable(slow: tuple[Mind, Slow]) -> None:
    """A deadline hides no failure that it did not cause; the turn stays, and a retry goes on."""
    mind, chat = slow
    chat.replies = [["UNREACHABLE"], ["Momo."]]
    with pytest.raises(Unavailable, match="no answer"):
        mind.contextualize("What is my cat called?", turn_id="t", deadline_ms=5_000, **HERE)
    assert mind.contextualize("What is my cat called?", turn_id="t", **HERE).text == "Momo."


def test_past_the_deadline_nothing_is_mended(slow: tuple[Mind, Slow]) -> None:
    """A mend that is cut is dropped: the draft before stays whole, no fact ends, no lesson is learned."""
    mind, chat = slow
    knowledge = mind.knowledge(**HERE)
    knowledge.tell("fact: aya.city = Osaka")
    knowledge.tell("fact: aya.city = Kyoto")
    for deadline_ms, spoken in ((1_000, 1), (2_500, 3)):
        chat.replies, chat.spoken = [["You live in Osaka."], ["You ", "live ", "in Kyoto."]], 0
        reply = mind.contextualize("Where does aya live, what city?", speaker="aya", deadline_ms=deadline_ms, **HERE)
        assert reply.text == "You live in Osaka."
        assert reply.repairs == ()
        assert chat.spoken == spoken
        assert "0 conflicts mended in 0 rounds, cut at the deadline" in reply.trace["repair"].did
        assert len(knowledge.conflicts()) == 1


@pytest.fixture
def reranked(watch: Watch, database: Path) -> Iterator[tuple[Mind, SlowReranker]]:
    reranker = SlowReranker(watch)
    with dmha.open(
        database, embedder=StubEmbedder(), chat="extractive", reranker=reranker, clock=ManualClock()
    ) as mind:
        mind.add([Turn(f"The cat {name} sleeps.", "aya") for name in ("Momo", "Mio", "Mia")], **HERE)
        yield mind, reranker


def test_past_the_deadline_hits_stay_in_their_order(reranked: tuple[Mind, SlowReranker], watch: Watch) -> None:
    """Whether it passed before the reranker was asked or while it was, the ranking's order is what comes."""
    mind, reranker = reranked
    ranked = [hit.memory.id for hit in mind.search("cat Momo sleeps", **HERE)][::-1]
    reranker.fails = True
    for call in (mind.search, mind.recall):
        assert [hit.memory.id for hit in call("cat Momo sleeps", deadline_ms=1_000, **HERE)] == ranked
        with pytest.raises(Unavailable):
            call("cat Momo sleeps", deadline_ms=1_500, **HERE)
    asked = reranker.asked

    def passes() -> bool:
        watch.seconds += 1.0
        return True

    for call in (mind.search, mind.recall):
        assert [hit.memory.id for hit in call("cat Momo sleeps", deadline_ms=500, still=passes, **HERE)] == ranked
    reply = mind.contextualize("Does the cat Momo sleep?", deadline_ms=500, still=passes, **HERE)
    assert "left in their order: slow is unavailable: the deadline has passed" in reply.trace["rerank"].did
    assert reranker.asked == asked


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "5", True, float("nan")])
def test_a_deadline_is_a_positive_whole_number(mind: Mind, wrong: Any) -> None:
    """Anything else is refused by name, one beyond ten minutes as out of bounds."""
    for call in (mind.search, mind.recall, mind.contextualize):
        with pytest.raises(InvalidInput, match="deadline_ms"):
            call("hello", deadline_ms=wrong, **HERE)
        with pytest.raises(OutOfBounds, match="deadline_ms"):
            call("hello", deadline_ms=600_001, **HERE)


# --- who has left ----------------------------------------------------------------------------------------------------


class Leaving:
    """Says that somebody waits, so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left >= 0


def test_whoever_leaves_stops_the_work(slow: tuple[Mind, Slow]) -> None:
    """At whatever step, nothing of the reply is kept, and a retry of the turn goes on to one whole reply."""
    mind, chat = slow
    asked = "Where did aya move?"
    for times in range(50):
        chat.replies = [["To ", "Osaka", "."]]
        try:
            reply = mind.contextualize(asked, turn_id="t", still=Leaving(times), **HERE)
            break
        except Abandoned:
            assert [hit for hit in mind.search("Osaka", **HERE) if hit.memory.recall_count] == []
    assert times > 8  # each step asks, and each piece
    assert reply.text == "To Osaka."
    assert mind.contextualize(asked, turn_id="t", **HERE).text == "To Osaka."


@pytest.mark.parametrize("name", ["search", "recall"])
def test_whoever_leaves_stops_a_recall(mind: Mind, name: str) -> None:
    """It is asked before each stage; what is not strengthened yet stays as it was."""
    mind.add("I moved to Osaka.", **HERE)
    call: Callable[..., list[dmha.Hit]] = getattr(mind, name)
    times = 0
    while True:
        try:
            found = call("Osaka", still=Leaving(times), **HERE)
            break
        except Abandoned:
            times += 1
            assert [hit.memory.recall_count for hit in mind.search("Osaka", **HERE)] == [0]
    assert [hit.memory.text for hit in found] == ["I moved to Osaka."]
    assert times == {"search": 2, "recall": 3}[name]


# --- models over HTTP ------------------------------------------------------------------------------------------------


def test_a_server_that_hangs_is_given_up_at_the_deadline(database: Path) -> None:
    """The deadline is the longest that a silent server is waited for, and it is not asked again."""
    with fake_openai(stall=True) as server:
        chat = OpenAIChat(server.base_url, "m")
        with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=ManualClock()) as mind:
            reply = mind.contextualize("Hello there.", deadline_ms=300, **HERE)
        assert reply.text
        assert "cut at the deadline" in reply.trace["generate"].did
        assert len(server.requests) <= 1


def test_a_server_that_only_chatters_is_given_up() -> None:
    """Events without a word in them do not keep a reply open for ever: between two it is seen that time is up."""
    events = ['{"choices": [{"delta": {"content": ""}}]}'] * 3
    with fake_openai(raw_events=events) as server:
        endpoint = Endpoint(server.base_url, setting="DMHA_CHAT").within(60.0)
        told = endpoint.stream("/chat/completions", {})
        next(told)
        endpoint._until = 0.0
        with pytest.raises(Unavailable, match="not finished in time"):
            next(told)


def test_what_a_bounded_model_learns_of_its_server_stays_known() -> None:
    """The name that the server has for the limit is asked for once, not at each deadline."""
    refusal = {"error": {"message": "Use 'max_completion_tokens' instead."}}
    with fake_openai(refusals=[(400, {}, refusal)]) as server:
        chat = OpenAIChat(server.base_url, "m")
        for _ in range(2):
            assert "".join(chat.within(60.0).reply([{"role": "user", "content": "Hi"}], max_tokens=5)) == "Hello!"
        assert len(server.requests) == 3


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["contextualize", "search", "recall"])
@pytest.mark.parametrize(("request_s", "most"), [(2.0, 2_000), (3_600.0, 600_000), (0.0001, 1)])
def test_no_request_asks_for_more_than_its_time(
    database: Path, monkeypatch: pytest.MonkeyPatch, route: str, request_s: float, most: int
) -> None:
    """Whoever gives a deadline, or none, is answered within DMHA_REQUEST_S; an earlier one is kept."""
    with serving(database, request_s=request_s) as (service, client):
        client.headers.update(key_of(service, "aya"))
        given, call = list[int | None](), getattr(service.mind, route)

        def watched(*asked: Any, deadline_ms: int | None = None, **more: Any) -> Any:
            given.append(deadline_ms)
            return call(*asked, deadline_ms=deadline_ms, **more)

        monkeypatch.setattr(service.mind, route, watched)
        said = {"text" if route == "contextualize" else "query": "Where do I live?"}
        deadlines: list[dict[str, Any]] = [{}, {"deadline_ms": None}, {"deadline_ms": 600_000}, {"deadline_ms": 1}]
        for deadline in deadlines:
            assert client.post(f"/v1/{route}", json=said | deadline).status_code == 200
    assert given == [most, most, most, 1]
