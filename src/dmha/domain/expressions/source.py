"""A ranking's text, and mistakes that point into it: only what turns a place into words and a caret."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from dmha.errors import InvalidInput, OutOfBounds

FIELD = "ranking"
MAX_LENGTH = 2_048
REACH = 60  # characters shown on either side of a mistake: with the indent, a line stays within a wide terminal


class Span(NamedTuple):
    """Where something stands in the text: from `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one ranking."""

    text: str

    def mistake(self, at: Span, reason: str, fix: str) -> InvalidInput:
        """The error for what is wrong at a place; the fix ends with the line and a caret under the place."""
        return InvalidInput(FIELD, f"{self.place(at)}, {reason}", f"{fix}\n{self.excerpt(at)}")

    def excess(self, at: Span, limit: int, fix: str) -> OutOfBounds:
        """The error for a text that goes over a limit at a place."""
        return OutOfBounds(FIELD, limit, limit + 1, f"{fix} It goes over at {self.place(at)}:\n{self.excerpt(at)}")

    def place(self, at: Span) -> str:
        """Line and column, both counted from 1."""
        line = self.text.count("\n", 0, at.start) + 1
        return f"line {line}, column {at.start - self._line_start(at) + 1}"

    def excerpt(self, at: Span) -> str:
        """The line around a place, carets under it; what would not show, or would upset the line, is shown as �."""
        line_end = self.text.find("\n", at.start)
        line_end = len(self.text) if line_end < 0 else line_end
        left, right = max(self._line_start(at), at.start - REACH), min(line_end, at.start + REACH)
        before, spot = _visible(self.text[left : at.start]), _visible(self.text[at.start : min(at.end, right)])
        after = _visible(self.text[at.start + len(spot) : right])
        return f"    {before}{spot}{after}\n    {' ' * _columns(before)}{'^' * max(1, _columns(spot))}"

    def _line_start(self, at: Span) -> int:
        return self.text.rfind("\n", 0, at.start) + 1


def ranking_text(given: object) -> str:
    """What was given as a ranking, if it is text of an allowed length."""
    if not isinstance(given, str):
        raise InvalidInput(FIELD, f"it is {type(given).__name__}, not text", "Give an expression or a preset's name")
    if len(given) > MAX_LENGTH:
        raise OutOfBounds(FIELD, MAX_LENGTH, len(given), "Write it in fewer characters.")
    return given


def quoted(text: str) -> str:
    """A piece of the text, fit to stand in a message: shortened, and safe to print."""
    return f"'{_visible(text if len(text) <= REACH else text[:REACH] + '…')}'"


def _visible(text: str) -> str:
    return "".join(" " if mark == "\t" else mark if mark.isprintable() else "�" for mark in text)


def _columns(text: str) -> int:
    """How many terminal columns a text takes: wide characters take two, combining marks none."""
    return sum(0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF") for mark in text)
