"""The options that commands share, and what they open: the mind, a moment, a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from dmha.cli.door import INTERRUPTED, errors_as_json
from dmha.errors import InvalidInput

if TYPE_CHECKING:
    from dmha.mind import Mind
    from dmha.protocols import Progress

Db = Annotated[
    str | None,
    typer.Option("--db", metavar="FILE", help="The memory. [default: DMHA_DATABASE, or companion.db]"),
]
User = Annotated[str, typer.Option("--user", help="Whose account it is.")]
Agent = Annotated[str, typer.Option("--agent", help="Which companion of the account.")]
Session = Annotated[str, typer.Option("--session", help="Which conversation.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON; errors are JSON on stderr.", callback=errors_as_json)]
Ranking = Annotated[str | None, typer.Option("--ranking", help="A preset's name, or an expression (docs/ranking.md).")]
Present = Annotated[
    list[str] | None,
    typer.Option("--present", metavar="NAME", help="Who may hear: what NAME told in private is found too. Repeatable."),
]


@contextmanager
def opened(db: str | None, *, made: bool = False) -> Iterator[Mind]:
    """The mind of that file; a command that only reads makes no new file of a mistyped path (`made` says it may)."""
    import dmha

    path = named(db, made=made)
    with waiting("Embedding what another embedder had") as progress, dmha.open(path, progress=progress) as mind:
        yield mind


def named(db: str | None, *, made: bool) -> str:
    """The file that is meant: one that is there, unless it may be `made`."""
    from dmha.settings import read_settings

    path = read_settings().database if db is None else db
    if not made and path != ":memory:" and "://" not in path and not Path(path).exists():
        raise InvalidInput("--db", f"there is no file {path!r}", "Check the path, or begin one with: dmha add TEXT.")
    return path


def nowhere(db: str | None) -> str | None:
    """The file, where one is named or there; else none at all, for what needs no memory."""
    from dmha.settings import read_settings

    return db if db is not None or Path(read_settings().database).exists() else ":memory:"


@contextmanager
def waiting(doing: str) -> Iterator[Progress]:
    """A progress bar on stderr, shown once there is something left to wait for and gone when all is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)

    def progress(done: int, total: int) -> None:
        if not bar.tasks and done < total and bar.console.is_terminal:
            bar.add_task(doing)
            bar.start()
        for task in bar.tasks:
            bar.update(task.id, completed=done, total=total)

    try:
        yield progress
    finally:
        if bar.tasks:
            bar.stop()


@contextmanager
def resumable() -> Iterator[None]:
    """Ctrl-C says how to go on: what was done so far is kept."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        typer.echo("Interrupted. Run the same command again to go on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from interrupt


def zone() -> ZoneInfo:
    """The zone in which times are read and shown."""
    from dmha.settings import read_settings

    return ZoneInfo(read_settings().zone)


def moment(field: str, written: str | None) -> datetime | None:
    """A time as a person writes it: ISO 8601, in the zone of DMHA_ZONE where it names none."""
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise InvalidInput(field, str(error), "Give a date or time such as 2025-11-22 or 2025-11-22T18:00.") from error
    return at if at.tzinfo else at.replace(tzinfo=zone())
