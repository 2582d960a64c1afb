"""Export and import of an account as one file of JSON lines: a header a world, then its rows (see stores/portable)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from dmha.errors import InvalidInput, NotFound, Unavailable
from dmha.protocols import Ledger, Truth
from dmha.records import Counted, Place

FORMAT = "dmha-export-1"


def export_file(truth: Truth, path: Path, user_id: str, world: str | None) -> int:
    """Write the worlds to the file, whole or not at all; returns the number of lines."""
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
        raise Unavailable(
            "export file", str(error), "Give a path in a folder that is writable and has room."
        ) from error
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
    except OSError as error:
        raise InvalidInput("path", str(error), "Give a file made by dmha export.") from error
    if agent_id is not None and len(headers) != 1:
        raise InvalidInput(
            "agent_id", f"the file holds {len(headers)} worlds", "Leave agent_id out to keep their names."
        )

    def unit(ledger: Ledger) -> int:
        made = 0
        with path.open(encoding="utf-8") as file:
            for header, rows in _worlds(_lines(file)):
                world = header["world"] if agent_id is None else f"agent:{agent_id}"
                agent = agent_id or header["world"].partition(":")[2]
                scope = ledger.places.ensure(Place(user_id, agent, world), header["zone"], now)
                made += ledger.portable.restore(scope, agent_id, rows, count, now)
        return made

    return truth.write(unit)


def _lines(file: TextIO) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise InvalidInput(
                "file", f"line {number} is not JSON ({error})", "Give a file made by dmha export."
            ) from error
        if (
            not isinstance(value, dict)
            or ("format" in value) == ("table" in value)
            or (number == 1 and "table" in value)
        ):
            raise InvalidInput("file", f"line {number} is no row of an export", "Give a file made by dmha export.")
        if value.get("format", FORMAT) != FORMAT:
            raise InvalidInput("file", f"its format is {value['format']!r}, not {FORMAT!r}", "Upgrade DMHA to read it.")
        yield value


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
