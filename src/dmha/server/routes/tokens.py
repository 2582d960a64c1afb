"""Tokens for credentials."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request

from dmha.access import Grant
from dmha.server import problems
from dmha.server.callers import asked
from dmha.server.gate import address_of
from dmha.server.models import Token, TokenFor
from dmha.server.problems import unauthorized
from dmha.server.route import Route
from dmha.server.routes.answers import open_
from dmha.server.service import Service
from dmha.server.tokens import LIFETIME

_FIX = "Check the user and the password, or the key."

router = APIRouter(prefix="/auth", route_class=Route, tags=["auth"])


@router.post("/token", responses=open_(401, 415, 507))
async def token(body: TokenFor, request: Request) -> Token:
    """A token that lasts fifteen minutes, for a password or an API key."""
    service: Service = request.app.state.service
    address = address_of(request.scope)
    _check(body, dev=service.settings.dev_tokens)

    refused = partial(unauthorized, _FIX, "body")

    def grant() -> Grant:
        if body.key is not None:  # as wherever one is shown: what fails from its address bars no good one
            return service.access.by_key(body.key) or service.judged(lambda: None, address, refused)
        return service.judged(opened, address, refused)

    def opened() -> Grant | None:
        assert body.user is not None  # noqa: S101 - one of the three
        if body.password is not None:
            return service.access.by_password(body.user, body.password)
        return service.named(body.user)

    found = await asked(service, request, lambda _: grant())
    return Token(access_token=service.tokens.mint(found, service.now()), expires_in=LIFETIME)


def _check(body: TokenFor, *, dev: bool) -> None:
    """One credential, whole: a user with its password (none for development), or a key, which says whose it is."""
    if body.key is not None:
        if (body.user, body.password) != (None, None):
            raise problems.invalid("key", "it stands beside user or password", "Give key alone, or the two without it.")
    elif body.user is None and body.password is None:
        raise problems.invalid("body", "it holds no credential", "Give user and password, or key.")
    elif body.user is None:
        raise problems.invalid("user", "it is missing", "Give it beside password, or an API key alone, as key.")
    elif body.password is None and not dev:
        raise problems.invalid("password", "it is missing", "Give it, or an API key alone, as key.")
