"""English as dictionaries write it, made into words for a sentence: glosses made plain, and words woven into texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

Word = tuple[str, ...]
"""The ways to say one word in English, likeliest first. One way alone is a text left as it was, its spaces included."""

_LABELS = re.compile(r"^(?:\s*\([^()]*\))+|^counter for ")  # what the entry says about itself: "(bound form) grain"
_NESTED = re.compile(r"\s*\([^()]*\([^()]*\)[^()]*\)")
_ASIDE = re.compile(r"(\s*)\(([^()]*)\)")
_SHORT = re.compile(
    r"[a-z]+"
)  # "to move (house)" says more with it, "to send (a thing)" and "tea (Camellia sinensis)" do not
_LEADING = re.compile(r"^(?:to be |to |an? |the )(?=\w)", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_MOST_WORDS = 5  # longer ones explain the word and do not say it


def plain(gloss: str) -> str:
    """A gloss as a word of a sentence: "to move (house)" -> "move house"; empty where it only explains itself."""
    said = _ASIDE.sub(_kept, _NESTED.sub("", _LABELS.sub("", gloss)))
    said = said.partition(",")[0]  # "Shanghai municipality, central east China": the word stands first
    return _SPACES.sub(" ", _LEADING.sub("", said.strip())).strip(" .;:")


def _kept(aside: re.Match[str]) -> str:
    return f" {aside[2]}" if aside[1] and _SHORT.fullmatch(aside[2]) else ""


def ways(senses: Iterable[Sequence[str]], most: int) -> Word:
    """The plain glosses of senses, each once and in their order."""
    told = [said for gloss in chain.from_iterable(senses) if (said := plain(gloss))]
    short = [way for way in told if way.count(" ") < _MOST_WORDS]
    return tuple(dict.fromkeys(short or told))[:most]


def weave(words: Sequence[Word]) -> list[str]:
    """The texts that these words make, each once: as many as the word with the most ways has."""
    turns = range(max(map(len, words), default=1))
    texts = (" ".join(word[turn % len(word)] for word in words) for turn in turns)
    return list(dict.fromkeys(_SPACES.sub(" ", text).strip() for text in texts))
