"""A reranking model over HTTP, in the shape that Cohere and Jina gave it and vLLM, llama.cpp and LiteLLM answer to.

Only what the JSON means lives here; how it travels is `endpoint`.
"""

from __future__ import annotations

import copy
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from dmha.models.endpoint import Endpoint

# Someone waits for the answer, and without it there still is an order: given up sooner than a chat or an embedding. A
# few dozen short texts take a large model a second on a GPU and several on a CPU.
_TIMEOUT_S, _RETRIES = 20.0, 1


class HTTPReranker:
    """A model behind `base_url`, which is asked at `/rerank`; a `base_url` that ends so is the same."""

    def __init__(self, base_url: str, model: str, *, key: str | None = None) -> None:
        base = base_url.rstrip("/").removesuffix("/rerank")
        self._endpoint = Endpoint(base, key, setting="DMHA_RERANKER", timeout_s=_TIMEOUT_S, retries=_RETRIES)
        self._model = model
        self.id = f"{self._endpoint.base_url}#{model}"

    def within(self, seconds: float) -> HTTPReranker:
        """The same model, which gives up when so much time has passed."""
        bounded = copy.copy(self)
        bounded._endpoint = self._endpoint.within(seconds)
        return bounded

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]:
        """The relevance of each text, on the model's own scale."""
        if not texts:
            return np.empty(0, np.float32)
        body = {"model": self._model, "query": query, "documents": texts, "top_n": len(texts)}
        return self._relevance(self._endpoint.post("/rerank", body).get("results"), len(texts))

    def _relevance(self, results: object, count: int) -> NDArray[np.float32]:
        """`results` say by `index` which text they mean: each text once, in any order."""
        rows = results if isinstance(results, list) else []
        try:
            by_index = {row["index"]: row["relevance_score"] for row in rows}
            with np.errstate(over="ignore"):  # an endless one is refused below
                relevance = np.array([by_index[index] for index in range(count)], dtype=np.float32)
        except (KeyError, TypeError, ValueError, OverflowError):
            self._unusable(count)
        if len(rows) != count or relevance.shape != (count,) or not np.isfinite(relevance).all():
            self._unusable(count)
        return relevance

    def _unusable(self, count: int) -> NoReturn:
        reason = f"model {self._model!r} did not answer with one relevance for each of {count} texts"
        raise self._endpoint.unavailable(reason, "Choose a reranking model in DMHA_RERANKER.")
