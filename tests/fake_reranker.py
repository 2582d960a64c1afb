"""A small server of the Cohere and Jina shape on 127.0.0.1: a text is as relevant as it shares words with the query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fake_server import Answering, listening


@dataclass
class Fake:
    """What the server was asked, and how it shall answer."""

    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    answer: Any = None  # sent instead of the judgement
    status: int = 200


def relevance_of(query: str, text: str) -> float:
    """How many words the text shares with the query."""
    return float(len(set(query.lower().split()) & set(text.lower().split())))


@contextmanager
def fake_reranker(**behaviour: Any) -> Iterator[Fake]:
    fake = Fake(**behaviour)

    class Handler(Answering):
        def respond(self, body: dict[str, Any]) -> None:
            fake.requests.append({"path": self.path, **body})
            fake.authorizations.append(self.headers["Authorization"])
            self.answer(fake.status, self.judgement(body) if fake.answer is None else fake.answer)

        def judgement(self, body: dict[str, Any]) -> dict[str, Any]:
            scores = [relevance_of(body["query"], text) for text in body["documents"]]
            best = sorted(range(len(scores)), key=lambda index: -scores[index])[: body["top_n"]]
            return {"model": body["model"], "results": [{"index": i, "relevance_score": scores[i]} for i in best]}

    with listening(Handler) as fake.base_url:
        yield fake
