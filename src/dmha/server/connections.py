"""Connections: what a client has to send in time before there is a request at all; how they end with the service."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dmha.server.problems import MEDIA_TYPE, Problem

# Seconds for a request's head. A phone on a bad line takes two; who sends a byte a second means no request.
HEAD_S = 10.0
_LOOKED_S = 0.05
MOST_HEAD = 16_384  # bytes; browsers send 1,000


class Impatient(H11Protocol):
    """uvicorn's own, but a head that does not come in time ends the connection, and a malformed one is a problem."""

    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, in its own type
        problem = Problem(400, "malformed", "This is no HTTP/1.1 request, or its head is too long.").response("")
        body = bytes(problem.body)
        head = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=400, headers=head), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._rest()
        elif self._hurry is None:
            self._hurry = self.loop.call_later(HEAD_S, self._give_up)

    def _rest(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _give_up(self) -> None:
        self._hurry = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


class Server(uvicorn.Server):
    """uvicorn's own, but it ends the connections that it accepted just as it began to stop, too.

    They would else go on as if nothing were, to the end of its patience, and the request of that moment be broken off.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._end_each())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_each(self) -> None:
        while True:
            for connection in list(self.server_state.connections):
                with suppress(h11.LocalProtocolError):  # it broke off by itself
                    connection.shutdown()  # once what it is asked is answered
            await asyncio.sleep(_LOOKED_S)
