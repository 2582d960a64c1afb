"""How things look in a terminal: words, replies, contradictions, feelings, answers. Hits have a file of their own.

Everything here makes rich renderables, or plain values for JSON, out of values; nothing here prints. Whatever was said
by somebody goes through `shown`, so that no memory can move the cursor or turn the line round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dmha.cli.hits import TONES
from dmha.cli.lines import shown as shown
from dmha.cli.lines import wrapped
from dmha.errors import InvalidInput
from dmha.types import Affect, Analysis, Answer, Conflict, Fact, Feelings, Repair, Reply, Word

# Middle tones: they stand on a light ground as on a dark one.
_FEELINGS = {"joy": "#d9a62e", "aversion": "#5b87d6", "trauma": "#c0567a"}
_SOURCES = {"rule": "dim", "sudachi": TONES[0], "jieba": TONES[0], "dictionary": TONES[2]}
WELL, WEAK, WRONG = "#7fa650", "#d0963c", "#d05050"

_FELT = 0.05  # less of a feeling is not drawn in a bar of four cells
_STATUS = {"true": WELL, "false": WEAK, "unknown": "dim", "conflicted": WRONG}


def plain(value: Any) -> Any:
    """A value of `dmha.types` as JSON has it: objects, lists, text, numbers; times in ISO 8601."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


# --- words -----------------------------------------------------------------------------------------------------------


def analysis(given: Analysis) -> RenderableType:
    """Each sentence, and below it its words: how they are read, who said that they are words, what finds them."""
    words = [word for sentence in given.sentences for word in sentence.words]
    counts = ((len(given.sentences), "sentence"), (len(words), "word"), (len(given.terms), "term"))
    rows: list[RenderableType] = [Text("  ".join((given.language, *(_some(*each) for each in counts))), "dim")]
    longest = [max(map(cell_len, map(shown, cells))) for cells in zip(*map(_word, words), strict=True)] or [0, 0, 0]
    for sentence in given.sentences:
        table = Table.grid(padding=(0, 2))
        for width, name in zip(longest, ("surface", "reading", "source"), strict=True):
            table.add_column(name, min_width=width, overflow="fold")
        table.add_column("terms", overflow="fold")
        for word in sentence.words:
            surface, reading, source = map(shown, _word(word))
            said = Text(reading, TONES[1])
            table.add_row(Text(surface), said, Text(source, _SOURCES[word.source]), _listed(word.terms))
        rows += [Text(), Text(shown(sentence.text), "bold"), Padding(table, (0, 0, 0, 2), expand=False)]
    held = Counter(term for word in words for term in word.terms)
    if across := list((Counter(given.terms) - held).elements()):
        rows += [Text(), Text.assemble(("across words  ", "dim"), _listed(across))]
    return Group(*rows)


def entries(known: Sequence[tuple[str, str | None]]) -> RenderableType:
    """The words of a dictionary with their readings."""
    if not known:
        return Text("The dictionary is empty.")
    table = Table.grid(padding=(0, 2))
    for surface, reading in known:
        table.add_row(Text(shown(surface), "bold"), Text(shown(reading or "")))
    return table


def _word(word: Word) -> tuple[str, str, str]:
    return word.surface, word.reading or "", word.source


def _listed(terms: Iterable[str]) -> Text:
    """Terms beside one another; a reading that is indexed begins with ~."""
    return Text("  ").join(Text(shown(term), TONES[1] if term.startswith("~") else "") for term in terms)


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- feelings, replies, contradictions -------------------------------------------------------------------------------


def mood(felt: Affect, cells: int = 8) -> Text:
    """Joy, aversion and trauma as three small bars."""
    bars = zip(_FEELINGS, levels(felt, cells), strict=True)
    return Text("  ").join(Text.assemble((f"{name} ", "dim"), bar) for name, bar in bars)


def levels(felt: Affect, cells: int) -> list[Text]:
    """Joy, aversion and trauma as bare bars."""
    return [_level(getattr(felt, name), colour, cells) for name, colour in _FEELINGS.items()]


def feelings(felt: Feelings) -> RenderableType:
    """The mood, and what is felt about each speaker."""
    table = Table.grid(padding=(0, 2))
    table.add_row(Text("mood", "bold"), mood(felt.mood))
    for name, about in sorted(felt.about.items()):
        table.add_row(Text(f"about {shown(name)}"), mood(about))
    return table


def reply(given: Reply) -> RenderableType:
    """What the companion said, beside a bar of its own."""
    return _Beside(tuple(given.text.splitlines()))


@dataclass(frozen=True)
class _Beside:
    """Words beside a bar, broken where their script lets a line end."""

    said: tuple[str, ...]

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self.said:
            for part in wrapped(shown(line).expandtabs(4), options.max_width - 2):
                yield Text.assemble(("▌ ", WELL), part, no_wrap=True)


def state(given: Reply) -> Text:
    """One line on how the reply stands: mood, consistency, confidence, what came back, how long it took."""
    line = Text(" ").join(
        Text.assemble((f"{name} ", "dim"), _level(getattr(given.mood, name), colour, cells=4))
        for name, colour in _FEELINGS.items()
        if getattr(given.mood, name) >= _FELT
    ) or Text("calm", "dim")
    before = f"{given.repairs[0].before:.2f} → " if given.repairs else ""
    took = sum(step.ms for step in given.trace.values())
    line.append(f"  consistency {before}{given.consistency:.2f}  confidence {given.confidence:.2f}", "dim")
    return line.append(f"  {len(given.recalled)} recalled  {took:.0f} ms", "dim")


def repairs(mended: Iterable[Repair]) -> RenderableType:
    """What contradicted what, which side stands, and by which rule."""
    table = Table.grid(padding=(0, 2))
    for repair in mended:
        table.add_row(
            Text("mended", WELL),
            Text.assemble(
                (shown(repair.conflict.left), "strike"), " → ", (shown(repair.conflict.right), "bold"),
                (f"  {shown(repair.conflict.rule)}", "dim"), overflow="fold",
            ),
        )  # fmt: skip
    return table


def not_understood(problems: Iterable[InvalidInput]) -> RenderableType:
    """What opens like a statement and is none, and how to write it."""
    return Group(*(Text.assemble(("not understood  ", WEAK), shown(str(problem))) for problem in problems))


def conflicts(found: Sequence[Conflict]) -> RenderableType:
    """Contradictions with their ways out."""
    if not found:
        return Text("Nothing contradicts anything.")
    rows: list[RenderableType] = []
    for conflict in found:
        weight = f"severity {conflict.severity:.1f}, confidence {conflict.confidence:.1f}"
        head = Text.assemble((shown(conflict.right), "bold"), " against ", (shown(conflict.left), "strike"))
        head.append(f"  {shown(conflict.rule)}; {weight}", "dim")
        rows += [head, *(Text(f"  or: {shown(way)}") for way in conflict.ways_out), Text()]
    return Group(*rows[:-1])


# --- knowledge -------------------------------------------------------------------------------------------------------


def answer(asked: str, given: Answer, zone: tzinfo) -> RenderableType:
    """The value and how it stands, then the derivation as it was told, then the turns it rests on."""
    head = Text.assemble((shown(asked), "bold"), " ", (given.status, _STATUS[given.status]))
    if given.value is not None:
        head.append("  ").append(shown(given.value), "bold")
    if given.since is not None:
        head.append(f"  since {given.since.astimezone(zone):%Y-%m-%d}, confidence {given.confidence:.2f}", "dim")
    rows = [head, *(Text(f"  {shown(line)}") for line in given.why)]
    if given.sources:
        rows.append(Text(f"  turns: {shown(', '.join(given.sources))}", "dim"))
    return Group(*rows)


def facts(known: Sequence[Fact], zone: tzinfo) -> RenderableType:
    """All that holds, told or concluded."""
    if not known:
        return Text("Nothing is known yet: tell it a fact, such as fact: aya.city = Osaka")
    table = Table.grid(padding=(0, 2))
    for name in ("slot", "value", "how"):
        table.add_column(name, overflow="fold")
    for fact in known:
        slot = f"{fact.entity}.{fact.attribute}" + (f" ({fact.scope})" if fact.scope else "")
        since = "" if fact.valid_from is None else f"since {fact.valid_from.astimezone(zone):%Y-%m-%d}"
        said = f"{'is not' if fact.negated else '='} {fact.value}"
        how = f"{since}  {'told' if fact.rule is None else 'concluded'}, confidence {fact.confidence:.2f}"
        table.add_row(Text(shown(slot), "bold"), Text(shown(said)), Text(how, "dim"))
    return table


def _level(value: float, colour: str, cells: int) -> Text:
    """A value of 0..1 as a line on a dim ground, to half a cell."""
    whole, half = divmod(round(min(max(value, 0.0), 1.0) * cells * 2), 2)
    filled = "━" * whole + "╸" * half
    return Text.assemble((filled, colour), ("─" * (cells - len(filled)), "bright_black"))
