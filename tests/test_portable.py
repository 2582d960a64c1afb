"""Export and import: the same life gives the same bytes; a file that is not whole gives nothing."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Boolean, Column, Double, Integer, LargeBinary, String, Table, func, select
from sqlalchemy.types import TypeEngine
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, NotFound, Turn, Unavailable, transfer
from dmha.mind import Mind
from dmha.older import OLDER, translated
from dmha.protocols import Progress
from dmha.records import Place
from dmha.stores import arrivals, schema
from dmha.stores.exported import TABLES
from dmha.stores.truth import Truth
from dmha.types import Kind

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


def open_mind(path: Path, embedder: StubEmbedder | None = None, clock: ManualClock | None = None) -> Mind:
    return dmha.open(path, embedder=embedder or StubEmbedder(), chat="extractive", clock=clock or ManualClock())


def live(mind: Mind, clock: ManualClock) -> None:
    """A life with something in every table that travels."""
    turns = [Turn(f"turn {n} of a long day", "aya", id=f"t{n}", metadata={"n": n, "場所": "大阪"}) for n in range(45)]
    ids = mind.add(turns, session_id="long", **HERE)
    mind.add(Turn("a secret 😀", "ben", id="secret", private=True), **HERE)
    clock.forward(hours=1)
    mind.contextualize("fact: aya.city = Osaka", turn_id="c1", speaker="aya", **HERE)
    clock.forward(hours=1)
    mind.contextualize("fact: aya.city = Sapporo", turn_id="c1b", speaker="aya", **HERE)
    mind.contextualize("rule: if aya.city = Sapporo then aya.country = Japan", turn_id="c2", speaker="aya", **HERE)
    mind.contextualize("I love tea, it makes me so happy!", turn_id="c3", speaker="aya", **HERE)
    mind.recall("long day", key="k", **HERE)
    mind.update(ids[-2], text="turn 3, told better", **HERE)
    mind.update(ids[4], pinned=True, **HERE)
    mind.delete(ids[40], **HERE)
    mind.teach("Who are you?", "relu", **HERE)
    mind.add("I speak softly, 私はレルです。", kind="persona", session_id="cradle", **HERE)
    mind.add("塔是红色的。", kind="lore", session_id="cradle", **HERE)
    mind.contextualize("I hate rain", turn_id="c5", speaker="aya", **HERE)
    mind.contextualize("I love rain ☔", turn_id="c6", replaces="c5", speaker="aya", **HERE)
    words = mind.dictionary(**HERE)
    words.put("長い日", "ながいひ")
    words.put("红色的塔")
    words.remove("红色的塔")
    mind.add(Turn("large", "aya", metadata={"large": "大" * 20_000}), **HERE)


def rows(mind: Mind) -> int:
    """How many rows the truth holds in all."""
    truth = mind._truth
    assert isinstance(truth, Truth)
    with truth._engine.connect() as connection:
        return sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        )


def as_left(mind: Mind) -> set[tuple[str, bool, str, str]]:
    """What an export leaves to be found again: of each turn whether it is in the window, its branch and its tree."""
    turns, branches = schema.turns, schema.branches
    truth = mind._truth
    assert isinstance(truth, Truth)
    with truth._engine.connect() as connection:
        query = select(turns.c.uid, turns.c.in_window, turns.c.branch_id, branches.c.root_id).join(branches)
        rows = connection.execute(query.order_by(turns.c.id.desc())).all()
    first = {row.branch_id: row.uid for row in rows}  # a branch is known by the turn that began it
    return {(row.uid, row.in_window, first[row.branch_id], first[row.root_id]) for row in rows}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a lived life's export."""
    folder, clock = tmp_path_factory.mktemp("life"), ManualClock()
    with open_mind(folder / "life.db", clock=clock) as mind:
        live(mind, clock)
        mind.export(folder / "life.jsonl", **HERE)
    return (folder / "life.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mind]:
    """A mind that takes nothing in: what is refused leaves it as it was."""
    with open_mind(tmp_path_factory.mktemp("empty") / "empty.db") as mind:
        yield mind
        assert rows(mind) == 3  # the embedder, its counter and the moment


@pytest.fixture
def exported(mind: Mind, clock: ManualClock, tmp_path: Path) -> Path:
    live(mind, clock)
    mind.export(tmp_path / "life.jsonl", **HERE)
    return tmp_path / "life.jsonl"


def test_a_life_travels_whole(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Exported, imported elsewhere on another day and exported again: the same bytes, and the same answers."""
    later = ManualClock()
    later.forward(days=30)
    with open_mind(tmp_path / "other.db", clock=later) as other:
        other.add("somebody was here before", user_id="zoe", agent_id="pi")  # so that ids differ
        assert other.import_(exported, **HERE) == exported.read_text().count('"table": "memories"')
        other.export(tmp_path / "again.jsonl", **HERE)
        other._clock = mind._clock
        for query in ("long day", "tea", "told better"):
            here, there = mind.search(query, **HERE), other.search(query, **HERE)
            assert [hit.memory for hit in there] == [hit.memory for hit in here]
            assert [hit.score for hit in there] == pytest.approx([hit.score for hit in here], abs=1e-6)
        mind_says, other_says = (
            each.contextualize("fact: aya.city = Osaka", turn_id="c1", speaker="aya", **HERE) for each in (mind, other)
        )
        assert (other_says.text, other_says.recalled) == (mind_says.text, mind_says.recalled)
        assert other._truth.check() == []
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


def test_every_travelling_table_is_in_the_life_that_is_tested(life: list[str]) -> None:
    """The life above leaves no exported table empty but the further names, which no call makes yet."""
    assert {table.name for table in TABLES} - one_of_each_table(life).keys() == {"speaker_names"}


def test_an_account_travels_with_its_shared_worlds(mind: Mind, tmp_path: Path) -> None:
    """Own and shared worlds, companions that live in both and such as only listened: the same bytes come back."""
    mind.contextualize("I live in Osaka", turn_id="t1", **HERE)
    mind.contextualize("The dragon came", turn_id="t1", world="scene", **HERE)
    mind.add("I am here too", user_id="aya", agent_id="neuro", world="scene")
    mind.teach("Who?", "Me", user_id="aya", agent_id="pi", world="scene")
    mind.recall("dragon", user_id="aya", agent_id="neuro", world="scene", key="k")
    mind.teach("Who?", "Me", **HERE)
    mind.export(tmp_path / "account.jsonl", user_id="aya")
    with open_mind(tmp_path / "other.db") as other:
        other.import_(tmp_path / "account.jsonl", user_id="aya")
        other.export(tmp_path / "again.jsonl", user_id="aya")
        assert other._truth.check() == []
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "account.jsonl").read_bytes()


def test_branches_and_replaced_turns_travel(mind: Mind, clock: ManualClock, tmp_path: Path) -> None:
    """Forks within and across sessions come back as they grew; of a replaced turn nothing travels."""
    live(mind, clock)
    mind.add(Turn("What if I had stayed?", "aya", id="f1", parent="t20"), session_id="long", **HERE)
    mind.add([Turn("And then?", "aya", parent="f1"), Turn("Or else?", "aya", parent="f1")], session_id="long", **HERE)
    mind.add(Turn("Elsewhere", "aya", parent="t7"), session_id="elsewhere", **HERE)
    mind.contextualize("And what if I had gone?", turn_id="f2", parent="c2", speaker="aya", **HERE)
    mind.contextualize("A rejected word: xylophone", turn_id="x", speaker="aya", **HERE)
    mind.contextualize("A better word", turn_id="y", replaces="x", speaker="aya", **HERE)
    mind.export(tmp_path / "a.jsonl", **HERE)
    assert "xylophone" not in (tmp_path / "a.jsonl").read_text()
    with open_mind(tmp_path / "other.db", clock=clock) as other:
        other.import_(tmp_path / "a.jsonl", **HERE)
        other.export(tmp_path / "b.jsonl", **HERE)
        assert {(turn[0], *turn[2:]) for turn in as_left(other)} == {(turn[0], *turn[2:]) for turn in as_left(mind)}
        assert other._truth.check() == []
        replies = [each.contextualize("So?", turn_id="z", parent="f1", **HERE).text for each in (mind, other)]
        assert replies[0] == replies[1]
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_a_companion_may_take_another_name(mind: Mind, exported: Path) -> None:
    """Imported under another agent_id the life is that companion's, and the first is untouched."""
    before = mind.search("long day", **HERE)
    mind.import_(exported, user_id="aya", agent_id="twin")
    assert mind.search("long day", **HERE) == before
    mind.delete_all(user_id="aya", agent_id="relu")
    assert len(mind.search("long day", user_id="aya", agent_id="twin")) == 10


def test_a_companion_that_has_memories_takes_no_file(mind: Mind, exported: Path) -> None:
    """Importing over a life is refused and changes nothing."""
    before = rows(mind)
    with pytest.raises(InvalidInput, match="already holds"):
        mind.import_(exported, **HERE)
    assert rows(mind) == before


def test_vectors_of_another_embedder_are_made_again(exported: Path, tmp_path: Path) -> None:
    """A file from a mind with another embedder arrives with every vector embedded anew."""
    with open_mind(tmp_path / "other.db", StubEmbedder(24, "another")) as other:
        other.import_(exported, **HERE)
        assert other.diagnose()[1].ok
        assert other.search("told better", ranking="semantic", **HERE)[0].memory.text == "turn 3, told better"


def refused(lines: list[str], path: Path, mind: Mind) -> None:
    """The file of these lines is refused as invalid, and leaves no row behind."""
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", errors="surrogatepass")
    before = rows(mind)
    with pytest.raises(InvalidInput):
        mind.import_(path, **HERE)
    assert rows(mind) == before


def one_of_each_table(lines: list[str]) -> dict[str, int]:
    """The position of a row of each table: the last, which carries the most references."""
    return {json.loads(line).get("table", "header"): place for place, line in enumerate(lines)}


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


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {key: value for key, value in row.items() if key != name}


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


def test_paths_that_lead_nowhere_are_told_in_words(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """A missing file or folder, a folder in place of a file and a NUL in the name are errors that say so."""
    for path in (tmp_path / "missing.jsonl", tmp_path, tmp_path / ".." / "no" / "x", Path("a\0b")):
        with pytest.raises(InvalidInput):
            mind.import_(path, user_id="new")
    for path in (tmp_path / "missing" / "x.jsonl", tmp_path / ".." / "no" / "x"):
        with pytest.raises(Unavailable):
            mind.export(path, **HERE)
    with pytest.raises(NotFound):
        mind.export(tmp_path / "x.jsonl", user_id="nobody")
    assert not (tmp_path / "x.jsonl").exists()
    assert list(tmp_path.glob("*.part")) == []


# --- interruptions ---------------------------------------------------------------------------------------------------


class Broken(BaseException):
    """What stands for Ctrl-C: nobody catches it."""


def breaking_at(place: int) -> Progress:
    """A progress that breaks off when so much is done."""

    def progress(done: int, total: int) -> None:
        if done >= place:
            raise Broken

    return progress


@pytest.fixture
def short_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units, notes and reports of a few lines each, so that a small life has many moments to break at."""
    for name in ("_NOTED", "_UNIT", "_TOLD"):
        monkeypatch.setattr(transfer, name, 10)
    monkeypatch.setattr(transfer, "_SESSIONS", 1)


@pytest.mark.usefixtures("short_units")
def test_an_interrupted_export_goes_on(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Broken off at any line it leaves no file; run again, it goes on from there, to the same bytes."""
    path, part = tmp_path / "long.jsonl", tmp_path / "long.jsonl.part"
    whole = exported.read_bytes()
    seen: list[int] = []
    for place in (10, 70, 200, whole.count(b"\n") - 10):
        with pytest.raises(Broken):
            mind.export(path, progress=breaking_at(place), **HERE)
        assert not path.exists()
        assert whole.startswith(part.read_bytes())
        with part.open("ab") as file:
            file.write(b"what a killed process left behind its last note")
    mind.export(path, progress=lambda done, total: seen.append(done), **HERE)
    assert path.read_bytes() == whole
    assert min(seen) > 200
    assert {file.name for file in tmp_path.glob("long*")} == {"long.jsonl"}


@pytest.mark.skipif(os.name == "nt", reason="Windows locks no file that is being written")
@pytest.mark.usefixtures("short_units")
def test_two_exports_to_one_path_do_not_mix(mind: Mind, exported: Path, database: Path, tmp_path: Path) -> None:
    """While an export is under way a second one to its path is refused, and the first is what it would be alone."""
    mind.add("another account's words", user_id="ben")
    with open_mind(database) as second:

        def progress(done: int, total: int) -> None:
            if done == 100:
                with pytest.raises(Unavailable, match="another export"):
                    second.export(tmp_path / "again.jsonl", user_id="ben")

        mind.export(tmp_path / "again.jsonl", progress=progress, **HERE)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


@pytest.mark.usefixtures("short_units")
def test_an_export_is_of_one_moment(mind: Mind, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was exported before a change is not gone on with; the export begins anew and says so."""
    live(mind, ManualClock())
    with pytest.raises(Broken):
        mind.export(tmp_path / "a.jsonl", progress=breaking_at(100), **HERE)
    mind.recall("tea", **HERE)
    mind.export(tmp_path / "a.jsonl", **HERE)
    assert "begins anew" in caplog.text
    mind.export(tmp_path / "b.jsonl", **HERE)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


@pytest.mark.usefixtures("short_units")
def test_an_interrupted_import_goes_on(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Broken off at any moment nothing of it is seen; run again, it goes on from there, to the same life."""
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as other:
        for place in range(10, 2 * lines - 20, 40):
            with pytest.raises(Broken):
                other.import_(exported, progress=breaking_at(place), **HERE)
            assert other.search("long day", **HERE) == []
            with pytest.raises(NotFound):
                other.export(tmp_path / "none.jsonl", user_id="aya")
            assert all(one.ok for one in other.diagnose())
            assert other.reembed() == 0
            other.add("somebody goes on living", user_id="zoe", agent_id="pi")
        with other._truth.read() as ledger:
            (arrival,) = ledger.portable.arrivals()
            assert (arrival.world, arrival.user_id) == ("agent:relu", "aya")
            assert lines - 80 < arrival.line < arrival.lines == lines - 1
        other.import_(exported, **HERE)
        other.export(tmp_path / "again.jsonl", **HERE)
        assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()
        other.delete_all(user_id="zoe")
        assert as_left(other) == as_left(mind)
        with other._truth.read() as ledger:
            assert ledger.portable.arrivals() == []
        assert other._truth.check() == []
        assert all(one.ok for one in other.diagnose())


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_portable import open_mind
from dmha import transfer
from pathlib import Path
transfer._UNIT = transfer._TOLD = transfer._NOTED = 10

def progress(done, total):
    if done >= int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

with open_mind(Path(sys.argv[2])) as mind:
    getattr(mind, sys.argv[5])(sys.argv[3], user_id="aya", agent_id="relu", progress=progress)
"""


def killed(database: Path, file: Path, place: int, call: str) -> None:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(database), str(file), str(place), call]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_kill_nine_leaves_an_import_and_an_export_to_go_on(exported: Path, tmp_path: Path) -> None:
    """A process that imports and one that exports, each killed on its way, leave what the next one finishes."""
    database, lines = tmp_path / "other.db", exported.read_bytes().count(b"\n")
    for place in (lines + 60, lines + 200):
        killed(database, exported, place, "import_")
    with open_mind(database) as other:
        assert other._truth.check() == []
        assert other.search("long day", **HERE) == []
        other.import_(exported, **HERE)
    killed(database, tmp_path / "again.jsonl", 150, "export")
    assert not (tmp_path / "again.jsonl").exists()
    with open_mind(database) as other:
        other.export(tmp_path / "again.jsonl", **HERE)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


@pytest.mark.usefixtures("short_units")
def test_another_file_begins_anew(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Of an import that was broken off nothing is left once another file comes into the same world."""
    before = exported.read_bytes()
    with open_mind(tmp_path / "other.db") as other, open_mind(tmp_path / "fresh.db") as fresh:
        with pytest.raises(Broken):
            other.import_(exported, progress=breaking_at(2 * before.count(b"\n") - 20), **HERE)
        mind.add("one more", **HERE)
        mind.export(exported, **HERE)
        for each in (other, fresh):
            each.import_(exported, **HERE)
            each.export(tmp_path / "again.jsonl", **HERE)
            assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes() != before
        assert other._truth.check() == []
        assert as_left(other) == as_left(fresh)


@pytest.mark.usefixtures("short_units")
def test_what_is_left_of_an_import_can_be_dropped(exported: Path, tmp_path: Path) -> None:
    """An import broken off is listed, and dropped it leaves no row but counters, companions and the change log."""
    with open_mind(tmp_path / "other.db") as other:
        with pytest.raises(Broken):
            other.import_(exported, progress=breaking_at(2 * exported.read_bytes().count(b"\n") - 20), **HERE)
        with other._truth.read() as ledger:
            (arrival,) = ledger.portable.arrivals("aya")
        transfer.drop_arrival(other._truth, arrival.tenant_id)
        truth = other._truth
        assert isinstance(truth, Truth)
        with truth._engine.connect() as connection:
            kept = {
                table.name
                for table in schema.metadata.sorted_tables
                if connection.execute(select(func.count()).select_from(table)).scalar_one()
            }
        assert kept == {"counters", "embedders", "companions", "changes"}
        assert truth.check() == []


@pytest.mark.usefixtures("short_units")
def test_nothing_goes_on_from_an_import_that_is_half_removed(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the removal of an import was broken off, the same file again begins anew and is there whole."""
    monkeypatch.setattr(arrivals, "_AT_ONCE", 10)
    with open_mind(tmp_path / "other.db") as other:
        with pytest.raises(Broken):
            other.import_(exported, progress=breaking_at(2 * exported.read_bytes().count(b"\n") - 20), **HERE)
        begin_removal(other)
        other.import_(exported, **HERE)
        other.export(tmp_path / "again.jsonl", **HERE)
        assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()
        with other._truth.read() as ledger:
            assert ledger.portable.arrivals() == []


@pytest.mark.parametrize("place", [30, -10])
@pytest.mark.usefixtures("short_units")
def test_an_import_that_another_process_removes_hears_of_it(
    place: int, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import whose rows another process began to remove does not appear without them."""
    monkeypatch.setattr(arrivals, "_AT_ONCE", 10)
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as first, open_mind(tmp_path / "other.db") as second:

        def progress(done: int, total: int) -> None:
            if done == lines + place % (lines // 10 * 10):
                begin_removal(second)

        with pytest.raises(Unavailable, match="deleted"):
            first.import_(exported, progress=progress, **HERE)
        assert first.search("long day", **HERE) == []


def begin_removal(mind: Mind) -> None:
    """Remove a first part of the import that is under way."""
    with mind._truth.read() as ledger:
        (arrival,) = ledger.portable.arrivals()
    assert mind._truth.write(lambda ledger: ledger.portable.remove(arrival.tenant_id))


@pytest.mark.usefixtures("short_units")
def test_a_world_that_was_filled_meanwhile_stays_as_it_is(exported: Path, tmp_path: Path) -> None:
    """Who began to live while a life was on its way in keeps the world; the import is refused, and leaves nothing."""
    with open_mind(tmp_path / "other.db") as other:

        def progress(done: int, total: int) -> None:
            if done > total - 100 and not other.search("first", **HERE):
                other.add("I was here first", **HERE)

        with pytest.raises(InvalidInput, match="already holds 1 "):
            other.import_(exported, progress=progress, **HERE)
        assert [hit.memory.text for hit in other.search("first", **HERE)] == ["I was here first"]
        with other._truth.read() as ledger:
            assert ledger.portable.arrivals() == []


@pytest.mark.usefixtures("short_units")
def test_two_imports_of_one_file_do_not_mix(exported: Path, tmp_path: Path) -> None:
    """The one that comes second to a unit hears that another goes on with it; the life is there once."""
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as first, open_mind(tmp_path / "other.db") as second:

        def progress(done: int, total: int) -> None:
            if done == lines + 100:
                second.import_(exported, **HERE)

        with pytest.raises(Unavailable, match="another process"):
            first.import_(exported, progress=progress, **HERE)
        first.export(tmp_path / "again.jsonl", **HERE)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


@pytest.mark.usefixtures("short_units")
def test_an_account_that_is_deleted_takes_its_arrivals_with_it(exported: Path, tmp_path: Path) -> None:
    """After `delete_all` of the account nothing of an import under way is left, and it hears so."""
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as other:

        def progress(done: int, total: int) -> None:
            if done == lines + 100:
                other.delete_all(user_id="aya")

        with pytest.raises(Unavailable, match="deleted"):
            other.import_(exported, progress=progress, **HERE)
        assert other.search("long day", **HERE) == []
        other.import_(exported, **HERE)
        assert other._truth.check() == []


@pytest.mark.usefixtures("short_units")
def test_all_worlds_of_a_file_appear_at_one_moment(mind: Mind, tmp_path: Path) -> None:
    """Until the last world of an account has come in, the first cannot be seen either."""
    mind.add([Turn(f"at home {n}") for n in range(9)], **HERE)
    mind.add([Turn(f"in the scene {n}") for n in range(9)], world="scene", **HERE)
    mind.export(tmp_path / "a.jsonl", user_id="aya")
    seen: list[tuple[int, int]] = []
    with open_mind(tmp_path / "other.db") as other:

        def look(done: int, total: int) -> None:
            seen.append((len(other.search("home", **HERE)), len(other.search("scene", world="scene", **HERE))))

        other.import_(tmp_path / "a.jsonl", user_id="aya", progress=look)
    assert len(seen) > 10
    assert set(seen[:-1]) == {(0, 0)}
    assert seen[-1] == (9, 9)


def test_progress_is_told_in_lines(mind: Mind, exported: Path, tmp_path: Path, short_units: None) -> None:
    """Both calls tell how far they are of how much, never less than before, and end with all of it."""
    for call in (
        lambda progress: mind.export(tmp_path / "b.jsonl", progress=progress, **HERE),
        lambda progress: mind.import_(exported, user_id="kenji", progress=progress),
    ):
        told: list[tuple[int, int]] = []
        call(lambda *progress, told=told: told.append(progress))  # type: ignore[no-untyped-call]  # a lambda
        assert len(told) > 10
        assert told == sorted(told)
        assert {total for _, total in told} == {told[-1][0]}


# --- older files -----------------------------------------------------------------------------------------------------

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


def judged(mind: Mind, rows: list[dict[str, Any]]) -> None:
    """Judge the world that these rows of the first format tell."""
    with mind._truth.read() as ledger:
        judge = ledger.portable.judge(None)
    for row in translated(lambda: iter(rows), OLDER[0], "now"):
        if "format" not in row:
            judge.take(row)
    judge.contents()


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


# --- random lives ----------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["osaka tea", "大阪の猫が好き", "我爱北京", "fact: aya.city = Osaka", "fact: aya.city = Sapporo", "I hate rain 😀",
     "rule: if aya.city = Osaka then aya.region = Kansai"]
)  # fmt: skip
ACTS = st.tuples(
    st.sampled_from(("add", "reply", "reply", "fork", "replace", "delete", "update", "pin", "recall", "fill", "teach")),
    TEXTS, st.integers(0, 99), st.booleans(), st.sampled_from([None, "scene"]), st.sampled_from(["relu", "neuro"]),
)  # fmt: skip


def act(mind: Mind, number: int, what: str, text: str, which: int, flag: bool, place: dict[str, Any]) -> None:
    """One thing that happens; what cannot happen now does not."""
    turns = [f"n{n}" for n in range(number)]
    past, session = turns[which % len(turns)] if turns else "none", f"s{which % 3}"
    said: dict[str, Any] = {"speaker": "ben" if which % 2 else "aya", "session_id": session, "private": flag, **place}
    match what:
        case "add":
            kind: Kind = "persona" if which < 10 else "episode"
            given = [Turn(text, said["speaker"], id=f"n{number}", private=flag), Turn(f"{text}!", "zoe")]
            mind.add(given, session_id=session, kind=kind, **place)
        case "reply":
            mind.contextualize(text, turn_id=f"n{number}", **said)
        case "fork":
            mind.contextualize(text, turn_id=f"n{number}", parent=past, **said)
        case "replace":
            mind.contextualize(text, turn_id=f"n{number}", replaces=past, **said)
        case "fill":
            mind.add([Turn(f"{text} {n}", "zoe") for n in range(25)], session_id=session, **place)
        case "recall":
            mind.recall(text, key=f"k{number}" if flag else None, present=["aya", "ben"], **place)
        case "teach":
            mind.teach(text, text, **place)
            mind.knowledge(**place).tell("fact: ben.pet = cat")
        case _:
            (hit, *_) = mind.search(text, present=["aya", "ben"], **place)
            if what == "delete":
                mind.delete(hit.memory.id, **place)
            else:
                change: dict[str, Any] = {"pinned": flag} if what == "pin" else {"text": f"{text} again"}
                mind.update(hit.memory.id, **change, **place)


@settings(max_examples=200 if os.environ.get("DMHA_SOAK") == "1" else 10, deadline=None, derandomize=True)
@given(st.lists(ACTS, min_size=1, max_size=15))
def test_any_life_travels_to_the_same_bytes(acts: list[Any]) -> None:
    """Whatever was said, forked, replaced, deleted, changed and recalled: it comes back as it went."""
    clock = ManualClock()
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        mind, other = (stack.enter_context(open_mind(folder / file, clock=clock)) for file in ("a.db", "b.db"))
        for number, (what, text, which, flag, world, agent) in enumerate(acts):
            clock.forward(hours=1)
            with suppress(InvalidInput, NotFound, ValueError):  # ValueError: nothing was found to delete or change
                act(mind, number, what, text, which, flag, {"user_id": "u", "agent_id": agent, "world": world})
        try:
            mind.export(folder / "a.jsonl", user_id="u")
        except NotFound:
            return
        other.import_(folder / "a.jsonl", user_id="u")
        other.export(folder / "b.jsonl", user_id="u")
        assert (folder / "b.jsonl").read_bytes() == (folder / "a.jsonl").read_bytes()
        assert other._truth.check() == []
        assert {(turn[0], *turn[2:]) for turn in as_left(other)} == {(turn[0], *turn[2:]) for turn in as_left(mind)}
