"""A small server that speaks OpenAI's HTTP API on 127.0.0.1, and misbehaves where a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from fake_server import Answering, listening


@dataclass
class Fake:
    """What the server was asked, and how it shall answer."""

    base_url: str = ""
    pieces: tuple[str, ...] = ("Hel", "lo", "!")
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)  # used up one per request
    stall: bool = False  # take the request and say nothing until the server closes
    drip: bool = False  # answer with a space now and then until the server closes
    cut_after: int | None = None  # events sent before the connection closes without [DONE]
    raw_events: list[str] | None = None  # sent instead of the pieces
    raw_answer: Any = None  # sent instead of the embeddings
    hold: bool = False  # take a question, and begin to answer once `let_go` is set
    pause: float = 0.0  # seconds between two pieces
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    let_go: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)  # set once a client left before the last piece
    closing: threading.Event = field(default_factory=threading.Event)


def vector_of(text: str) -> list[float]:
    return [float(len(text)), 1.0, 2.0]


@contextmanager
def fake_openai(**behaviour: Any) -> Iterator[Fake]:
    fake = Fake(**behaviour)

    class Handler(Answering):
        def respond(self, body: dict[str, Any]) -> None:
            fake.requests.append({"path": self.path, **body})
            fake.authorizations.append(self.headers["Authorization"])
            if fake.stall:
                fake.closing.wait(20)
                self.close_connection = True
            elif fake.drip:
                self.drip()
            elif fake.refusals:
                status, headers, answer = fake.refusals.pop(0)
                self.answer(status, answer, headers)
            elif self.path == "/v1/chat/completions":
                self.stream()
            elif self.path == "/v1/embeddings":
                rows = [{"index": i, "embedding": vector_of(text)} for i, text in enumerate(body["input"])]
                self.answer(200, {"data": rows[::-1]} if fake.raw_answer is None else fake.raw_answer)
            else:
                self.answer(404, {"detail": "Not Found"})

        def drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with suppress(OSError):  # the client has left
                while not fake.closing.wait(0.01):
                    self.wfile.write(b" ")
            self.close_connection = True

        def stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in fake.pieces)]
            events = fake.raw_events or [json.dumps({"choices": [{"delta": delta}]}) for delta in deltas]
            fake.asked.release()
            if fake.hold:
                fake.let_go.wait(60)
            try:
                for event in [*events, "[DONE]"][: fake.cut_after]:
                    self.wfile.write(f"data: {event}\n\n".encode())
                    fake.closing.wait(fake.pause)
            except OSError:
                fake.left.set()

    with listening(Handler) as fake.base_url:
        try:
            yield fake
        finally:
            fake.closing.set()
