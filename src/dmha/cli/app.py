"""The commands of `dmha`. Each opens the mind, calls one public name and shows what came back.

Heavy imports stay inside the commands, so that `dmha --help` answers at once.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from dmha import __version__
from dmha.cli import render
from dmha.cli.accounts import audit, key, user
from dmha.cli.bench import bench
from dmha.cli.door import Door, console, open_streams, show
from dmha.cli.hits import Hits
from dmha.cli.options import (
    Agent,
    Db,
    Json,
    Metadata,
    Present,
    Ranking,
    Session,
    User,
    Zone,
    labels,
    moment,
    nowhere,
    opened,
    resumable,
    waiting,
    zone_of,
)
from dmha.cli.serving import serve
from dmha.errors import InvalidInput
from dmha.types import Kind, Polarity, Tier, Turn

app = typer.Typer(cls=Door, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(bench, name="bench")
app.add_typer(user, name="user")
app.add_typer(key, name="key")
app.command()(audit)
dictionary = typer.Typer(no_args_is_help=True, help="Words of your own: one word however they look, and how read.")
app.add_typer(dictionary, name="dictionary")

app.command()(serve)


def main() -> None:
    """The program `dmha`."""
    open_streams()
    app(prog_name="dmha")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dmha {__version__}")
        raise typer.Exit


@app.callback()
def door(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The memory that companions and agents keep for years."""


@app.command()
def add(
    text: Annotated[str | None, typer.Argument(help="What was said; - reads lines of JSON from stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Turns as lines of JSON (docs/cli.md).")] = None,
    speaker: Annotated[str, typer.Option("--speaker", help="Who said it.")] = "user",
    at: Annotated[str | None, typer.Option("--at", metavar="ISO", help="When.", show_default="now")] = None,
    id: Annotated[str | None, typer.Option("--id", help="The turn's id: a known one changes nothing.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Only while its speaker is present.")] = False,
    kind: Annotated[Kind, typer.Option("--kind", help="What it is.")] = "episode",
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    session: Session = "default",
    as_json: Json = False,
) -> None:
    """Remember what was said: one turn, or a file of them, all or none."""
    if (text is None) == (file is None):
        raise InvalidInput("TEXT", "give either a text or --file", "For example: dmha add 'I moved to Osaka.'")
    if text is None or text == "-":
        turns = _read(file)
    else:
        moment("--at", at)  # what cannot be read makes no file
        turns = [Turn(text, speaker, id=id, private=private)]
    with opened(db, made=True) as mind, waiting("Remembering") as progress:
        if at is not None:
            turns = [replace(turn, at=moment("--at", at, zone_of(mind, user, agent))) for turn in turns]
        ids = mind.add(turns, user_id=user, agent_id=agent, session_id=session, kind=kind, progress=progress)
    show(f"{len(ids)} remembered.", ids, as_json)


@app.command("recall", help="Bring memories back as search does, and strengthen what came back.")
@app.command("search", help="Find memories, best first, with what each term of the ranking gave. Changes nothing.")
def find(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for; word^3 weighs a word.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many at most.")] = 5,
    ranking: Ranking = None,
    speaker: Annotated[str | None, typer.Option("--speaker", help="Only what this one said.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="ISO", help="Not before.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="ISO", help="Not after.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only memories of this kind.")] = None,
    tier: Annotated[Tier | None, typer.Option("--tier", help="Only memories that are held so.")] = None,
    polarity: Annotated[Polarity, typer.Option("--polarity", help="How they must feel; both: the two apart.")] = "any",
    metadata: Metadata = None,
    present: Present = None,
    min_confidence: Annotated[float, typer.Option("--min-confidence", help="0 to 1.")] = 0.0,
    by_reading: Annotated[bool, typer.Option("--by-reading", help="Also what sounds like its words.")] = False,
    chosen: Zone = None,
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    as_json: Json = False,
) -> None:
    with opened(db) as mind:
        here = zone_of(mind, user, agent, chosen)
        found = (mind.recall if context.info_name == "recall" else mind.search)(
            query, user_id=user, agent_id=agent, top_k=top_k, ranking=ranking, speaker=speaker,
            since=moment("--since", since, here), until=moment("--until", until, here), kind=kind, tier=tier,
            polarity=polarity, metadata=labels(metadata), present=present or (), min_confidence=min_confidence,
            by_reading=by_reading, zone=chosen,
        )  # fmt: skip
    show(Hits(found, here), found, as_json)


@app.command()
def tell(
    statement: Annotated[str, typer.Argument(help="A fact:, deny: or rule: line (docs/knowledge.md).")],
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    as_json: Json = False,
) -> None:
    """Tell a fact, a denial or a rule. Nothing told before is deleted by it."""
    with opened(db, made=True) as mind:
        knowledge = mind.knowledge(user_id=user, agent_id=agent)
        knowledge.tell(statement)
        clashes = knowledge.conflicts()
    said = Text.assemble(
        "Told.", (f" Contradictions: {len(clashes)}, see dmha ask --conflicts" if clashes else "", "dim")
    )
    show(said, {"told": statement, "conflicts": clashes}, as_json)


@app.command()
def ask(
    entity: Annotated[str | None, typer.Argument(help="Of whom or what.")] = None,
    attribute: Annotated[str | None, typer.Argument(help="What to know of it.")] = None,
    conflicts: Annotated[bool, typer.Option("--conflicts", help="Ask what contradicts what instead.")] = False,
    scope: Annotated[str, typer.Option("--scope", help="The fact's context: home, work, a game.")] = "",
    present: Present = None,
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    as_json: Json = False,
) -> None:
    """Ask what is known: the value, since when, and why."""
    if conflicts == (entity is not None) or (entity is None) != (attribute is None):
        raise InvalidInput(
            "ENTITY", "give an entity and an attribute, or --conflicts", "For example: dmha ask aya city"
        )
    with opened(db) as mind:
        knowledge = mind.knowledge(user_id=user, agent_id=agent)
        if entity is None or attribute is None:
            clashes = knowledge.conflicts(present=present or ())
            return show(render.conflicts(clashes), clashes, as_json)
        given = knowledge.ask(entity, attribute, scope=scope, present=present or ())
        here = zone_of(mind, user, agent)
    return show(render.answer(f"{entity}.{attribute}", given, here), given, as_json)


@app.command()
def chat(
    speaker: Annotated[str, typer.Option("--speaker", help="Who talks.")] = "user",
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    session: Annotated[str | None, typer.Option("--session", help="Which conversation.", show_default="today")] = None,
    as_json: Json = False,
) -> None:
    """Talk with a companion; through a pipe, a line is a turn."""
    from dmha.cli.chat import Chat

    with opened(db, made=True) as mind:
        here = zone_of(mind, user, agent)
        today = f"{datetime.now(here):%Y-%m-%d}"
        Chat(mind, console(), here, user, agent, session or today, speaker, as_json).run()


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write, as lines of JSON.")],
    agent: Annotated[
        str | None, typer.Option("--agent", help="One companion.", show_default="the whole account")
    ] = None,
    db: Db = None,
    user: User = "me",
    as_json: Json = False,
) -> None:
    """Write a companion, or the whole account, to a file. Interrupted, it goes on when it is run again."""
    with opened(db) as mind, resumable(), waiting("Exporting") as progress:
        lines = mind.export(file, user_id=user, agent_id=agent, progress=progress)
    show(f"{lines} lines written to {render.shown(str(file))}.", {"file": str(file), "lines": lines}, as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file made by dmha export.")],
    agent: Annotated[str | None, typer.Option("--agent", help="The name for the file's one companion.")] = None,
    db: Db = None,
    user: User = "me",
    as_json: Json = False,
) -> None:
    """Read an exported file into the account, all or nothing. Interrupted, it goes on when it is run again."""
    with opened(db, made=True) as mind, resumable(), waiting("Importing") as progress:
        made = mind.import_(file, user_id=user, agent_id=agent, progress=progress)
    show(f"{made} memories read from {render.shown(str(file))}.", {"file": str(file), "memories": made}, as_json)


@app.command()
def analyze(
    text: Annotated[str, typer.Argument(help="What to cut.")],
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    as_json: Json = False,
) -> None:
    """Show how a text is cut and indexed: sentences, words, readings, terms."""
    with opened(nowhere(db)) as mind:
        analysis = mind.analyze(text, user_id=user, agent_id=agent)
    show(render.analysis(analysis), analysis, as_json)


@dictionary.command("add")
def add_word(
    surface: Annotated[str, typer.Argument(help="The word as it is written.")],
    reading: Annotated[str | None, typer.Argument(help="How it is read, in kana or pinyin.")] = None,
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    as_json: Json = False,
) -> None:
    """Make this one word; memories that hold it are indexed again."""
    with opened(db, made=True) as mind:
        words = mind.dictionary(user_id=user, agent_id=agent)
        words.put(surface, reading)
        version = words.version
    show(f"Version {version}.", {"surface": surface, "reading": reading, "version": version}, as_json)


@dictionary.command("remove")
def remove_word(
    surface: Annotated[str, typer.Argument(help="The word as it is written.")],
    db: Db = None,
    user: User = "me",
    agent: Agent = "default",
    as_json: Json = False,
) -> None:
    """Let the rules cut this word again."""
    with opened(db) as mind:
        words = mind.dictionary(user_id=user, agent_id=agent)
        words.remove(surface)
        version = words.version
    show(f"Version {version}.", {"surface": surface, "version": version}, as_json)


@dictionary.command("list")
def list_words(db: Db = None, user: User = "me", agent: Agent = "default", as_json: Json = False) -> None:
    """The words with their readings, in the order in which they were added."""
    with opened(db) as mind:
        words = mind.dictionary(user_id=user, agent_id=agent)
        entries, version = words.entries(), words.version
    told = [{"surface": surface, "reading": reading} for surface, reading in entries]
    show(render.entries(entries), {"version": version, "words": told}, as_json)


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Set right what can be.")] = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Look at the file, its rows, the index and the embedder. Exit status 1 where something is wrong."""
    from dmha.cli import doctor as ward

    found = ward.examine(db, fix=fix)
    show(ward.table(found), found, as_json)
    if not all(one.ok for one in found):
        raise typer.Exit(1)


@app.command()
def settings(as_json: Json = False) -> None:
    """Show the settings in force, and what gave each. Nothing secret is shown."""
    from dmha.cli import in_force

    found = in_force.told()
    show(in_force.table(found), found, as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an earlier backup.")] = False,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Copy the whole memory as it is now, proven whole; anybody may write meanwhile."""
    with opened(db) as mind, waiting("Copying") as progress:
        size = mind.backup(file, overwrite=overwrite, progress=progress)
    show(f"{size / 1e6:.1f} MB written to {render.shown(str(file))}.", {"file": str(file), "bytes": size}, as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file made by dmha backup.")],
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the memory's place; what was there is kept beside it. Refused while anybody has it open."""
    import dmha

    with waiting("Restoring") as progress:
        kept = dmha.restore(file, db, progress=progress)
    said = "Restored." if kept is None else f"Restored. What was there before is beside it: {render.shown(kept.name)}"
    show(said, {"file": str(file), "kept": None if kept is None else str(kept)}, as_json)


def _read(file: Path | None) -> list[Turn]:
    from dmha.cli.turns import read_turns

    if file is None:
        return read_turns(sys.stdin.buffer, "stdin")
    try:
        with file.open("rb") as lines:
            return read_turns(lines, file.name)
    except OSError as error:
        raise InvalidInput("--file", f"{file}: {error.strerror}", "Give a file that can be read.") from error


if __name__ == "__main__":  # benchmarks/bars.py runs it as a module
    main()
