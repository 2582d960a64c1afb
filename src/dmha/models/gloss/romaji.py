"""Kana in Latin letters, as English texts write Japanese names: Hepburn without its long marks (Tokyo, Yuko, Ono)."""

from __future__ import annotations

import re

_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "s": "サシスセソ", "t": "タチツテト", "n": "ナニヌネノ", "h": "ハヒフヘホ",
    "m": "マミムメモ", "r": "ラリルレロ", "g": "ガギグゲゴ", "z": "ザジズゼゾ", "d": "ダヂヅデド", "b": "バビブベボ",
    "p": "パピプペポ",
}  # fmt: skip
_KANA = {kana: onset + vowel for onset, row in _ROWS.items() for kana, vowel in zip(row, "aiueo", strict=True)}
_KANA |= {"シ": "shi", "チ": "chi", "ツ": "tsu", "フ": "fu", "ジ": "ji", "ヂ": "ji", "ヅ": "zu", "ン": "n", "ヴ": "vu"}
_KANA |= {"ヤ": "ya", "ユ": "yu", "ヨ": "yo", "ワ": "wa", "ヲ": "o", "ヰ": "i", "ヱ": "e"}
_SMALL = {"ャ": "ya", "ュ": "yu", "ョ": "yo", "ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o"}
_DOUBLED = re.compile(r"ッ+([a-z]?)")
_LONG = ((re.compile(r"o[uo]"), "o"), (re.compile("uu"), "u"), (re.compile("tch|cch"), "tch"))


def romaji(kana: str) -> str:
    """Katakana in Latin letters, the first a capital: トウキョウ -> Tokyo. Letters that are no katakana stay."""
    said = ""
    for letter in kana:
        if letter in _SMALL:
            said = _contracted(said, _SMALL[letter])
        else:
            said += _KANA.get(letter, "" if letter == "ー" else letter)
    said = _DOUBLED.sub(lambda mark: mark[1] * 2, said)
    for written, short in _LONG:
        said = written.sub(short, said)
    return said[:1].upper() + said[1:]


def _contracted(said: str, small: str) -> str:
    """シ and ャ are sha, キ and ャ kya, フ and ァ fa."""
    stem = said[:-1]
    return stem + (small[1:] if stem.endswith(("sh", "ch", "j")) and len(small) == 2 else small)
