"""What befalls a file is told in words: no room, no rights, locks, damage. What can be read is, and nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from stubs import ManualClock, StubEmbedder
from surroundings import INDEX, NOBODY, as_nobody, damage, pages_with, room_for
from upgrading import later

import dmha
from dmha import Affect, Turn, Unavailable
from dmha.errors import NoRoom
from dmha.mind import Mind
from dmha.stores import engine, migrate
from dmha.stores.truth import Truth

FIXTURE = Path(__file__).parent / "fixtures" / "companion-0001.sqlite"
SOAK = os.environ.get("DMHA_SOAK") == "1"
HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
THERE: dict[str, Any] = {"user_id": "ben", "agent_id": "relu"}


def open_mind(path: Path, embedder: StubEmbedder | None = None) -> Mind:
    return dmha.open(path, embedder=embedder or StubEmbedder(), chat="extractive", clock=ManualClock())


def found(mind: Mind, query: str, where: dict[str, Any] = HERE) -> list[str]:
    return [hit.memory.text for hit in mind.search(query, top_k=3, **where)]


def reads(mind: Mind, id: str, folder: Path) -> None:
    """Everything that only reads does."""
    assert found(mind, "Osaka")[0] == "I moved to Osaka."
    assert mind.get(id, **HERE).text == "I moved to Osaka."
    assert [each.text for each in mind.history(id, **HERE)] == ["I moved to Osaka."]
    assert mind.feelings(**HERE).mood == Affect()
    assert mind.knowledge(**HERE).facts() == []
    with tempfile.TemporaryDirectory(dir=folder) as room:
        assert mind.export(Path(room) / "life.jsonl", **HERE) > 5
        assert mind.backup(Path(room) / "life.db") > 5


def writes(mind: Mind, id: str) -> list[Callable[[], object]]:
    """One of each call that writes."""
    return [
        lambda: mind.add("Hello.", **HERE),
        lambda: mind.contextualize("Hello.", **HERE),
        lambda: mind.recall("Osaka", **HERE),
        lambda: mind.update(id, pinned=True, **HERE),
        lambda: mind.delete(id, **HERE),
        lambda: mind.delete_all(user_id="aya"),
        lambda: mind.teach("Who?", "Me.", **HERE),
        lambda: mind.knowledge(**HERE).tell("fact: aya.city = Osaka"),
    ]


def refused(mind: Mind, id: str, said: str) -> None:
    """Each call that writes is Unavailable in these words, and not for want of room."""
    for call in writes(mind, id):
        with pytest.raises(Unavailable, match=said) as refusal:
            call()
        assert not isinstance(refusal.value, NoRoom)


# --- a full disk -----------------------------------------------------------------------------------------------------


def full_of(mind: Mind, said: str) -> list[str]:
    """Add until there is no room, which is told in these words; gives what was acknowledged."""
    texts = [f"note {number} " + "x" * 2_000 for number in range(1_000)]
    for number, text in enumerate(texts):
        try:
            mind.add(Turn(text, id=f"n{number}"), session_id=f"s{number}", **HERE)
        except NoRoom as error:
            assert number and re.search(said, str(error)), error  # noqa: PT017, PT018 - the first error ends the loop
            return texts[:number]
    raise AssertionError("there was room for everything")


def test_a_full_database_takes_no_more_and_loses_nothing(mind: Mind, tmp_path: Path) -> None:
    """SQLITE_FULL: writers are told so, reading goes on, and once there is room writing resumes by itself."""
    (id,) = mind.add("I moved to Osaka.", **HERE)
    truth = mind._truth
    assert isinstance(truth, Truth)
    most = [1]  # fewer than there are: SQLite takes it for as many as there are

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={most[0]}")

    event.listen(truth._engine, "checkout", limit)
    kept = full_of(mind, "the disk is full .SQLITE_FULL.. Free some space")
    reads(mind, id, tmp_path)
    assert all(text in found(mind, text) for text in kept)
    most[0] = 1_000_000
    (late,) = mind.add(Turn("Room again.", id=f"n{len(kept)}"), **HERE)
    assert mind.get(late, **HERE).text == "Room again."
    assert truth.check() == []


def test_a_disk_that_fails_to_write_loses_nothing(mind: Mind, database: Path, tmp_path: Path) -> None:
    """SQLITE_IOERR_WRITE: writers are told so, reading goes on, and the same process writes again when it can."""
    (id,) = mind.add("I moved to Osaka.", **HERE)
    log = database.with_name(database.name + "-wal")
    with room_for(log.stat().st_size + 500_000):
        kept = full_of(mind, "refused to read or write .SQLITE_IOERR_WRITE.. Check the disk's space")
        assert found(mind, "Osaka")[0] == "I moved to Osaka."
        assert mind.get(id, **HERE).text == "I moved to Osaka."
        assert all(text in found(mind, text) for text in kept)
    reads(mind, id, tmp_path)
    mind.add(Turn("Room again.", id=f"n{len(kept)}"), **HERE)
    with open_mind(database) as another:
        assert all(text in found(another, text) for text in kept)
        assert found(another, "room again")[0] == "Room again."
        assert another._truth.check() == []


# --- rights ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder that a user without rights can reach, and that is his."""
    folder = Path(tempfile.mkdtemp(prefix="dmha-test-"))
    yield folder
    for each in (folder, *folder.iterdir()):
        each.chmod(0o777)
    shutil.rmtree(folder)


def handed_over(folder: Path, file: int, there: int) -> None:
    """All in the folder belongs to nobody, with these modes for files and folder."""
    for each in (*folder.iterdir(), folder):
        if os.getuid() == 0:
            os.chown(each, NOBODY, NOBODY)
        each.chmod(there if each == folder else file)


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o755), (0o644, 0o555), (0o444, 0o555)])
def test_a_file_that_is_read_only_is_read(theirs: Path, file: int, folder: int) -> None:
    """Be it the file or its folder, the mind opens and reads everything; each write says that it is read-only."""
    with open_mind(theirs / "life.db") as mind:
        (id,) = mind.add("I moved to Osaka.", **HERE)
    handed_over(theirs, file, folder)
    as_nobody(reads_and_writes_not, theirs / "life.db", id)
    assert {each.name for each in theirs.iterdir()} == {"life.db"}


def reads_and_writes_not(file: str, id: str) -> None:
    with open_mind(Path(file)) as mind, tempfile.TemporaryDirectory() as room:
        reads(mind, id, Path(room))
        refused(mind, id, "read-only .SQLITE_READONLY.. Make both writable")
        reads(mind, id, Path(room))
        assert all(one.ok for one in mind.diagnose())


def test_the_latest_writes_are_never_passed_over(theirs: Path) -> None:
    """A log with unseen writes beside a file is read; where it cannot be, that is said instead of half a life."""
    with open_mind(theirs / "first.db") as mind:
        mind.add("I moved to Osaka.", **HERE)
        for suffix in ("", "-wal"):  # as a crash leaves them
            shutil.copy(theirs / f"first.db{suffix}", theirs / f"life.db{suffix}")
    handed_over(theirs, 0o644, 0o555)
    as_nobody(is_told_of_the_log, theirs / "life.db")
    handed_over(theirs, 0o444, 0o777)
    as_nobody(finds, theirs / "life.db", "Osaka", "I moved to Osaka.")


def is_told_of_the_log(file: str) -> None:
    with pytest.raises(Unavailable, match=r"latest writes stand in life\.db-wal.*copy both life\.db and"):
        open_mind(Path(file))


def finds(file: str, query: str, said: str) -> None:
    with open_mind(Path(file)) as mind:
        assert said in found(mind, query)


def test_what_a_process_with_rights_has_just_written_is_read_without(theirs: Path) -> None:
    """A reader without rights finds what a writer committed that has the file open still."""
    with open_mind(theirs / "life.db") as writer:
        writer.add("I moved to Osaka.", **HERE)
        handed_over(theirs, 0o444, 0o555)
        as_nobody(finds, theirs / "life.db", "Osaka", "I moved to Osaka.")
        theirs.chmod(0o777)


def test_what_cannot_be_written_at_opening_is_told(theirs: Path) -> None:
    """An embedder that a read-only file does not know is refused in words; memories without a vector do no harm."""
    with open_mind(theirs / "life.db") as mind:
        mind.add("I moved to Osaka.", **HERE)
    with closing(sqlite3.connect(theirs / "life.db")) as connection:
        connection.execute("DELETE FROM vectors")
        connection.commit()
    handed_over(theirs, 0o444, 0o555)
    as_nobody(opens_what_can_be, theirs)


def opens_what_can_be(folder: str) -> None:
    with pytest.raises(
        Unavailable, match=r"read-only .*, and the embedder other is new to it\. .*that made its vectors"
    ):
        open_mind(Path(folder) / "life.db", StubEmbedder(id="other"))
    with open_mind(Path(folder) / "life.db") as mind:
        assert found(mind, "Osaka") == ["I moved to Osaka."]
        assert {one.subject for one in mind.diagnose() if not one.ok} == {"vectors"}
    with pytest.raises(Unavailable, match="cannot be opened"):
        open_mind(Path(folder) / "new.db")


def test_an_old_file_that_cannot_be_upgraded_is_told(theirs: Path) -> None:
    """A read-only file of an older schema says that it has to be written to, and no copy of it is made."""
    shutil.copy(FIXTURE, theirs / "life.db")
    handed_over(theirs, 0o444, 0o777)
    # The checkout may lie where only its owner may go, and the revisions are read as late as that.
    shutil.copytree(Path(migrate.__file__).with_name("migrations"), theirs / "revisions")
    as_nobody(is_told_to_let_it_upgrade, theirs / "life.db")
    assert {each.name for each in theirs.iterdir()} == {"life.db", "later", "revisions"}


def is_told_to_let_it_upgrade(file: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        later(Path(file).with_name("later"), patch)
        scripts, revisions = migrate._scripts(), Path(file).with_name("revisions")
        ours = str(Path(migrate.__file__).with_name("migrations"))
        places = str(scripts.get_main_option("version_locations")).replace(ours, str(revisions))
        scripts.set_main_option("script_location", str(revisions))
        scripts.set_main_option("version_locations", places)
        patch.setattr(migrate, "_scripts", lambda: scripts)
        with pytest.raises(Unavailable, match=r"older schema \(0001\), and it or its folder is read-only\. Make both"):
            open_mind(Path(file))


# --- locks -----------------------------------------------------------------------------------------------------------

HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_lock_held_too_long_is_told_and_passes(mind: Mind, database: Path, tmp_path: Path) -> None:
    """While another process keeps the write lock, writers are told, readers read; when it lets go, writing resumes."""
    (id,) = mind.add("I moved to Osaka.", **HERE)
    event.listen(_engine(mind), "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=20"))
    command = [sys.executable, "-c", HOLDS, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        refused(mind, id, "another process holds the file .SQLITE_BUSY")
        reads(mind, id, tmp_path)
        other.communicate("\n")
    mind.add("Hello.", **HERE)
    assert "Hello." in found(mind, "hello")


def _engine(mind: Mind) -> Any:
    truth = mind._truth
    assert isinstance(truth, Truth)
    return truth._engine


def test_the_patience_of_the_engine_is_its_makers(database: Path) -> None:
    """How long a write waits is said where the truth is opened."""
    truth = Truth(str(database), patience=0.01)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="SQLITE_BUSY"):
            truth.write(lambda ledger: ledger.life)
    truth.write(lambda ledger: ledger.life)
    truth.close()


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def life(database: Path) -> dict[str, str]:
    """Two accounts with some pages of memories each; the ids of two of the first one's by their words."""
    with open_mind(database) as mind:
        turns = [Turn(f"note {n} " + "y" * 900, id=f"n{n}") for n in range(30)]
        ids = mind.add(turns, session_id="s", **HERE)
        mind.add(Turn("I moved to Osaka.", id="o"), **THERE)
        return {turn.text: id for turn, id in zip(turns, ids, strict=True)}


def test_a_damaged_page_harms_what_stands_on_it_alone(database: Path, life: dict[str, str]) -> None:
    """The mind opens; what is on other pages is read and written; what is on this one is told to be damaged."""
    lost = f"note 20 {'y' * 900}"
    (page,) = pages_with(database, lost)
    damage(database, page)
    with open_mind(database) as mind:
        for call in (lambda: mind.get(life[lost], **HERE), lambda: mind.search("note 20", **HERE)):
            with pytest.raises(
                Unavailable, match=r"damaged .SQLITE_CORRUPT.*Run dmha doctor --fix; else restore a backup"
            ):
                call()
        with pytest.raises(Unavailable, match="damaged"):
            mind.export(database.with_name("life.jsonl"), **HERE)
        assert not database.with_name("life.jsonl").exists()
        kept = f"note 2 {'y' * 900}"
        assert mind.get(life[kept], **HERE).text == kept
        assert found(mind, "Osaka", THERE) == ["I moved to Osaka."]
        mind.add("Hello.", **THERE)
        assert "Hello." in found(mind, "hello", THERE)
        with pytest.raises(Unavailable, match="damaged"):
            mind.backup(database.with_name("backup.db"))
        assert not database.with_name("backup.db").exists()


@pytest.mark.parametrize("query", ["UPDATE memories SET metadata = '{\"a\"'", "UPDATE memories SET text = x'ff6161'"])
def test_a_value_that_is_no_longer_what_was_written_is_damage(database: Path, life: dict[str, str], query: str) -> None:
    """JSON that is cut and text that is no UTF-8, which SQLite itself does not see, are told as damage."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(query.replace("x'ff6161'", "cast(x'ff6161' AS TEXT)"))
        connection.commit()
    with open_mind(database) as mind, pytest.raises(Unavailable, match="damaged"):
        mind.get(next(iter(life.values())), **HERE)


def test_a_file_without_its_header_is_told_from_one_that_is_none(database: Path, life: dict[str, str]) -> None:
    """A header that is gone asks for a backup, another program's file for another path; neither is touched."""
    held = database.read_bytes()
    for begin, said in (
        (b"\0" * 100 + held[100:], "header is damaged.*dmha restore"),
        (b"Dear Aya, " * 99, "not a DMHA"),
    ):
        database.write_bytes(begin)
        with pytest.raises(Unavailable, match=said):
            open_mind(database)
        assert database.read_bytes() == begin


def test_a_file_cut_short_is_told(database: Path, life: dict[str, str]) -> None:
    """A file that lost its end opens or not, and says so in words."""
    whole = database.read_bytes()
    for part in (0.1, 0.5, 0.9):
        database.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(Unavailable, match="damaged"):
            get_all(database, life)


def get_all(database: Path, life: dict[str, str]) -> None:
    with open_mind(database) as mind:
        for id in life.values():
            mind.get(id, **HERE)


def test_damage_anywhere_is_told_in_words(database: Path, life: dict[str, str]) -> None:
    """Whichever page is damaged, every call answers rightly or is Unavailable: nothing else comes out."""
    whole = database.read_bytes()
    for page in range(2, len(whole) // 4096 + 1, 1 if SOAK else 7):
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        database.write_bytes(whole)
        damage(database, page)
        with told_as_damage(), open_mind(database) as mind:
            assert not all(one.ok for one in mind.diagnose()), page
            for text, id in life.items():
                with told_as_damage():
                    assert mind.get(id, **HERE).text == text
            for call in writes(mind, life[f"note 3 {'y' * 900}"]):
                with told_as_damage():
                    call()


@contextmanager
def told_as_damage() -> Iterator[None]:
    """Nothing goes wrong inside, or it is told to be damage."""
    try:
        yield
    except Unavailable as error:
        assert "damaged" in error.reason  # noqa: PT017 - whether anything is raised is the page's to say


def test_damaged_index_pages_are_told_as_damage(database: Path, life: dict[str, str]) -> None:
    """A page of an index that is damaged is Unavailable where it is used, not an empty answer."""
    for page in pages_with(database, "n20", INDEX):
        damage(database, page)
    with open_mind(database) as mind, pytest.raises(Unavailable, match="damaged"):
        mind.contextualize("note", turn_id="n20", **HERE)


def test_what_is_deleted_is_overwritten_whatever_sqlite_was_built_to_do(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that leaves deleted rows in the file is told not to, by each connection."""
    bare = sqlite3.connect

    def leaving(*given: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = bare(*given, **named)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", leaving)
    with closing(engine.connect(database)) as connection:
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
