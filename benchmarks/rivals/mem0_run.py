"""mem0 as a store to be measured: no LLM (`infer=False`), its default store (Qdrant, in a folder), a user a tenant.

As it comes, its search is by meaning alone. Where fastembed and spaCy are installed it is hybrid: BM25 beside meaning.
Both then want a download (a list of stop words, spaCy's small English model). Packages stand in for these here: spaCy's
own stop words, and its table of lemmas. Entities are linked where an LLM extracts them, so without one there are none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import mem0
from mem0.embeddings.base import EmbeddingBase
from mem0.utils.factory import EmbedderFactory


class LookUp(EmbeddingBase):
    """The embedder that its configuration calls huggingface: the names of providers are a closed list."""

    vectors: ClassVar[Mapping[str, Any]] = {}

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:  # noqa: ARG002 - mem0's signature
        return self.vectors[text]


class Store:
    version = version("mem0ai")
    embedding_s = 0.0

    def __init__(self, folder: Path, vectors: Mapping[str, Any]) -> None:
        made = {text: vector.tolist() for text, vector in vectors.items()}
        LookUp.vectors = made | {text.strip(): vector for text, vector in made.items()}  # mem0 strips what is asked
        EmbedderFactory.provider_to_class["huggingface"] = f"{__name__}.LookUp"
        store = {"path": str(folder / "qdrant"), "embedding_model_dims": 384, "on_disk": True}
        self._memory = mem0.Memory.from_config({
            "vector_store": {"provider": "qdrant", "config": store},
            "embedder": {"provider": "huggingface", "config": {"embedding_dims": 384}},
            "llm": {"provider": "openai", "config": {"api_key": "never asked"}},
            "history_db_path": str(folder / "history.db"),
        })  # fmt: skip
        if find_spec("fastembed"):
            make_hybrid(self._memory, folder)

    def add(self, tenant: str, _session: str, turns: Sequence[dict[str, Any]]) -> None:
        for turn in turns:  # with infer=False a list of messages is added one by one as well
            self._memory.add(turn["text"], user_id=tenant, metadata={"turn": turn["number"]}, infer=False)

    def search(self, tenant: str, question: dict[str, Any], k: int) -> list[int]:
        found = self._memory.search(question["text"], top_k=k, filters={"user_id": tenant})
        return [hit["metadata"]["turn"] for hit in found["results"]]


def make_hybrid(memory: Any, folder: Path) -> None:
    """What two downloads would bring, from the packages that are here."""
    import spacy
    from fastembed import SparseTextEmbedding
    from mem0.utils import spacy_models

    lemmas = spacy.blank("en")
    lemmas.add_pipe("lemmatizer", config={"mode": "lookup"})
    lemmas.initialize()
    spacy_models._nlp_lemma, spacy_models._load_failed_full = lemmas, True
    memory.vector_store._bm25_encoder = SparseTextEmbedding(
        "Qdrant/bm25", specific_model_path=str(folder), stopwords=set(lemmas.Defaults.stop_words)
    )
