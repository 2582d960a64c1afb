"""What stands between the commands and the shell: printing, errors in a line, exit codes, streams for any text."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text
from typer import Exit, echo
from typer.core import TyperGroup

from dmha.cli.render import plain, shown
from dmha.errors import DmhaError, MissingExtra, Unavailable

# What a shell script can tell apart: 2, give something else (as for a wrong option); 3, mend the surroundings.
GIVEN_WRONG, SURROUNDINGS = 2, 3
INTERRUPTED = 130  # as shells say it: 128 and the number of SIGINT

_POINTED = re.compile(r"\n {4}[^\n]*\n *\^+\Z")

_AS_JSON = "dmha.json"


class Door(TyperGroup):
    """Runs a command; an error that DMHA raises on purpose becomes a line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DmhaError as error:
            raise Exit(report(error, as_json=ctx.meta.get(_AS_JSON, False))) from error


def errors_as_json(context: Any, value: bool) -> bool:
    """Called where `--json` is read: from then on an error is JSON too."""
    context.meta[_AS_JSON] = value
    return value


def report(error: DmhaError, *, as_json: bool = False) -> int:
    """Say the error on stderr; returns the exit code."""
    if as_json:
        said = {name: value for name, value in vars(error).items() if isinstance(value, str | int)}
        print(json.dumps({"error": type(error).__name__, "message": str(error), **said}), file=sys.stderr)  # noqa: T201 - machine-readable: not for rich to wrap
    else:
        message, excerpt = _parted(str(error))
        line = Text.assemble(("error: ", "bold red"), (" ".join(shown(message).split()), "red"), shown(excerpt))
        console = Console(stderr=True, highlight=False)
        console.print(line, soft_wrap=not console.is_terminal)  # a terminal breaks in mid-word
    return SURROUNDINGS if isinstance(error, Unavailable | MissingExtra) else GIVEN_WRONG


def show(said: RenderableType, value: Any, as_json: bool) -> None:
    """Print for a person, or as one JSON document."""
    if as_json:
        echo(json.dumps(plain(value), ensure_ascii=False))
    else:
        console().print(said, markup=False)


def console() -> Console:
    """The terminal: what somebody said is no markup and holds no emoji's name."""
    return Console(highlight=False, emoji=False)


def at_terminal() -> bool:
    """Whether a person types."""
    return sys.stdin.isatty()


def _parted(message: str) -> tuple[str, str]:
    """What an error says, and the lines under it, where it ends with what was typed and carets below."""
    pointed = _POINTED.search(message)
    return (message, "") if pointed is None else (message[: pointed.start()], pointed[0])


def open_streams() -> None:
    """Let stdout and stderr write any text, whatever the terminal's encoding: what it cannot say is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
