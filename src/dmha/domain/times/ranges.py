"""Ranges: what since, before, from-to, から, 以来, 之前... make of the times that they stand beside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from dmha.domain.times.atoms import Atom
from dmha.domain.times.calendar import Calendar, Period, Span, Unit, shifted
from dmha.domain.times.folding import folded_pattern

_NEAR = 20  # characters before a time in which its preposition stands
_OPENING = re.compile(
    folded_pattern(
        r"(?:\b(?P<about>day|week|month|year) (?P<side>before|after|of)(?: the)? "
        r"|\b(?P<english>ever since|since|from|between|before|prior to|after|until|till|up to|up until)"
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
    floor = 0  # where the mention before ended: no other begins before it
    for atom in atoms:
        mention = None
        if waiting is not None and (mention := _pair(waiting, atom, text, calendar, floor)) is None:
            mention = _single(waiting, text, calendar, floor, atom.begin)
            waiting = atom
        else:
            waiting = atom if mention is None else None
        if mention is not None:
            floor = mention.end
            yield mention
    if waiting is not None and (mention := _single(waiting, text, calendar, floor, len(text))) is not None:
        yield mention


def _found(atom: Atom, calendar: Calendar, within: Period | None = None) -> Period | Span | None:
    try:
        return atom.place(calendar, within)
    except (ValueError, OverflowError):  # 31 February, or beyond the years that the calendar has: no time
        return None


def _single(atom: Atom, text: str, calendar: Calendar, floor: int, ceiling: int) -> Mention | None:
    if not atom.free or (found := _found(atom, calendar)) is None:
        return None
    span, begin, end = calendar.span(found), atom.begin, atom.end
    if closing := _CLOSING.match(text, end, ceiling):
        span = _opened(span, closing.lastgroup or "", calendar)
        end = closing.end()
    opening = _OPENING.search(text, max(floor, begin - _NEAR), begin)
    if opening and opening["about"]:
        try:
            span = calendar.span(_about(found, opening["about"], opening["side"], calendar))
        except (ValueError, OverflowError):  # at the ends of the calendar
            return None
        begin -= len(opening[0])
    elif opening:
        word = opening["english"] or "since"
        kind = "before" if word in _BEFORE else "after" if word in _AFTER else "until" if word in _UNTIL else "since"
        if closing is None and word != "between":
            span = _opened(span, kind, calendar)
        begin -= len(opening[0])
    return Mention(begin, end, span, atom.exact)


_UNITS: dict[str, Unit] = {"day": "day", "week": "week", "month": "month", "year": "year"}


def _about(found: Period | Span, unit: str, side: str, calendar: Calendar) -> Period | Span:
    """The week before 9 June, the day after Christmas, the week of 5 May."""
    if isinstance(found, Span):
        return found
    if side == "of":
        return calendar.holding(_UNITS[unit], found.start.date())
    if side == "before":
        first = shifted(found.start.date(), _UNITS[unit], -1)
        return Period(datetime.combine(first, found.start.time()), found.start)
    last = shifted(found.end.date(), _UNITS[unit], 1)
    return Period(found.end, datetime.combine(last, found.end.time()))


def _opened(span: Span, kind: str, calendar: Calendar) -> Span:
    """since: until now, or without an end if it begins later; before, after, until: one side open."""
    if kind == "since":
        return Span(span.start, calendar.moment if span.start < calendar.moment else inf)
    if kind == "after":
        return Span(span.end, inf)
    return Span(-inf, span.start if kind == "before" else span.end)


def _pair(left: Atom, right: Atom, text: str, calendar: Calendar, floor: int) -> Mention | None:
    """from X to Y, X〜Y, XからYまで as one mention, if it is one; the vaguer takes its year from the other."""
    link = _LINK.fullmatch(text, left.end, right.begin) if right.begin - left.end <= _NEAR else None
    if link is None:
        return None
    opening = _OPENING.search(text, max(floor, left.begin - _NEAR), left.begin)
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
    begin = left.begin - len(opening[0]) if opening and not opening["about"] else left.begin
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
