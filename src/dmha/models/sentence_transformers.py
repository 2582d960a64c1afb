"""Any sentence-transformers model as the embedder; needs the extra `local` (torch).

Only the adapter lives here. A name is looked for on disk first and on the hub only if it is not there. The model stays
on the CPU, its weights are read as safetensors, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dmha.errors import MissingExtra, Unavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformersEmbedder:
    """A model's directory, or its name on the hub. It is taken to read every script.

    One text at a time: in a padded batch the last digits of a row change with the longest text beside it. Loading
    happens here and not at the first `embed`, because `id` is made from the weights and the vocabulary themselves.
    """

    def __init__(self, name: str) -> None:
        self._model = _load(name)
        self._encoding = threading.Lock()  # a tokenizer that sets its padding in two threads at once fails
        self.dimension = int(self._encode(["dimension"]).shape[1])
        self.id = f"{Path(name).name if Path(name).is_dir() else name}:{_fingerprint(self._model)}"

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        """Rows of length 1."""
        return self._encode(texts) if texts else np.empty((0, self.dimension), dtype=np.float32)

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        readable = [text.encode("utf-8", "ignore").decode("utf-8") for text in texts]  # tokenizers refuse surrogates
        with self._encoding:
            rows = self._model.encode(readable, batch_size=1, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(rows, dtype=np.float32)


def _load(name: str) -> SentenceTransformer:
    try:
        return _open(name, local_files_only=True)
    except (OSError, ValueError) as error:  # what transformers and the hub's library raise where there is no model
        if Path(name).is_dir():
            raise _unavailable(name, "its directory holds no model that can be read") from error
        if not _hub_answers():  # asked first: left to itself the hub's library tries for more than a minute
            raise _unavailable(name, "it is not on this machine and the hub cannot be reached") from error
    try:
        return _open(name, local_files_only=False)
    except (OSError, ValueError) as error:
        raise _unavailable(name, "it is not on this machine and the hub did not give it") from error


def _open(name: str, *, local_files_only: bool) -> SentenceTransformer:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtra("local", "a sentence-transformers embedder") from error
    return SentenceTransformer(
        name,
        device="cpu",
        trust_remote_code=False,
        local_files_only=local_files_only,
        model_kwargs={"use_safetensors": True},
    )


def _hub_answers() -> bool:
    import httpx2
    from huggingface_hub import constants

    try:
        httpx2.head(constants.ENDPOINT, timeout=5.0)
    except httpx2.RequestError:
        return False
    return True


def _unavailable(name: str, reason: str) -> Unavailable:
    fix = "Set DMHA_EMBEDDER to a directory that holds the model, or to the default, minilm."
    return Unavailable(f"embedder {name!r}", reason, fix, role="embedder")


def _fingerprint(model: SentenceTransformer) -> str:
    """The precision, and a hash of weights and vocabulary: another model in the same directory is another embedder."""
    import torch

    digest = hashlib.sha256(repr(sorted(model.tokenizer.get_vocab().items())).encode("utf-8", "replace"))
    for part, weights in sorted(model.state_dict().items()):
        digest.update(part.encode())
        digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    precision = str(next(model.parameters()).dtype).removeprefix("torch.")
    return f"{precision}:{digest.hexdigest()[:12]}"
