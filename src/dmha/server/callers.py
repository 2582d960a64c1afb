"""Who asks: credentials judged before a body is read, and calls of the core made in their name.

A route says what it needs (`Needs`), and is given a `Caller`; it never sees a credential, nor takes a `user_id` from
anywhere else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Header, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import TypeAdapter

from dmha.access import Grant
from dmha.checks import is_name
from dmha.mind import Mind
from dmha.protocols import Also, Still, nothing_else
from dmha.records import Answered, Gone, Right
from dmha.server import problems
from dmha.server.gate import address_of
from dmha.server.once import check_key, digest_of
from dmha.server.problems import Problem
from dmha.server.service import Service
from dmha.server.telling import Kept, telling

T = TypeVar("T")
K = TypeVar("K", bound=Kept)

ACTS_FOR = "x-dmha-user"
_BEARER = Security(HTTPBearer(auto_error=False, description="An API key, or a token of POST /auth/token."))
_ActsFor = Annotated[
    str | None,
    Header(
        alias="X-DMHA-User",
        description="The account to act for, in UTF-8, not percent-encoded; the credential's own unless said. From "
        "JavaScript, whose headers are Latin-1: `Buffer.from('彩').toString('latin1')`.",
    ),
]
_MOST_CREDENTIAL = 4_096
_MOST_PATH = 256  # of what the audit keeps; ids have at most as many characters


@dataclass(frozen=True)
class Caller:
    """One request's credential, and whose account it asks about."""

    service: Service
    request: Request
    grant: Grant
    user_id: str

    def place(self, agent_id: str, world: str | None) -> dict[str, Any]:
        """The account, companion and world of a call, as the credential allows them."""
        if not self.grant.reaches(agent_id):
            raise problems.forbidden("this companion", "agent_id")
        if not self.grant.reaches(agent_id, world):
            raise problems.forbidden("this shared world", "world")
        return {"user_id": self.user_id, "agent_id": agent_id, "world": world}

    def account(self, field: str = "Authorization") -> str:
        """The account of a call about the whole of it, for whom no companion is out of reach."""
        if not self.grant.reaches(None):
            raise problems.forbidden("the whole account", field)
        return self.user_id

    async def ask(self, call: Callable[[Mind, Still], T], *, short: bool = True) -> T:
        """What the call comes to, made on a thread of the pool: a `short` one before the long ones' next steps, and all
        before what is done in the background."""
        return await asked(self.service, self.request, lambda still: call(self.service.mind, still), short=short)

    async def do(
        self, call: Callable[[Mind, Also[K], Still], K], adapter: TypeAdapter[K], *, status: int = 200,
        headers: Callable[[K], dict[str, str]] = lambda _: {}, body: bytes | None = None,
    ) -> Response:  # fmt: skip
        """As `ask`, for what changes something: once, where the request has an Idempotency-Key.

        `body` stands for a body that was read as it came.
        """
        key = self.request.headers.get("idempotency-key")
        if key is None:
            came = await self.ask(lambda mind, still: call(mind, nothing_else, still), short=False)
            return _sent(_told(adapter, status, headers, came))
        content = await self.request.body() if body is None else body
        digest = digest_of(self.request.method, _target(self.request, self.user_id), content)
        once = partial(self.service.once.run, self.user_id, check_key(key), digest)
        answer, again = await self.ask(
            lambda mind, still: once(
                lambda also: call(mind, also, still), partial(_told, adapter, status, headers), telling
            ),
            short=False,
        )
        return _sent(answer, again=again)


class Needs:
    """A dependency: the caller, whose credential has the right."""

    def __init__(self, right: Right) -> None:
        self.right = right

    def __call__(
        self, request: Request, _: Annotated[HTTPAuthorizationCredentials | None, _BEARER], __: _ActsFor = None
    ) -> Caller:
        caller: Caller = request.state.caller
        return caller

    async def admit(self, request: Request) -> None:
        """Judge the credential, before anything of the body is read."""
        service: Service = request.app.state.service
        address = address_of(request.scope)
        grant = await asked(service, request, lambda _: service.grant_of(_credential(request), address), short=True)
        if (wait := service.throttle.allow("credential", grant.credential)) is not None:
            raise problems.throttled("Too many requests came with this credential", after=wait, field="Authorization")
        user_id = grant.user_id if (named := _acted_for(request)) is None else named
        caller = Caller(service, request, grant, user_id)
        refused = self._refusal(grant, user_id)
        if user_id != grant.user_id:
            await _audited(caller, refused)
        if refused is not None:
            raise refused
        request.state.caller = caller

    def _refusal(self, grant: Grant, user_id: str) -> Problem | None:
        if self.right not in grant.rights:
            return problems.forbidden(f"to {self.right}")
        if user_id != grant.user_id and user_id not in grant.acts_for:
            return problems.forbidden("to act for that account", "X-DMHA-User")
        return None


_GONE: dict[Gone, str] = {
    "large": "it was too large",
    "room": "newer answers of this account took its room",
    "deleted": "something that it told of was deleted since",
    "upgrade": "the service was upgraded since",
}

READ, WRITE, OPERATE = Needs("read"), Needs("write"), Needs("operate")


async def _audited(caller: Caller, refused: Problem | None) -> None:
    """Keep that an account other than its own is asked about: before anything of it is read, or that it was refused.

    A key may be refused so as often as an address may show what opens nothing: each is a row that is never taken out.
    """
    service, request, grant, user_id = caller.service, caller.request, caller.grant, caller.user_id
    if refused is not None and (wait := service.throttle.allow("failure", grant.credential)) is not None:
        raise problems.throttled("Too many requests of this credential were refused", after=wait, field="Authorization")
    if refused is not None and not is_name(user_id):
        return  # no account of anybody's
    action, status = f"{request.method} {request.url.path[:_MOST_PATH]}", None if refused is None else refused.status
    row = partial(service.access.audit, grant.credential, user_id, action, request.state.trace, status)
    number = await asked(service, request, lambda _: row())
    if refused is None:
        request.state.audit = number


async def asked(service: Service, request: Request, call: Callable[[Still], T], *, short: bool = False) -> T:
    """What a call on the pool comes to, unless the client leaves before; background work waits meanwhile."""
    with service.scheduler.reply():
        return await service.pool.run(call, partial(_left, request), short=short)


async def _left(request: Request) -> None:
    """Returns once the client has left. Before the body is read nobody looks: what comes next may be a part of it."""
    if not request._stream_consumed:
        await asyncio.Event().wait()
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _acted_for(request: Request) -> str | None:
    """The account that is named, in UTF-8; what is none is nobody's name."""
    named = request.headers.get(ACTS_FOR)
    return None if named is None else named.encode("latin-1").decode(errors="surrogateescape")


def _credential(request: Request) -> str:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not 0 < len(text) <= _MOST_CREDENTIAL or not text.isascii():
        return ""
    return text


def _target(request: Request, user_id: str) -> str:
    return json.dumps([user_id, request.url.path, request.url.query, request.headers.get("if-match", "")])


def _told(adapter: TypeAdapter[T], status: int, headers: Callable[[T], dict[str, str]], came: T) -> Answered:
    body = "" if status == 204 else adapter.dump_json(came).decode()
    return Answered(status, json.dumps({"headers": headers(came), "body": body}))


def _sent(answer: Answered, *, again: bool = False) -> Response:
    if answer.gone is not None:
        raise problems.gone(f"this request took effect, once, and its answer is not kept: {_GONE[answer.gone]}")
    told = json.loads(answer.body)
    headers = told["headers"] | ({"Idempotency-Replayed": "true"} if again else {})
    return Response(told["body"], answer.status, headers, "application/json" if told["body"] else None)
