"""Dates and spans of time as they are told in a text, in English, Japanese and Chinese, mixed freely.

The way of a text: `folding` (one character to one) -> `english` and `han` (words to atoms) -> `atoms` (neighbours
joined: 去年の + 5月) -> `ranges` (since, から, from-to) -> epoch seconds by the `calendar` of whoever speaks.
Seasons are those of the northern hemisphere, weeks begin on Monday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import chain

from dmha.domain.times import english, han
from dmha.domain.times.asking import asks_when
from dmha.domain.times.atoms import Atom, joined, told_twice
from dmha.domain.times.calendar import Calendar, Span
from dmha.domain.times.folding import folded, folded_pattern
from dmha.domain.times.ranges import Mention, ranged

__all__ = ["Mention", "Span", "asks_when", "mentions", "tells_time"]

_FUTURE = re.compile(
    folded_pattern(
        r"\b(?:will|won't|shall|going to|gonna|upcoming|tomorrow|next|plans? to|planning|soon)\b|'ll\b"
        r"|\b(?:are|am) (?:we|you|i|they) (?:doing|meeting|having|leaving|coming|flying)\b"
        r"|予定|つもり|来[周月年]|今度の|明日|あした|打算|计划|即将|将要|准备|下[个周]|明[年天]"
    ),
    re.ASCII,
)
_PAST = re.compile(
    folded_pattern(
        r"\b(?:did|was|were|had|ago|last|yesterday|previous)\b|ました|だった|[っいえしきみりん][ただ][?？。かの]|了|去年|昨|上[个周]|先[周月]"
    ),
    re.ASCII,
)
_WIDEST_GLUE = 12
_APPOSITION = re.compile(r",? ?(?:the )?| ?\(")


def mentions(text: str, *, now: datetime, day_begins: int = 4) -> list[Mention]:
    """The times in a text as whoever speaks at `now`, in that zone, means them; in order, none over another.

    A month, day or weekday without a year is the latest past one, unless the text plainly speaks of what is to come.
    """
    read = folded(text)
    found = list(_composed(read, text))
    future = bool(found and _FUTURE.search(read) and not _PAST.search(read))
    return list(ranged(found, read, Calendar(now, day_begins, future=future)))


def tells_time(text: str) -> bool:
    """Whether the text tells a time, dated or relative."""
    read = folded(text)
    bound = 0
    for atom in chain(english.read(read, text), han.read(read)):
        if atom.free:
            return True
        bound += 1
    return bound > 1 and any(atom.free for atom in _composed(read, text))  # 晚上八点: neither alone


def _composed(read: str, text: str) -> Iterator[Atom]:
    """The atoms with neighbours joined: a left fold, so linear in the text."""
    current: Atom | None = None
    for atom in _atoms(read, text):
        if current is not None and (whole := _joined(current, atom, read)):
            current = whole
            continue
        if current is not None:
            yield current
        current = atom
    if current is not None:
        yield current


def _joined(left: Atom, right: Atom, read: str) -> Atom | None:
    begin, end = left.end, right.begin
    if end - begin > _WIDEST_GLUE:
        return None
    if english.GLUE.fullmatch(read, begin, end) or han.GLUE.fullmatch(read, begin, end):
        return joined(left, right) or told_twice(left, right)
    return told_twice(left, right) if _APPOSITION.fullmatch(read, begin, end) else None


def _atoms(read: str, text: str) -> Iterator[Atom]:
    end = 0
    for atom in merge(english.read(read, text), han.read(read), key=lambda atom: atom.begin):
        if atom.begin >= end:
            end = atom.end
            yield atom
