"""Bringing a file to the present schema: Alembic's revisions, run by one process at a time.

All of an upgrade is one transaction, so that it happens or does not; and before it begins there is a copy of the file.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from dmha.errors import Unavailable
from dmha.stores import schema
from dmha.stores.copies import keep
from dmha.stores.engine import beside, code_of, connect, driver, in_words, writable

if TYPE_CHECKING:
    from alembic.config import Config

_log = logging.getLogger("dmha")

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"

# Seconds that a process waits for another one's upgrade: a million memories are 3 GB to copy and to write anew.
PATIENCE = 600.0


def upgrade(engine: Engine) -> None:
    """Create or upgrade the tables; nothing at all where they are of the present revision."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with engine.connect() as connection:
            if revision(connection) == schema.REVISION:
                return
        try:
            with _locked(engine) as connection:
                _upgrade(connection, Path(str(engine.url.database)))
        except Unavailable as error:  # another process is at it: it may take longer than a write may
            if code_of(error.__cause__) != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise


def revision(connection: Connection) -> str | None:
    """The schema revision of the file; None for a new one."""
    return _revision(driver(connection))


def check_revision(connection: sqlite3.Connection) -> None:
    """Refuse a file that is another program's, empty, or a newer DMHA's."""
    found = _revision(connection)
    if found is None:
        raise Unavailable("database", "the file is empty", "Give another path.")
    _check_known(found, _scripts())


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """The write lock on a connection that leaves foreign keys unchecked: a revision may make a table anew."""
    with engine.connect() as connection:
        connection.detach()  # not back to the others: it has another pragma
        driver(connection).execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction
        with connection.execution_options(dmha_write=True, dmha_upgrade=True).begin():
            yield connection


def _upgrade(connection: Connection, path: Path) -> None:
    found = revision(connection)  # read again under the lock: another process may have been faster
    if found == schema.REVISION:
        return
    from alembic import command  # here: only a new or old file needs it, and it takes longer to import than to open one

    scripts = _scripts()
    if found is not None:
        _check_known(found, scripts)
        if not writable(path):
            raise Unavailable(
                "database",
                f"the file is of an older schema ({found}), and it or its folder is read-only",
                "Make both writable, so that it can be upgraded.",
            )
        kept = _keep(path, found)
        _log.info("upgrading %s from schema %s to %s; as it was it is kept as %s", path, found, schema.REVISION, kept)
    before = _orphans(connection)
    scripts.attributes["connection"] = connection
    command.upgrade(scripts, "head")
    if _orphans(connection) > before:
        raise Unavailable(
            "database",
            f"the upgrade from schema {found} would tear rows apart: nothing was changed",
            "Report it with the output of: dmha doctor",
        )


def _keep(path: Path, found: str) -> Path:
    """A copy of the file before anything is changed; the last one of its kind, should an upgrade have been cut off."""
    kept = beside(path, f".{found}.copy")
    for file in path.parent.iterdir():
        if file.name.startswith(f"{kept.name}.") and file.suffix == ".part":
            file.unlink()  # of an upgrade that was killed: nobody else copies while we hold the lock
    try:
        with in_words(path), closing(connect(path)) as source:
            keep(source, kept)
    except Unavailable as error:
        megabytes = path.stat().st_size / 1e6
        raise Unavailable(
            error.component,
            f"{error.reason}; an upgrade begins with a copy of the file ({megabytes:.1f} MB), and nothing was changed",
            error.fix,
        ) from error
    return kept


def _scripts() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "dmha.stores:migrations")
    return config


def _check_known(found: str, scripts: Config) -> None:
    if found == schema.REVISION:
        return
    from alembic.script import ScriptDirectory

    if found not in {script.revision for script in ScriptDirectory.from_config(scripts).walk_revisions()}:
        raise Unavailable(
            "database",
            f"the file was written by a newer DMHA (schema {found}, this one knows {schema.REVISION})",
            "Upgrade DMHA with: pip install --upgrade dmha",
        )


def _revision(connection: sqlite3.Connection) -> str | None:
    tables = {name for (name,) in connection.execute(_TABLES)}
    if "alembic_version" not in tables:
        if tables:
            raise Unavailable("database", "the file is another program's database", "Give another path.")
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _orphans(connection: Connection) -> int:
    return len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())
