"""Any sentence-transformers model as the embedder, on a tiny one that the test writes itself."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny_model

from dmha.errors import MissingExtra, Unavailable
from dmha.models import sentence_transformers
from dmha.models.sentence_transformers import SentenceTransformersEmbedder
from dmha.protocols import Embedder

needs_torch = pytest.mark.extra("local")
TEXTS = ["the cat sat", "a dog", "", "the river in spring and the cat and the dog again", "\ud800 dog"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model", "BertModel")


@needs_torch
def test_a_directory_becomes_an_embedder(model: Path) -> None:
    """Rows are float32, of length 1, and no texts give no rows."""
    embedder: Embedder = SentenceTransformersEmbedder(str(model))
    rows = embedder.embed(TEXTS)
    assert rows.shape == (len(TEXTS), 32)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert embedder.embed([]).shape == (0, 32)


@needs_torch
def test_a_vector_does_not_depend_on_the_batch(model: Path) -> None:
    """Alone and among longer texts a text has the same numbers."""
    embedder = SentenceTransformersEmbedder(str(model))
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.array_equal(alone, embedder.embed(TEXTS))


@needs_torch
def test_the_id_tells_the_weights_and_no_path(model: Path) -> None:
    """Other weights under the same name are another embedder; where it lies is nobody's business."""
    from safetensors.numpy import load_file, save_file

    before = SentenceTransformersEmbedder(str(model)).id
    assert before == SentenceTransformersEmbedder(str(model)).id
    assert before.startswith("model:float32:")
    (weights,) = model.rglob("*.safetensors")
    changed = load_file(weights)
    changed[next(iter(changed))][0] += 1
    save_file(changed, weights, metadata={"format": "pt"})
    assert before != SentenceTransformersEmbedder(str(model)).id


@needs_torch
def test_a_name_that_is_nowhere_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a hub in reach the error comes without the minute of retries, and says what to set."""
    monkeypatch.setattr(sentence_transformers, "_hub_answers", lambda: False)
    with pytest.raises(Unavailable, match="the hub cannot be reached") as caught:
        SentenceTransformersEmbedder("nobody/no-such-model")
    assert "DMHA_EMBEDDER" in caught.value.fix


@needs_torch
def test_a_directory_without_a_model_is_told(tmp_path: Path) -> None:
    """An empty directory is not looked for on the hub."""
    with pytest.raises(Unavailable, match="holds no model"):
        SentenceTransformersEmbedder(str(tmp_path))


def test_without_the_extra_the_line_that_brings_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default install has no torch; asking for such a model says how to get it."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"pip install '\.\[local\]'"):
        SentenceTransformersEmbedder("any")


def test_a_hub_that_does_not_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens on the port, so there is no hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert not sentence_transformers._hub_answers()
