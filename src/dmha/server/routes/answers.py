"""What every route may answer besides its result, as the OpenAPI file tells it."""

from __future__ import annotations

from typing import Any

from dmha.server.problems import MEDIA_TYPE, ProblemDetails

_SAID = {
    400: "The request is malformed.",
    401: "No valid credential came with it.",
    403: "The credential does not allow it.",
    404: "Nothing of this id is here.",
    408: "The body came too slowly.",
    409: "A request under this Idempotency-Key is under way.",
    410: "The request took effect before, and its answer is kept no more: `detail` says why.",
    412: "The memory was changed meanwhile: read it again.",
    413: "The body is too large.",
    414: "The path is too long.",
    415: "The body is of another type.",
    422: "Something in the request cannot be right; `errors` names the fields.",
    428: "If-Match is missing.",
    429: "Too many requests: see Retry-After.",
    500: "A defect.",
    501: "An optional part is not installed.",
    503: "Busy, or a component is out of reach: see Retry-After.",
    507: "The disk is full. Nothing is lost; reading goes on.",
}
REFERENCE = "#/components/schemas/{model}"
_ALWAYS = (400, 408, 413, 414, 422, 429, 500, 503)
_ADMITTED = (401, 403, 507)  # what a service key asks for is audited first, and no room for that is a 507
Answers = dict[int | str, dict[str, Any]]
VERSIONED: Answers = {200: {"headers": {"ETag": {
    "description": "The version; a change of the memory names it in If-Match.", "required": True,
    "schema": {"type": "string", "pattern": '^"(0|[1-9][0-9]*)"$'},
}}}}  # fmt: skip


def open_(*more: int) -> Answers:
    """Of a route that needs no credential."""
    return _problems(*_ALWAYS, *more)


def reading(*more: int) -> Answers:
    """Of a route that reads."""
    return _problems(*_ALWAYS, *_ADMITTED, *more)


def writing(*more: int) -> Answers:
    """Of a route that changes something."""
    return _problems(*_ALWAYS, *_ADMITTED, 409, 410, *more)


def _problems(*statuses: int) -> Answers:
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model=ProblemDetails.__name__)}}}
    return {status: {"description": _SAID[status], "content": content} for status in sorted(statuses)}
