"""The OpenAPI file: what FastAPI tells of the routes, and what it cannot know of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dmha.server.fields import EXAMPLES, FIELDS
from dmha.server.problems import MEDIA_TYPE, SORTS, ProblemDetails
from dmha.server.routes.answers import REFERENCE

_ABOUT = (
    "An error is `application/problem+json`. Beside what each operation tells, another method of a path is answered "
    "with 405 and `Allow`, a path that is none of these with 404."
)
_TRACE = {"description": "Stands in the server's log too.", "required": True, "schema": {"type": "string"}}
_AGAIN = {
    "description": "Seconds after which to ask again.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}
_REPLAYED = {
    "description": "Where the answer was given before, under this Idempotency-Key.",
    "schema": {"type": "string", "const": "true"},
}
_LATER = {str(status) for sort in SORTS.values() if sort.again for status in sort.statuses}


def described(app: FastAPI) -> dict[str, Any]:
    """The file as it is sent."""
    made = get_openapi(title=app.title, version=app.version, summary=app.summary, description=_ABOUT, routes=app.routes)
    problem = ProblemDetails.model_json_schema(ref_template=REFERENCE)  # no route returns one
    made["components"]["schemas"] |= problem.pop("$defs") | {ProblemDetails.__name__: problem}
    for name, fields in FIELDS.items():
        for field, told in fields.items():
            made["components"]["schemas"][name]["properties"][field]["description"] = told
    for name, example in EXAMPLES.items():
        made["components"]["schemas"][name]["examples"] = [example]
    for methods in made["paths"].values():
        for operation in methods.values():
            _tell_headers(operation)
            _tell_required(operation)
    return made


def _tell_headers(operation: dict[str, Any]) -> None:
    """The headers of each answer."""
    once = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    for status, answer in operation["responses"].items():
        headers = answer.setdefault("headers", {})
        headers["X-Trace-Id"] = _TRACE
        if status in _LATER and MEDIA_TYPE in answer["content"]:
            headers["Retry-After"] = _AGAIN
        if once and status.startswith("2"):
            headers["Idempotency-Replayed"] = _REPLAYED


def _tell_required(operation: dict[str, Any]) -> None:
    """If-Match has to be sent. FastAPI must not know: it would answer 422 where RFC 6585 has 428."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "If-Match":
            parameter |= {"required": True, "schema": {"type": "string", "title": "If-Match"}}
