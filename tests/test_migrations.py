"""The file's schema: made once, held to its metadata, refused in words when it is somebody else's."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from dmha import Unavailable
from dmha.stores import schema
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


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()
