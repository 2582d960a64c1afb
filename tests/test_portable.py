"""Export and import: the same life gives the same bytes; a file that is not whole gives nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Double, Integer, LargeBinary, String, Table, func, select
from sqlalchemy.types import TypeEngine
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, NotFound, Turn, Unavailable
from dmha.mind import Mind
from dmha.stores import schema
from dmha.stores.exported import TABLES
from dmha.stores.truth import Truth

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


def rows(mind: Mind) -> int:
    """How many rows the truth holds in all."""
    truth = mind._truth
    assert isinstance(truth, Truth)
    with truth._engine.connect() as connection:
        return sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in schema.metadata.sorted_tables
        )


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
        assert rows(mind) == 2  # the embedder and its counter


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


def test_an_export_of_an_older_program_is_refused_in_words(mind: Mind) -> None:
    """It says what to do with it: another program would not read it either, the database it came from would be."""
    with pytest.raises(InvalidInput, match=r"'dmha-export-1'.*Open the database it came from"):
        mind.import_(Path(__file__).parent / "fixtures" / "companion-0001.jsonl", user_id="aya")


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"[]\n", b"{}\n", b"null\n", b"\xff\xfe\x00", b"[" * 100_000, b'{"format": "dmha-export-9"}\n',
     b'{"format": "dmha-export-2"}\n', b'{"format": ["x"], "world": "agent:a", "zone": "UTC"}\n',
     b'{"format": "dmha-export-2", "world": 5, "zone": "UTC"}\n', b'{"table": "turns"}\n',
     b'{"format": "dmha-export-2", "world": "agent:a", "zone": "Nowhere"}\n',
     b'{"format": "dmha-export-2", "world": "agent:a", "zone": "UTC"}\n'],
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
