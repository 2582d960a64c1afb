"""Chat and embeddings over any server that speaks OpenAI's HTTP API: Ollama, vLLM, llama.cpp, OpenAI itself.

Only what the JSON means lives here; how it travels is `endpoint`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from dmha.domain.tokens import estimate_tokens
from dmha.errors import Unavailable
from dmha.models.endpoint import Endpoint

_BATCH = 64  # texts per request: well under OpenAI's 2,048, and few enough for a small server's memory


class OpenAIChat:
    """A chat model behind `base_url` (which ends in `/v1` for most servers)."""

    def __init__(self, base_url: str, model: str, *, key: str | None = None, timeout_s: float = 60.0) -> None:
        self._endpoint = Endpoint(base_url, key, setting="DMHA_CHAT", timeout_s=timeout_s)
        self._model = model
        self._limits = ["max_tokens", "max_completion_tokens"]  # what the server may call it; the first is used

    def within(self, seconds: float) -> OpenAIChat:
        """The same model, which gives up when so much time has passed."""
        bounded = copy.copy(self)
        bounded._endpoint = self._endpoint.within(seconds)
        return bounded

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        """Pieces of the reply as the server sends them. A reply without a single piece is an error, not silence."""
        spoke, finish = False, "no reason"
        for event in self._events(messages, max_tokens):
            for choice in _dicts(event.get("choices")):
                finish = choice.get("finish_reason") or finish
                for delta in _dicts([choice.get("delta")]):
                    piece = delta.get("content")
                    if isinstance(piece, str) and piece:
                        spoke = True
                        yield piece
        if not spoke:
            reason = f"model {self._model!r} ended without a word (finish reason: {finish})"
            raise self._endpoint.unavailable(reason, "Allow more tokens, or choose another model in DMHA_CHAT.")

    def count_tokens(self, text: str, /) -> int:
        """The stated estimate: these servers offer no tokenizer."""
        return estimate_tokens(text)

    def _events(self, messages: list[dict[str, Any]], max_tokens: int) -> Iterator[dict[str, Any]]:
        said = [{"role": message["role"], "content": message["content"]} for message in messages]
        body = {"model": self._model, "messages": said, "stream": True}
        try:
            yield from self._endpoint.stream("/chat/completions", {**body, self._limits[0]: max_tokens})
        except Unavailable as error:
            # OpenAI's reasoning models refuse `max_tokens` and name this instead; other servers know only the former.
            if self._limits[0] != "max_tokens" or "max_completion_tokens" not in error.reason:
                raise
            self._limits[:] = ["max_completion_tokens"]
            yield from self._endpoint.stream("/chat/completions", {**body, self._limits[0]: max_tokens})


class OpenAIEmbedder:
    """An embedding model behind `base_url`. It is taken to read every script; its dimension is what it answers with."""

    def __init__(self, base_url: str, model: str, *, key: str | None = None) -> None:
        self._endpoint = Endpoint(base_url, key, setting="DMHA_EMBEDDER")
        self._model = model
        self.id = f"{self._endpoint.base_url}#{model}"

    @cached_property
    def dimension(self) -> int:
        """Asked of the endpoint once."""
        return int(self._rows(["dimension"]).shape[1])

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        """Rows of length 1, in the order of the texts."""
        batches = [self._rows(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        if any(batch.shape[1] != self.dimension for batch in batches):
            self._unusable(f"vectors of another length than {self.dimension}")
        return np.concatenate(batches) if batches else np.empty((0, self.dimension), dtype=np.float32)

    def _rows(self, texts: list[str]) -> NDArray[np.float32]:
        # OpenAI refuses the empty string as input.
        body = {"model": self._model, "input": [text or " " for text in texts]}
        data = _dicts(self._endpoint.post("/embeddings", body).get("data"))
        try:
            by_index = {row.get("index"): row.get("embedding") for row in data}
            rows = np.array([by_index[index] for index in range(len(texts))], dtype=np.float64)
        except (KeyError, TypeError, ValueError, OverflowError):
            self._unusable("not one vector per text")
        if rows.ndim != 2 or len(data) != len(texts) or not rows.size:
            self._unusable("not one vector per text")
        with np.errstate(over="ignore"):  # an endless length is refused below
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            self._unusable("a vector without length or with NaN")
        return np.asarray(rows / lengths, dtype=np.float32)

    def _unusable(self, what: str) -> NoReturn:
        reason = f"model {self._model!r} answered with {what}"
        raise self._endpoint.unavailable(reason, "Choose an embedding model in DMHA_EMBEDDER.")


def _dicts(value: object) -> list[dict[str, Any]]:
    """The JSON objects of a list; anything else in its place is nobody's text and nobody's vector."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
