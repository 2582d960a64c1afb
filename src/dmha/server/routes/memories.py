"""Single memories: made, listed, read, changed, deleted, and what they were before."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic import TypeAdapter

from dmha.errors import InvalidInput
from dmha.mind import Mind
from dmha.server.callers import Caller
from dmha.server.cursors import etag, version_of
from dmha.server.models import Change, Cursor, History, Id, Limit, Name, Present, Remembered, ToRemember
from dmha.server.route import Route
from dmha.server.routes.answers import VERSIONED, reading, writing
from dmha.server.routes.talk import Key, Reader, Writer
from dmha.types import Memory, Page, Turn

router = APIRouter(prefix="/v1/memories", route_class=Route, tags=["memories"])

Agent = Annotated[Name, Query(description="Which companion is meant.")]
World = Annotated[Name | None, Query(description="A shared world; the companion's own unless said.")]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='The ETag of the memory that is changed, quotes and all, or "*" for whatever it is by now. '
        "It stands for what was said: pinned and raised are the companion's own, and leave it as it is.",
        examples=['"1"'],
    ),
]

_REMEMBERED, _MEMORY, _NOTHING = TypeAdapter(Remembered), TypeAdapter(Memory), TypeAdapter(None)


@router.post("", status_code=201, response_model=Remembered, responses=writing(404, 415))
async def create(body: ToRemember, caller: Writer, idempotency_key: Key = None) -> Response:
    """Remember turns, all or none."""
    place = caller.place(body.agent_id, body.world)
    turns = [
        Turn(
            said.text,
            said.speaker,
            said.at,
            said.id,
            said.parent,
            said.private,
            said.source,
            said.metadata,
            cast(Any, said.vector),  # a list is as good: perception makes it an array
        )
        for said in body.turns
    ]
    return await caller.do(
        lambda mind, also, _: Remembered(
            ids=mind.add(
                turns, **place, session_id=body.session_id, parent=body.parent, kind=body.kind,
                also=lambda ledger, ids: also(ledger, Remembered(ids=ids)),
            )
        ),
        _REMEMBERED,
        status=201,
    )  # fmt: skip


@router.get("", responses=reading())
async def list_(
    caller: Reader,
    agent_id: Agent = "default",
    world: World = None,
    present: Present = [],  # noqa: B006 - FastAPI copies it
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page:
    """The memories, what was learned last first, a page at a time."""
    place, cursors = caller.place(agent_id, world), caller.service.cursors
    of = (caller.user_id, agent_id, world, *present)
    after = cursors.read(cursor, *of)
    found = await caller.ask(lambda mind, _: mind.memories(**place, present=present, limit=limit, after=after))
    return found if found.next is None else replace(found, next=cursors.made(found.next, *of))


@router.get("/{id}", response_model=Memory, responses=reading(404) | VERSIONED)
async def read(id: Id, caller: Reader, agent_id: Agent = "default", world: World = None) -> Response:
    """One memory; its ETag is what a change of it names."""
    memory = await _of(caller, agent_id, world, lambda mind, place: mind.get(id, **place))
    return Response(_MEMORY.dump_json(memory), headers=etag(memory), media_type="application/json")


@router.patch("/{id}", response_model=Memory, responses=writing(404, 412, 415, 428) | VERSIONED)
async def update(
    id: Id, body: Change, caller: Writer, agent_id: Agent = "default", world: World = None, if_match: IfMatch = None,
    idempotency_key: Key = None,
) -> Response:  # fmt: skip
    """Change a memory: its words or metadata; pin it; mark it wrong, private, or never to be raised."""
    place, version = caller.place(agent_id, world), version_of(if_match)
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if not any(value is not None for value in changes.values()):
        raise InvalidInput("body", "it changes nothing", f"Give one of {', '.join(Change.model_fields)}.")
    return await caller.do(
        lambda mind, also, _: mind.update(id, **place, **changes, version=version, also=also), _MEMORY, headers=etag
    )


@router.delete("/{id}", status_code=204, responses=writing(404))
async def delete(
    id: Id, caller: Writer, agent_id: Agent = "default", world: World = None, idempotency_key: Key = None
) -> Response:
    """Delete a memory for good, with its history and the gists that quote it."""
    place = caller.place(agent_id, world)
    return await caller.do(lambda mind, also, _: mind.delete(id, **place, also=also), _NOTHING, status=204)


@router.get("/{id}/history", responses=reading(404))
async def history(id: Id, caller: Reader, agent_id: Agent = "default", world: World = None) -> History:
    """What a memory was before."""
    versions = await _of(caller, agent_id, world, lambda mind, place: mind.history(id, **place))
    return History(versions=versions)


async def _of(caller: Caller, agent_id: str, world: str | None, call: Any) -> Any:
    place = caller.place(agent_id, world)

    def made(mind: Mind, _: Any) -> Any:
        return call(mind, place)

    return await caller.ask(made)
