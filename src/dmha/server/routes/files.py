"""A companion's life as a file: out and in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import TypeAdapter
from starlette.background import BackgroundTask

from dmha.server import problems
from dmha.server.callers import STREAMS, Route
from dmha.server.models import Imported, Name
from dmha.server.routes.answers import reading, writing
from dmha.server.routes.talk import Key, Reader, Writer

router = APIRouter(prefix="/v1", route_class=Route, tags=["files"])

LINES = "application/x-ndjson"
Agent = Annotated[Name | None, Query(description="One companion's own world; the whole account unless said.")]
_LINES = {LINES: {"schema": {"type": "string"}}}
_IMPORTED = TypeAdapter(Imported)


@router.get("/export", response_class=FileResponse, responses=reading() | {200: {"content": _LINES}})
async def export(caller: Reader, agent_id: Agent = None) -> Response:
    """All that is remembered, as lines of JSON."""
    _check(caller, agent_id)
    path = Path(_free())
    try:
        await caller.ask(lambda mind, _: mind.export(path, user_id=caller.user_id, agent_id=agent_id))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    gone = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type=LINES, filename="companion.jsonl", background=gone)


@router.post(
    "/import", status_code=201, response_model=Imported, responses=writing(415),
    openapi_extra={STREAMS: True, "requestBody": {"required": True, "content": _LINES}},
)  # fmt: skip
async def import_(request: Request, caller: Writer, agent_id: Agent = None, idempotency_key: Key = None) -> Response:
    """Read an exported file into the account, all or nothing. Its worlds must be empty there."""
    _check(caller, agent_id)
    if request.headers.get("content-type", "").partition(";")[0].strip() != LINES:
        raise problems.invalid("Content-Type", "it is another", f"Send {LINES}.", status=415)
    with _received() as (path, file):
        digest = sha256()
        async for piece in request.stream():
            file.write(piece)
            digest.update(piece)
        file.close()

        def call(mind: Any, also: Any, _: Any) -> Imported:
            made = mind.import_(
                path, user_id=caller.user_id, agent_id=agent_id,
                also=lambda ledger, count: also(ledger, Imported(memories=count)),
            )  # fmt: skip
            return Imported(memories=made)

        return await caller.do(call, _IMPORTED, status=201, body=digest.digest())


def _check(caller: Any, agent_id: str | None) -> None:
    """The whole account is for whom no companion is out of reach."""
    if agent_id is not None:
        caller.place(agent_id, None)
    elif caller.grant.agents is not None:
        raise problems.forbidden("the whole account")


def _free() -> str:
    handle, name = tempfile.mkstemp(prefix="dmha-", suffix=".jsonl")
    os.close(handle)
    Path(name).unlink()  # an export goes on with a file that is there
    return name


@contextmanager
def _received() -> Iterator[tuple[Path, Any]]:
    handle, name = tempfile.mkstemp(prefix="dmha-", suffix=".jsonl")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)
