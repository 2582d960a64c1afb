"""How hits look in a terminal: what was said, then when and by whom, then what found it.

Only hits are drawn here. A row fits the width that it is given: of the terms that gave something the largest stand,
and of a long text the beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.text import Text

from dmha.cli.lines import clipped, flat, wrapped
from dmha.types import Hit

# Middle tones: they stand on a light ground as on a dark one. A term keeps its colour in every row.
TONES = ("#4f9fd0", "#7fa650", "#d0963c", "#b07cb8", "#5fb3a3", "#c96f6f", "#8a9bb0", "#a58d68")
NEGATIVE = "#d05050"

_BAR = 8
_LONGEST_NAME, _LONGEST_TERM = 16, 28
_LEAST = 0.005  # what a term gave at least, to be told: less is 0 in two places
_WEIGHT = re.compile(r"^(- ?)?([\d.]+ \* )?|\(\)$")


@dataclass(frozen=True)
class Hits:
    """Hits one below the other, best first: two lines of text each and two of numbers, or in `brief` one of each."""

    found: Sequence[Hit]
    zone: tzinfo
    brief: bool = False

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        if not self.found:
            yield Text("Nothing that fits is remembered.")
        width = options.max_width
        for place, hit in enumerate(self.found):
            if place and not self.brief:
                yield Text()
            before, most = ("  ", 1) if self.brief else ("", 2)
            for line in wrapped(flat(hit.memory.text), width - len(before), most):
                yield _line(before + line)
            yield from self._below(hit, width)

    def _below(self, hit: Hit, width: int) -> Iterator[Text]:
        """When, who, how sure, and what each term gave: in brief on one line, of which the two largest have room."""
        if self.brief:
            told = Text.assemble("    ", self._told(hit), "  ")
            yield _line(told.append(self._given(hit, width - told.cell_len, most=2)))
        else:
            yield _line(Text.assemble("  ", self._told(hit)))
            yield _line(Text.assemble(f"  {_short(hit.score):>4}  ", self._given(hit, width - 8, most=4)))

    def _told(self, hit: Hit) -> Text:
        """When it was said and by whom, how sure the hit is, and what else there is to say of it, in columns."""
        at = hit.memory.at.astimezone(self.zone)
        names, sure, marks = self._columns
        return Text.assemble(
            (f"{at:%Y-%m-%d}" if self.brief else f"{at:%Y-%m-%d %H:%M}", "dim"), "  ",
            set_cell_size(_name(hit), names), (f"  {hit.confidence:>{sure}.0%}", "dim"),
            (set_cell_size(_marks(hit), marks), "dim"),
        )  # fmt: skip

    @cached_property
    def _columns(self) -> tuple[int, ...]:
        """The cells of the longest name, of the greatest confidence, and of the most marks."""
        cells = ((_name(hit), f"{hit.confidence:.0%}", _marks(hit)) for hit in self.found)
        return tuple(max(map(cell_len, column)) for column in zip(*cells, strict=True))

    @cached_property
    def _full(self) -> float:
        """The sum that fills a bar: that of the hit to which the terms gave most."""
        return max(sum(value for value in hit.reasons.values() if value > 0) for hit in self.found) or 1.0

    def _given(self, hit: Hit, width: int, most: int) -> Text:
        """The terms as one bar, and the largest of them by name, as many as there is room for; the rest is a number."""
        terms = [(value, term, TONES[place % len(TONES)]) for place, (term, value) in enumerate(hit.reasons.items())]
        told = sorted((each for each in terms if abs(each[0]) >= _LEAST), key=lambda each: -abs(each[0]))[:most]
        line, left = self._bar(hit, told), sum(hit.reasons.values())
        for value, term, tone in told:
            named = Text.assemble("  ", (_called(term), "dim"), " ", (_short(value), NEGATIVE if value < 0 else tone))
            if line.cell_len + named.cell_len > width:
                break
            line.append(named)
            left -= value
        rest = f"  rest {_short(left)}"
        return line.append(rest, "dim") if abs(left) >= _LEAST and line.cell_len + len(rest) <= width else line

    def _bar(self, hit: Hit, told: Sequence[tuple[float, str, str]]) -> Text:
        """What adds to the score: the named terms each in its tone, then the others, then what it lacks to the best."""
        gave = sum(value for value in hit.reasons.values() if value > 0)
        parts = [(value, tone) for value, _, tone in told if value > 0]
        parts.append((gave - sum(value for value, _ in parts), "dim"))
        bar, reached = Text(), 0.0
        for value, tone in parts:
            reached += value
            bar.append("━" * (round(_BAR * reached / self._full) - len(bar)), tone)
        return bar.append("─" * (_BAR - len(bar)), "bright_black")


def _line(said: str | Text) -> Text:
    line = Text(said) if isinstance(said, str) else said
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _name(hit: Hit) -> str:
    return clipped(flat(hit.memory.speaker), _LONGEST_NAME)


def _called(term: str) -> str:
    """A term by its name alone: its weight is in what it gave."""
    return clipped(_WEIGHT.sub("", flat(term)), _LONGEST_TERM)


def _marks(hit: Hit) -> str:
    memory = hit.memory
    marks = (
        (memory.kind, memory.kind != "episode"), ("private", memory.private), (hit.why, hit.why != "match"),
        (f"+{len(hit.also)} alike", bool(hit.also)),
    )  # fmt: skip
    return "".join(f"  {mark}" for mark, worth_saying in marks if worth_saying)


def _short(value: float) -> str:
    """A number of a score in few places: .84, 1.12, -.06."""
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"
