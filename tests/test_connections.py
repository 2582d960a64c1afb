"""Connections on a real port: who sends or takes too little is let go, and nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from dmha.server import connections
from dmha.server.connections import Impatient

PATIENCE = 20.0  # seconds for what takes a hundredth of one
LARGE = b"x" * 50_000_000  # more than the system keeps for who does not take it
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


async def answers(scope: Any, receive: Any, send: Any) -> None:
    """Answers every request without a look at its body: `/large` with much, others with a little."""
    body = LARGE if scope["path"] == "/large" else b"here"
    length = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


def talked(talk: Talk) -> Any:
    """What a client's talk with a service comes to."""

    async def whole() -> Any:
        config = uvicorn.Config(answers, http=Impatient, log_config=None, access_log=False)
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Impatient(config, ServerState(), {}), "127.0.0.1", 0)
        async with server, asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await talk(reader, writer)
            finally:
                writer.transport.abort()

    return asyncio.run(whole())


async def _everything(reader: asyncio.StreamReader) -> int:
    """How many bytes come until the connection ends, however it ends."""
    came = 0
    try:
        while piece := await reader.read(1 << 20):
            came += len(piece)
    except ConnectionError:
        pass
    return came


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n"])
def test_what_does_not_come_ends_the_connection(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """No head, half of one, or the body of a request that was answered without it; a byte more buys no time."""
    monkeypatch.setattr(connections, "HEAD_S", 0.1)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(sent)
        if sent.endswith(b"\r\n\r\n"):
            await reader.readuntil(b"here")
            writer.write(b"x")
        return await _everything(reader)

    assert talked(talk) == 0


def test_an_answered_body_may_come_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends the rest of it in time is served on the same connection."""
    monkeypatch.setattr(connections, "HEAD_S", PATIENCE)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n"
        for _ in range(2):
            writer.write(head)
            await reader.readuntil(b"here")
            writer.write(b"{}")

    talked(talk)


def test_an_answer_that_is_not_taken_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is kept for who reads none of it; who does read has it whole."""
    request = b"GET /large HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"

    async def ignores(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's
        writer.write(request)
        await ended.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]  # a socket's
        return await _everything(reader)

    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(request)
        return await _everything(reader)

    class Watched(Impatient):
        def connection_lost(self, exc: Exception | None) -> None:
            ended.set()
            super().connection_lost(exc)

    assert talked(takes) > len(LARGE)
    ended = asyncio.Event()
    monkeypatch.setattr(connections, "TAKEN_S", 0.1)
    monkeypatch.setitem(globals(), "Impatient", Watched)
    assert talked(ignores) < len(LARGE)


def test_one_connection_too_many_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a problem, with when to come again; and it is closed, so that files are left for the database."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 0)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    said = talked(talk)
    assert said.startswith(b"HTTP/1.1 503 ")
    for header in (b"retry-after: 1\r\n", b"content-type: application/problem+json\r\n", b"connection: close\r\n"):
        assert header in said


def test_what_is_no_request_is_told_so() -> None:
    """As a problem too, with a trace id."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"what?\r\n\r\n")
        return await reader.read()

    said = talked(talk)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert len(json.loads(said.partition(b"\r\n\r\n")[2])["trace_id"]) == 32


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("GET /v1/memories?agent_id=彩 HTTP/1.1", "path"),
        ("GET /彩 HTTP/1.1", "path"),
        ("彩", "head"),
        ("GET /v1/memories", "head"),
    ],
)
def test_a_path_that_is_no_ascii_is_told_so(line: str, field: str) -> None:
    """However its bytes come; what is no request at all is told as that."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        sent = line.encode() + b"\r\nHost: here\r\n\r\n"
        for piece in (sent[:27], sent[27:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return await reader.read()

    told = json.loads(talked(talk).partition(b"\r\n\r\n")[2])
    assert (told["status"], told["type"], told["errors"][0]["field"]) == (400, "urn:dmha:malformed", field)
    assert ("curl -G --data-urlencode" in told["detail"]) == (field == "path")
