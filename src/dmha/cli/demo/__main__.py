"""`make demo`: a year and more of a companion's life in a few seconds, then ten questions, each with its reasons."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dmha.cli import render
from dmha.cli.demo import (
    CONVERSATION,
    USER,
    ZONE,
    Clock,
    Question,
    Session,
    Story,
    ask,
    live,
    read_questions,
    read_story,
)
from dmha.cli.door import open_streams, report
from dmha.errors import DmhaError, InvalidInput
from dmha.types import Affect, Reply

if TYPE_CHECKING:
    from dmha.mind import Mind

_TOP = 3
_DOUBTFUL = 0.25  # of the hits shown, those that the mind itself holds for no evidence are dim (dmha.scene)


def main(
    conversation: Annotated[Path, typer.Argument(help="Another story, its questions.json beside it.")] = CONVERSATION,
    db: Annotated[Path | None, typer.Option("--db", help="Keep the life in this new file.", show_default=False)] = None,
) -> None:
    """Live through the story, ask the questions, and show what came back and why."""
    try:
        if db is not None and db.exists():
            raise InvalidInput("--db", f"{db} exists already", "Give a new path: the story begins at the beginning.")
        with tempfile.TemporaryDirectory(prefix="dmha-demo-") as folder:
            play(Console(highlight=False, emoji=False), conversation, db, Path(folder))
    except DmhaError as error:
        raise typer.Exit(report(error)) from error


def play(console: Console, conversation: Path, db: Path | None, folder: Path) -> None:
    """The whole demo on a console; `folder` is for what need not be kept."""
    import dmha

    began = perf_counter()
    story, questions = read_story(conversation), read_questions(conversation)
    console.print(_opening(story))
    clock = Clock(story.sessions[0].ends)
    with dmha.open(db or folder / "demo.db", clock=clock, zone=ZONE) as mind:
        _show_life(console, live(mind, story, clock))
        lived, replies = perf_counter() - began, []
        for number, (question, reply) in enumerate(ask(mind, story, clock, questions), 1):
            _show_question(console, number, question, reply)
            replies.append(reply)
        kept = _kept(mind, story, folder / "demo.jsonl")
    console.print(_summary(kept, replies, lived, perf_counter() - began))
    console.print(_next(story, questions, db))


def _opening(story: Story) -> Panel:
    turns = sum(len(session.turns) for session in story.sessions)
    first, last = story.sessions[0].ends, story.sessions[-1].ends
    told = Text.assemble(
        (render.shown(story.agent), "bold"),
        f" lives through {turns} turns in {len(story.sessions)} sessions, {first:%B %Y} to {last:%B %Y}.\n",
        ("One file, no language model: every reply below is made of what was remembered.", "dim"),
    )
    return Panel(told, title="[bold]DMHA", title_align="left", border_style="dim", padding=(0, 2))


def _show_life(console: Console, lived: Iterable[tuple[Session, Affect]]) -> None:
    """A line a month, drawn as it is lived: who was there, and the mood that its last evening left."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    for name in ("month", "days", "turns", "joy", "aversion", "trauma", "who"):
        table.add_column(name, justify="right" if name == "turns" else "left", no_wrap=True)
    with Live(Padding(table, (1, 2)), console=console, refresh_per_second=20):
        for month, sessions in groupby(lived, key=lambda pair: f"{pair[0].ends:%Y-%m}"):
            lived_through = list(sessions)
            turns = [turn for session, _ in lived_through for turn in session.turns]
            people = dict.fromkeys(turn.speaker for turn in turns if turn.source == "user")
            table.add_row(
                month,
                " ".join(f"{session.ends:%d}" for session, _ in lived_through),
                str(len(turns)),
                *render.levels(lived_through[-1][1], cells=10),
                Text(render.shown(", ".join(people))),
            )


def _show_question(console: Console, number: int, question: Question, reply: Reply) -> None:
    title = Text.assemble(
        (f"{number} ", "bold"), (f"{render.shown(question.speaker)} asks", "bold"), (f"  {question.about}", "dim")
    )
    console.print(Rule(title, align="left", style="dim"))
    console.print(Padding(Text(render.shown(question.text), "italic"), (0, 2)))
    console.print(Padding(render.reply(reply), (0, 2)))
    console.print(Padding(render.hit_lines(reply.recalled[:_TOP], ZoneInfo(ZONE), _DOUBTFUL), (0, 2)))
    if reply.repairs:
        console.print(Padding(render.repairs(reply.repairs), (0, 2)))
    console.print(Padding(render.state(reply), (0, 2)))


def _kept(mind: Mind, story: Story, file: Path) -> Counter[str]:
    """How many rows of each table the life came to, counted in its export."""
    mind.export(file, user_id=USER, agent_id=story.agent)
    with file.open(encoding="utf-8") as lines:
        return Counter(json.loads(line).get("table", "world") for line in lines)


def _summary(kept: Counter[str], replies: Sequence[Reply], lived: float, took: float) -> Panel:
    mended = sum(len(reply.repairs) for reply in replies)
    line = Text("  ·  ").join(
        Text.assemble((str(count), "bold"), f" {what}")
        for count, what in (
            (kept["memories"], "memories"), (kept["facts"], "facts"), (kept["rules"], "rules"),
            (mended, "contradictions mended"), (kept["lessons"], "lessons"),
        )
    )  # fmt: skip
    line.append(f"\nlived in {lived:.1f} s, {len(replies)} questions answered in {took - lived:.1f} s", "dim")
    return Panel(line, title="[bold]what is left", title_align="left", border_style="dim", padding=(0, 2))


def _next(story: Story, questions: Sequence[Question], db: Path | None) -> Text:
    """What to do next: two lines."""
    speaker = questions[0].speaker if questions else "user"
    file = db or "life.db"
    keep = "" if db else f"python -m dmha.cli.demo --db {file}  and then  "
    return Text.assemble(
        ("  talk  ", "dim"), f"{keep}dmha chat --db {file} --agent {story.agent} --speaker {speaker}\n",
        ("  read  ", "dim"), "README.md tells how to give your own companion this memory",
    )  # fmt: skip


if __name__ == "__main__":
    open_streams()
    typer.run(main)
