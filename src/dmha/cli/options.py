"""The options that commands share, and what they open: the mind, a moment, a progress bar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from dmha.checks import check_zone
from dmha.cli.door import INTERRUPTED, errors_as_json
from dmha.errors import InvalidInput

if TYPE_CHECKING:
    from dmha.mind import Mind
    from dmha.protocols import Progress

Db = Annotated[
    str | None,
    typer.Option("--db", metavar="FILE", help="The memory.", show_default="DMHA_DATABASE, or companion.db"),
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
Metadata = Annotated[
    list[str] | None,
    typer.Option("--metadata", metavar="KEY=VALUE", help="Only what was kept with this. Repeatable: all of them."),
]
Zone = Annotated[
    str | None,
    typer.Option(
        "--zone", metavar="NAME", help="Where times are meant and shown.", show_default="DMHA_ZONE, or its own"
    ),
]


@contextmanager
def opened(db: str | None, *, made: bool = False) -> Iterator[Mind]:
    """The mind of that file; a command that only reads makes no new file of a mistyped path (`made` says it may)."""
    import dmha

    path = named(db, made=made)
    with waiting("Embedding what another embedder had") as progress, dmha.open(path, progress=progress) as mind:
        yield mind


def named(db: str | None, *, made: bool, begin: str = "dmha add TEXT") -> str:
    """The file that is meant: one that is there, unless it may be `made`; `begin` is the command that makes one."""
    from dmha.settings import read_settings

    path = read_settings().database if db is None else db
    if not made and is_new(path):
        where = "" if Path(path).is_absolute() else f" in {str(Path.cwd())!r}"
        fix = f"Name another with --db or DMHA_DATABASE, or begin one with: {begin}."
        raise InvalidInput("--db", f"there is no file {path!r}{where}", fix)
    return path


def is_new(path: str) -> bool:
    """Whether it would have to be made."""
    return path != ":memory:" and "://" not in path and not Path(path).exists()


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
    """The zone of the settings: where no companion is asked about, times are read and shown in it."""
    from dmha.settings import read_settings

    return ZoneInfo(read_settings().zone)


def zone_of(mind: Mind, user: str, agent: str, chosen: str | None = None) -> ZoneInfo:
    """The zone in which a companion's times are read and shown: the chosen one, or that of DMHA_ZONE, or its own."""
    from dmha.settings import told_zone

    named = told_zone() if chosen is None else check_zone("--zone", chosen)
    return mind.zone(user_id=user, agent_id=agent) if named is None else ZoneInfo(named)


def moment(
    field: str, written: str | None, here: tzinfo | None = None, *, such_as: str = "2025-11-22"
) -> datetime | None:
    """A time as a person writes it: ISO 8601, in that zone, or the settings', where it names none."""
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        fix = f"Give one such as {such_as} or {such_as}T18:00."
        raise InvalidInput(field, f"{written!r} is no date or time", fix) from error
    return at if at.tzinfo else at.replace(tzinfo=here or zone())


def labels(given: Sequence[str] | None) -> dict[str, str | int | float | bool] | None:
    """What `--metadata key=value` asks for: a number or true and false where the value is written as JSON has it."""
    if not given:
        return None
    parted = [(pair, *pair.partition("=")) for pair in given]
    if wrong := next((pair for pair, key, marked, _ in parted if not key or not marked), None):
        raise InvalidInput("--metadata", f"{wrong!r} is no key=value", "Give one such as place=kitchen.")
    return {key: _value(value) for _, key, _, value in parted}


def _value(written: str) -> str | int | float | bool:
    try:
        value = json.loads(written)
    except (ValueError, RecursionError):
        return written
    return value if isinstance(value, str | int | float | bool) else written
