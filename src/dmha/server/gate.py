"""What stands before every route: a trace id, who asked too often, the hosts that are ours, a request's most bytes and
seconds.

Plain ASGI: nothing of a request is read before it is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dmha.server import problems
from dmha.server.problems import Problem

LONGEST_PATH = 4_096  # with the query; a browser's limit is about 2,000
MOST_HEAD = 16_384  # bytes; browsers send 1,000

LONGEST_METHOD = 32  # of a made-up one, as it is told again

# Asked by who keeps the service going, and answered out of what is known: a stranger's flood through the same proxy
# must not have it taken for dead.
PROBES = frozenset({"/livez", "/readyz"})

# What is judged by: where one stands twice, a proxy may have gone by the other.
_ONCE = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-DMHA-User")

_log = logging.getLogger("dmha.server")

Seen = Callable[[Scope, int, float], None]
"""Told of each request once it is over: its scope, the status it was answered with (0: nobody was there any more), and
the seconds it took."""

Allows = Callable[[str], int | None]
"""Counts a request of the address: None where it may pass, else the seconds after which the next one may."""


class Gate:
    """The outermost application: what goes wrong inside is answered as a problem, a defect without its words."""

    def __init__(
        self, app: ASGIApp, *, hosts: Sequence[str], most_bytes: Callable[[str], int], seconds: float, allows: Allows,
        seen: Seen,
    ) -> None:  # fmt: skip
        self._app = app
        self._hosts = tuple(host.lower() for host in hosts)
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._allows = allows
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = scope.setdefault("state", {})["trace"] = uuid4().hex
        start, status, whole = perf_counter(), 0, False

        async def answer(message: Message) -> None:
            nonlocal status, whole
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(_ON_EVERY_ANSWER | {"X-Trace-Id": trace})
            await send(message)
            whole = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            self._count(scope)
            self._judge(scope)
            await self._app(scope, self._counted(scope, receive), answer)
        except Exception as error:  # the edge: whatever it is, it is logged, and answered where nothing was said yet
            problem = scope["state"]["problem"] = _problem(error, trace)
            if not status:
                await problem.response(trace)(scope, receive, answer)
            elif not whole:
                raise  # half an answer is not ended as if it were one: the connection breaks off
        finally:
            seconds = perf_counter() - start
            self._seen(scope, status, seconds)
            told = {
                "method": scope["method"][:LONGEST_METHOD],
                "route": route_of(scope),
                "status": status,
                "ms": round(seconds * 1_000, 1),
            } | _why(scope)
            _log.info("request", extra={"trace_id": trace, **told})

    def _count(self, scope: Scope) -> None:
        """Refuse who asked too often, whatever for: what is no route, or is refused by its head, takes time too."""
        if scope["path"] not in PROBES and (wait := self._allows(address_of(scope))) is not None:
            raise problems.throttled("Too many requests came from this address", after=wait)

    def _judge(self, scope: Scope) -> None:
        """Refuse what can be refused by its head alone."""
        headers = Headers(scope=scope)
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_PATH:
            raise problems.invalid("path", "it is too long", f"At most {LONGEST_PATH} bytes.", status=414)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEAD:
            raise problems.invalid("headers", "they are too long", f"At most {MOST_HEAD} bytes.", status=400)
        if "\x00" in scope["path"] or "\ufffd" in scope["path"]:
            raise problems.invalid("path", "it holds NUL or no UTF-8", "Percent-encode UTF-8.", status=400)
        if not _is_utf8(unquote_to_bytes(scope["query_string"])):
            raise problems.invalid("query", "it holds no UTF-8", "Percent-encode UTF-8.", status=400)
        for name in _ONCE:
            if len(headers.getlist(name)) > 1:
                raise problems.invalid(name, "it stands twice", "Send each header once.", status=400)
        if "transfer-encoding" in headers and "content-length" in headers:
            reason = "Content-Length stands beside Transfer-Encoding, and a proxy may have gone by the other one"
            closing = {"Connection": "close"}
            raise problems.at_fault(400, "malformed", "Content-Length", reason, "Send one of the two.", closing)
        if not self._answers_to(_name(headers.get("host", ""))):
            raise problems.invalid("Host", "this server does not answer to it", "See DMHA_TRUSTED_HOSTS.", status=400)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self._most_bytes(scope["path"]):
            raise self._too_large(scope)

    def _answers_to(self, name: str) -> bool:
        below = tuple(ours[1:] for ours in self._hosts if ours.startswith("*"))
        return not self._hosts or name in self._hosts or name.endswith(below)

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """The request's messages, as long as they come in time and stay within bounds."""
        deadline, came, whole = asyncio.get_running_loop().time() + self._seconds, 0, False

        async def counted() -> Message:
            nonlocal came, whole
            if whole:
                return await receive()  # the client's leaving, for which nobody waits in vain
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as error:
                reason = f"the body did not come whole within {self._seconds:g} seconds"
                closing = {"Connection": "close"}
                raise problems.at_fault(408, "too-slow", "body", reason, "Send it again, faster.", closing) from error
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if came > self._most_bytes(scope["path"]):
                raise self._too_large(scope)
            return message

        return counted

    def _too_large(self, scope: Scope) -> Problem:
        most = self._most_bytes(scope["path"])
        return problems.invalid("body", f"it is larger than {most} bytes", "Send it in parts.", status=413)


def address_of(scope: Scope) -> str:
    """The address that asks."""
    return str(scope["client"][0]) if scope.get("client") else ""


def route_of(scope: Scope) -> str:
    """The route as it is written in the code: of paths strangers make up many, and some are secrets."""
    return str(getattr(scope.get("route"), "path", "none"))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _name(host: str) -> str:
    """The host without its port."""
    name, _, port = host.lower().rpartition(":")
    return name if port.isdigit() else host.lower()


_ON_EVERY_ANSWER = {
    "Cache-Control": "no-store",  # memories are nobody's but their owner's
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def _why(scope: Scope) -> dict[str, Any]:
    """Why the request was refused, where it was: whoever answers with a problem leaves it in the scope."""
    problem: Problem | None = scope["state"].get("problem")
    return {} if problem is None else problem.logged()


def _problem(error: Exception, trace: str) -> Problem:
    if isinstance(error, Problem):
        return error
    _log.error("a defect", exc_info=error, extra={"trace_id": trace})
    return problems.defect()
