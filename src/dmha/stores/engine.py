"""Connections to the truth: how a file is opened, transactions, and the database's errors said in words.

Reads see one snapshot each (WAL); writes begin IMMEDIATE, so that a write transaction never fails half-way for a lock.
Every error of the database that passes through an engine becomes `Unavailable` where it happens, be it at connecting,
in a statement, at a commit or while rows are being fetched: none escapes untold.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError

from dmha.errors import NoRoom, Unavailable
from dmha.stores import schema

# Seconds that a write waits for another process's: far over any group commit, short enough that a stuck one is noticed.
BUSY_TIMEOUT = 30.0

# Seconds between two questions for the write lock: a fifth of what a group of sixteen adds takes.
_ASKED_AGAIN = 0.001

# What the write-ahead log is cut back to once it is copied into the file: 16 times what SQLite copies it at.
_LONGEST_LOG = 64 << 20

# Page cache a connection: the rows that a reply reads; the operating system keeps the rest of the file warm.
CACHE_KIB = 16_384

# The codes, as they begin, of a file that SQLite makes nothing of.
UNREADABLE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")

_DAMAGED = ("the file is damaged", "Run dmha doctor --fix; else restore a backup, or export what can be read.")
_BUSY = ("another process holds the file", "Find the process that keeps a transaction open, or try again.")
_FIXES = {
    "SQLITE_FULL": (
        "the disk is full",
        "Free some space; what was acknowledged is safe, and writing resumes by itself.",
    ),
    "SQLITE_IOERR_SHORT_READ": _DAMAGED,  # a page names one beyond the file's end
    "SQLITE_IOERR": (
        "the disk refused to read or write",
        "Check the disk's space, limits and health; what was acknowledged is safe, and writing resumes by itself.",
    ),
    "SQLITE_READONLY": ("the file or its folder is read-only", "Make both writable; reading goes on meanwhile."),
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_PROTOCOL": _BUSY,
    "SQLITE_CANTOPEN": ("the file cannot be opened", "Check that the folder exists and is writable."),
    "SQLITE_PERM": ("the file may not be opened", "Give this user the right to read and write it."),
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": ("the file is not a DMHA database", "Give another path."),
    "SQLITE_NOMEM": ("there is no memory left", "Give the process more, or ask for less at once."),
}

# The codes, as they begin, of writes for which there was no room: a file size limit and a quota look like a disk that
# fails to write, and so may a full one when the log's pages reach it.
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHMSIZE")

# SQLite finds a key as it is written, not as escaped.
_WRITE_JSON = json.JSONEncoder(ensure_ascii=False).encode


def open_engine(path: Path, *, patience: float = BUSY_TIMEOUT) -> Engine:
    """An engine over the SQLite file at `path`; a write waits `patience` seconds for another process's.

    A file that cannot be written to is opened anew for each read: how it can be read depends on what lies beside it.
    """
    # No limit: a caller may search while it goes through another search's snapshot, and would wait for itself.
    pool: dict[str, Any] = {"pool_size": 8, "max_overflow": -1} if writable(path) else {"poolclass": NullPool}
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=partial(connect, path, patience),
        json_serializer=_WRITE_JSON,
        json_deserializer=read_json,
        **pool,
    )
    event.listen(engine, "begin", partial(_begin, path))
    event.listen(engine, "handle_error", partial(_tell, path))
    return engine


def connect(path: Path, patience: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """A connection as it can be had: to write, made durable (WAL with synchronous=FULL), else to read."""
    able = writable(path)
    connection = sqlite3.connect(
        path if able else _to_read(path), uri=not able, timeout=patience, check_same_thread=False,
        isolation_level=None,  # we say BEGIN ourselves: the driver's own would start transactions too late
    )  # fmt: skip
    try:
        if able:
            _write_ahead(connection, patience)
        for pragma in (
            # What is deleted is overwritten, whatever this SQLite was built to do: a deletion is for good.
            "secure_delete=ON", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", f"cache_size=-{CACHE_KIB}",
            f"journal_size_limit={_LONGEST_LOG}",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, neither the file nor what lies beside it."""
    return sqlite3.connect(_to_read(path), uri=True, isolation_level=None)


def writable(path: Path) -> bool:
    """Whether SQLite could write: a new file is judged when it is made; WAL needs the folder as well as the file."""
    return not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _to_read(path: Path) -> str:
    """The URI that reads a file which cannot be written to.

    Where nothing lies beside it, nobody has it open, and it is read as it stands: SQLite would want to make a lock
    file. Else it is read together with what lies there; SQLite refuses where that would mean missing the latest writes.
    """
    log, shared, journal = (beside(path, suffix) for suffix in ("-wal", "-shm", "-journal"))
    alone = not journal.exists() and not shared.exists() and not (log.exists() and log.stat().st_size)
    return path.absolute().as_uri() + ("?mode=ro&immutable=1" if alone else "?mode=ro")


def beside(path: Path, suffix: str) -> Path:
    """The path of that name with the suffix after it."""
    return path.with_name(path.name + suffix)


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Journal by WAL. SQLite does not wait for another connection that is making the same switch, so we do."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _begin(path: Path, connection: Connection) -> None:
    # Through the driver: SQLAlchemy's own way takes longer than the statements themselves.
    options = connection.get_execution_options()
    with in_words(path):
        if options.get("dmha_write"):
            _take_the_lock(driver(connection))
        else:
            driver(connection).execute("BEGIN DEFERRED")
        if not options.get("dmha_upgrade"):
            _refuse_other_schema(connection)


def _take_the_lock(connection: sqlite3.Connection) -> None:
    """Begin to write. SQLite asks for the lock at steps of up to 100 ms, where a neighbour's group takes 5; we ask
    often, so that of several busy processes none waits long."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not code_of(error).startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
            time.sleep(_ASKED_AGAIN)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


def _refuse_other_schema(connection: Connection) -> None:
    """Nothing is read from tables that another process upgraded, nor written to them as of old."""
    run = driver(connection).execute
    (changes,) = run("PRAGMA schema_version").fetchone()  # stands on the first page
    if connection.info.get("dmha_schema") == changes:
        return
    (found,) = run("SELECT version_num FROM alembic_version").fetchone()
    if found != schema.REVISION:
        driver(connection).rollback()
        raise Unavailable(
            "database",
            f"the file was upgraded meanwhile (schema {found}, this process knows {schema.REVISION})",
            "Restart this process with the DMHA that upgraded it.",
        )
    connection.info["dmha_schema"] = changes


def writing(engine: Engine) -> Connection:
    """A connection whose transactions take the write lock at their beginning."""
    return engine.connect().execution_options(dmha_write=True)


def pragma(connection: Connection, name: str) -> Any:
    """The value of one pragma on this connection."""
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection under this one; its errors are for `in_words` to tell."""
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)


# -- errors in words ---------------------------------------------------------------------------------------------------


def _tell(path: Path, context: ExceptionContext) -> Exception | None:
    said = told(context.original_exception, path)
    return said if isinstance(said, Unavailable) else None


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn the errors of a connection without an engine into `Unavailable`, as an engine does."""
    try:
        yield
    except sqlite3.Error as error:
        raise told(error, path) from error


def told(error: BaseException, path: Path | None = None) -> BaseException:
    """The `Unavailable` that tells of this database error in words; any other error as it is."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, sqlite3.Error):
        return error
    code = code_of(original)
    if path is not None and (special := _of_this_file(code, path)):
        return Unavailable("database", *special)
    for prefix, (reason, fix) in _FIXES.items():
        if code.startswith(prefix):
            kind = NoRoom if code.startswith(_NO_ROOM) else Unavailable
            return kind("database", f"{reason} ({code})", fix)
    return error


def code_of(error: BaseException | None) -> str:
    """SQLite's name of an error, such as SQLITE_BUSY; empty for what is none of its own."""
    if str(error).startswith("Could not decode to UTF-8"):
        return "SQLITE_CORRUPT_TEXT"  # the driver's finding, which SQLite has no name for: it never reads what it keeps
    return str(getattr(error, "sqlite_errorname", None) or "")


def _of_this_file(code: str, path: Path) -> tuple[str, str] | None:
    """What the file itself and what lies beside it tell about an error: reason and fix."""
    if code == "SQLITE_NOTADB" and _headless(path):
        return f"the file's header is damaged ({code})", "Restore a backup with: dmha restore BACKUP"
    if code == "SQLITE_CANTOPEN" and beside(path, "-wal").exists() and not writable(path):
        return (
            f"the latest writes stand in {path.name}-wal, which is not read where nothing can be written ({code})",
            f"Make the folder writable, or copy both {path.name} and {path.name}-wal to one that is.",
        )
    return None


def _headless(path: Path) -> bool:
    """Whether a file that SQLite does not know for a database still holds our tables' words."""
    try:
        with path.open("rb") as file:
            return b"CREATE TABLE memories" in file.read(1 << 20)  # the schema stands in the first pages
    except OSError:
        return False


def read_json(written: str) -> Any:
    """What was written as JSON, or `Unavailable` where the disk changed it."""
    try:
        return json.loads(written)
    except ValueError as error:  # what we wrote was JSON: the disk changed it
        reason, fix = _DAMAGED
        raise Unavailable("database", f"{reason} (a value is not JSON)", fix) from error
