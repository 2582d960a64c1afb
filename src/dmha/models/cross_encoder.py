"""Any sentence-transformers CrossEncoder as the reranker; needs the extra `local` (torch).

Only the adapter lives here. The model is a directory, or a name that the hub's cache holds: nothing is downloaded. It
stays on the CPU, its weights are read as safetensors, and no code that comes with a model is run.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dmha.errors import MissingExtra, Unavailable

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class CrossEncoderReranker:
    """A model's directory, or its name in the cache. Relevance is the model's raw output: a sigmoid makes ties."""

    def __init__(self, name: str) -> None:
        self._model = _load(name)
        self._reading = threading.Lock()  # a tokenizer that sets its padding in two threads at once fails
        self.id = Path(name).name if Path(name).is_dir() else name

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        """The relevance of each text, without bounds."""
        from torch.nn import Identity

        pairs = [(_readable(query), _readable(text)) for text in texts]
        if not pairs:
            return np.empty(0, np.float32)
        with self._reading:
            told = self._model.predict(pairs, activation_fn=Identity(), show_progress_bar=False)
        return np.asarray(told, dtype=np.float32)


def _load(name: str) -> CrossEncoder:
    try:
        from sentence_transformers import CrossEncoder
    except ImportError as error:
        raise MissingExtra("local", "a CrossEncoder reranker") from error
    try:
        model = CrossEncoder(
            name,
            device="cpu",
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError) as error:  # what transformers and the hub's library raise where there is no model
        if Path(name).is_dir():
            raise _unavailable(name, "its directory holds no model that can be read") from error
        raise _unavailable(name, "it is neither a directory nor in the hub's cache") from error
    if not _judges(model):
        raise _unavailable(name, "it is no model that gives a pair of texts one number")
    return model


def _judges(model: CrossEncoder) -> bool:
    """Whether it was trained to: any other model is loaded too, and given a head of random weights."""
    trained = any(made.endswith("ForSequenceClassification") for made in model.config.architectures or ())
    further = len(list(model.children())) > 1  # a head in modules of its own
    return model.num_labels == 1 and (trained or further)


def _readable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8")  # tokenizers refuse surrogates


def _unavailable(name: str, reason: str) -> Unavailable:
    fix = "Set DMHA_RERANKER to a CrossEncoder's directory, or fetch it once with: hf download NAME"
    return Unavailable(f"reranker {name!r}", reason, fix, role="reranker")
