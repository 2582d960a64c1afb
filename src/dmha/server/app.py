"""The application: routes, what stands before them, and how errors are told."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp

from dmha import __version__
from dmha.errors import Abandoned, DmhaError, Unavailable
from dmha.server import faults, problems
from dmha.server.gate import LONGEST_METHOD, PROBES, Gate
from dmha.server.openapi import described
from dmha.server.problems import Problem, at_fault
from dmha.server.routes import files, health, jobs, knowledge, memories, talk, tokens
from dmha.server.scratch import remove_left
from dmha.server.service import Service
from dmha.server.throttle import network

_log = logging.getLogger("dmha.server")

_ROUTES = (tokens, talk, memories, knowledge, files, jobs, health)
_IMPORT = "/v1/import"
_ASKED_FIRST = " For pages of another origin, set DMHA_CORS to it."


def make_app(service: Service) -> ASGIApp:
    """The service as an ASGI application; whoever runs it closes the service."""
    app = FastAPI(
        title="DMHA", version=__version__, summary="The memory that companions and agents keep for years.",
        docs_url=None, redoc_url=None, openapi_url="/openapi.json", lifespan=_lifespan, redirect_slashes=False,
        # Handlers of these stand inside; what comes past them is the gate's.
        exception_handlers={
            Problem: _problem, DmhaError: _error, HTTPException: _http,
            Abandoned: _nobody, ClientDisconnect: _nobody, Exception: _defect,
        },
    )  # fmt: skip
    app.state.service = service
    app.openapi = cache(lambda: described(app))  # type: ignore[method-assign]  # as FastAPI's documentation has it
    for routes in _ROUTES:
        app.include_router(routes.router)
    settings = service.settings
    if settings.cors:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.cors), allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-DMHA-User"],
            expose_headers=["ETag", "Idempotency-Replayed", "Retry-After", "X-Trace-Id"],
        )  # fmt: skip
    return Gate(
        app,
        hosts=settings.trusted_hosts or _own_names(settings.host),
        most_bytes=lambda path: settings.import_bytes if path == _IMPORT else settings.body_bytes,
        seconds=settings.request_s,
        allows=lambda address: service.throttle.allow("address", network(address)),
        seen=service.metrics.seen,
    )


def _own_names(host: str) -> Sequence[str]:
    """What a service is called that was given no names: by its address; anything where that is every address.

    A page that had its own name point at this machine would else be let in by the browser of whoever sits at it.
    """
    if is_loopback(host):
        return ("localhost", "127.0.0.1", "[::1]")
    return () if host in ("0.0.0.0", "::") else (f"[{host}]" if ":" in host else host.lower(),)  # noqa: S104 - compared


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it. A name is none of ours to resolve: only `localhost` is known."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    remove_left()
    service.scheduler.start()
    yield


def _told(request: Request, problem: Problem) -> Response:
    request.state.problem = problem
    return problem.response(request.state.trace)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return _told(request, error)


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DmhaError)  # noqa: S101 - registered for it
    if isinstance(error, Unavailable):
        # Its reason may be the words of a model's server, which may be somebody's.
        words = {"reason": error.reason} if request.app.state.service.settings.log_text else {}
        where = {"at": urlsplit(error.component).netloc or error.component} if error.role else {}
        told = {"trace_id": request.state.trace, "component": error.role or error.component, **where, **words}
        _log.warning("unavailable", extra=told)
    return _told(request, faults.of(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if error.status_code == 404:
        fix = "See /openapi.json for the routes there are."
        return _told(request, at_fault(404, "no-route", "path", "nothing is served at this path", fix))
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods(request) or {"GET"}))  # the file itself is no route of the file
        more = _ASKED_FIRST if request.method == "OPTIONS" else ""
        reason, fix = f"{request.method[:LONGEST_METHOD]} is none of this path's", f"Use {allowed} here.{more}"
        return _told(request, at_fault(405, "method", "method", reason, fix, {"Allow": allowed}, detail=fix))
    raise error  # nobody raises another


def _methods(request: Request) -> set[str]:
    """What may be done with the path: of routes that share one, Starlette's own answer names the first alone."""
    found: set[str] = set()
    for path, told in request.app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.url.path):
            found.update(method.upper() for method in told)
    return found | ({"HEAD"} if request.url.path in PROBES else set())


async def _nobody(_: Request, __: Exception) -> Any:
    """Whoever asked has left: None, for which nothing is sent, and the status in the log is 0."""


async def _defect(request: Request, _: Exception) -> Response:
    """What nobody foresaw; the gate, which it goes on to, logs it."""
    return _told(request, problems.defect())
