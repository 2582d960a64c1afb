"""The third stage: a model's judgement orders what the ranking found, over HTTP or by a CrossEncoder here."""

from __future__ import annotations

import importlib
import logging
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_reranker import Fake, fake_reranker
from numpy.typing import NDArray
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Hit, Turn
from dmha.domain.prompt import OPENING, read
from dmha.errors import InvalidInput, MissingExtra, Unavailable
from dmha.faculties.reranking import RERANKED
from dmha.mind import Mind
from dmha.models.cross_encoder import CrossEncoderReranker
from dmha.models.reranker import HTTPReranker
from dmha.protocols import Reranker
from dmha.scene import EVIDENCE
from dmha.settings import Settings
from dmha.wiring import make_reranker

needs_torch = pytest.mark.extra("local")
WHO: Any = {"user_id": "aya", "agent_id": "relu"}
KEY = "rk-very-secret"


class Judge:
    """A reranker that a test writes in a line: a relevance for a text."""

    id = "judge"

    def __init__(self, relevance: Callable[[str], float]) -> None:
        self.relevance = relevance
        self.asked: list[tuple[str, list[str]]] = []

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        self.asked.append((query, texts))
        return np.array([self.relevance(text) for text in texts], np.float32)


class Broken:
    """A reranker that cannot be reached."""

    id = "broken"

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        raise Unavailable("reranker 'broken'", "it sleeps", "Wake it.")


def opened(reranker: str | Reranker | None, path: str | Path = ":memory:") -> Mind:
    return dmha.open(path, embedder=StubEmbedder(), chat="extractive", reranker=reranker, clock=ManualClock())


def numbered(count: int) -> list[Turn]:
    return [Turn(f"bees {'again ' * place}number {place}", speaker="aya") for place in range(count)]


def texts(hits: Iterable[Hit]) -> list[str]:
    return [hit.memory.text for hit in hits]


# --- the stage -------------------------------------------------------------------------------------------------------


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


# --- the calls -------------------------------------------------------------------------------------------------------


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


# --- over HTTP -------------------------------------------------------------------------------------------------------


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


def test_a_reranker_is_named_by_its_address() -> None:
    """Nothing is none; an address without a model, or of another kind, is refused; an object is taken as it is."""
    assert make_reranker(Settings()) is None
    for wrong in ("http://127.0.0.1:1/v1", "ftp://host#model"):
        with pytest.raises(InvalidInput, match="DMHA_RERANKER"):
            make_reranker(Settings(reranker=wrong))
    judge = Judge(len)
    assert make_reranker(Settings(), judge) is judge
    assert "rk-secret" not in repr(Settings(reranker_key="rk-secret"))


# --- a CrossEncoder --------------------------------------------------------------------------------------------------


def tiny(folder: Path, kind: str, **config: Any) -> Path:
    """A model of two layers of 32 numbers with weights from a fixed seed, saved as safetensors."""
    import torch

    transformers = importlib.import_module("transformers")  # not in the default install, for mypy to look at
    folder.mkdir()
    words = ["the", "cat", "sat", "a", "dog", "river", "in", "spring", "and", "again"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    made = transformers.BertConfig(vocab_size=len(pieces), **size, **config)
    getattr(transformers, kind)(made).save_pretrained(folder)
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("tiny") / "model", "BertForSequenceClassification", num_labels=1)


@needs_torch
def test_a_directory_becomes_a_reranker(model: Path) -> None:
    """One float32 a text in the order given, what the model itself says of each pair; no texts give none."""
    reranker: Reranker = CrossEncoderReranker(str(model))
    read = [
        "the cat sat",
        "a dog",
        "",
        "the river in spring and the cat and the dog again",
        "\ud800 dog",
        "cat " * 2_000,
    ]
    judged = reranker.rerank("the cat \udfff", read)
    assert judged.shape == (len(read),)
    assert judged.dtype == np.float32
    assert len(set(judged.tolist())) > 3
    alone = [reranker.rerank("the cat \udfff", [text])[0] for text in read]
    assert np.allclose(judged, alone, atol=1e-5)
    assert reranker.rerank("the cat", []).shape == (0,)
    assert reranker.id == "model"


@needs_torch
def test_a_mind_is_reranked_by_a_directory(model: Path) -> None:
    """The directory as the setting: the order is the model's."""
    with opened(str(model)) as mind:
        mind.add([Turn(text) for text in ("the cat sat", "a dog in spring", "the river again")], **WHO)
        hits = mind.search("the cat", **WHO)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True) == [hit.reasons["reranker"] for hit in hits]


@needs_torch
@pytest.mark.parametrize(("kind", "config"), [("BertModel", {}), ("BertForSequenceClassification", {"num_labels": 3})])
def test_a_model_that_judges_no_pairs_is_refused(tmp_path: Path, kind: str, config: dict[str, int]) -> None:
    """An embedder would be given a head of random weights, a classifier gives several numbers: neither will do."""
    with pytest.raises(Unavailable, match="gives a pair of texts one number"):
        CrossEncoderReranker(str(tiny(tmp_path / "model", kind, **config)))


@needs_torch
def test_pickled_weights_are_not_read(tmp_path: Path, model: Path) -> None:
    """A directory whose weights are no safetensors holds no model that can be read."""
    import torch
    from safetensors.torch import load_file

    folder = tiny(tmp_path / "model", "BertForSequenceClassification", num_labels=1)
    (weights,) = folder.glob("*.safetensors")
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(Unavailable, match="holds no model"):
        CrossEncoderReranker(str(folder))


@needs_torch
def test_a_name_that_is_not_in_the_cache_is_told_without_asking_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded: the line that fetches it is told."""

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(Unavailable, match="nor in the hub's cache") as caught:
        CrossEncoderReranker("nobody/no-such-model")
    assert "hf download" in caught.value.fix


def test_without_the_extra_the_line_that_brings_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default install has no torch; asking for such a model says how to get it."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"pip install '\.\[local\]'"):
        make_reranker(Settings(reranker="any"))
