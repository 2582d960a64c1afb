"""Queries: what was asked, the weights that `word^3` gives its terms, and the words to match as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dmha.domain.characters import CJK, HAN, HIRAGANA, KATAKANA, language
from dmha.domain.text import terms, words
from dmha.domain.words import HAN_FUNCTION, HIRAGANA_FUNCTION, STOPWORDS, VAGUE
from dmha.errors import InvalidInput

_CJK_RUN = re.compile(f"[{CJK}]")

# What a bigram across or outside words is worth in a query (のこ, え覚, てる): 猫のこと覚えてる？ asks for 猫.
# First place among 600 questions each: JSQuAD .895 at 1, .897 here, .877 at 0; DRCD .925, .927, .922; CMRC .960, .970,
# .968.
_JOINT = 0.3
_WEIGHT = re.compile(
    rf"[\^＾]([+-]?[0-9０-９]+(?:\.[0-9０-９]+)?(?:[eE][+-]?[0-9]+)?)(?=[?!.,]*(?:\s|\Z)|[？！。、，{CJK}])"
)
_GREATEST_WEIGHT = 100.0
_PIECE = re.compile(f"(?P<han>[{HAN}]+)|(?P<hiragana>[{HIRAGANA}ー]+)|[{KATAKANA}]+")
_HIRAGANA_NOISE = re.compile("(?:" + "|".join(sorted(HIRAGANA_FUNCTION, key=len, reverse=True)) + ")++")
_HAN_CUT = re.compile("|".join(sorted(HAN_FUNCTION, key=len, reverse=True)))


@dataclass(frozen=True, slots=True)
class Query:
    """A query as asked: its text without weights, the weight of each index term, and the words to match exactly.

    `sounds` are the terms that only sound like its words: they stand for them, and are not asked for besides.
    """

    text: str
    weights: Mapping[str, float]
    words: tuple[tuple[str, float], ...]
    sounds: frozenset[str] = frozenset()


def parse_query(text: str) -> Query:
    """Read `Neurosama^3 how to make`: `^weight` after a word, 0 < weight <= 100; any other `^` is ordinary text."""
    weights: dict[str, float] = {}
    exact: dict[str, float] = {}
    plain: list[str] = []
    for piece, weight in _weighted(text):
        plain.append(piece)
        matched = list(_to_match(piece))
        for word in matched:
            exact[word] = max(weight, exact.get(word, 0.0))
        inside = {term for word in matched for term in terms(word)}
        for term in terms(piece):
            worth = weight if term in inside or not _CJK_RUN.match(term) else _JOINT * weight
            weights[term] = max(worth, weights.get(term, 0.0))
    return Query("".join(plain), weights, tuple(exact.items()))


def asks_about(text: str) -> int:
    """How many words of a query say what it is about: not those that ask of whatever there was (what happened)."""
    return sum(not VAGUE.issuperset(terms(word)) for word, _ in parse_query(text).words)


def _weighted(text: str) -> Iterator[tuple[str, float]]:
    start = 0
    for mark in _WEIGHT.finditer(text):
        if mark.start() == start or text[mark.start() - 1].isspace():
            continue  # a bare ^2 weighs nothing
        before = text[start : mark.start()]
        word = before.split()[-1]
        yield before.removesuffix(word), 1.0
        yield word, _weight(word, mark[1])
        start = mark.end()
    yield text[start:], 1.0


def _weight(word: str, written: str) -> float:
    weight = float(written)
    if not 0.0 < weight <= _GREATEST_WEIGHT:
        raise InvalidInput(
            "query", f"the weight of {word!r} is {written}", f"Give a weight above 0 and at most {_GREATEST_WEIGHT:g}."
        )
    return weight


def _to_match(text: str) -> Iterator[str]:
    """The words of a text to look for as they stand: no stop-words, runs of CJK cut where the script changes."""
    japanese = language(text) == "ja"
    for word in words(text):
        if not _CJK_RUN.match(word):
            bare = word.removesuffix("'s")
            if word not in STOPWORDS and bare not in STOPWORDS:
                yield bare
            continue
        for piece in _PIECE.finditer(word):
            if piece["hiragana"]:
                yield from () if _HIRAGANA_NOISE.fullmatch(piece[0]) else (_without_particle(piece[0]),)
            elif piece["han"] and not japanese:
                yield from filter(None, _HAN_CUT.split(piece[0]))
            else:
                yield piece[0]


def _without_particle(hiragana: str) -> str:
    return hiragana[:-1] if len(hiragana) > 2 and hiragana[-1] in "がはをにのともでへや" else hiragana
