"""How things look in a terminal: hits and their reasons, replies, contradictions, feelings, answers.

Everything here makes rich renderables, or plain values for JSON, out of values; nothing here prints. Whatever was said
by somebody goes through `shown`, so that no memory can move the cursor or turn the line round.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dmha.errors import InvalidInput
from dmha.types import Affect, Analysis, Answer, Conflict, Fact, Feelings, Hit, Repair, Reply, Word

# Middle tones: they stand on a light ground as on a dark one. The first four are the default ranking's terms.
_TERMS = ("#4f9fd0", "#7fa650", "#d0963c", "#b07cb8", "#5fb3a3", "#c96f6f")
_FEELINGS = {"joy": "#d9a62e", "aversion": "#5b87d6", "trauma": "#c0567a"}
_SOURCES = {"rule": "dim", "sudachi": _TERMS[0], "jieba": _TERMS[0], "dictionary": _TERMS[2]}
WELL, WEAK, WRONG = "#7fa650", "#d0963c", "#d05050"

_FELT = 0.05  # less of a feeling is not drawn in a bar of four cells
_STATUS = {"true": WELL, "false": WEAK, "unknown": "dim", "conflicted": WRONG}

# C0 and C1 controls but for tab and newline; marks that reorder a line; lone surrogates. They are shown, not obeyed.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str) -> str:
    """The text with signs that would steer the terminal replaced by one that can be seen."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


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


# --- hits ------------------------------------------------------------------------------------------------------------


def hits(found: Sequence[Hit], zone: tzinfo) -> RenderableType:
    """Hits with their words in full: a line of numbers each, the words below it."""
    rows: list[RenderableType] = [legend(found[0]), Text()] if found else [Text("Nothing that fits is remembered.")]
    for hit, score in zip(found, _scores(found, cells=16), strict=True):
        memory = hit.memory
        line = Text.assemble(
            score, f"   {memory.at.astimezone(zone):%Y-%m-%d %H:%M}  ",
            (shown(memory.speaker), "bold"), (f"  {hit.confidence:.0%}{_marks(hit)}", "dim"),
        )  # fmt: skip
        rows += [line, Padding(Text(shown(memory.text)), (0, 0, 0, 2), expand=False), Text()]
    return Group(*(rows[:-1] if found else rows))


def hit_lines(found: Sequence[Hit], zone: tzinfo) -> Table:
    """Hits as a line each, the words clipped."""
    table = Table.grid(padding=(0, 2), expand=True)
    for column in ("score", "date", "speaker"):
        table.add_column(column, no_wrap=True)
    table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    for hit, score in zip(found, _scores(found, cells=10), strict=True):
        memory = hit.memory
        table.add_row(
            score,
            f"{memory.at.astimezone(zone):%Y-%m-%d}",
            Text(shown(memory.speaker)),
            Text(" ".join(shown(memory.text).split())),
        )
    return table


def legend(hit: Hit) -> Text:
    """The terms of a ranking in the order and the colours of their numbers."""
    return Text("   ").join(
        Text.assemble(("■ ", colour), (term, "dim")) for term, colour in zip(hit.reasons, _colours(hit), strict=True)
    )


def _scores(found: Sequence[Hit], cells: int) -> list[Text]:
    """Each hit's score, the bar of its terms, and their numbers below one another in the legend's order."""
    full = max((sum(max(value, 0.0) for value in hit.reasons.values()) for hit in found), default=0.0) or 1.0
    written = [[_short(value) for value in hit.reasons.values()] for hit in found]
    widths = [max(map(len, numbers)) for numbers in zip(*written, strict=True)]
    scores = []
    for hit, numbers in zip(found, written, strict=True):
        line = Text.assemble((f"{_short(hit.score):>4}", "bold"), "  ", _stacked(hit, full, cells), " ")
        for number, width, colour in zip(numbers, widths, _colours(hit), strict=True):
            line.append(f" {number:>{width}}", WRONG if number.startswith("-") else colour)
        scores.append(line)
    return scores


def _stacked(hit: Hit, full: float, cells: int) -> Text:
    """The terms that add to the score as one bar, each in its colour; `full` is the sum that fills it."""
    bar, reached, drawn = Text(), 0.0, 0
    for value, colour in zip(hit.reasons.values(), _colours(hit), strict=True):
        reached += max(value, 0.0)
        ends = min(cells, round(cells * reached / full))
        bar.append("━" * (ends - drawn), colour)
        drawn = ends
    return bar.append(" " * (cells - drawn))


def _colours(hit: Hit) -> list[str]:
    return [_TERMS[place % len(_TERMS)] for place in range(len(hit.reasons))]


def _marks(hit: Hit) -> str:
    memory = hit.memory
    marks = (
        (memory.kind, memory.kind != "episode"), ("private", memory.private), (hit.why, hit.why != "match"),
        (f"+{len(hit.also)} alike", bool(hit.also)),
    )  # fmt: skip
    return "".join(f"  {mark}" for mark, worth_saying in marks if worth_saying)


def _short(value: float) -> str:
    """A number of a score in few places: .84, 1.12, -.06, and a dot for nothing."""
    written = f"{value:.2f}"
    return "·" if float(written) == 0 else written.replace("0.", ".", 1) if abs(float(written)) < 1 else written


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
            said = Text(reading, _TERMS[1])
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
    return Text("  ").join(Text(shown(term), _TERMS[1] if term.startswith("~") else "") for term in terms)


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
    table = Table.grid(padding=(0, 1))
    table.add_column("bar")
    table.add_column("words", overflow="fold")  # a long line of Japanese is one word to rich: fold it, cut nothing
    for line in given.text.splitlines():
        table.add_row(Text("▌", WELL), Text(shown(line)))
    return table


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
    return Group(
        *(
            Text.assemble(
                ("mended  ", WELL), (shown(repair.conflict.left), "strike"), " → ",
                (shown(repair.conflict.right), "bold"), (f"  {shown(repair.conflict.rule)}", "dim"),
            )
            for repair in mended
        )
    )  # fmt: skip


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


def facts(known: Iterable[Fact], zone: tzinfo) -> Table:
    """All that holds, told or concluded."""
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
