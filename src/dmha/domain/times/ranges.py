"""Ranges: what since, before, from-to, から, 以来, 之前... make of the times that they stand beside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import inf

from dmha.domain.times.atoms import Atom
from dmha.domain.times.calendar import Calendar, Period, Span, Unit
from dmha.domain.times.folding import folded_pattern

_NEAR = 20  # characters before a time in which its preposition stands
_OPENING = re.compile(
    folded_pattern(
        r"(?:\b(?P<english>ever since|since|from|between|before|prior to|after|until|till|up to|up until)"
        r"(?: the)?(?: (?:end|beginning|start) of)? |(?P<han>自从|从|自))$"
    )
)
_CLOSING = re.compile(
    folded_pattern(
        "(?:(?P<before>より前|の前|以前|之前|前)|(?P<since>以来|からずっと|から|至今|到现在|起|以降)|(?P<after>之后|以后|后|の後)"
        "|(?P<until>まで|为止))(?![半期])"
    )
)
_LINK = re.compile(r" ?(?:(?P<and>and)|to|through|until|till|thru|-|~|から|到|至|和(?=.)) ?(?:the )?")
_TO = re.compile("(?:まで|为止|之间|の間)")
_BEFORE, _AFTER, _UNTIL = ("before", "prior to"), ("after",), ("until", "till", "up to", "up until")


@dataclass(frozen=True, slots=True)
class Mention:
    """A time in a text: where it stands, what it means, and whether the calendar names it (else it is relative)."""

    begin: int
    end: int
    span: Span
    exact: bool


def ranged(atoms: Iterable[Atom], text: str, calendar: Calendar) -> Iterator[Mention]:
    """The mentions of a text from its atoms: pairs joined to ranges, open sides opened."""
    waiting: Atom | None = None
    for atom in atoms:
        if waiting is None:
            waiting = atom
        elif (both := _pair(waiting, atom, text, calendar)) is not None:
            yield both
            waiting = None
        else:
            yield from _single(waiting, text, calendar)
            waiting = atom
    if waiting is not None:
        yield from _single(waiting, text, calendar)


def _found(atom: Atom, calendar: Calendar, within: Period | None = None) -> Period | Span | None:
    try:
        return atom.place(calendar, within)
    except (ValueError, OverflowError):  # 31 February, or beyond the years that the calendar has: no time
        return None


def _single(atom: Atom, text: str, calendar: Calendar) -> Iterator[Mention]:
    if not atom.free or (found := _found(atom, calendar)) is None:
        return
    span, begin, end = calendar.span(found), atom.begin, atom.end
    if closing := _CLOSING.match(text, end):
        span = _opened(span, closing.lastgroup or "", calendar)
        end = closing.end()
    if opening := _OPENING.search(text[max(0, begin - _NEAR) : begin]):
        word = opening["english"] or "since"
        kind = "before" if word in _BEFORE else "after" if word in _AFTER else "until" if word in _UNTIL else "since"
        if closing is None and word != "between":
            span = _opened(span, kind, calendar)
        begin -= len(opening[0])
    yield Mention(begin, end, span, atom.exact)


def _opened(span: Span, kind: str, calendar: Calendar) -> Span:
    """since: until now, or without an end if it begins later; before, after, until: one side open."""
    if kind == "since":
        return Span(span.start, calendar.moment if span.start < calendar.moment else inf)
    if kind == "after":
        return Span(span.end, inf)
    return Span(-inf, span.start if kind == "before" else span.end)


def _pair(left: Atom, right: Atom, text: str, calendar: Calendar) -> Mention | None:
    """from X to Y, X〜Y, XからYまで as one mention, if it is one; the vaguer takes its year from the other."""
    link = _LINK.fullmatch(text, left.end, right.begin) if right.begin - left.end <= _NEAR else None
    if link is None:
        return None
    opening = _OPENING.search(text[max(0, left.begin - _NEAR) : left.begin])
    if link["and"] and not (opening and opening["english"] == "between"):
        return None
    first, last = _found(left, calendar), _found(right, calendar)
    if not isinstance(first, Period) or not isinstance(last, Period):
        return None
    if right.fits and (not left.fits or not right.free):
        last = _beside(right, first, calendar, 1) or last
    elif first.start >= last.end and left.fits:
        first = _beside(left, last, calendar, -1) or first
    span = Span(calendar.span(first).start, calendar.span(last).end)
    if span.start >= span.end:
        return None
    closing = _TO.match(text, right.end)
    begin = left.begin - len(opening[0]) if opening else left.begin
    return Mention(begin, closing.end() if closing else right.end, span, left.exact and right.exact)


def _beside(atom: Atom, other: Period, calendar: Calendar, side: int) -> Period | None:
    """The atom in the year, month or week of the other period, or in the next one on the given side of it."""
    unit: Unit = next(iter(sorted(atom.fits - {"part", "season", "decade"})))
    cycle = calendar.holding(unit, other.start.date())
    for _ in range(2):
        found = _found(atom, calendar, cycle)
        if isinstance(found, Period) and (found.end > other.start if side > 0 else found.start < other.end):
            return found
        day = cycle.end + timedelta(days=1) if side > 0 else cycle.start - timedelta(days=1)
        cycle = calendar.holding(unit, day.date())
    return None
