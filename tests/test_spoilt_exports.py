"""A file that is no export, or is not whole, or holds what cannot be, gives nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lives import HERE, one_of_each_table, open_mind, refused
from sqlalchemy import JSON, Boolean, Column, Double, Integer, LargeBinary, String, Table
from sqlalchemy.types import TypeEngine
from tables import rows

from dmha import InvalidInput
from dmha.mind import Mind
from dmha.stores import schema
from dmha.stores.exported import TABLES

NAN = float("nan")
# What no column of a type may hold, whatever else it allows.
WRONG: dict[type[TypeEngine[Any]], list[Any]] = {
    Boolean: [None, 1, "true"],
    Double: [True, "1", NAN, 10**400, [1]],
    Integer: [True, "1", 1.5, -1, 2**63],
    JSON: [None, [], "{}", {"a": NAN}, {"a": "\ud800"}],
    LargeBinary: [None, 5, "not base64", "é"],
    String: [5, True, ["a"], "\x00", "\ud800"],
}


def wrong_for(column: Column[Any]) -> list[Any]:
    values = next(values for kind, values in WRONG.items() if isinstance(column.type, kind))
    if column.name == "embedder_id":  # travels as a name
        return [5, None]
    return values if column.nullable else [*values, None]


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {key: value for key, value in row.items() if key != name}


def test_a_file_with_any_line_missing_or_twice_is_refused(life: list[str], tmp_path: Path) -> None:
    """Dropping or doubling any kind of line, or cutting the file after or within it, imports nothing."""
    path = tmp_path / "cut.jsonl"
    with open_mind(tmp_path / "other.db") as other:
        for place in one_of_each_table(life).values():
            refused(life[:place] + life[place + 1 :], path, other)
            refused(life[: place + 1] + life[place:], path, other)
            refused([*life[:place], life[place][: len(life[place]) // 2]], path, other)
            if place + 1 < len(life):
                refused(life[: place + 1], path, other)
        path.write_text("\n".join(life))
        other.import_(path, **HERE)  # nothing that was refused stands in its way


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_a_value_of_the_wrong_type_is_refused(life: list[str], empty: Mind, tmp_path: Path, table: Table) -> None:
    """In any column of any table, a value of another type, or one that cannot be stored, imports nothing."""
    place = one_of_each_table(life).get(table.name)
    if place is None:
        assert table is schema.speaker_names
        return
    row = json.loads(life[place])
    for name in row.keys() - {"table"}:
        for value in wrong_for(table.c[name]):
            changed = json.dumps(row | {name: value})
            refused([*life[:place], changed, *life[place + 1 :]], tmp_path / "changed.jsonl", empty)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("memories", without("text")),
        ("memories", lambda row: row | {"id": 1}),
        ("memories", lambda row: row | {"tenant_id": 1}),
        ("memories", lambda row: row | {"kind": "thought"}),
        ("memories", lambda row: row | {"session_id": 99}),
        ("turns", lambda row: row | {"parent_id": 10_000}),
        ("turns", lambda row: row | {"uid": "t1"}),
        ("turns", lambda row: row | {"window_turns": -1}),
        ("turns", lambda row: row | {"window_turns": 10_000}),
        ("turns", lambda row: row | {"window_characters": 10**12}),
        ("turns", lambda row: row | {"in_window": True}),
        ("turns", lambda row: row | {"branch_id": 1}),
        ("turns", lambda row: row | {"parent_id": 0}),
        ("memories", lambda row: row | {"at": 1e18}),
        ("memories", lambda row: row | {"version": 2**60}),
        ("memories", lambda row: row | {"turn_id": 1, "source": "user"}),
        ("perspectives", lambda row: row | {"half_life": 0}),
        ("endings", lambda row: row | {"fact_id": 99}),
        ("endings", lambda row: row | {"table": "rules"}),
        ("perspectives", lambda row: row | {"tier": "deep"}),
        ("vectors", lambda row: row | {"data": "AAAA"}),
        ("vectors", lambda row: row | {"data": base64.b64encode(b"\xff" * 64).decode()}),
        ("vectors", lambda row: row | {"data": "not base64"}),
        ("memories", lambda row: row | {"table": "sqlite_master"}),
        ("end", lambda row: row | {"rows": 0}),
        ("end", without("rows")),
    ],
)
def test_a_row_that_cannot_be_is_refused(
    life: list[str], empty: Mind, tmp_path: Path, table: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Missing and smuggled columns, references into nowhere, twins and unknown words import nothing."""
    place = one_of_each_table(life)[table]
    changed = json.dumps(change(json.loads(life[place])))
    refused([*life[:place], changed, *life[place + 1 :]], tmp_path / "changed.jsonl", empty)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"[]\n", b"{}\n", b"null\n", b"\xff\xfe\x00", b"[" * 100_000, b'{"format": "dmha-export-9"}\n',
     b'{"format": "dmha-export-4"}\n', b'{"format": ["x"], "world": "agent:a", "zone": "UTC"}\n',
     b'{"format": "dmha-export-4", "world": 5, "zone": "UTC"}\n', b'{"table": "turns"}\n',
     b'{"format": "dmha-export-4", "world": "agent:a", "zone": "Nowhere"}\n',
     b'{"format": "dmha-export-4", "world": "agent:a", "zone": "UTC"}\n'],
    ids=lambda content: repr(content[:24]),
)  # fmt: skip
def test_a_file_that_is_no_export_is_refused(empty: Mind, tmp_path: Path, content: bytes) -> None:
    """Empty, binary, deeply nested, foreign and header-only files are invalid input, and leave nothing."""
    path = tmp_path / "no.jsonl"
    path.write_bytes(content)
    before = rows(empty)
    with pytest.raises(InvalidInput):
        empty.import_(path, user_id="aya")
    assert rows(empty) == before
