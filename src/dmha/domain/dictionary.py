"""A dictionary of a tenant's own: words that are one word however they look, and how words are read.

Only finding them in folded text lives here; it takes at most as many steps a character as surfaces have lengths.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from dmha.checks import check_name
from dmha.domain.characters import CJK, GLUED, fold
from dmha.domain.readings import canonical, hiragana, is_kana, is_pinyin, spelt
from dmha.domain.text import words
from dmha.errors import InvalidInput, OutOfBounds

# Of one tenant: a large cast with all its places and nicknames; finding them in a text takes no longer for it.
MOST_ENTRIES = 10_000
MOST_SURFACE = 64

_READINGS = "Give kana or pinyin, such as はせがわ or chóngqìng."
_NOT_HEARD = re.compile(r"[^\w\s'’\-·・]|_")  # beside letters, tones and what parts syllables
_SPACES = re.compile(r"\s+")
_LETTER = re.compile(rf"[^\W_{CJK}{GLUED}]")  # of words that are written with spaces between them


class Dictionary:
    """The words of one version: their folded surfaces, and the reading of those that have one."""

    def __init__(self, entries: Iterable[tuple[str, str | None]] = (), version: int = 0) -> None:
        self.version = version
        self.readings = {folded_surface(surface): reading for surface, reading in entries}
        lengths: dict[str, set[int]] = defaultdict(set)
        for surface in self.readings:
            lengths[surface[:2]].add(len(surface))
        self._lengths = {begins: sorted(held, reverse=True) for begins, held in lengths.items()}
        firsts = "".join({begins[0] for begins in lengths})
        self._first = re.compile(f"[{re.escape(firsts)}]") if firsts else None

    def __bool__(self) -> bool:
        return bool(self.readings)

    def split(self, text: str) -> Iterator[tuple[str, bool]]:
        """The folded text in its pieces, and of each whether it is a word of the dictionary: the first, the longest."""
        folded = _SPACES.sub(" ", fold(text))
        end = 0
        for start, surface in self._found(folded):
            if start > end:
                yield folded[end:start], False
            yield surface, True
            end = start + len(surface)
        if end < len(folded):
            yield folded[end:], False

    def found(self, text: str) -> list[str]:
        """The words of the dictionary that stand in the text, in their order."""
        return [surface for surface, known in self.split(text) if known] if self else []

    def heard(self, text: str) -> list[str]:
        """The readings of the dictionary that stand in the text, in either kana or in pinyin, as they are compared."""
        if not self._sounds:
            return []
        return [*self._sounds.found(hiragana(fold(text))), *filter(self._sounds.readings.__contains__, spelt(text))]

    @cached_property
    def _sounds(self) -> Dictionary:
        """The readings as surfaces."""
        return Dictionary((canonical(reading), None) for reading in self.readings.values() if reading is not None)

    def _found(self, folded: str) -> Iterator[tuple[int, str]]:
        at = 0
        while self._first and (first := self._first.search(folded, at)):
            start = first.start()
            at = start + 1
            if _within_a_word(folded, start):
                continue
            for length in (*self._lengths.get(folded[start : start + 2], ()), *self._lengths.get(first[0], ())):
                surface = folded[start : start + length]
                if surface in self.readings and not _within_a_word(folded, start + len(surface)):
                    yield start, surface
                    at = start + len(surface)
                    break


def folded_surface(surface: str) -> str:
    """A surface as it is compared: folded, with single spaces."""
    return _SPACES.sub(" ", fold(surface)).strip()


def check_surface(surface: Any) -> str:
    """A word as it may stand in a dictionary, as it was written."""
    check_name("surface", surface)
    folded = folded_surface(surface)
    if len(folded) > MOST_SURFACE:
        raise OutOfBounds("surface", MOST_SURFACE, len(folded), "Give one word or name.")
    if not words(folded):
        raise InvalidInput("surface", f"{surface!r} holds no letter", "Give a word, such as 東京スカイツリー.")
    return str(surface)


def check_reading(reading: Any) -> str:
    """A reading as it may stand in a dictionary, as it was written; earlier ones were any letters."""
    check_name("reading", reading)
    if not canonical(reading):
        raise InvalidInput("reading", f"{reading!r} holds no letter", _READINGS)
    return str(reading)


def check_sounds(reading: Any) -> str:
    """A reading as it may be put into a dictionary: kana or pinyin, for by anything else nothing is found."""
    spelling = canonical(check_reading(reading))
    if not (is_kana(spelling) or is_pinyin(spelling)) or _NOT_HEARD.search(fold(reading)):
        raise InvalidInput("reading", f"{reading!r} is neither kana nor pinyin", _READINGS)
    return str(reading)


def _within_a_word(folded: str, place: int) -> bool:
    """Whether a spaced word goes on across this place: "ann" ends within "annual", and does not stand there."""
    return bool(place and _LETTER.match(folded, place) and _LETTER.match(folded, place - 1))
