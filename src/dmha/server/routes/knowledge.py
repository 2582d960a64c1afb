"""Facts and rules: told, asked, and what cannot hold together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import TypeAdapter

from dmha.mind import Mind
from dmha.protocols import Also, Still
from dmha.server.models import Conflicts, Name, Present, Told, ToTell
from dmha.server.route import Route
from dmha.server.routes.answers import reading, writing
from dmha.server.routes.memories import Agent, World
from dmha.server.routes.talk import Key, Reader, Writer
from dmha.types import Answer

router = APIRouter(prefix="/v1/knowledge", route_class=Route, tags=["knowledge"])

_TOLD = TypeAdapter(Told)


@router.post("", status_code=201, response_model=Told, responses=writing(415))
async def tell(body: ToTell, caller: Writer, idempotency_key: Key = None) -> Response:
    """Tell a fact, a denial or a rule. Nothing told before is deleted by it."""
    place = caller.place(body.agent_id, body.world)

    def call(mind: Mind, also: Also[Told], _: Still) -> Told:
        told = Told(agent_id=body.agent_id, world=body.world, statement=body.statement)
        mind.knowledge(**place).tell(body.statement, also=lambda ledger, _: also(ledger, told))
        return told

    return await caller.do(call, _TOLD, status=201)


@router.get("", responses=reading())
async def ask(
    caller: Reader,
    entity: Annotated[Name, Query(description="Of whom or what; upper and lower case are one.", examples=["aya"])],
    attribute: Annotated[Name, Query(description="What of it; upper and lower case are one.", examples=["city"])],
    scope: Annotated[str, Query(max_length=256, description="The scope that it was told in; none unless said.")] = "",
    present: Present = [],  # noqa: B006 - FastAPI copies it
    agent_id: Agent = "default",
    world: World = None,
) -> Answer:
    """What is known of it: the value, since when, and why."""
    place = caller.place(agent_id, world)
    return await caller.ask(
        lambda mind, _: mind.knowledge(**place).ask(entity, attribute, scope=scope, present=present)
    )


@router.get("/conflicts", responses=reading())
async def conflicts(
    caller: Reader,
    present: Present = [],  # noqa: B006 - FastAPI copies it
    agent_id: Agent = "default",
    world: World = None,
) -> Conflicts:
    """What was told that cannot hold together, and the ways out."""
    place = caller.place(agent_id, world)
    return await caller.ask(lambda mind, _: Conflicts(conflicts=mind.knowledge(**place).conflicts(present=present)))
