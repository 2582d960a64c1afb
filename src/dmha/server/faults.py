"""From an error to a problem: the library's own errors, and pydantic's in the library's words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

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
from dmha.server import models
from dmha.server.problems import UNKNOWN, Invalid, Problem, at_fault, in_flight, invalid

_MOST_TOLD = 20  # errors of one request; who has more mends these first
_LONGEST_FIELD = 128
_LONGEST_NAME = 64  # that is compared with the names there are


def of(error: DmhaError) -> Problem:
    """The problem that an error of the library is."""
    match error:
        case InvalidInput():
            return invalid(_sent_as(error.field), error.reason, error.fix)
        case OutOfBounds():
            reason = f"{error.found} is over the limit of {error.limit}"
            return invalid(_sent_as(error.field), reason, error.fix)
        case NotFound():
            return _not_found(error)
        case Stale():
            reason = f"the memory is at version {error.found}, not {error.expected}"
            return at_fault(412, "stale", "If-Match", reason, "Read it again and repeat the change.")
        case Taken():
            return in_flight("another process took this request over")
        case NoRoom():
            return Problem(507, "no-room", str(error))
        case MissingExtra():
            return Problem(501, "missing", str(error))
        case Unavailable():
            return Problem(503, "unavailable", error.told)
    raise error


_IN_TURN = re.compile(r"turns\[(\d+)\]\.")


def _sent_as(field: str) -> str:
    """What a keyword of the library is in a request, where that is another."""
    return "body" if field == "file" else _IN_TURN.sub(r"turns.\1.", field)


_MADE_UNDER = "Check the id, agent_id and world that it was made under."
# What the field is called in a request, why nothing was found by it, and what to do.
_NOT_FOUND: Mapping[str, tuple[str | None, str, str]] = {
    "job": (None, "there is no job of this id here", "Look at those there are: GET /v1/jobs."),
    "companion": (None, "nothing is remembered of this companion", "Check its name, or remember something first."),
    "account": ("Authorization", "nothing is remembered in this account", "Remember something first."),
}


def _not_found(error: NotFound) -> Problem:
    """Without the id, so that another account's is answered as one that nobody has."""
    other = (None, f"there is no {error.what} of this id here", _MADE_UNDER)
    field, reason, fix = _NOT_FOUND.get(error.what, other)
    return at_fault(404, "not-found", field or _sent_as(error.field), reason, fix)


_OBJECT = ("it is {kind}, not an object", "Give an object, in braces.")
_WHOLE = "Give a whole number, such as 10."
WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("it is missing", "Give it."),
    "extra_forbidden": ("there is no such field", "Leave it out, or see /openapi.json for how it is written."),
    "string_type": ("it is {kind}, not text", "Give text, in quotes."),
    "string_too_short": ("{size} characters are too few", "Give at least {min_length}."),
    "string_too_long": ("{size} characters are over the limit of {max_length}", "Give at most that many."),
    "int_type": ("it is {kind}, not a whole number", _WHOLE),
    "int_parsing": ("it is no whole number", _WHOLE),
    "float_type": ("it is {kind}, not a number", "Give a number, without quotes."),
    "bool_type": ("it is {kind}, not true or false", "Give true or false, without quotes."),
    "list_type": ("it is {kind}, not a list", "Give a list, in brackets."),
    "dict_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "too_short": ("{size} entries are too few", "Give at least {min_length}."),
    "too_long": ("{size} entries are over the limit of {max_length}", "Give at most that many."),
    "greater_than_equal": ("{given} is too little", "Give {ge} or more."),
    "less_than_equal": ("{given} is over the limit of {le}", "Give {le} or less."),
    "literal_error": ("it is none of the choices", "Give {expected}."),
    "moment": ("it is no time with a zone", "Give one such as 2026-11-22T09:00:00+09:00."),
    "plain": ("it is {kind}, and only plain values can be compared", "Give text, a number, true or false."),
}
"""The reason and the fix of each error of pydantic's that a request of ours can come to."""


def of_validation(
    found: Sequence[Mapping[str, Any]], body: type[BaseModel] | None = None, parameters: Collection[str] = ()
) -> Problem:
    """The problem that pydantic's errors are, of a route that takes this body and these parameters."""
    wrong = [_misplaced(one, body, parameters) or _told(one) for one in found[:_MOST_TOLD]]
    detail = " ".join(f"{one.field}: {one.reason}. {one.fix}" for one in wrong[:3])
    more = f" And {len(found) - 3} more." if len(found) > 3 else ""
    return Problem(422, "invalid", detail + more, wrong, fields=[_logged(one) for one in found[:_MOST_TOLD]])


def _misplaced(found: Mapping[str, Any], body: type[BaseModel] | None, parameters: Collection[str]) -> Invalid | None:
    """Of a field that is not there: that it is a parameter here, or what it may have been meant for."""
    place = found["loc"]
    if found["type"] != "extra_forbidden" or body is None:
        return None
    name, field = str(place[-1]), _field(place)
    if len(place) == 2 and name in parameters:
        return Invalid(field=field, reason="it belongs to the query here", fix=f"Send it in the URL, as ?{name}=.")
    near = difflib.get_close_matches(name[:_LONGEST_NAME].lower(), _fields_at(body, place[1:-1]), n=1)
    return Invalid(field=field, reason=WORDS["extra_forbidden"][0], fix=f"Use {near[0]}.") if near else None


def _fields_at(model: type[BaseModel], place: Sequence[Any]) -> list[str]:
    """The fields of the model, or of the one that lies there in it."""
    for part in place:
        if isinstance(part, str):
            inner = get_args(model.model_fields[part].annotation)
            model = next(each for each in inner if isinstance(each, type) and issubclass(each, BaseModel))
    return list(model.model_fields)


def _told(found: Mapping[str, Any]) -> Invalid:
    place, given = found["loc"], found.get("input")
    about = {
        "kind": _kind(given),
        "size": len(given) if isinstance(given, str | list | dict) else 0,
        "given": str(given)[:20],
        **{name: _short(value) for name, value in found.get("ctx", {}).items()},
    }
    reason, fix = _OBJECT if place == ("body",) else WORDS.get(found["type"], _UNFORESEEN)
    return Invalid(field=_field(place), reason=reason.format_map(about), fix=fix.format_map(about))


# Beyond what the tests find a request can come to: after an upgrade of pydantic, say.
_UNFORESEEN = ("it is not what belongs here", "See /openapi.json for what does.")


def _short(value: Any) -> Any:
    """1 for 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(value: Any) -> str:
    """What JSON calls it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a decimal number"
        case str():
            return "text"
        case list():
            return "a list"
    return "an object"


def _field(place: Sequence[Any]) -> str:
    """Where in the request: the first part of the place only says in which part of it."""
    return (".".join(map(str, place[1:])) or "body").encode("ascii", "backslashreplace").decode()[:_LONGEST_FIELD]


_OURS = frozenset(
    name
    for model in vars(models).values()
    if isinstance(model, type) and issubclass(model, BaseModel)
    for name in model.model_fields
)


def _logged(found: Mapping[str, Any]) -> str:
    """The field as far as its name is ours: keys are the caller's to choose, and may say anything."""
    where, *place = found["loc"]
    known = [str(part) for part in place if where != "body" or isinstance(part, int) or part in _OURS]
    return ".".join(known if len(known) == len(place) else [*known, UNKNOWN]) or "body"
