"""What a companion asks of its memory: a reply, what fits a question, how a text is cut."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response
from pydantic import TypeAdapter

from dmha.checks import MOST_WAIT_MS
from dmha.server.callers import READ, WRITE, Caller
from dmha.server.models import Found, ToAnalyze, ToAnswer, ToFind
from dmha.server.once import LONGEST_KEY
from dmha.server.route import Route
from dmha.server.routes.answers import reading, writing
from dmha.types import Analysis, Reply

router = APIRouter(prefix="/v1", route_class=Route, tags=["talk"])

Reader = Annotated[Caller, Depends(READ)]
Writer = Annotated[Caller, Depends(WRITE)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Makes a retry harmless.",
        json_schema_extra={"maxLength": LONGEST_KEY},  # told here, refused in words by `once.check_key`
    ),
]

_REPLY, _FOUND = TypeAdapter(Reply), TypeAdapter(Found)


@router.post("/contextualize", response_model=Reply, responses=writing(404, 415))
async def contextualize(body: ToAnswer, caller: Writer, idempotency_key: Key = None) -> Response:
    """Remember a turn and answer it, out of what the companion knows."""
    asked = _asked(body, caller) | {"turn_id": body.turn_id or _turn_of(idempotency_key)}
    text = asked.pop("text")

    def call(mind: Any, also: Any, still: Any) -> Reply:
        reply: Reply = mind.contextualize(text, **asked, also=also, still=still)
        caller.service.metrics.replied(reply)
        return reply

    return await caller.do(call, _REPLY)


@router.post("/search", responses=reading(415))
async def search(body: ToFind, caller: Reader) -> Found:
    """The memories that fit the query best. Changes nothing."""
    asked = _asked(body, caller)
    query = asked.pop("query")
    return await caller.ask(lambda mind, still: Found(hits=mind.search(query, **asked, still=still)))


@router.post("/recall", response_model=Found, responses=writing(415))
async def recall(body: ToFind, caller: Writer, idempotency_key: Key = None) -> Response:
    """As search, and what comes back is strengthened."""
    asked = _asked(body, caller)
    query = asked.pop("query")
    return await caller.do(
        lambda mind, also, still: Found(
            hits=mind.recall(query, **asked, also=lambda ledger, hits: also(ledger, Found(hits=hits)), still=still)
        ),
        _FOUND,
    )


@router.post("/analyze", responses=reading(415, 501))
async def analyze(body: ToAnalyze, caller: Reader) -> Analysis:
    """How the text is cut for the index, step by step."""
    place = caller.place(body.agent_id, body.world)
    return await caller.ask(lambda mind, _: mind.analyze(body.text, **place))


def _asked(body: ToAnswer | ToFind, caller: Caller) -> dict[str, Any]:
    """The body as keywords, the account being the credential's, the deadline no later than any request's."""
    told: Mapping[str, Any] = {name: getattr(body, name) for name in type(body).model_fields}
    most = min(ceil(1_000 * caller.service.settings.request_s), MOST_WAIT_MS)
    deadline = min(body.deadline_ms or most, most)
    return {**told, **caller.place(body.agent_id, body.world), "deadline_ms": deadline}


def _turn_of(key: str | None) -> str | None:
    """A turn's id for a request that has but a key: the same for its retry, so that half a request is gone on with."""
    return None if key is None else f"key:{key}"
