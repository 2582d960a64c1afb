"""Backups of a file, and putting one back in its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dmha.errors import InvalidInput, Unavailable
from dmha.protocols import Progress, no_progress
from dmha.stores.copies import appearing, damage, free_name, keep, overwrite, pour
from dmha.stores.engine import UNREADABLE, beside, code_of, connect, in_words, read_only, told
from dmha.stores.migrate import check_revision

_FIX = "Give a file made by dmha backup."


def back_up(database: Path, to: Path, *, overwriting: bool, progress: Progress) -> int:
    """Copy the file as it is at this moment, proven whole; returns the copy's bytes. Anybody may write meanwhile."""
    _check_path("path", to)
    if to.exists() and to.samefile(database):
        raise InvalidInput("path", "it is the database itself", "Give another path.")
    if to.exists() and not overwriting:
        raise InvalidInput(
            "path",
            f"{str(to)!r} is there already",
            "Give another path, or write over it (--overwrite, overwrite=True).",
        )
    with in_words(database), closing(connect(database)) as source, appearing(to) as part:
        pour(source, part, progress)
        with closing(read_only(part)) as copy:
            if wrong := damage(copy):
                raise Unavailable(
                    "database", f"the file is damaged ({wrong[0]}): no backup was made", "Run: dmha doctor --fix"
                )
    return to.stat().st_size


def restore(backup: Path, database: Path, progress: Progress = no_progress) -> Path | None:
    """Make `database` what `backup` holds; returns where the file before is kept, None where there was none.

    Refused while anybody has the database open. Broken off at any moment, the database is what it was before.
    """
    _check_path("database", database)
    _check_path("backup", backup)
    if database.is_symlink():
        database = database.resolve()  # what lies beside it lies beside what the link points to
    if database.exists() and backup.exists() and backup.samefile(database):
        raise InvalidInput("backup", "it is the database itself", _FIX)
    with _sound(backup) as source, in_words(database):
        if not database.exists():
            _make(source, database, progress)
            return None
        kept = free_name(beside(database, ".before-restore"))
        try:
            with _alone(database) as target:
                keep(target, kept)
                overwrite(source, target, progress)
        except sqlite3.DatabaseError as error:
            if not code_of(error).startswith(UNREADABLE):
                raise
            _put_aside(database, kept)  # what SQLite cannot open, nobody has open
            _make(source, database, progress)
        return kept


@contextmanager
def _sound(backup: Path) -> Iterator[sqlite3.Connection]:
    """A snapshot of the backup, once it is proven whole and of a schema that this DMHA knows."""
    if not backup.is_file():
        raise InvalidInput("backup", f"there is no file {str(backup)!r}", _FIX)
    with closing(_opened(backup)) as source:
        if wrong := damage(source):
            raise InvalidInput("backup", f"{str(backup)!r} is damaged ({wrong[0]})", "Give another backup.")
        check_revision(source)
        yield source


def _opened(backup: Path) -> sqlite3.Connection:
    connection = read_only(backup)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        said = told(error, backup)
        if not isinstance(said, Unavailable):
            raise
        raise InvalidInput("backup", f"{str(backup)!r} cannot be read: {said.reason}", _FIX) from error
    return connection


@contextmanager
def _alone(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection that has the file to itself: its log is emptied into it, and nobody can open it meanwhile.

    The file is written over, not replaced by another: a process that opens it in this very moment waits, and finds
    the restored one. It would otherwise go on in the file that was moved away.
    """
    with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            connection.execute("PRAGMA journal_mode=DELETE")  # refused while anybody has the file open
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")  # in this locking mode, the lock stays
        except sqlite3.OperationalError as error:
            if code_of(error) != "SQLITE_BUSY":
                raise
            raise Unavailable("database", "somebody has it open", "Close it there, then restore.") from error
        yield connection


def _make(source: sqlite3.Connection, database: Path, progress: Progress) -> None:
    with appearing(database) as part:
        pour(source, part, progress)


def _put_aside(database: Path, kept: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal", ""):
        if beside(database, suffix).exists():
            beside(database, suffix).replace(beside(kept, suffix))


def _check_path(field: str, path: Path) -> None:
    if not path.name or "\x00" in str(path):
        raise InvalidInput(field, f"{str(path)!r} names no file", "Give the path of a file.")
