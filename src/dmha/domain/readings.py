"""Readings: how a word sounds, in kana or in pinyin, brought to one spelling in which two can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from dmha.domain.characters import CJK, HIRAGANA, KATAKANA, fold
from dmha.domain.text import words

# Stands before a reading that is indexed. No word holds this sign, so no text can have such a term.
_MARK = "~"

_CJK = re.compile(f"[{CJK}]")
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")
_TO_HIRAGANA = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_TO_KATAKANA = {hiragana: katakana for katakana, hiragana in _TO_HIRAGANA.items()}

# Words of a query that together may spell one.
_MOST_SYLLABLES = 4

# A little wider than the syllables that there are; taken greedily, for whatever is left over may begin with a vowel.
_PINYIN = re.compile(r"(?>(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?[aeiouv]{1,3}(?:ng|n|r)?)++")


def hiragana(text: str) -> str:
    """The text with its katakana as hiragana."""
    return text.translate(_TO_HIRAGANA)


def katakana(text: str) -> str:
    """The text with its hiragana as katakana."""
    return text.translate(_TO_KATAKANA)


def canonical(reading: str) -> str:
    """The letters of a reading in the spelling that is compared: hiragana; pinyin without tones, ü as v.

    ハセガワ -> はせがわ; chóng qìng, Chong2qing4 -> chongqing; Xī'ān -> xian; nǚ -> nv.
    """
    spelt = hiragana(fold(reading))
    if not _KANA.search(spelt):
        spelt = unicodedata.normalize("NFD", spelt).replace("u\u0308", "v")
    return "".join(filter(str.isalpha, spelt))


def reading_term(reading: str) -> str:
    """The index term of a reading, which no text has."""
    return _MARK + canonical(reading)


def spelt(text: str) -> Iterator[str]:
    """What the text's spaced words, one or some in a row, may spell in pinyin: chong qing -> chong, qing, chongqing."""
    spaced = [canonical(word) for word in words(text) if not _CJK.match(word)]
    for count in range(1, _MOST_SYLLABLES + 1):
        for start in range(len(spaced) - count + 1):
            yield "".join(spaced[start : start + count])


def is_reading(term: str) -> bool:
    """Whether an index term is a reading's."""
    return term.startswith(_MARK)


def is_kana(text: str) -> bool:
    """Whether all letters of the text are kana."""
    return bool(text) and all(map(_KANA.match, text))


def is_pinyin(letters: str) -> bool:
    """Whether the letters of a word, without tones, may be a row of pinyin syllables."""
    return bool(_PINYIN.fullmatch(letters))
