"""`make demo`: a year and more of a companion's life in a few seconds, then ten questions, each with its reasons."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, RenderableType
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
from dmha.cli.hits import Hits
from dmha.errors import DmhaError, InvalidInput
from dmha.types import Affect, Reply, Turn

if TYPE_CHECKING:
    from dmha.knowledge_base import KnowledgeBase
    from dmha.mind import Mind

_TOP = 3  # of what was recalled, this much is shown


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
        lived, replies = perf_counter() - began, list[Reply]()
        knowledge = mind.knowledge(user_id=USER, agent_id=story.agent)
        concluded = _concluded(knowledge)
        for question, reply in ask(mind, story, clock, questions):
            replies.append(reply)
            before, concluded = concluded, _concluded(knowledge)
            fallen = [_fallen(knowledge, *one) for one in sorted(before - concluded)]
            _show_question(console, len(replies), question, reply, fallen)
        kept = _kept(mind, story, folder / "demo.jsonl")
    console.print("", _summary(kept, replies, lived, perf_counter() - began), sep="\n")
    console.print(_next(story, db))


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
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("month", "days", "turns", "joy", "aversion", "trauma", "who"):
        table.add_column(name, justify="right" if name == "turns" else "left", no_wrap=True)
    framed = Padding(table, (1, 0, 0, 2), expand=False)
    with Live(framed, console=console, refresh_per_second=20, transient=True):
        for month, sessions in groupby(lived, key=lambda pair: f"{pair[0].ends:%Y-%m}"):
            lived_through = list(sessions)
            turns = [turn for session, _ in lived_through for turn in session.turns]
            table.add_row(
                month,
                " ".join(f"{session.ends:%d}" for session, _ in lived_through),
                str(len(turns)),
                *render.levels(lived_through[-1][1], cells=8),
                Text(render.shown(", ".join(_people(turns)))),
            )
    console.print(framed)


def _show_question(console: Console, number: int, question: Question, reply: Reply, fallen: Sequence[Text]) -> None:
    """The question, the reply, what it stands on and how it stands."""
    blocks: list[RenderableType] = [
        Text(render.shown(question.text), "bold"),
        Text(question.about, "dim italic"),
        render.reply(reply),
        *([Hits(reply.recalled[:_TOP], ZoneInfo(ZONE), brief=True)] if reply.recalled else []),
        *([render.repairs(reply.repairs)] if reply.repairs else []),
        *fallen,
        render.state(reply),
    ]
    title = Text.assemble((f"{number}  ", "dim"), (f"{render.shown(question.speaker)} asks", "bold"))
    console.print("", Rule(title, align="left", style="dim"), sep="\n")
    for block in blocks:
        console.print(Padding(block, (0, 2), expand=False))


def _concluded(knowledge: KnowledgeBase) -> set[tuple[str, str, str]]:
    return {(fact.entity, fact.attribute, fact.value) for fact in knowledge.facts() if fact.rule is not None}


def _fallen(knowledge: KnowledgeBase, entity: str, attribute: str, value: str) -> Text:
    """A conclusion that a mended fact took down with it, and why."""
    answer = knowledge.ask(entity, attribute)
    return Text.assemble(
        ("fell    ", render.WEAK), (render.shown(f"{entity}.{attribute} = {value}"), "strike"), " → ",
        (render.shown(answer.value or answer.status), "bold"), (f"\n        {render.shown(answer.why[0])}", "dim"),
    )  # fmt: skip


def _people(turns: Iterable[Turn]) -> Counter[str]:
    """Who spoke but for the companion, in the order of their first words, with the number of their turns."""
    return Counter(turn.speaker for turn in turns if turn.source == "user")


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


def _next(story: Story, db: Path | None) -> Text:
    """What to do next."""
    people = _people(turn for session in story.sessions for turn in session.turns)
    file, speaker = str(db or "life.db"), (people.most_common(1) or [("user", 0)])[0][0]
    chat = [_program("dmha"), "chat", "--db", file, "--agent", story.agent, "--speaker", speaker]
    lines = [("talk", shlex.join(chat)), ("read", "README.md: give your own companion this memory")]
    if db is None:
        lines.insert(0, ("keep", shlex.join([_program("python"), "-m", "dmha.cli.demo", "--db", "life.db"])))
    return Text("\n").join(Text.assemble((f"  {what}  ", "dim"), how) for what, how in lines)


def _program(name: str) -> str:
    """What to type for a program of this very environment: its name where the shell finds it there, else its path."""
    folder = Path(sys.executable).parent
    found = shutil.which(name)
    if found is not None and Path(found).parent == folder:
        return name
    return str(folder.relative_to(Path.cwd()) / name if folder.is_relative_to(Path.cwd()) else folder / name)


if __name__ == "__main__":
    open_streams()
    typer.run(main)
