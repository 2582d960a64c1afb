"""What a call costs the database does not grow with what is remembered: SQLite's own steps are counted, not time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from stubs import StubEmbedder

import dmha
from dmha import Turn
from dmha.mind import Mind

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
FEW, MANY = 200, 2_000
AT_ONCE = 50  # SQLite tells of its steps no finer: fifty are less than a tenth of any call here


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """Fifties of steps of SQLite's machine, on every connection opened inside."""
    steps = [0]

    def watch(connection: sqlite3.Connection, _record: object) -> None:
        connection.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), AT_ONCE)

    event.listen(Engine, "connect", watch)
    try:
        yield steps
    finally:
        event.remove(Engine, "connect", watch)


def told(number: int) -> Turn:
    return Turn(f"On day {number} the {number % 37}th visitor brought {number % 11} apples.", id=f"t{number}")


CALLS: dict[str, Callable[[Mind, int], object]] = {
    "add": lambda mind, n: mind.add(Turn("A visitor came.", id=f"a{n}"), session_id="s1", **HERE),
    "search": lambda mind, _: mind.search("who brought apples?", **HERE),
    "recall": lambda mind, _: mind.recall("who brought apples?", **HERE),
    "contextualize": lambda mind, n: mind.contextualize(
        "Who brought apples?", turn_id=f"c{n}", session_id="s0", **HERE
    ),
    "replace": lambda mind, n: (
        mind.contextualize("And?", turn_id=f"c{n}", replaces=f"c{n - 1}", session_id="s0", **HERE)
        if n > 1
        else mind.contextualize("And?", turn_id="c1", session_id="s0", **HERE)
    ),
    "update": lambda mind, _: mind.update(mind.search("apples", top_k=1, **HERE)[0].memory.id, text="Pears.", **HERE),
    "delete": lambda mind, _: mind.delete(mind.search("apples", top_k=1, **HERE)[0].memory.id, **HERE),
    "get": lambda mind, _: mind.get(mind.search("apples", top_k=1, **HERE)[0].memory.id, **HERE),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_takes_as_many_steps_among_many_as_among_few(tmp_path: Path, call: str) -> None:
    """Ten times as many memories cost a call at most half as many steps again."""
    taken = []
    with counted_steps() as steps:
        for count in (FEW, MANY):
            with dmha.open(tmp_path / f"{count}.db", embedder=StubEmbedder(), chat="extractive") as mind:
                for start in range(0, count, 100):
                    turns = [told(n) for n in range(start, start + 100)]
                    mind.add(turns, session_id=f"s{start // 100 % 5}", **HERE)
                CALLS[call](mind, 1)  # loads the index
                before = steps[0]
                CALLS[call](mind, 2)
                taken.append(steps[0] - before)
    few, many = taken
    assert many <= 1.5 * few + 5, f"{few * AT_ONCE} steps among {FEW}, {many * AT_ONCE} among {MANY}"
