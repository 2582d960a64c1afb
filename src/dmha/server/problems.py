"""Errors as RFC 9457 problems: what went wrong, whose field, what to do, and the trace to find it by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from dmha.errors import (
    DmhaError,
    InvalidInput,
    MissingExtra,
    NoRoom,
    NotFound,
    OutOfBounds,
    Stale,
    Taken,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
_AGAIN = "1"  # seconds; what is busy or out of reach now is asked again soon


class Invalid(BaseModel):
    """One thing that is wrong with a request: where, why, and what to give instead."""

    field: str
    reason: str
    fix: str


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="Names the kind of problem.", examples=["urn:dmha:invalid"])
    title: str
    status: int
    detail: str
    trace_id: str = Field(description="Stands in the server's log too.")
    errors: list[Invalid] = []


class Problem(Exception):
    """What a route answers instead of a result."""

    def __init__(
        self, status: int, kind: str, detail: str, errors: Sequence[Invalid] = (), headers: Mapping[str, str] = {}
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.errors, self.headers = tuple(errors), dict(headers)

    def response(self, trace: str) -> Response:
        """The problem as it is sent."""
        told: dict[str, Any] = {
            "type": f"urn:dmha:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "trace_id": trace,
            "errors": [error.model_dump() for error in self.errors],
        }
        # ASCII: what a caller sent may be no text at all, and stands in the detail.
        return Response(json.dumps(told), self.status, self.headers, MEDIA_TYPE)


def invalid(field: str, reason: str, fix: str, *, status: int = 422) -> Problem:
    """The caller gave what cannot be right."""
    return Problem(status, "invalid", f"{field}: {reason}. {fix}", [Invalid(field=field, reason=reason, fix=fix)])


def unauthorized(fix: str = "Send Authorization: Bearer with an API key or a token.") -> Problem:
    """One answer to every credential that opens nothing, so that none of them tells why."""
    detail = f"No valid credential came with the request. {fix}"
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def forbidden(what: str) -> Problem:
    """The credential is good, but not for this."""
    return Problem(403, "forbidden", f"This credential does not allow {what}. Ask its owner for one that does.")


def busy(detail: str, *, status: int = 503, after: float = 1.0) -> Problem:
    """Not now: ask again after so many seconds."""
    return Problem(status, "busy", detail, headers={"Retry-After": str(max(1, round(after)))})


def defect() -> Problem:
    """What is nobody's fault but ours, without a word of what it was."""
    return Problem(500, "defect", "Something went wrong here that should not. The trace id finds it in the log.")


def of(error: DmhaError) -> Problem:
    """The problem that an error of the library is."""
    match error:
        case InvalidInput():
            return invalid(error.field, error.reason, error.fix)
        case OutOfBounds():
            wrong = Invalid(field=error.field, reason=f"{error.found} is over the limit of {error.limit}", fix="Less.")
            return Problem(422, "invalid", str(error), [wrong])
        case NotFound():
            said = f"There is no {error.what} of this id here. Check the id, agent_id and world that it was made under."
            return Problem(404, "not-found", said)
        case Stale():
            return Problem(412, "stale", str(error))
        case Taken():
            return busy(str(error), status=409)
        case NoRoom():
            return Problem(507, "no-room", str(error), headers={"Retry-After": _AGAIN})
        case MissingExtra():
            return Problem(501, "missing", str(error))
        case Unavailable():
            return Problem(503, "unavailable", error.told, headers={"Retry-After": _AGAIN})
    raise error
