"""A revision after the last one, for tests of upgrading.

As a program it opens a file under that revision, and is killed at the moment that it is given:

    python upgrading.py FILE FOLDER [MOMENT]
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import Engine, event

from dmha.stores import copies, migrate, schema
from dmha.stores.truth import Truth

LATER = "9999"
_STEPS = f"""
revision = {LATER!r}
down_revision = {schema.REVISION!r}
branch_labels = depends_on = None

import sqlalchemy as sa
from alembic import op


def upgrade():
    op.add_column("memories", sa.Column("weight", sa.Double(), nullable=False, server_default="0.5"))
    with op.batch_alter_table("sessions", recreate="always") as sessions:
        sessions.add_column(sa.Column("mark", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE sessions SET mark = 'later/' || name")
"""


def later(folder: Path, patch: pytest.MonkeyPatch, steps: str = _STEPS) -> None:
    """From now on there is one revision more, which adds columns and makes a table anew that others point to."""
    folder.mkdir(exist_ok=True)
    (folder / "later.py").write_text(steps)
    scripts = migrate._scripts

    def with_later() -> Config:
        config = scripts()
        config.set_main_option("path_separator", "newline")
        ours = Path(migrate.__file__).parent / "migrations" / "versions"
        config.set_main_option("version_locations", f"{ours}\n{folder}")
        return config

    patch.setattr(migrate, "_scripts", with_later)
    patch.setattr(schema, "REVISION", LATER)


# What is about to be called when the process is killed: the module or class, and the name in it.
CALLS: dict[str, tuple[Any, str]] = {
    "before the copy": (migrate, "_keep"),
    "when the copy is made, but not on the disk": (copies, "_sync"),
    "when the copy has no name yet": (Path, "replace"),
    "before the revisions": (migrate, "_orphans"),
}


def killed_at(moment: str, patch: pytest.MonkeyPatch) -> None:
    """This process ends at that moment, by SIGKILL."""
    if moment in CALLS:
        patch.setattr(*CALLS[moment], _die)
    elif moment == "in the copy":
        overwrite = copies.overwrite
        patch.setattr(copies, "AT_ONCE", 16)
        patch.setattr(copies, "overwrite", lambda source, target, _: overwrite(source, target, _die_half_way))
    elif moment == "at the commit":
        event.listen(Engine, "commit", _die)
    else:  # "at statement 7"
        left = list(range(int(moment.split()[-1])))
        event.listen(Engine, "before_cursor_execute", lambda *_: left.pop() if left else _die())


def _die_half_way(done: int, total: int) -> None:
    if done > total / 2:
        _die()


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(file: str, folder: str, moment: str = "") -> None:
    logging.basicConfig(level=logging.INFO)
    with pytest.MonkeyPatch.context() as patch:
        later(Path(folder), patch)
        if moment:
            killed_at(moment, patch)
        Truth(file).close()


if __name__ == "__main__":
    main(*sys.argv[1:])
