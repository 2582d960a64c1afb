"""Bringing a file to the present schema: Alembic's revisions, run by one process at a time."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text

from dmha.errors import Unavailable
from dmha.stores import schema
from dmha.stores.engine import writing


def upgrade(engine: Engine) -> None:
    """Create or upgrade the tables; nothing at all where they are of the present revision."""
    with engine.connect() as connection:
        if revision(connection) == schema.REVISION:
            return
    with writing(engine) as connection:
        raw = connection.connection.driver_connection
        assert raw is not None  # noqa: S101 - just checked out
        raw.execute("PRAGMA foreign_keys=OFF")  # a rebuilt table is gone for a moment
        _upgrade(connection)
        raw.execute("PRAGMA foreign_keys=ON")


def _upgrade(connection: Connection) -> None:
    with connection.begin():
        found = revision(connection)  # read again under the write lock: another process may have been faster
        if found == schema.REVISION:
            return
        _run(connection, found)


def revision(connection: Connection) -> str | None:
    """The schema revision of the file; None for a new one."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise Unavailable("database", "the file is another program's database", "Give another path.")
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run(connection: Connection, found: str | None) -> None:
    # Imported here: only a file that is new or old needs Alembic, and it takes longer to import than to open one.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "dmha.stores:migrations")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise Unavailable(
            "database",
            f"the file was written by a newer DMHA (schema {found}, this one knows {schema.REVISION})",
            "Upgrade DMHA with: pip install --upgrade dmha",
        )
    command.upgrade(config, "head")
