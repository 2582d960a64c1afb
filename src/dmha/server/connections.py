"""Connections: what a client has to send, and to take, in time, where no request's own limits see it; how they end."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Any
from uuid import uuid4

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dmha.server.gate import MOST_HEAD
from dmha.server.problems import Problem, at_fault, busy

# Seconds for a request's head. A phone on a bad line takes two; who sends a byte a second means no request.
HEAD_S = 10.0
_LOOKED_S = 0.05
# Of the 1,024 files that a process may have open on most systems, a quarter is left for the database's.
MOST_CONNECTIONS = 768
# Seconds for as much of an answer as waits to be taken, 64 KiB at the least: who takes 2 KB a second has it all.
TAKEN_S = 30.0
# Seconds before the server's patience ends in which whoever has not taken an answer is let go: what is left of a file
# is read to its end meanwhile, into nothing.
LETS_GO_S = 5

_log = logging.getLogger("dmha.server")


class Impatient(H11Protocol):
    """uvicorn's own, but who does not send or take in time is let go, and a malformed head is a problem."""

    _hurry: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _line = b""  # the first of the head that is coming: h11 keeps nothing of one that it refuses

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(busy("Too many are connected. Come again a little later."))
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE:
            self._line = (self.conn.trailing_data[0] + data).partition(b"\n")[0][:MOST_HEAD]
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        self._taken()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken()

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._untaken()  # what is left to be taken keeps a closed connection open

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, in its own type
        if _names_what_is_no_ascii(self._line):
            reason, fix = "the path holds bytes that are not ASCII", "Percent-encode it (curl -G --data-urlencode)."
            self._refuse(at_fault(400, "malformed", "path", reason, fix))
            return
        reason = "this is no HTTP/1.1 request, or its head is too long"
        self._refuse(at_fault(400, "malformed", "head", reason, "Send HTTP/1.1, with fewer or shorter headers."))

    def _refuse(self, problem: Problem) -> None:
        """Answer what is no request of anybody's, and end the connection."""
        trace = uuid4().hex
        _log.info("refused", extra={"trace_id": trace, "status": problem.status, **problem.logged()})
        told = problem.response(trace)
        head = h11.Response(status_code=problem.status, headers=[*told.raw_headers, (b"connection", b"close")])
        for event in (head, h11.Data(data=bytes(told.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        if not self._owed:
            self._rest()
        elif self._hurry is None:
            self._hurry = self.loop.call_later(HEAD_S, self._give_up)

    def _rest(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _give_up(self) -> None:
        self._hurry = None
        if self._owed:
            self.transport.close()

    @property
    def _owed(self) -> bool:
        """Whether a head is still to come, or the rest of a body that was answered before it was read."""
        return self.conn.their_state is h11.IDLE or (
            self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE
        )

    def _untaken(self) -> None:
        self._taken()
        self._stalled = self.loop.call_later(TAKEN_S, self.transport.abort)

    def _taken(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def _names_what_is_no_ascii(line: bytes) -> bool:
    """Whether it asks for a path as it is said, not as it is sent: /v1/memories?agent_id=彩."""
    return not line.isascii() and line.rstrip().endswith((b" HTTP/1.1", b" HTTP/1.0"))


class Server(uvicorn.Server):
    """uvicorn's own, but it says in our words where it listens; when it stops it ends the connections that it accepted
    just then, too, and at last those on which an answer is not taken.

    They would else go on as if nothing were, to the end of its patience, and the request of that moment be broken off.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in self.servers:
            for each in listening.sockets:
                host, port = each.getsockname()[:2]
                _log.info("serving", extra={"url": f"http://{f'[{host}]' if ':' in host else host}:{port}"})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _log.info("stopping: what was begun is finished first")
        ending = asyncio.create_task(self._end_each())
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()

    async def _end_each(self) -> None:
        loop, patience = asyncio.get_running_loop(), self.config.timeout_graceful_shutdown or 0
        ends = loop.time() + patience - LETS_GO_S
        while loop.time() < ends:
            for connection in list(self.server_state.connections):
                with suppress(h11.LocalProtocolError):  # it broke off by itself
                    connection.shutdown()  # once what it is asked is answered
            await asyncio.sleep(_LOOKED_S)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
