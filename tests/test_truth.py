"""The truth: durable, walled by account, harmless to repeat; reading changes nothing."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from stubs import ManualClock, StubEmbedder
from tables import counts

import dmha
from dmha import InvalidInput, NotFound, Stale, Turn, Unavailable
from dmha.mind import Mind
from dmha.stores import schema
from dmha.stores.engine import pragma
from dmha.stores.truth import Truth

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


def open_mind(path: Path, clock: ManualClock | None = None) -> Mind:
    return dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=clock or ManualClock())


def contents(path: Path) -> dict[str, str]:
    """A digest of every table's every row, read through a connection of its own."""
    truth = Truth(str(path))
    try:
        with truth._engine.connect() as connection:
            return {
                table.name: sha256(repr(sorted(map(repr, connection.execute(select(table))))).encode()).hexdigest()
                for table in schema.metadata.sorted_tables
            }
    finally:
        truth.close()


def test_the_writer_waits_for_the_disk(mind: Mind) -> None:
    """The very connection that commits syncs at every commit, into a write-ahead log."""
    truth = mind._truth
    assert isinstance(truth, Truth)
    assert truth._writer.write(lambda connection: pragma(connection, "synchronous")) == 2
    assert truth._writer.write(lambda connection: pragma(connection, "journal_mode")) == "wal"


@pytest.mark.parametrize(
    "where",
    [HERE, HERE | {"present": ["aya"]}, HERE | {"world": "unknown"}, {"user_id": "nobody", "agent_id": "nobody"}],
)
def test_search_changes_nothing(mind: Mind, database: Path, where: dict[str, Any]) -> None:
    """No row of any table and no byte of the files differs after searches, be the tenant known or not."""
    mind.add([Turn("I moved to Osaka", "aya"), Turn("a secret", "aya", private=True)], **HERE)
    rows = contents(database)
    files = {file.name: file.read_bytes() for file in database.parent.iterdir() if not file.name.endswith("-shm")}
    for query in ("Osaka", "secret", "Where does aya live?"):
        mind.search(query, **where)
    assert {name: (database.parent / name).read_bytes() for name in files} == files
    assert contents(database) == rows


def test_the_same_turn_twice_is_one_memory(mind: Mind) -> None:
    """A retried add gives the same id back and changes no row."""
    first = mind.add(Turn("I moved to Osaka", id="t1"), **HERE)
    before = mind.get(first[0], **HERE)
    assert mind.add(Turn("I moved to Osaka", id="t1"), **HERE) == first
    assert mind.get(first[0], **HERE) == before
    assert len(mind.search("Osaka", **HERE)) == 1


def test_a_batch_that_holds_known_turns_adds_the_new_ones_alone(mind: Mind) -> None:
    """A batch retried with one turn more adds that turn, as a child of the others."""
    first = mind.add([Turn("one", id="1"), Turn("two", id="2")], **HERE)
    again = mind.add([Turn("one", id="1"), Turn("two", id="2"), Turn("three", id="3", parent="2")], **HERE)
    assert again[:2] == first
    assert {hit.memory.text for hit in mind.search("one two three", **HERE)} == {"one", "two", "three"}


def test_a_known_id_with_other_words_is_refused(mind: Mind) -> None:
    """The id of a turn cannot be used for another one, not even after the first was edited."""
    (memory,) = mind.add(Turn("I moved to Osaka", id="t1"), **HERE)
    with pytest.raises(InvalidInput, match="t1"):
        mind.add(Turn("I moved to Kyoto", id="t1"), **HERE)
    mind.update(memory, text="I moved to Nara", **HERE)
    assert mind.add(Turn("I moved to Osaka", id="t1"), **HERE) == [memory]
    with pytest.raises(InvalidInput, match="another turn"):
        mind.add(Turn("I moved to Kyoto", id="t1"), **HERE)


def test_a_deleted_turn_does_not_come_back_by_a_retry(mind: Mind) -> None:
    """Retrying a turn whose memory was deleted is refused, and says why."""
    (memory,) = mind.add(Turn("I moved to Osaka", id="t1"), **HERE)
    mind.delete(memory, **HERE)
    with pytest.raises(InvalidInput, match="deleted"):
        mind.add(Turn("I moved to Osaka", id="t1"), **HERE)
    assert mind.search("Osaka", **HERE) == []


def test_one_bad_turn_keeps_its_batch_out(mind: Mind) -> None:
    """A batch is remembered whole or not at all."""
    with pytest.raises(NotFound):
        mind.add([Turn("one"), Turn("two", parent="no such turn")], **HERE)
    assert mind.search("one two", **HERE) == []


def test_another_accounts_memory_does_not_exist(mind: Mind) -> None:
    """Get, update, delete and history of another's id are NotFound, and change nothing."""
    (memory,) = mind.add("I moved to Osaka", **HERE)
    mind.add("hello", user_id="ben", agent_id="relu")
    strangers: list[dict[str, Any]] = [
        {"user_id": "ben", "agent_id": "relu"},
        {"user_id": "aya", "agent_id": "other"},
        {"user_id": "x"},
    ]
    for there in strangers:
        with pytest.raises(NotFound):
            mind.get(memory, **there)
        with pytest.raises(NotFound):
            mind.update(memory, text="stolen", **there)
        with pytest.raises(NotFound):
            mind.delete(memory, **there)
        with pytest.raises(NotFound):
            mind.history(memory, **there)
    assert [kept.text for kept in mind.history(memory, **HERE)] == ["I moved to Osaka"]


def test_one_agent_under_two_users_is_two_lives(mind: Mind) -> None:
    """The same agent_id, session and turn ids under two users never meet."""
    mine = mind.add(Turn("I moved to Osaka", id="t1"), user_id="aya", agent_id="relu")
    theirs = mind.add(Turn("I moved to Kyoto", id="t1"), user_id="ben", agent_id="relu")
    assert mine != theirs
    assert [hit.memory.text for hit in mind.search("moved", user_id="aya", agent_id="relu")] == ["I moved to Osaka"]
    mind.delete_all(user_id="aya")
    assert [hit.memory.text for hit in mind.search("moved", user_id="ben", agent_id="relu")] == ["I moved to Kyoto"]


def test_a_shared_world_is_one_event_with_a_perspective_each(mind: Mind) -> None:
    """What either companion recalls in a shared world is strengthened for that companion alone."""
    (memory,) = mind.add("The dragon came", user_id="aya", agent_id="relu", world="scene")
    mind.add("I am here too", user_id="aya", agent_id="neuro", world="scene")

    def counts() -> list[int]:
        return [
            mind.get(memory, user_id="aya", agent_id=agent, world="scene").recall_count for agent in ("relu", "neuro")
        ]

    mind.recall("dragon", user_id="aya", agent_id="neuro", world="scene", top_k=1)
    assert counts() == [0, 1]
    for _ in range(2):
        mind.recall("dragon", user_id="aya", agent_id="relu", world="scene", top_k=1)
    assert counts() == [2, 1]
    (pinned,) = mind.add("The treasure is mine", user_id="aya", agent_id="relu", world="scene")
    mind.update(pinned, pinned=True, user_id="aya", agent_id="neuro", world="scene")
    assert mind.get(pinned, user_id="aya", agent_id="neuro", world="scene").pinned
    assert not mind.get(pinned, user_id="aya", agent_id="relu", world="scene").pinned


def test_a_request_key_belongs_to_its_world(mind: Mind) -> None:
    """The same turn id in a companion's two worlds is two turns, each with a reply and an outcome of its own."""
    mind.add("The sea is calm", world="ship", **HERE)
    home = mind.contextualize("I live in Osaka", turn_id="t1", **HERE)
    mind.contextualize("Pirates ahead", turn_id="t1", world="ship", **HERE)
    assert [hit.memory.text for hit in mind.search("pirates", world="ship", top_k=1, **HERE)] == ["Pirates ahead"]
    assert mind.contextualize("I live in Osaka", turn_id="t1", **HERE).text == home.text


def test_a_change_made_on_an_old_version_is_stale(mind: Mind) -> None:
    """Of two updates from one version the second is refused, and the history tells every version."""
    (memory,) = mind.add("one", **HERE)
    mind.update(memory, text="two", version=1, **HERE)
    with pytest.raises(Stale):
        mind.update(memory, text="three", version=1, **HERE)
    assert [(kept.version, kept.text) for kept in mind.history(memory, **HERE)] == [(1, "one"), (2, "two")]


def test_delete_all_leaves_nothing_of_the_account(mind: Mind, database: Path) -> None:
    """After delete_all no table but the names, the change log and the counters holds a row."""
    mind.contextualize("fact: aya.city = Osaka", turn_id="t1", **HERE)
    mind.contextualize("rule: if aya.city = Osaka then aya.country = Japan", world="scene", **HERE)
    mind.teach("Who?", "Me", world="scene", **HERE)
    mind.recall("Osaka", key="k", **HERE)
    mind.delete_all(user_id="aya")
    held = {name for name, count in counts(mind).items() if count}
    assert held == {"counters", "embedders", "tenants", "companions", "changes"}
    assert mind._truth.check() == []


def test_metadata_is_asked_for_by_type_and_value(mind: Mind) -> None:
    """A number, its text and a boolean are three different things; keys and values may be in any script."""
    (memory,) = mind.add(Turn("hello", metadata={"n": 1, "s": "1", "b": True, "場所": "大阪", "x": 0.1 + 0.2}), **HERE)

    def finds(asked: dict[str, Any]) -> bool:
        return [hit.memory.id for hit in mind.search("hello", metadata=asked, **HERE)] == [memory]

    same: list[dict[str, Any]] = [{"n": 1}, {"n": 1.0}, {"s": "1"}, {"b": True}, {"場所": "大阪"}, {"x": 0.1 + 0.2}]
    other: list[dict[str, Any]] = [{"n": "1"}, {"n": True}, {"s": 1}, {"s": 0}, {"b": 1}, {"b": "true"}, {"none": 0}]
    assert all(map(finds, same))
    assert not any(map(finds, other))
    never: list[dict[str, Any]] = [
        {"a\ud800": 1}, {"n": 10**400}, {"n": float("nan")}, {"s": "\ud800"}, {'"': 1}, {"\n": 1}
    ]  # fmt: skip
    for asked in never:
        with pytest.raises(InvalidInput):
            finds(asked)


def test_words_that_repeat_a_memory_stay_unrecallable_when_edited(mind: Mind) -> None:
    """Editing a reply that merely quoted what was recalled does not make it a memory that comes back."""
    mind.add("My cat is called Momo", **HERE)
    quoted = mind.contextualize("What is my cat called?", turn_id="t1", **HERE)
    assert "Momo" in quoted.text
    _, said = quoted.remembered
    mind.update(said, text="Momo Momo Momo", **HERE)
    assert said not in {hit.memory.id for hit in mind.search("Momo", **HERE)}


def test_more_searching_threads_than_pooled_connections(mind: Mind) -> None:
    """Sixty threads that search at once are all answered, and alike."""
    mind.add("hello there", **HERE)
    together, answers = threading.Barrier(60), []

    def search() -> None:
        together.wait()
        answers.append([hit.memory.id for hit in mind.search("hello", **HERE)])

    threads = [threading.Thread(target=search) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 60
    assert all(answer == answers[0] and answer for answer in answers)


def test_a_closed_mind_says_so(database: Path) -> None:
    """Reading and writing after close are Unavailable, not a new file or an empty answer; closing twice is harmless."""
    mind = open_mind(database)
    mind.add("hello", **HERE)
    mind.close()
    mind.close()
    for call in (lambda: mind.add("x", **HERE), lambda: mind.search("x", **HERE), lambda: mind.recall("x", **HERE)):
        with pytest.raises(Unavailable, match="closed"):
            call()


def test_a_mind_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`:memory:` behaves as a file does, and its folder goes with it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive") as mind:
        mind.add("hello", **HERE)
        assert len(mind.search("hello", **HERE)) == 1
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    """A text file, a folder, a missing folder, a place nobody can write to: each error says what is wrong."""
    (tmp_path / "letter.db").write_text("Dear Aya, " * 100)
    (tmp_path / "folder.db").mkdir()
    for path, said in {
        tmp_path / "letter.db": "not a DMHA database",
        tmp_path / "folder.db": "cannot be opened",
        tmp_path / "missing" / "x.db": "cannot be opened",
        Path("/proc/dmha.db"): "cannot be opened",
    }.items():
        with pytest.raises(Unavailable, match=said):
            open_mind(path)
    assert (tmp_path / "letter.db").read_text() == "Dear Aya, " * 100
    with pytest.raises(InvalidInput, match="NUL"):
        open_mind(Path("a\0b"))
