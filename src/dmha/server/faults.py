"""From an error to a problem: the library's own errors, and pydantic's in the library's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from dmha.errors import (
    AnswerGone,
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
from dmha.server.problems import UNKNOWN, Invalid, Problem, at_fault, gone, in_flight, invalid

_MOST_TOLD = 20  # errors of one request; who has more mends these first
_LONGEST_FIELD = 128


def of(error: DmhaError) -> Problem:
    """The problem that an error of the library is."""
    match error:
        case InvalidInput():
            return invalid(_SENT_AS.get(error.field, error.field), error.reason, error.fix)
        case OutOfBounds():
            reason = f"{error.found} is over the limit of {error.limit}"
            return invalid(_SENT_AS.get(error.field, error.field), reason, error.fix)
        case NotFound():
            return _not_found(error)
        case Stale():
            reason = f"the memory is at version {error.found}, not {error.expected}"
            return at_fault(412, "stale", "If-Match", reason, "Read it again and repeat the change.")
        case AnswerGone():
            why = "something that it told of was deleted, or the service was upgraded since"
            return gone(f"this request took effect, once, and its answer is not kept: {why}", error.field)
        case Taken():
            return in_flight("another process took this request over")
        case NoRoom():
            return Problem(507, "no-room", str(error))
        case MissingExtra():
            return Problem(501, "missing", str(error))
        case Unavailable():
            return Problem(503, "unavailable", error.told)
    raise error


_SENT_AS = {"file": "body"}  # what a keyword of the library is in a request, where that is another
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
    return at_fault(404, "not-found", field or error.field, reason, fix)


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


def of_validation(found: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem that pydantic's errors are."""
    wrong = [_told(one) for one in found[:_MOST_TOLD]]
    detail = " ".join(f"{one.field}: {one.reason}. {one.fix}" for one in wrong[:3])
    more = f" And {len(found) - 3} more." if len(found) > 3 else ""
    return Problem(422, "invalid", detail + more, wrong, fields=[_logged(one) for one in found[:_MOST_TOLD]])


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
