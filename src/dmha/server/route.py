"""How a request is read: the credential first, then the body, strictly; and, where it is audited, how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from dmha.errors import Unavailable
from dmha.server import faults, problems, strict_json
from dmha.server.callers import Needs
from dmha.server.service import Service

_log = logging.getLogger("dmha.server")

STREAMS = "x-streams"
"""Marks, in its `openapi_extra`, a route that reads its body itself, piece by piece."""


class Route(APIRoute):
    """A route that judges the credential first, then reads the body strictly, and then is FastAPI's own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        streams = STREAMS in (self.openapi_extra or {})
        known = {parameter.alias for parameter in self.dependant.query_params}
        kinds = [parameter.field_info.annotation for parameter in self.dependant.body_params]
        body = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        needs = [dependant.call for dependant in self.dependant.dependencies if isinstance(dependant.call, Needs)]

        async def handler(request: Request) -> Response:
            for need in needs:
                await need.admit(request)
            _refuse_other_parameters(request, known, body)
            if not streams and await request.body() and body is None:
                fix = f"Send {', '.join(sorted(known))} in the URL." if known else "Leave it out."
                raise problems.invalid("body", "no body is read here", fix)
            if self.body_field is not None:
                _refuse_other_types(request)
                request._json = strict_json.read(await request.body())
                if needs and request.app.state.service.settings.log_text:
                    _log.info("body", extra={"trace_id": request.state.trace, "body": request._json})
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise faults.of_validation(error.errors(), body, known) from error

        return handler

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As FastAPI's own; of a request that is audited it is kept how it ended, before whoever asked is told."""
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                await _ended(scope, status)
            await send(message)

        try:
            await super().handle(scope, receive, told)
        except Exception:  # the gate answers it; how it ended is kept here
            status = status or problems.defect().status
            await _ended(scope, status)
            raise
        if not status:
            await _ended(scope, status)


async def _ended(scope: Scope, status: int) -> None:
    """Keep how an audited request ended. Where that cannot be kept it stands as let in: what was done was done."""
    audit = scope["state"].pop("audit", None)
    if audit is None:
        return
    service: Service = scope["app"].state.service
    try:
        await asyncio.to_thread(service.access.ended, audit, status)
    except Unavailable as error:
        told = {"trace_id": scope["state"]["trace"], "component": error.component, "status": status}
        _log.warning("how an audited request ended was not kept", extra=told)


def _refuse_other_types(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        reason = f"it is {kind[:64]!r}" if kind else "it is missing"
        raise problems.invalid("Content-Type", reason, "Send application/json.", status=415)


def _refuse_other_parameters(request: Request, known: Collection[str], body: type[BaseModel] | None) -> None:
    """What is not known may be a slip of the pen; what stands twice means two things; `present` is a list."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known and body is not None and name in body.model_fields:
            raise problems.invalid(name, "it belongs to the body here", "Send it as a field of the JSON.")
        if name not in known:
            fix = f"Use {', '.join(sorted(known))}." if known else "Leave it out."
            raise problems.invalid(_shown(name), "there is no such parameter", fix, ours=False)
        if name in seen and name != "present":
            raise problems.invalid(name, "it stands twice", "Send each parameter once.")
        seen.add(name)


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:64]
