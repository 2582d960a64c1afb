"""The doctor: what is broken by hand is found, told in words, and set right."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stubs import StubEmbedder
from surroundings import INDEX, TABLE, damage, pages_with
from typer.testing import CliRunner

import dmha
from dmha import Turn
from dmha.cli.app import app

HERE: dict[str, Any] = {"user_id": "me", "agent_id": "default"}
runner = CliRunner()


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory that the commands use: turns in two sessions, a secret, facts, recalls."""
    path = tmp_path / "life.db"
    monkeypatch.setenv("DMHA_DATABASE", str(path))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("dmha.wiring.make_embedder", lambda *_: StubEmbedder())
    with dmha.open(path, embedder=StubEmbedder()) as mind:
        mind.add([Turn(f"note {n} " + "y" * 900, "aya", id=f"n{n}") for n in range(30)], session_id="notes", **HERE)
        mind.add(Turn("My pen name is Luka.", "luka", id="secret", private=True), session_id="talk", **HERE)
        mind.contextualize("fact: aya.city = Osaka", turn_id="c1", speaker="aya", session_id="talk", **HERE)
        mind.recall("note 3", key="k", **HERE)
    return path


def broken(path: Path, *statements: str) -> None:
    """Change the file by hand, as no program of ours does."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement
        connection.commit()


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def doctor(*options: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit status, and what was told."""
    result = runner.invoke(app, ["doctor", *options, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def wrong(told: Sequence[dict[str, Any]]) -> list[str]:
    return [one["subject"] for one in told if not one["ok"]]


def finds_and_mends(subject: str, says: str, mended: str) -> None:
    """The doctor tells it (exit status 1), tells the way, goes it when asked, and then finds nothing."""
    status, told = doctor()
    (found,) = [one for one in told if not one["ok"]]
    assert (status, found["subject"]) == (1, subject)
    assert says in found["says"]
    assert "dmha doctor --fix" in found["fix"]
    status, told = doctor("--fix")
    assert (status, wrong(told)) == (0, [])
    (done,) = [one for one in told if one["says"].startswith("mended: ")]
    assert done["subject"] == subject
    assert mended in done["says"]
    assert doctor()[0] == 0


def test_a_sound_memory_is_left_as_it_is(life: Path) -> None:
    """Where nothing is wrong, --fix mends nothing, tells of no mending and changes no byte."""
    before = life.read_bytes()
    status, told = doctor("--fix")
    assert (status, wrong(told)) == (0, [])
    assert not [one for one in told if "mended" in one["says"]]
    assert life.read_bytes() == before
    assert {each.name for each in life.parent.iterdir()} == {"life.db"}


def test_orphan_rows_go_and_what_hung_on_them(life: Path) -> None:
    """A memory whose session is gone goes with all that is its own, out of search too; the rest stays."""
    broken(life, "UPDATE memories SET session_id = 999 WHERE text LIKE 'note 3 %'")
    with dmha.open(life, embedder=StubEmbedder()) as mind:
        finds_and_mends(
            "database", "orphan rows in memories: 1", "orphan rows set right: 6; the file as it was is kept as"
        )
        assert not any("note 3 " in hit.memory.text for hit in mind.search("note 3", kind="episode", **HERE))
        assert len(mind.search("note", top_k=100, kind="episode", **HERE)) == 30
    assert rows(life.with_name("life.db.before-mending"), "SELECT count(*) FROM memories WHERE session_id = 999") == [
        (1,)
    ]


def test_an_orphan_that_can_stand_alone_does(life: Path) -> None:
    """A turn whose parent is lost begins a thread; none of what was said after it is lost with it."""
    before = rows(life, "SELECT count(*) FROM turns")
    broken(life, "UPDATE turns SET parent_id = 9999 WHERE uid = 'n4'")
    finds_and_mends("database", "orphan rows in turns: 1", "orphan rows set right: 1; the file as it was is kept as")
    assert rows(life, "SELECT count(*) FROM turns") == before
    assert rows(life, "SELECT parent_id FROM turns WHERE uid = 'n4'") == [(None,)]


def test_a_secret_whose_speaker_is_lost_is_never_everybodys(life: Path) -> None:
    """A private memory whose confidant is gone goes too, rather than be heard by all."""
    broken(life, "UPDATE memories SET private_to = 9999 WHERE private_to IS NOT NULL")
    finds_and_mends("database", "orphan rows in memories: 1", "orphan rows set right: ")
    assert rows(life, "SELECT count(*) FROM memories WHERE text LIKE '%Luka%'") == [(0,)]


def test_a_lost_table_of_speakers_parts_everything_that_needs_one(life: Path) -> None:
    """However many rows hang on what is lost, all of them go, children first, and the file is sound again."""
    broken(life, "DELETE FROM speakers")
    status, told = doctor("--fix")
    assert (status, wrong(told)) == (0, [])
    assert rows(life, "SELECT count(*) FROM memories") == [(0,)]


def test_vectors_of_another_embedder_are_made_again(life: Path) -> None:
    """Vectors of an embedder that is no longer used, and missing ones, are made again."""
    broken(
        life,
        "INSERT INTO embedders VALUES (7, 'another', 16)",
        "UPDATE vectors SET embedder_id = 7 WHERE memory_id < 9",
        "DELETE FROM vectors WHERE memory_id = 12",
        "UPDATE counters SET next = 8 WHERE name = 'embedders'",
    )
    assert doctor()[0] == 0  # opening does it
    assert rows(life, "SELECT DISTINCT embedder_id FROM vectors") == [(1,)]
    assert rows(life, "SELECT count(*) FROM vectors WHERE memory_id = 12") == [(1,)]


def test_words_that_were_not_counted_are_counted_again(life: Path) -> None:
    """Memories without counted terms are found by search once they are mended, in a process that is open too."""
    before = rows(life, "SELECT * FROM terms")
    broken(life, "DELETE FROM terms WHERE memory_id <= 20")
    with dmha.open(life, embedder=StubEmbedder()) as mind:
        assert len(mind.search("note", top_k=100, **HERE)) < 20
        finds_and_mends("words", "their words are not counted", "memories whose words were counted: 20")
        assert len(mind.search("note", top_k=100, kind="episode", **HERE)) == 31
    assert sorted(rows(life, "SELECT * FROM terms")) == sorted(before)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE counters SET next = 2 WHERE name = 'memories'",
        "DELETE FROM counters WHERE name = 'memories'",
        "UPDATE counters SET next = next - 1 WHERE name = 'memories'",
    ],
)
def test_no_id_is_given_twice(change: str, life: Path) -> None:
    """A counter that fell behind goes on behind the greatest id, one that was deleted since included."""
    with dmha.open(life, embedder=StubEmbedder()) as mind:
        (last,) = mind.add(Turn("the last of all", id="last"), **HERE)
        ((greatest,),) = rows(life, "SELECT max(id) FROM memories")
        mind.delete(last, **HERE)
    broken(life, change)
    finds_and_mends("ids", "would be given twice in: memories", "new ones go on behind the greatest in: memories")
    with dmha.open(life, embedder=StubEmbedder()) as mind:
        mind.add(Turn("one more", id="more"), **HERE)
    assert rows(life, "SELECT max(id) FROM memories") == [(greatest + 1,)]


def test_an_index_of_the_file_that_lost_rows_is_made_anew(life: Path) -> None:
    """Where only an index of the file is wrong, it is made anew from its table and nothing is lost."""
    before = rows(life, "SELECT * FROM recalls ORDER BY id")
    broken(
        life,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'memory_id)', 'memory_id) WHERE memory_id > 5')"
        " WHERE name = 'ix_recalls_memory_id'",
    )
    broken(life, "REINDEX ix_recalls_memory_id", "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, ' WHERE memory_id > 5', '') WHERE name = 'ix_recalls_memory_id'",
    )  # fmt: skip
    finds_and_mends("database", "missing from index ix_recalls_memory_id", "the file's indexes are made anew")
    assert rows(life, "SELECT * FROM recalls ORDER BY id") == before


@pytest.mark.parametrize("kind", [TABLE, INDEX])
def test_a_damaged_page_is_named_with_a_way_out(kind: int, life: Path) -> None:
    """What cannot be mended is told with what to do, with --fix as without, and nothing crashes."""
    damage(life, pages_with(life, "n20" if kind == INDEX else "note 20", kind)[0])
    for options in ((), ("--fix",)):
        status, told = doctor(*options)
        assert status == 1
        assert "database" in wrong(told)
        (found,) = [one for one in told if one["subject"] == "database"][-1:]
        assert "malformed" in found["says"] or "page" in found["says"]
        assert "restore a backup" in found["fix"]


def test_a_file_without_a_header_is_told_from_no_database(life: Path) -> None:
    """The doctor says which of the two it is."""
    held = life.read_bytes()
    for content, said in ((b"\0" * 100 + held[100:], "header is damaged"), (b"Dear Aya " * 99, "not a DMHA database")):
        life.write_bytes(content)
        status, told = doctor()
        assert status == 1
        assert said in told[-1]["says"]


def test_an_index_in_step_with_nothing_is_dropped(life: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that holds other memories than the truth is told, and made anew."""
    from dmha.index.local import LocalIndex

    strange = iter([[1]] * 2)
    differences = LocalIndex.differences
    monkeypatch.setattr(
        LocalIndex, "differences", lambda self, tenant: next(strange, None) or differences(self, tenant)
    )
    assert wrong(doctor()[1]) == ["index"]
    status, told = doctor("--fix")
    assert (status, wrong(told)) == (0, [])
    assert "mended: made anew from the truth" in [one["says"] for one in told]


def test_leftovers_are_told_of_and_kept(life: Path) -> None:
    """Old copies and halves of copies are named with their sizes; nothing is deleted, and nothing is wrong."""
    names = ("life.db.0001.copy", "life.db.before-restore", "life.db.9a8b7c6d.part", "life.db.before-mending-2")
    for name in names:
        life.with_name(name).write_bytes(b"x" * 2_000_000)
    life.with_name("other.db.0001.copy").touch()
    status, told = doctor("--fix")
    assert status == 0
    (found,) = [one for one in told if one["subject"] == "leftovers"]
    assert all(f"{name} (2.0 MB)" in found["says"] for name in names)
    assert "other" not in found["says"]
    assert all(life.with_name(name).exists() for name in names)


def test_the_doctor_is_read_at_a_glance(life: Path) -> None:
    """In a terminal it is a line each, and under what is wrong the way to mend it."""
    broken(life, "DELETE FROM terms WHERE memory_id = 3")
    seen = runner.invoke(app, ["doctor"]).stdout
    assert "✗  words" in seen
    assert re.search(
        r"✗  words      there are memories that search cannot find.*\n {14}Run: dmha doctor --fix *\n", seen
    )
    assert (
        "✓  words      mended: memories whose words were counted: 1" in runner.invoke(app, ["doctor", "--fix"]).stdout
    )


def test_a_backup_travels_through_the_terminal(life: Path) -> None:
    """dmha backup and dmha restore say what they did, and what they will not do."""
    there = str(life.with_name("monday.db"))
    made = runner.invoke(app, ["backup", there])
    megabytes = Path(there).stat().st_size / 1e6  # ids are drawn: a life takes a page more or less
    assert (made.exit_code, made.stdout) == (0, f"{megabytes:.1f} MB written to {there}.\n")
    assert runner.invoke(app, ["backup", there]).exit_code == 2
    assert runner.invoke(app, ["backup", there, "--overwrite", "--json"]).exit_code == 0
    back = runner.invoke(app, ["restore", there])
    assert (back.exit_code, back.stdout.count("life.db.before-restore")) == (0, 1)
    with dmha.open(life, embedder=StubEmbedder()):
        busy = runner.invoke(app, ["restore", there])
    assert (busy.exit_code, "somebody has it open" in busy.stderr) == (3, True)
