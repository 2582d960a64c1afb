"""A small server of the Cohere and Jina shape on 127.0.0.1: a text is as relevant as it shares words with the query."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.requests.append({"path": self.path, **body})
            fake.authorizations.append(self.headers["Authorization"])
            told = self.judgement(body) if fake.answer is None else fake.answer
            data = json.dumps(told).encode()
            self.send_response(fake.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def judgement(self, body: dict[str, Any]) -> dict[str, Any]:
            scores = [relevance_of(body["query"], text) for text in body["documents"]]
            best = sorted(range(len(scores)), key=lambda index: -scores[index])[: body["top_n"]]
            return {"model": body["model"], "results": [{"index": i, "relevance_score": scores[i]} for i in best]}

        def log_message(self, format: str, *args: Any) -> None:
            """A test's output is for the test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
