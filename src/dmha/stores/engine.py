"""Connections to the truth: pragmas, transactions, and the database's errors said in words.

Reads see one snapshot each (WAL); writes begin IMMEDIATE, so that a write transaction never fails half-way for a lock.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from dmha.errors import Unavailable

# How long a write waits for another process's: far over any group commit, short enough that a stuck process is noticed.
BUSY_TIMEOUT_MS = 30_000

# Page cache a connection: the rows that a reply reads; the operating system keeps the rest of the file warm.
CACHE_KIB = 16_384

_FIXES = {
    "SQLITE_FULL": (
        "the disk is full",
        "Free some space; what was acknowledged is safe, and writing resumes by itself.",
    ),
    "SQLITE_IOERR": ("the disk refused to read or write", "Check the disk's space, limits and health."),
    "SQLITE_READONLY": ("the file is read-only", "Make the file and its folder writable."),
    "SQLITE_BUSY": ("another process holds the file", "Find the process that keeps a transaction open, or try again."),
    "SQLITE_CANTOPEN": ("the file cannot be opened", "Check that the folder exists and is writable."),
    "SQLITE_CORRUPT": ("the file is damaged", "Restore it from a backup; export what can still be read."),
    "SQLITE_NOTADB": ("the file is not a DMHA database", "Give another path."),
}


def open_engine(path: Path) -> Engine:
    """An engine over the SQLite file at `path`, made durable: WAL with synchronous=FULL."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        json_serializer=partial(json.dumps, ensure_ascii=False),  # SQLite finds a key as it is written, not as escaped
        pool_size=8,
        max_overflow=-1,  # a search holds two at once: with a limit, searches could wait for one another in a ring
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would start transactions too late
    _write_ahead(connection)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"cache_size=-{CACHE_KIB}",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Journal by WAL. SQLite does not wait for another connection that is making the same switch, so we do."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _begin(connection: Connection) -> None:
    mode = "IMMEDIATE" if connection.get_execution_options().get("dmha_write") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def in_words() -> Iterator[None]:
    """Turn the database's own errors into `Unavailable`, naming what happened and what to do."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise told(error) from error


def told(error: Exception) -> Exception:
    """The `Unavailable` that tells of this database error in words; any other error as it is."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = str(getattr(original, "sqlite_errorname", None) or "")
    for prefix, (reason, fix) in _FIXES.items():
        if code.startswith(prefix):
            return Unavailable("database", f"{reason} ({code})", fix)
    return error


def writing(engine: Engine) -> Connection:
    """A connection whose transactions take the write lock at their beginning."""
    return engine.connect().execution_options(dmha_write=True)


def pragma(connection: Connection, name: str) -> Any:
    """The value of one pragma on this connection."""
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()
