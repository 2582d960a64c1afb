"""A companion's life as a file: out and in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import TypeAdapter
from starlette.types import Receive, Scope, Send

from dmha.errors import Abandoned, InvalidInput
from dmha.mind import Mind
from dmha.protocols import Still
from dmha.server import problems
from dmha.server.callers import Caller
from dmha.server.models import Imported, Name
from dmha.server.route import STREAMS, Route
from dmha.server.routes.answers import reading, writing
from dmha.server.routes.talk import Key, Reader, Writer
from dmha.server.scratch import Scratch
from dmha.transfer import unwritable

router = APIRouter(prefix="/v1", route_class=Route, tags=["files"])

LINES = "application/x-ndjson"
_ACCOUNT, _COMPANION = "account.jsonl", "companion.jsonl"
Agent = Annotated[Name | None, Query(description="One companion's own world; the whole account unless said.")]
As = Annotated[
    Name | None,
    Query(description="The name under which the companion comes, of a file of one; the names of the file unless said."),
]
_LINES: dict[str, Any] = {LINES: {"schema": {"type": "string", "description": "As `GET /v1/export` gives it out."}}}
_SAVED = {"Content-Disposition": {
    "description": "The name of the file.", "required": True,
    "schema": {"type": "string", "enum": [f'attachment; filename="{name}"' for name in (_ACCOUNT, _COMPANION)]},
}}  # fmt: skip
_IMPORTED = TypeAdapter(Imported)


@router.get(
    "/export", response_class=FileResponse, responses=reading(404) | {200: {"content": _LINES, "headers": _SAVED}}
)
async def export(caller: Reader, agent_id: Agent = None) -> Response:
    """All that is remembered, as lines of JSON."""
    _check(caller, agent_id)
    made: list[Scratch] = []

    def call(mind: Mind, still: Still) -> Scratch:
        folder = _folder()
        try:
            mind.export(folder.path / _COMPANION, user_id=caller.user_id, agent_id=agent_id)
            made.append(folder)
            if not still():
                raise Abandoned("whoever asked for the export has left")
        except BaseException:
            folder.remove()
            raise
        return folder

    try:
        return _Whole(await caller.ask(call, short=False), _ACCOUNT if agent_id is None else _COMPANION)
    except BaseException:  # who asked left in the very moment that it was made
        for folder in made:
            folder.remove()
        raise


@router.post(
    "/import", status_code=201, response_model=Imported, responses=writing(415),
    openapi_extra={STREAMS: True, "requestBody": {"required": True, "content": _LINES}},
)  # fmt: skip
async def import_(request: Request, caller: Writer, agent_id: As = None, idempotency_key: Key = None) -> Response:
    """Read an exported file into the account, all or nothing. Its worlds must be empty there."""
    _check(caller, agent_id)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != LINES:
        reason = f"it is {kind[:64]!r}" if kind else "it is missing"
        raise problems.invalid("Content-Type", reason, f"Send {LINES}.", status=415)
    folder = _folder()
    try:
        path = folder.path / _COMPANION
        digest = await _received(request, path)

        def call(mind: Any, also: Any, _: Any) -> Imported:
            with _as_sent(agent_id):
                made = mind.import_(
                    path, user_id=caller.user_id, agent_id=agent_id,
                    also=lambda ledger, count: also(ledger, Imported(memories=count)),
                )  # fmt: skip
            return Imported(memories=made)

        return await caller.do(call, _IMPORTED, status=201, body=digest)
    finally:
        folder.remove()


def _check(caller: Caller, agent_id: str | None) -> None:
    """The one companion, or the whole account, as the credential allows it."""
    if agent_id is None:
        caller.account("agent_id")
    else:
        caller.place(agent_id, None)


@contextmanager
def _as_sent(agent_id: str | None) -> Iterator[None]:
    """What is wrong with a name that was not sent is wrong with the body, where it stands."""
    try:
        yield
    except InvalidInput as error:
        if agent_id is not None or error.field != "agent_id":
            raise
        raise InvalidInput("body", error.reason, error.fix) from error


class _Whole(FileResponse):
    """A file that goes with its answer, however that ends: the next one may be another, of which a range would be no
    part of this."""

    def __init__(self, folder: Scratch, called: str) -> None:
        super().__init__(folder.path / _COMPANION, media_type=LINES, filename=called, headers={"Accept-Ranges": "none"})
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        try:
            await super().__call__({**scope, "headers": headers}, receive, send)
        finally:
            self._folder.remove()


def _folder() -> Scratch:
    try:
        return Scratch()
    except OSError as error:
        raise unwritable("the folder for temporary files", str(error), "Free some space.", error) from error


async def _received(request: Request, path: Path) -> bytes:
    """What is sent, kept there as it comes; returns its digest."""
    digest = sha256()
    try:
        with path.open("wb") as file:
            async for piece in request.stream():
                file.write(piece)
                digest.update(piece)
    except OSError as error:
        raise unwritable("the folder for temporary files", str(error), "Free some space.", error) from error
    return digest.digest()
