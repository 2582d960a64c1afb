"""An export of the first format, read in, is the life that an upgrade makes of its file."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lives import one_of_each_table, open_mind, refused
from stubs import StubEmbedder

from dmha import InvalidInput
from dmha.mind import Mind
from dmha.older import OLDER, translated
from dmha.records import Place

FIXTURES = Path(__file__).parent / "fixtures"


class LatinOnly(StubEmbedder):
    """The embedder of the fixtures' life: it leaves Japanese to the words alone."""

    scripts = frozenset({"Latin"})


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Mind]:
    """The life of revision 0001, in the present revision."""
    shutil.copy(FIXTURES / "companion-0001.sqlite", tmp_path / "old.db")
    with open_mind(tmp_path / "old.db", LatinOnly(8, "stub-8")) as mind:
        yield mind


def judged(mind: Mind, rows: list[dict[str, Any]]) -> None:
    """Judge the world that these rows of the first format tell."""
    with mind._truth.read() as ledger:
        judge = ledger.portable.judge(None)
    for row in translated(lambda: iter(rows), OLDER[0], "now"):
        if "format" not in row:
            judge.take(row)
    judge.contents()


def test_a_file_of_the_first_format_is_the_life_that_was_upgraded(upgraded: Mind, tmp_path: Path) -> None:
    """The old export read in and the old file upgraded on opening export the same bytes."""
    upgraded.export(tmp_path / "upgraded.jsonl", user_id="aya")
    with open_mind(tmp_path / "new.db", LatinOnly(8, "stub-8")) as new:
        assert new.import_(FIXTURES / "companion-0001.jsonl", user_id="aya") == 68
        new.export(tmp_path / "new.jsonl", user_id="aya")
        assert new._truth.check() == []
    assert (tmp_path / "new.jsonl").read_bytes() == (tmp_path / "upgraded.jsonl").read_bytes()


def test_lore_told_amid_a_talk_pushes_nothing_out_of_the_window_that_is_upgraded(tmp_path: Path) -> None:
    """An old file's window reaches to the first turn that stood in it, and so does its export's."""
    old, export = tmp_path / "companion.db", tmp_path / "old.jsonl"
    shutil.copy(FIXTURES / "companion-0001.sqlite", old)
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("UPDATE turns SET in_window = 0 WHERE uid IN ('c1', 'c2')")
    lines = [json.loads(line) for line in (FIXTURES / "companion-0001.jsonl").read_text(encoding="utf-8").splitlines()]
    told = [line | {"in_window": False} if line.get("uid") in ("c1", "c2") else line for line in lines]
    export.write_text("\n".join(map(json.dumps, told)), encoding="utf-8")
    for file in (old, tmp_path / "new.db"):
        with open_mind(file, LatinOnly(8, "stub-8")) as mind:
            if file != old:
                mind.import_(export, user_id="aya")
            with mind._truth.read() as ledger:
                scope = ledger.places.find(Place("aya", "relu", "agent:relu"))
                assert scope is not None
                with closing(sqlite3.connect(file)) as connection:
                    (last,) = connection.execute("SELECT id FROM turns WHERE uid = 'c4'").fetchone()
                assert ledger.reading.window(scope, last)[0].text == "fact: aya.city = Osaka (from=2025-03-08)"


def test_a_spoilt_file_of_the_first_format_is_refused(empty: Mind, tmp_path: Path) -> None:
    """A row less, a column less, or a value that no column takes is refused in any kind of line."""
    lines = (FIXTURES / "companion-0001.jsonl").read_text(encoding="utf-8").splitlines()
    refused(lines[:-1], tmp_path / "cut.jsonl", empty)
    rows = [json.loads(line) for line in lines]
    del rows[next(place for place, row in enumerate(rows) if place and "format" in row) :]
    judged(empty, rows)
    # What the first format told and the present one does not is not looked at, so long as it is there.
    unheard = {"created_at", "head_id", "active", "replaces_id", "note", "in_window", "cause", "ended_by"}
    for place in one_of_each_table(list(map(json.dumps, rows))).values():
        spoilt: list[list[dict[str, Any]]] = [[]] if place else []
        for name in rows[place].keys() - {"table", "format", "world", "zone"}:
            spoilt.append([{key: value for key, value in rows[place].items() if key != name}])
            spoilt += [] if name in unheard else [[rows[place] | {name: [1]}]]
        for instead in spoilt:
            with pytest.raises(InvalidInput):
                judged(empty, [*rows[:place], *instead, *rows[place + 1 :]])


@pytest.mark.parametrize("older", OLDER)
def test_a_companion_may_be_named_as_an_older_format(older: str, tmp_path: Path) -> None:
    """The format is what the header says it is, whatever else of it reads alike."""
    with open_mind(tmp_path / "new.db") as mind:
        mind.add("the sea", user_id="aya", agent_id=older)
        mind.export(tmp_path / "life.jsonl", user_id="aya")
        assert mind.import_(tmp_path / "life.jsonl", user_id="ben") == 1
        assert [hit.memory.text for hit in mind.search("sea", user_id="ben", agent_id=older)] == ["the sea"]
