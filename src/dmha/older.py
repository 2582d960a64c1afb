"""Files of older formats told in the present one; the revisions of the schema tell what became of each column.

The first format said some things once that are now said where they belong: a turn's window follows from the words of
the path to it, a summary stands after the last turn that it tells of, and what was felt at a recall is what is
felt now. Rows are told as they come, after a first reading that gathers what stands further down.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from dmha.errors import InvalidInput

OLDER = ("dmha-export-1", "dmha-export-2", "dmha-export-3")
_FIX = "Give a file made by dmha export, as it was written."

Rows = Callable[[], Iterator[dict[str, Any]]]


# What the format after each says besides, as it was before.
_SINCE: dict[str, dict[str, dict[str, Any]]] = {
    OLDER[1]: {"memories": {"wrong": False}, "perspectives": {"raised": True}},
    OLDER[2]: {"memory_versions": {"wrong": False, "private": False}},
}


def translated(rows: Rows, older: str, format: str) -> Iterator[dict[str, Any]]:
    """The lines of a file of that older format as lines of the present one; `rows` reads it from its beginning."""
    since = [_SINCE[one] for one in OLDER[max(1, OLDER.index(older)) :]]
    whispered = (
        bytearray()
    )  # of each memory of the world whether it is private: so were its versions, as far as it tells
    for row in _of_the_second(rows) if older == OLDER[0] else rows():
        if "format" in row:
            whispered.clear()
            yield row | {"format": format}
            continue
        table, of = str(row["table"]), row.get("memory_id")
        more = {name: value for added in since for name, value in added.get(table, {}).items()}
        if table == "outcomes" and row.get("operation") == "contextualize":
            more["body"] = {}  # nothing knows what that reply stood on
        if table == "memories":
            whispered.append(row.get("private_to") is not None)
        elif table == "memory_versions" and type(of) is int and 0 < of <= len(whispered):
            more["private"] = bool(whispered[of - 1])
        yield row | more


def _of_the_second(rows: Rows) -> Iterator[dict[str, Any]]:
    """The lines of a file of the first format as lines of the second."""
    worlds: list[_World] = []
    try:
        for row in rows():
            if "format" in row:
                worlds.append(_World())
            else:
                worlds[-1].gather(row)
        here = iter(worlds)
        world = _World()
        for row in rows():
            if "format" in row:
                world = next(here)
                yield row
            else:
                yield from world.told(row)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("file", f"a row is none of {OLDER[0]} ({type(error).__name__}: {error})", _FIX) from error


class _World:
    """What one world of the file tells further down than where it is needed."""

    def __init__(self) -> None:
        self._uids: dict[str, int] = {}
        self._turn_of = array("q")  # of each memory; 0: none
        self._characters: dict[int, int] = {}
        self._told_of: dict[int, int] = {}  # of each summary the last turn
        self._felt: dict[tuple[int, int], tuple[float, float]] = {}
        self._outcomes: set[tuple[int, str, str]] = set()
        self._windows: list[tuple[int, int]] = []
        self._memories = 0
        self._facts = 0
        self._endings: list[dict[str, Any]] = []
        self._ended = 0

    def gather(self, row: dict[str, Any]) -> None:
        match row["table"]:
            case "turns":
                self._uids[row["uid"]] = len(self._uids) + 1
            case "memories":
                turn = row["turn_id"] or 0
                self._turn_of.append(turn)
                self._characters[turn] = len(row["text"])
            case "memory_sources":
                told, last = row["memory_id"], self._told_of.get(row["memory_id"], 0)
                self._told_of[told] = max(last, self._turn_of[row["source_id"] - 1])
            case "perspectives" if row["joy"] or row["aversion"]:
                self._felt[row["companion_id"], row["memory_id"]] = row["joy"], row["aversion"]
            case "outcomes":
                self._outcomes.add((row["companion_id"], row["operation"], row["key"]))

    def told(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The row as the second format tells it, and after the last fact how facts ended."""
        table = row["table"]
        if table != "facts" and self._facts:
            yield from self._endings
            self._ended, self._endings = self._ended + len(self._endings), []
        match table:
            case "companions":
                yield _without(row, "created_at")
            case "sessions":
                yield _without(row, "created_at", "head_id")
            case "turns":
                yield self._turn(row)
            case "memories":
                yield self._memory(row)
            case "perspectives":
                yield row | {"born": True}
            case "recalls":
                yield self._recall(row)
            case "facts":
                yield self._fact(row)
            case "end":
                yield row | {"rows": row["rows"] + self._ended}
            case _:
                yield row

    def _turn(self, row: dict[str, Any]) -> dict[str, Any]:
        """A turn with its window: the end of the path to it, from the first turn that stood in the window on."""
        parent = row["parent_id"]
        turns, characters = (0, 0) if parent is None else self._windows[parent - 1]
        if row["in_window"]:
            characters += self._characters.get(len(self._windows) + 1, 0)
        turns += bool(row["in_window"] or turns)
        self._windows.append((turns, characters))
        kept = _without(row, "active", "replaces_id", "in_window")
        return kept | {"window_turns": turns, "window_characters": characters}

    def _memory(self, row: dict[str, Any]) -> dict[str, Any]:
        self._memories += 1
        if row["kind"] == "summary":
            return row | {"turn_id": self._told_of.get(self._memories) or None}
        return row

    def _recall(self, row: dict[str, Any]) -> dict[str, Any]:
        """A cause was a turn's id or a caller's key."""
        who, cause = row["companion_id"], row["cause"]
        answered = (who, "contextualize", cause) in self._outcomes
        turn_id = self._uids.get(cause) if answered else None
        key = cause if turn_id is None and (who, "recall", cause) in self._outcomes else None
        joy, aversion = self._felt.get((who, row["memory_id"]), (0.0, 0.0))
        return _without(row, "cause") | {"turn_id": turn_id, "key": key, "joy": joy, "aversion": aversion}

    def _fact(self, row: dict[str, Any]) -> dict[str, Any]:
        """What ended a fact is a row of its own, and the fact again what was told."""
        self._facts += 1
        kept = _without(row, "ended_by", "note")
        if row["ended_by"] is None:
            return kept
        if row["valid_to"] is not None:
            ending = {"table": "endings", "fact_id": self._facts, "turn_id": row["ended_by"], "because_id": None}
            self._endings.append(ending | {"valid_to": row["valid_to"], "note": row["note"]})
        return kept | {"valid_to": None}


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The row without these; it must have had them."""
    kept = dict(row)
    for name in names:
        del kept[name]
    return kept
