"""txtai as a store to be measured: a hybrid index with its content for each tenant, durable once it is saved."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["ALLOW_RESOLVE_TRANSFORM"] = "True"  # the saved configuration names `look_up`, which is in this file

import txtai

_vectors: dict[str, Any] = {}  # of the module: txtai finds `look_up` by its name


def look_up(texts: list[str]) -> list[Any]:
    return [_vectors[text] for text in texts]


class Store:
    version = version("txtai")
    embedding_s = 0.0

    def __init__(self, folder: Path, vectors: Mapping[str, Any]) -> None:
        _vectors.update(vectors)
        self._folder, self._indexes = folder, {}

    def add(self, tenant: str, _session: str, turns: Sequence[dict[str, Any]]) -> float:
        index, start = self._index(tenant), perf_counter()
        index.upsert([(turn["number"], turn["text"], None) for turn in turns])
        undone = perf_counter() - start
        index.save(str(self._folder / tenant))
        return undone

    def search(self, tenant: str, question: dict[str, Any], k: int) -> list[int]:
        return [int(hit["id"]) for hit in self._index(tenant).search(question["text"], k)]

    def _index(self, tenant: str) -> Any:
        if tenant not in self._indexes:
            self._indexes[tenant] = txtai.Embeddings(
                method="external", transform="txtai_run.look_up", hybrid=True, content=True
            )
        return self._indexes[tenant]
