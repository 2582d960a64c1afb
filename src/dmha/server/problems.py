"""What a problem is (RFC 9457): its type, what went wrong, whose field, what to do, and the trace to find it by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
UNKNOWN = "(unknown)"
"""Stands in the log for a name that a caller made up."""

Kind = Literal[
    "invalid", "malformed", "unauthorized", "forbidden", "not-found", "no-route", "method", "too-slow", "in-flight",
    "gone", "stale", "precondition", "throttled", "defect", "missing", "busy", "unavailable", "no-room",
]  # fmt: skip


@dataclass(frozen=True)
class Sort:
    """What all problems of one type share."""

    title: str
    statuses: tuple[int, ...]
    again: bool = False
    """Whether the same request may be served later: it comes with Retry-After."""


SORTS: Mapping[Kind, Sort] = {
    "invalid": Sort("The request cannot be right", (400, 413, 414, 415, 422)),
    "malformed": Sort("Not the HTTP that is spoken here", (400,)),
    "unauthorized": Sort("Not authorized", (401,)),
    "forbidden": Sort("Not allowed", (403,)),
    "not-found": Sort("Not found", (404,)),
    "no-route": Sort("No such route", (404,)),
    "method": Sort("Another method", (405,)),
    "too-slow": Sort("Too slow", (408,)),
    "in-flight": Sort("Not answered yet", (409,), again=True),
    "gone": Sort("Gone", (410,)),
    "stale": Sort("Changed meanwhile", (412,)),
    "precondition": Sort("No version is named", (428,)),
    "throttled": Sort("Too often", (429,), again=True),
    "defect": Sort("A defect", (500,)),
    "missing": Sort("Not installed", (501,)),
    "busy": Sort("Too much at once", (503,), again=True),
    "unavailable": Sort("Out of reach", (503,), again=True),
    "no-room": Sort("No room left", (507,), again=True),
}
"""All problems there are; the table of docs/service.md says what each means and what to do."""


class Invalid(BaseModel):
    """One thing that is wrong with a request: where, why, and what to give instead."""

    field: str = Field(description="A header, a parameter, or a field of the body, as `turns.0.text`.")
    reason: str = Field(description="Why it cannot be right.")
    fix: str = Field(description="What to give instead.")


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(
        description="Names the kind of problem: docs/service.md has them all.",
        examples=[f"urn:dmha:{kind}" for kind in SORTS],
    )
    title: str = Field(description="The same for every problem of a type.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What went wrong this time, and what to do.")
    trace_id: str = Field(description="Stands in the server's log too.")
    errors: list[Invalid] = Field(
        default=[], description="What of the request is at fault; empty where nothing of it is."
    )


class Problem(Exception):
    """What a route answers instead of a result.

    `fields` are the names that the log may tell: those of the errors, unless some were the caller's own words.
    """

    def __init__(
        self, status: int, kind: Kind, detail: str, errors: Sequence[Invalid] = (), headers: Mapping[str, str] = {},
        *, fields: Sequence[str] | None = None, after: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.kind, self.detail, self.errors = status, kind, detail, tuple(errors)
        self.fields = tuple(error.field for error in errors) if fields is None else tuple(fields)
        self.headers = dict(headers) | ({"Retry-After": str(max(1, round(after)))} if SORTS[kind].again else {})

    def response(self, trace: str) -> Response:
        """The problem as it is sent."""
        told: dict[str, Any] = {
            "type": f"urn:dmha:{self.kind}",
            "title": SORTS[self.kind].title,
            "status": self.status,
            "detail": self.detail,
            "trace_id": trace,
            "errors": [error.model_dump() for error in self.errors],
        }
        # ASCII: what a caller sent may be no text at all, and stands in the detail.
        return Response(json.dumps(told), self.status, self.headers, MEDIA_TYPE)

    def logged(self) -> dict[str, Any]:
        """What the log tells of it: its type and the fields' names, never what anybody said."""
        return {"problem": self.kind} | ({"fields": list(self.fields)} if self.fields else {})


def at_fault(
    status: int, kind: Kind, field: str, reason: str, fix: str, headers: Mapping[str, str] = {}, *,
    detail: str | None = None,
) -> Problem:  # fmt: skip
    """A problem with one field of the request; the reason is a sentence of its own, unless `detail` says it all."""
    said = f"{reason[:1].upper()}{reason[1:]}. {fix}" if detail is None else detail
    return Problem(status, kind, said, [Invalid(field=field, reason=reason, fix=fix)], headers)


def invalid(field: str, reason: str, fix: str, *, status: int = 422, ours: bool = True) -> Problem:
    """The caller gave what cannot be right; the field is not `ours` where the caller made its name up."""
    wrong = [Invalid(field=field, reason=reason, fix=fix)]
    return Problem(status, "invalid", f"{field}: {reason}. {fix}", wrong, fields=None if ours else [UNKNOWN])


def unauthorized(
    fix: str = "Send Authorization: Bearer with an API key or a token.", field: str = "Authorization"
) -> Problem:
    """One answer to every credential that opens nothing, so that none of them tells why."""
    reason = "no valid credential came with the request"
    return at_fault(401, "unauthorized", field, reason, fix, {"WWW-Authenticate": "Bearer"})


def forbidden(what: str, field: str = "Authorization") -> Problem:
    """The credential is good, but not for this."""
    reason = f"this credential does not allow {what}"
    return at_fault(403, "forbidden", field, reason, "Ask its owner for one that does.")


def busy(detail: str) -> Problem:
    """Too much is asked of the service as a whole, which is no fault of the request."""
    return Problem(503, "busy", detail)


def throttled(reason: str, *, after: float, field: str | None = None) -> Problem:
    """Too much was asked by this caller, who may ask again after so many seconds."""
    seconds = max(1, round(after))
    fix = f"Wait for {seconds} second{'s' * (seconds > 1)}."
    wrong = [] if field is None else [Invalid(field=field, reason=f"{reason[:1].lower()}{reason[1:]}", fix=fix)]
    return Problem(429, "throttled", f"{reason}. {fix}", wrong, after=after)


def in_flight(reason: str = "a request under this Idempotency-Key is under way") -> Problem:
    """The work that an Idempotency-Key stands for is not over."""
    fix = "Send it again for its answer, after Retry-After."
    return at_fault(409, "in-flight", "Idempotency-Key", reason, fix)


def gone(reason: str) -> Problem:
    """A request was answered, and its answer cannot be told again."""
    return at_fault(410, "gone", "Idempotency-Key", reason, "Read what it changed.")


def defect() -> Problem:
    """What is nobody's fault but ours, without a word of what it was."""
    return Problem(500, "defect", "Something went wrong here that should not. The trace id finds it in the log.")
