"""Tokens for credentials."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request

from dmha.access import Grant
from dmha.server import problems
from dmha.server.callers import Route, asked
from dmha.server.gate import address_of
from dmha.server.models import Token, TokenFor
from dmha.server.problems import unauthorized
from dmha.server.routes.answers import open_
from dmha.server.service import Service
from dmha.server.tokens import LIFETIME

_FIX = "Check the user and the password, or the key."

router = APIRouter(prefix="/auth", route_class=Route, tags=["auth"])


@router.post("/token", responses=open_(401, 415))
async def token(body: TokenFor, request: Request) -> Token:
    """A token that lasts fifteen minutes, for a password or an API key."""
    service: Service = request.app.state.service
    address = address_of(request.scope)
    given = {name for name in ("user", "password", "key") if getattr(body, name) is not None}
    if given not in ({"user", "password"}, {"key"}, {"user"}):
        raise problems.invalid("body", "it names no credential, or several", "Give user and password, or key.")
    if given == {"user"} and not service.settings.dev_tokens:
        raise problems.invalid("password", "it is missing", "Give it, or an API key as key.")

    def grant() -> Grant | None:
        if body.key is not None:
            return service.access.by_key(body.key)
        assert body.user is not None  # noqa: S101 - one of the three
        if body.password is not None:
            return service.access.by_password(body.user, body.password)
        return service.named(body.user)

    found = await asked(service, request, lambda _: service.judged(grant, address, partial(unauthorized, _FIX)))
    return Token(access_token=service.tokens.mint(found, service.now()), expires_in=LIFETIME)
