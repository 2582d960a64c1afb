"""The file's schema: made once, held to its metadata, brought up to date whole or not at all, refused in words."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from stubs import StubEmbedder
from surroundings import room_for
from upgrading import CALLS, LATER, later

import dmha
from dmha import Unavailable
from dmha.mind import Mind
from dmha.stores import migrate, schema
from dmha.stores.engine import writing
from dmha.stores.migrate import revision
from dmha.stores.truth import Truth

OPENS = """
import sys
from dmha.stores.truth import Truth
print("ready", flush=True)
for line in sys.stdin:
    truth = Truth(line.strip())
    print(truth.check(), flush=True)
    truth.close()
"""


def test_the_revisions_lead_to_the_metadata(database: Path) -> None:
    """What the revisions build is what the tables in the code say, in every column and index."""
    truth = Truth(str(database))
    with truth._engine.connect() as connection:
        assert revision(connection) == schema.REVISION
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    truth.close()


def test_a_file_of_the_present_revision_is_not_touched(database: Path) -> None:
    """Opening a file again writes nothing to it."""
    Truth(str(database)).close()
    before = database.read_bytes()
    Truth(str(database)).close()
    assert database.read_bytes() == before


def test_a_newer_file_is_refused_in_words(database: Path) -> None:
    """A file that a newer version wrote is left as it is, and the error says to upgrade."""
    truth = Truth(str(database))
    with writing(truth._engine) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    truth.close()
    before = database.read_bytes()
    with pytest.raises(Unavailable, match=r"newer.*9999.*pip install --upgrade"):
        Truth(str(database))
    assert database.read_bytes() == before


def test_another_programs_database_is_left_alone(database: Path) -> None:
    """A SQLite file with tables that are not ours is refused, and nothing is added to it."""
    with closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE memories (id INTEGER)")
        other.commit()
    with pytest.raises(Unavailable, match="another program's"):
        Truth(str(database))
    with closing(sqlite3.connect(database)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("memories",)]


def test_processes_that_make_one_file_at_once_agree(tmp_path: Path) -> None:
    """Four processes that open one new path in the same moment all get a sound file, time after time."""
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [answer(process) for process in processes] == ["ready\n"] * 4
    for number in range(10):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{tmp_path / str(number)}.db\n")
            process.stdin.flush()
        assert [answer(process) for process in processes] == ["[]\n"] * 4
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 4


# --- upgrades --------------------------------------------------------------------------------------------------------

FIXTURES = Path(__file__).parent / "fixtures"
UPGRADES = Path(__file__).with_name("upgrading.py")
HOME: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A life that revision 0001 lived."""
    return Path(shutil.copy(FIXTURES / "companion-0001.sqlite", tmp_path / "companion.db"))


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What that life comes to under the later revision when nothing disturbs the upgrade."""
    folder = tmp_path_factory.mktemp("upgraded")
    shutil.copy(FIXTURES / "companion-0001.sqlite", folder / "companion.db")
    opened_later(folder / "companion.db").check_returncode()
    return rows(folder / "companion.db")


def opened_later(file: Path, moment: str = "") -> subprocess.CompletedProcess[str]:
    """What became of a process that opened the file under the later revision."""
    command = [sys.executable, str(UPGRADES), str(file), str(file.parent / "later"), *([moment] if moment else [])]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def open_mind(file: Path) -> Mind:
    return dmha.open(file, embedder=StubEmbedder(8, "stub-8"), chat="extractive")


def rows(file: Path) -> dict[str, list[str]]:
    """Every row of every table but the moment, which each upgrade draws anew, and every table's columns."""
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for name in names:
            cursor = connection.execute(f"SELECT * FROM {name}")
            held = sorted(repr(row) for row in cursor if row[0] != "moment")
            found[name] = [repr([column[0] for column in cursor.description]), *held]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return found


def lying_beside(file: Path) -> set[str]:
    return {each.name for each in file.parent.iterdir() if each.name.startswith(file.name)}


def test_the_life_of_the_first_revision_goes_on(old: Path) -> None:
    """A file that revision 0001 wrote opens: everything is found, secrets stay secret, and it is lived on."""
    with open_mind(old) as mind:
        assert mind._truth.check() == []
        assert len(mind.search("herons", top_k=100, kind="episode", **HOME)) >= 40
        assert [hit.memory.kind for hit in mind.search("herons", kind="summary", **HOME)] == ["summary"]
        assert not any("Luka" in hit.memory.text for hit in mind.search("pen name Luka", top_k=100, **HOME))
        (secret, *_) = mind.search("pen name Luka", present=["aya"], **HOME)
        assert secret.memory.text == "My pen name is Luka 😀"
        assert mind.knowledge(**HOME).ask("aya", "city").value == "Sapporo"
        dragon = mind.search("dragon", user_id="aya", agent_id="neuro", world="scene", top_k=1)
        assert [(hit.memory.text, hit.memory.recall_count) for hit in dragon] == [("The dragon came over the sea.", 1)]
        mind.contextualize("I am back.", turn_id="now", speaker="aya", session_id="talk", **HOME)
        assert mind.search("I am back", top_k=1, **HOME)[0].memory.text == "I am back."


def test_a_version_of_an_older_file_is_as_private_as_its_memory(old: Path) -> None:
    """Before versions had marks of their own, it was said once and for all."""
    with closing(sqlite3.connect(old)) as connection:
        secret = "private_to IS NOT NULL"
        for chosen in (secret, f"NOT {secret}"):
            memory = f"SELECT id, 1, recorded_at, metadata, 'before' FROM memories WHERE {chosen} LIMIT 1"
            into = "INSERT INTO memory_versions (memory_id, version, recorded_at, metadata, text)"
            assert connection.execute(f"{into} {memory}").rowcount == 1
        connection.commit()
    open_mind(old).close()
    with closing(sqlite3.connect(old)) as connection:
        kept = "SELECT v.private, m.private_to IS NOT NULL FROM memory_versions v JOIN memories m ON m.id = v.memory_id"
        assert sorted(connection.execute(f"{kept} WHERE v.text = 'before'")) == [(0, 0), (1, 1)]


def test_an_upgrade_changes_what_the_revision_says_and_no_more(old: Path, upgraded: dict[str, list[str]]) -> None:
    """The later revision's columns are there, filled; the words that were said are the same words."""
    assert f"({LATER!r},)" in upgraded["alembic_version"]
    assert all("later/" in row for row in upgraded["sessions"][1:])
    assert "'mark'" in upgraded["sessions"][0]
    with closing(sqlite3.connect(old)) as connection:
        said = [text for (text,) in connection.execute("SELECT text FROM memories")]
    assert len(said) == 69
    assert all(any(repr(text) in row for row in upgraded["memories"]) for text in said)


def test_an_upgrade_begins_with_a_copy(old: Path) -> None:
    """The file as it was lies beside it, and one line tells where."""
    before = rows(old)
    done = opened_later(old)
    assert rows(old.with_name("companion.db.0001.copy")) == before
    assert done.stderr.count("\n") == 1 + done.stderr.count("alembic.runtime")
    assert f"from schema 0001 to {LATER}; as it was it is kept as {old}.0001.copy" in done.stderr


def test_new_files_and_those_in_memory_are_not_copied(tmp_path: Path) -> None:
    """Where there is nothing to lose there is no copy."""
    opened_later(tmp_path / "companion.db").check_returncode()
    assert lying_beside(tmp_path / "companion.db") == {"companion.db"}


@pytest.mark.parametrize(
    "moment", [*CALLS, "in the copy", *(f"at statement {n}" for n in (2, 5, 9, 12, 16)), "at the commit"]
)
def test_an_upgrade_killed_at_any_moment_begins_anew(moment: str, old: Path, upgraded: dict[str, list[str]]) -> None:
    """Killed, the file is what it was; opened again, it comes to what an undisturbed upgrade comes to."""
    before = rows(old)
    assert opened_later(old, moment).returncode == -signal.SIGKILL
    assert rows(old) == before
    opened_later(old).check_returncode()
    assert rows(old) == upgraded
    assert rows(old.with_name("companion.db.0001.copy")) == before
    assert lying_beside(old) == {"companion.db", "companion.db.0001.copy"}


def test_of_processes_that_upgrade_at_once_one_does(old: Path, upgraded: dict[str, list[str]]) -> None:
    """Four processes that open an old file in one moment all get the new one, and one of them made it."""
    command = [sys.executable, str(UPGRADES), str(old), str(old.parent / "later")]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert "".join(said).count("upgrading ") == 1
    assert rows(old) == upgraded


def test_without_room_for_the_copy_nothing_is_changed(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what the room is for, and the file is as it was."""
    before = rows(old)
    later(old.parent / "later", monkeypatch)
    with room_for(65_536), pytest.raises(Unavailable, match=r"begins with a copy of the file \(0\.1 MB\).*nothing was"):
        Truth(str(old))
    assert rows(old) == before
    assert lying_beside(old) == {"companion.db"}
    Truth(str(old)).close()


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision that would leave rows without what they point to is undone, and says so."""
    before = rows(old)
    tears = f"""
revision, down_revision, branch_labels, depends_on = "9999", "{schema.REVISION}", None, None

from alembic import op


def upgrade():
    op.execute("DELETE FROM turns")
"""
    later(old.parent / "later", monkeypatch, tears)
    with pytest.raises(Unavailable, match="tear rows apart: nothing was changed"):
        Truth(str(old))
    assert rows(old) == before


def test_a_process_learns_that_another_upgraded_its_file(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither reads nor writes tables that are not the ones it knows; a defect of ours is not passed off as that."""
    with open_mind(old) as mind:
        truth = mind._truth
        assert isinstance(truth, Truth)
        with pytest.raises(Exception, match="no such column: nonsense") as ours, truth.read() as ledger:
            ledger.places._connection.execute(text("SELECT nonsense FROM turns"))
        assert not isinstance(ours.value, Unavailable)
        with monkeypatch.context() as patch:
            later(old.parent / "later", patch)
            Truth(str(old)).close()
        before = rows(old)
        told = f"upgraded meanwhile .schema {LATER}, this process knows {schema.REVISION}.*Restart"
        calls: list[Callable[[], object]] = [
            lambda: mind.search("herons", **HOME), lambda: mind.add("Hello.", **HOME), lambda: mind.recall("x", **HOME)
        ]  # fmt: skip
        for call in calls:
            with pytest.raises(Unavailable, match=told):
                call()
    assert rows(old) == before


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_of_unfinished_twins_of_a_job_one_goes_on(tmp_path: Path) -> None:
    """What 0004 let stand twice: the one that was begun stays, or else the oldest; what is over is left as it is."""
    file = tmp_path / "old.db"
    jobs = {  # uid: (key, state)
        "w1": ("a", "waiting"), "w2": ("a", "waiting"), "w3": ("a", "waiting"), "d": ("a", "done"),
        "w4": ("b", "waiting"), "r": ("b", "running"), "w5": ("c", "waiting"),
    }  # fmt: skip
    with create_engine(f"sqlite:///{file}").begin() as connection:
        scripts = migrate._scripts()
        scripts.attributes["connection"] = connection
        command.upgrade(scripts, "0004")
        columns = "kind, user_id, priority, due_at, attempts, reason, done, total, body, created_at, changed_at"
        into = f"INSERT INTO jobs (uid, key, state, {columns}) VALUES (?, ?, ?"
        for uid, of in jobs.items():
            connection.exec_driver_sql(f"{into}, 'chore', 'aya', 0, 0, 0, '', 0, 0, '{{}}', 0, 0)", (uid, *of))
    Truth(str(file)).close()
    with closing(sqlite3.connect(file)) as held:
        states = dict(held.execute("SELECT uid, state FROM jobs"))
    ended = {uid for uid, state in states.items() if state == "cancelled"}
    assert ended == {"w2", "w3", "w4"}
    assert {uid: state for uid, state in states.items() if uid not in ended} == {
        uid: state for uid, (_, state) in jobs.items() if uid not in ended
    }
