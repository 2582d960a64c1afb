"""chromadb as a store to be measured: a collection a tenant, cosine, in a persistent client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import chromadb


class Store:
    version = chromadb.__version__
    embedding_s = 0.0

    def __init__(self, folder: Path, vectors: Mapping[str, Any]) -> None:
        self._vectors = vectors
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        self._client = chromadb.PersistentClient(str(folder), settings=settings)
        self._collections: dict[str, Any] = {}

    def add(self, tenant: str, _session: str, turns: Sequence[dict[str, Any]]) -> None:
        texts = [turn["text"] for turn in turns]
        self._collection(tenant).add(
            ids=[str(turn["number"]) for turn in turns],
            embeddings=[self._vectors[text] for text in texts],
            documents=texts,
        )

    def search(self, tenant: str, question: dict[str, Any], k: int) -> list[int]:
        found = self._collection(tenant).query(query_embeddings=[self._vectors[question["text"]]], n_results=k)
        return [int(number) for number in found["ids"][0]]

    def _collection(self, tenant: str) -> Any:
        if tenant not in self._collections:
            self._collections[tenant] = self._client.create_collection(
                tenant, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        return self._collections[tenant]
