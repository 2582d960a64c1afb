"""`dmha chat`: a conversation with the mind, line by line, in a terminal or through a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from dmha.cli import render
from dmha.cli.door import at_terminal, report
from dmha.cli.hits import Hits
from dmha.cli.turns import read_lines
from dmha.domain.logic import parse_statements
from dmha.errors import DmhaError, InvalidInput

if TYPE_CHECKING:
    from dmha.mind import Mind
    from dmha.types import Reply

HELP = "/why shows or hides what was recalled, /mood, /facts, /quit"


@dataclass
class Chat:
    """One conversation: who talks with whom, and whether the reasons are shown."""

    mind: Mind
    console: Console
    zone: tzinfo
    user: str
    agent: str
    session: str
    speaker: str
    as_json: bool
    why: bool = False

    def run(self) -> None:
        """Talk until the lines end, /quit, or Ctrl-C. At a terminal a refused turn ends nothing; in a pipe it does."""
        interactive = at_terminal()
        if interactive and not self.as_json:
            self.console.print(f"{HELP}\n", style="dim", markup=False)
        with suppress(KeyboardInterrupt):
            for line in _typed(f"{self.speaker} › ") if interactive else _piped():
                if line == "/quit":
                    return
                try:
                    self.answer(line)
                except DmhaError as error:
                    if not interactive:
                        raise
                    report(error, as_json=self.as_json)

    def answer(self, line: str) -> None:
        """A command is carried out; anything else is said to the companion."""
        if line == "/why":
            self.why = not self.why
            self.console.print(f"The reasons are {'shown' if self.why else 'hidden'}.", style="dim")
        elif line == "/mood":
            self.console.print(render.feelings(self.mind.feelings(user_id=self.user, agent_id=self.agent)))
        elif line == "/facts":
            knowledge = self.mind.knowledge(user_id=self.user, agent_id=self.agent)
            self.console.print(render.facts(knowledge.facts(present=[self.speaker]), self.zone))
        elif line.startswith("/"):
            self.console.print(HELP, style="dim", markup=False)
        else:
            said = self.mind.contextualize(
                line, user_id=self.user, agent_id=self.agent, session_id=self.session, speaker=self.speaker
            )
            self.show(said, parse_statements(line).problems)

    def show(self, said: Reply, problems: Sequence[InvalidInput] = ()) -> None:
        """The reply, what it mended, what was no statement though it looked like one, and how it stands."""
        if self.as_json:  # the problems are in the trace
            self.console.print(json.dumps(render.plain(said), ensure_ascii=False), markup=False, soft_wrap=True)
            return
        self.console.print(render.reply(said))
        if problems:
            self.console.print(render.not_understood(problems))
        if said.repairs:
            self.console.print(render.repairs(said.repairs))
        if self.why and said.recalled:
            self.console.print(Hits(said.recalled[:5], self.zone, brief=True))
        self.console.print(render.state(said), "\n", sep="")


def _typed(prompt: str) -> Iterator[str]:
    with suppress(ImportError):
        import readline  # noqa: F401 - importing it gives input() line editing and a history, where the platform has it
    while True:
        try:
            line = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            typer.echo()  # the shell's prompt begins a line of its own
            return
        if line:
            yield line


def _piped() -> Iterator[str]:
    for _, line in read_lines(sys.stdin.buffer, "stdin"):
        yield line
