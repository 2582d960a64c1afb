"""Export and import of an account as one file of JSON lines: a header a world, then its rows (see stores/portable)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import available_timezones

from dmha.errors import InvalidInput, NotFound, Unavailable
from dmha.protocols import Ledger, Truth
from dmha.records import Counted

FORMAT = "dmha-export-2"
_OLDER = ("dmha-export-1",)
_FIX = "Give a file made by dmha export, as it was written."


def export_file(truth: Truth, path: Path, user_id: str, world: str | None) -> int:
    """Write the worlds to the file, whole or not at all; returns the number of lines."""
    if not path.name or "\x00" in str(path):
        raise InvalidInput("path", f"{str(path)!r} names no file", "Give the path of a file to write.")
    part = path.with_name(path.name + ".part")
    written = 0
    try:
        with truth.read() as ledger, part.open("w", encoding="utf-8", newline="\n") as file:
            worlds = ledger.portable.worlds(user_id, world)
            if not worlds:
                raise NotFound("companion" if world else "account", (world or user_id).removeprefix("agent:"))
            for each in worlds:
                header = {"format": FORMAT, "world": each.name, "zone": each.zone}
                for line in chain([header], ledger.portable.rows(each, user_id)):
                    file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
                    written += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise Unavailable("export file", str(error), "Give a path in a writable folder with room.") from error
    finally:
        part.unlink(missing_ok=True)
    return written


def import_file(
    truth: Truth, path: Path, user_id: str, agent_id: str | None, count: Callable[[str], Counted], now: float
) -> int:
    """Read the worlds of the file into the account in one unit; returns the number of memories."""
    try:
        with path.open(encoding="utf-8") as file:
            headers = [line for line in _lines(file) if "format" in line]
    except (OSError, ValueError) as error:  # ValueError: the path holds a NUL
        raise InvalidInput("path", str(error), _FIX) from error
    if not headers:
        raise InvalidInput("file", "it is empty", _FIX)
    if agent_id is not None and len(headers) != 1:
        raise InvalidInput(
            "agent_id", f"the file holds {len(headers)} worlds", "Leave agent_id out to keep their names."
        )

    def unit(ledger: Ledger) -> int:
        made = 0
        with path.open(encoding="utf-8") as file:
            for header, rows in _worlds(_lines(file)):
                world = header["world"] if agent_id is None else f"agent:{agent_id}"
                scope = ledger.places.ensure_world(user_id, world, header["zone"], now)
                made += ledger.portable.restore(scope, agent_id, rows, count)
        return made

    return truth.write(unit)


def _lines(file: TextIO) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        for number, line in enumerate(file, 1):
            yield _row(number, json.loads(line))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or JSON that is nested without end
        raise InvalidInput("file", f"after line {number - 1} it is not JSON ({error})", _FIX) from error


def _row(number: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or ("format" in value) == ("table" in value) or (number == 1 and "table" in value):
        raise InvalidInput("file", f"line {number} is no row of an export", _FIX)
    if value.get("format", FORMAT) != FORMAT:
        older = value["format"] in _OLDER
        fix = "Open the database it came from and export it anew." if older else "Upgrade DMHA to read it."
        raise InvalidInput("file", f"its format is {value['format']!r}, not {FORMAT!r}", fix)
    if "format" in value:
        world, zone = value.get("world"), value.get("zone")
        if not isinstance(world, str) or not re.fullmatch(r"(agent|world):[^\x00\ud800-\udfff]{1,256}", world):
            raise InvalidInput("file", f"line {number} names no world", _FIX)
        if not isinstance(zone, str) or zone not in available_timezones():
            raise InvalidInput("file", f"line {number} names no zone", _FIX)
    return value


def _worlds(lines: Iterator[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Iterator[dict[str, Any]]]]:
    """Each header with its rows, read as they are used."""
    header = next(lines, None)
    while header is not None:
        following: list[dict[str, Any]] = []

        def rows(following: list[dict[str, Any]] = following) -> Iterator[dict[str, Any]]:
            for line in lines:
                if "format" in line:
                    following.append(line)
                    return
                yield line

        yield header, rows()
        header = following[0] if following else None
