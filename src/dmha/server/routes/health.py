"""Whether the service lives, whether it is ready, and its figures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from dmha.server.callers import OPERATE, Caller
from dmha.server.metrics import CONTENT_TYPE
from dmha.server.models import Made
from dmha.server.route import Route
from dmha.server.routes.answers import open_, reading
from dmha.server.service import Service

router = APIRouter(route_class=Route, tags=["operating"])


class Alive(Made):
    """The process answers."""

    alive: Literal[True] = True
    """It does, or there is no answer."""


class Ready(Made):
    """What works."""

    ready: bool
    """Whether requests are served."""
    components: dict[str, Literal["ready", "degraded", "down"]]
    """Each part by its name: `degraded` is served, but worse."""


# Who watches whether a site is up asks with HEAD.
@router.head("/livez", include_in_schema=False)
@router.get("/livez", responses=open_())
async def livez() -> Alive:
    """Whether the process answers at all."""
    return Alive()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", response_model=Ready, responses=open_() | {503: {"model": Ready, "description": "Not ready."}})
async def readyz(request: Request) -> Response:
    """Whether requests are served, component by component."""
    service: Service = request.app.state.service
    components = await service.components()
    ready = Ready(ready="down" not in components.values(), components=components)
    return Response(ready.model_dump_json(), 200 if ready.ready else 503, media_type="application/json")


@router.get("/metrics", response_class=PlainTextResponse, responses=reading())
async def metrics(caller: Annotated[Caller, Depends(OPERATE)]) -> Response:
    """The figures of this process, for Prometheus."""
    service = caller.service
    return Response(await caller.ask(lambda _, __: service.metrics.told(service)), media_type=CONTENT_TYPE)
