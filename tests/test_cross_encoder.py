"""Any CrossEncoder as the reranker, on tiny ones that the test writes itself."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from judges import WHO, opened
from tiny_models import tiny_model

from dmha import Turn
from dmha.errors import MissingExtra, Unavailable
from dmha.models.cross_encoder import CrossEncoderReranker
from dmha.protocols import Reranker
from dmha.settings import Settings
from dmha.wiring import make_reranker

needs_torch = pytest.mark.extra("local")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model", "BertForSequenceClassification", num_labels=1)


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
        CrossEncoderReranker(str(tiny_model(tmp_path / "model", kind, **config)))


@needs_torch
def test_pickled_weights_are_not_read(tmp_path: Path, model: Path) -> None:
    """A directory whose weights are no safetensors holds no model that can be read."""
    import torch
    from safetensors.torch import load_file

    folder = tiny_model(tmp_path / "model", "BertForSequenceClassification", num_labels=1)
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
