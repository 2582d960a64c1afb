"""docs/cli.md against the program: every example is run, every command and option is one that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from shell import run

from dmha.cli.app import app
from dmha.wiring import make_embedder

pytestmark = pytest.mark.usefixtures("desk")

PAGE = (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
CONSOLES = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)


def examples() -> list[tuple[list[str], str | None, str]]:
    """Each example: what is typed after `dmha`, what is piped into it, and what it prints."""
    found = []
    for example in "".join(CONSOLES).split("$ ")[1:]:
        line, _, printed = example.partition("\n")
        before, _, command = line.rpartition(" | ")
        piped = shlex.split(before)[1] + "\n" if before else None
        found.append((shlex.split(command)[1:], piped, printed))
    return found


def comparable(printed: str) -> str:
    """What is printed without what differs between machines and moments: bars, measured numbers, trailing spaces."""
    return re.sub(r"[━─]+|(?<![\w.])\d*\.\d\d\b|\d+(?=%| ms)| +$", "", printed, flags=re.MULTILINE).rstrip()


def test_every_example_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/cli.md from its first example to its last, on one memory, with the default embedder."""
    monkeypatch.setattr("dmha.wiring.make_embedder", make_embedder)
    monkeypatch.setattr("dmha.bench.runner.run", lambda *_, **__: None)
    monkeypatch.setattr("dmha.bench.show.table", lambda _: "")
    monkeypatch.setattr("dmha.server.serve.serve", lambda _: None)
    monkeypatch.setenv("COLUMNS", "120")
    for typed, piped, printed in examples():
        result = run(*typed, stdin=piped)
        assert (result.exit_code, result.stderr) == (0, ""), typed
        wanted = ".*".join(map(re.escape, comparable(printed).split("...")))
        assert re.fullmatch(wanted, comparable(result.stdout), re.DOTALL), f"{typed}:\n{result.stdout}"


def test_the_page_names_every_command_and_no_other_option() -> None:
    """Each command has its example, and each option on the page is one that a command has."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has them
    assert {typed[0] for typed, _, _ in examples()} == set(commands)
    grouped = [command for group in commands.values() for command in getattr(group, "commands", {}).values()]
    known = {option for command in [*commands.values(), *grouped] for p in command.params for option in p.opts}
    assert set(re.findall(r"(?<![-|])--[a-z][a-z-]*", PAGE)) <= known
