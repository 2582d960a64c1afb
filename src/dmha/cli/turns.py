"""Turns as lines of JSON: what `dmha add --file` reads, each line checked before any is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from dmha.errors import InvalidInput
from dmha.types import SOURCES, Turn

_KINDS_OF_VALUES: dict[str, tuple[type, str]] = {
    "text": (str, "text"),
    "speaker": (str, "text"),
    "at": (str, "text such as 2025-11-22T18:00:00+09:00"),
    "id": (str, "text"),
    "parent": (str, "text"),
    "private": (bool, "true or false"),
    "source": (str, f"one of {', '.join(SOURCES)}"),
    "metadata": (dict, "an object"),
}


def read_turns(lines: Iterable[bytes], name: str) -> list[Turn]:
    """The turns of a file, in order; empty lines are passed over. `name` is what an error calls the file."""
    return [turn_of(given, f"{name}, line {number}") for number, given in read_objects(lines, name)]


def read_objects(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and its JSON object."""
    for number, line in read_lines(lines, name):
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{name}, line {number}", f"it is not JSON ({error})", _ONE_A_LINE) from error
        if not isinstance(given, dict):
            raise InvalidInput(f"{name}, line {number}", "it is not a JSON object", _ONE_A_LINE)
        yield number, given


def read_lines(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a UTF-8 file, without its byte order mark and without the empty ones."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{name}, line {number}", "it is not UTF-8", "Save the file as UTF-8.") from error
        if text:
            yield number, text


def turn_of(given: dict[str, Any], where: str) -> Turn:
    """A turn from its JSON object. What the values may be is the mind's to check; here, that they are of their kind."""
    for field, value in given.items():
        if field not in _KINDS_OF_VALUES:
            raise InvalidInput(where, f"a turn has no {field!r}", f"Use {', '.join(_KINDS_OF_VALUES)}.")
        kind, called = _KINDS_OF_VALUES[field]
        if not isinstance(value, kind):
            raise InvalidInput(where, f"{field} is {type(value).__name__}", f"Give {called}.")
    if "text" not in given:
        raise InvalidInput(where, "there is no text", _ONE_A_LINE)
    return Turn(**{**given, "at": _moment(given["at"], where) if "at" in given else None})


def _moment(written: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise InvalidInput(where, f"at: {error}", f"Give {_KINDS_OF_VALUES['at'][1]}.") from error
    if at.tzinfo is None:
        raise InvalidInput(where, f"at: {written!r} names no zone", f"Give {_KINDS_OF_VALUES['at'][1]}.")
    return at


_ONE_A_LINE = 'Give one object a line, such as {"text": "I moved.", "speaker": "aya"}.'
