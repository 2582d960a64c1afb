"""Checks of what callers give: each returns the value ready to use, or raises with field, reason and fix."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dmha.errors import InvalidInput, OutOfBounds
from dmha.types import SOURCES, Turn

MOST_CHARACTERS = 200_000  # a short novel, segmented in under 4 s at its worst; more is a file, to be added in parts
MOST_NAME = 256
MOST_METADATA = 65_536
MOST_QUERY = 10_000
# A quarter is the reply's; what is left holds the instructions, a question and some memory.
LEAST_BUDGET = 400
MOST_WAIT_MS = 600_000  # ten minutes: nobody holds a connection open for longer

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # Unicode's Cc, Zl and Zp
_NUMBER = re.compile("[0-9]{1,18}")  # below 2^63, which databases take
_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


def in_turn(nth: int | None) -> str:
    """What goes before the field of a turn: `turns[3].` where it is one of a list, nothing where it came alone."""
    return "" if nth is None else f"turns[{nth}]."


def check_turn(turn: Turn, nth: int | None = None) -> Turn:
    """The turn with its time in UTC, or `InvalidInput` / `OutOfBounds` naming the field, of the `nth` of a list."""
    within = in_turn(nth)
    check_text(f"{within}text", turn.text, most=MOST_CHARACTERS)
    check_name(f"{within}speaker", turn.speaker)
    for field, name in (("id", turn.id), ("parent", turn.parent)):
        if name is not None:
            check_name(within + field, name)
    check_choice(f"{within}source", turn.source, SOURCES)
    check_metadata(turn.metadata, f"{within}metadata")
    at = None if turn.at is None else check_time(f"{within}at", turn.at)
    return Turn(
        turn.text, turn.speaker, at, turn.id, turn.parent, bool(turn.private), turn.source, turn.metadata, turn.vector
    )


def check_text(field: str, value: Any, *, most: int) -> str:
    """The text, or the reason why it cannot be stored and given back unchanged."""
    if not isinstance(value, str):
        raise InvalidInput(field, f"it is {type(value).__name__}, not text", "Give a str.")
    if len(value) > most:
        raise OutOfBounds(field, most, len(value), "Give less, or in parts.")
    if not value.strip():
        raise InvalidInput(field, "it is empty", "Give at least one visible character.")
    if "\x00" in value:
        raise InvalidInput(field, "it holds a NUL character, which databases refuse", "Remove U+0000.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            field, f"it holds half a surrogate pair at character {error.start}", "Decode the source as UTF-8."
        ) from error
    return value


def check_name(field: str, value: Any) -> str:
    """A name: one line of text, for it stands in prompts beside what others said."""
    check_text(field, value, most=MOST_NAME)
    if _BREAKS.search(value):
        raise InvalidInput(field, "it holds a line break or control character", "Give a name on one line.")
    return str(value)


def is_name(value: str) -> bool:
    """Whether anything could be called so."""
    try:
        check_name("name", value)
    except (InvalidInput, OutOfBounds):
        return False
    return True


def check_budget(value: Any) -> int:
    """A token budget that leaves room for something remembered."""
    if type(value) is not int or value < LEAST_BUDGET:
        raise InvalidInput(
            "token_budget", f"{value!r} leaves no room", f"Give a whole number of at least {LEAST_BUDGET}."
        )
    return value


def check_count(field: str, value: Any, most: int, fix: str) -> int:
    """How many are asked for, 1 at least; `fix` says what to do where it is over the most."""
    if type(value) is not int or value < 1:
        raise InvalidInput(field, f"{value!r} is not a positive whole number", "Give 1 or more.")
    if value > most:
        raise OutOfBounds(field, most, value, fix)
    return value


def check_number(field: str, value: Any, fix: str) -> int:
    """A number that was given out as text; `fix` says where it comes from."""
    check_text(field, value, most=MOST_NAME)
    if not _NUMBER.fullmatch(value):
        raise InvalidInput(field, f"{value!r} was never given out", fix)
    return int(value)


def check_deadline(value: Any) -> int:
    """Milliseconds that somebody waits."""
    return check_count("deadline_ms", value, MOST_WAIT_MS, "Give less, or none to wait for all of it.")


def check_time(field: str, value: Any) -> datetime:
    """The moment in UTC; times without a zone are refused, for nobody knows when they are."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidInput(
            field, "it is no datetime with a zone", "Give datetime(..., tzinfo=...), e.g. with datetime.UTC."
        )
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(field, f"{value} lies outside the years 1 to 9999 in UTC", "Give a later one.") from error


def check_metadata(metadata: Any, field: str = "metadata") -> None:
    """Metadata is a JSON object of bounded size, without NaN or infinity."""
    if not isinstance(metadata, Mapping) or not all(isinstance(key, str) for key in metadata):
        raise InvalidInput(field, "it is not a mapping with text keys", 'Give a dict such as {"place": "Osaka"}.')
    try:
        written = _JSON.encode(dict(metadata)).encode() if metadata else b"{}"
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(field, f"it is not JSON ({error})", "Use text, finite numbers, lists and dicts.") from error
    if len(written) > MOST_METADATA:
        raise OutOfBounds(field, MOST_METADATA, len(written), "Keep large things elsewhere and their address here.")


def check_fraction(field: str, value: Any) -> float:
    """A number within 0..1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise InvalidInput(field, f"{value!r} is not within 0..1", "Give a number from 0 to 1.")
    return float(value)


def check_names(field: str, names: Iterable[str] | None) -> tuple[str, ...]:
    """A list of names, none for None; one text alone is a slip, since it would be read letter by letter."""
    if isinstance(names, str):
        raise InvalidInput(field, "it is one text", f"Give a list of names, such as [{names!r}].")
    if names is not None and not isinstance(names, Iterable):
        raise InvalidInput(field, f"it is {type(names).__name__}", 'Give a list of names, such as ["aya"].')
    return tuple(check_name(field, name) for name in names or ())


def check_choice(field: str, value: Any, choices: tuple[object, ...]) -> None:
    """One of the choices."""
    if value not in choices:
        raise InvalidInput(field, f"{value!r} is not one", f"Use one of {', '.join(map(str, choices))}.")


def check_places(turn_id: str | None, replaces: str | None, parent: str | None) -> None:
    """Where a turn may stand: in the place of another one, or after a given one, but not both."""
    if replaces is not None and parent is not None:
        raise InvalidInput("parent", "a turn that replaces another stands where that stood", "Give one of the two.")
    if replaces is not None and replaces == turn_id:
        raise InvalidInput("replaces", "a turn cannot replace itself", "Give the new turn an id of its own.")


def check_zone(field: str, zone: Any) -> str:
    """The zone's name, if there is such a zone."""
    name = check_name(field, zone)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise InvalidInput(field, f"there is no zone {zone!r}", "Give one such as Asia/Tokyo.") from error
    return name
