"""Copies of a database file: of one moment, made while others write, appearing whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

from dmha.errors import Unavailable
from dmha.protocols import Progress, no_progress
from dmha.stores.engine import UNREADABLE, beside, code_of

# Pages between two reports of progress: 16 MB, a fraction of a second.
AT_ONCE = 4_096


def keep(source: sqlite3.Connection, to: Path) -> None:
    """Copy the file as this connection sees it, damage and all."""
    with appearing(to) as part:
        pour(source, part)


def pour(source: sqlite3.Connection, part: Path, progress: Progress = no_progress) -> None:
    """Copy the source's snapshot into a file that nobody else knows yet."""
    with closing(sqlite3.connect(part)) as target:
        target.execute("PRAGMA journal_mode=OFF")  # a half copy is thrown away, not undone
        overwrite(source, target, progress)


def overwrite(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress = no_progress) -> None:
    """Make every page of the target what the source's snapshot holds, in one transaction of the target's."""
    begun = not source.in_transaction
    if begun:
        source.execute("BEGIN")  # else SQLite would begin the copy again whenever somebody commits
    try:
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot begins with the first read
        source.backup(target, pages=AT_ONCE, progress=lambda _, left, total: progress(total - left, total))
    finally:
        if begun:
            source.execute("ROLLBACK")


@contextmanager
def appearing(to: Path) -> Iterator[Path]:
    """A path to write to: what was written appears at `to` whole and on the disk, or not at all."""
    part = beside(to, f".{uuid4().hex[:8]}.part")  # a name of its own: two that copy to one path spoil neither's copy
    try:
        part.touch(exist_ok=False)
        yield part
        _sync(part)
        part.replace(to)
        _sync(to.parent)
    except OSError as error:
        raise Unavailable("file", str(error), "Give a path in a writable folder with room.") from error
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows has no such thing for folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_name(path: Path) -> Path:
    """The path, with a number where something stands there already: what was kept before stays."""
    names = (path if number == 1 else beside(path, f"-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def damage(connection: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with the file; empty where it is whole."""
    try:
        return [line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
    except sqlite3.DatabaseError as error:
        if code_of(error).startswith(UNREADABLE):
            return [str(error)]
        raise
