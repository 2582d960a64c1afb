"""Japanese cut into words by MeCab (fugashi, unidic-lite) and said in English from JMdict.

Names are romanised, particles and honorifics left out, negation kept as "not" before what it negates; what is not
Japanese stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from dmha.domain.characters import CJK, HIRAGANA, KATAKANA
from dmha.models.gloss.english import Word, ways
from dmha.models.gloss.jmdict import JMdict
from dmha.models.gloss.romaji import romaji

_JAPANESE = re.compile(f"[{CJK}]")
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]+")
_HIRAGANA = re.compile(f"[{HIRAGANA}]+")
_KATAKANA = re.compile(f"[{KATAKANA}]+")
_MARKS = str.maketrans({"。": ". ", "、": ", ", "「": '"', "」": '"', "『": '"', "』": '"', "・": " "})
_WORDLESS = frozenset({"助詞", "助動詞", "補助記号", "空白", "記号"})
_PREDICATES = frozenset({"動詞", "形容詞"})
_NOT = frozenset({"ない", "無い", "ぬ", "ず", "まい"})
_HONORIFICS = frozenset({"さん", "ちゃん", "君", "様", "氏", "殿", "たん", "御"})
_EMPTY = frozenset({"為る", "居る", "有る", "成る", "事", "物", "様", "訳", "筈", "そう", "其の", "此の"})
"""Lemmas that hold a sentence together and say little in it; JMdict has dozens of senses for some."""
_ADVERBIAL = frozenset({"に", "と"})  # 本当に, ちゃんと
_NEVER = 9
_LONGEST = 5  # tokens of one headword: 気|に|入る
_WAYS = 1  # JMdict puts the likeliest sense first; the mean of three glossings told JSICK's pairs apart less well


class Token(NamedTuple):
    """What the tagger tells of a word: `reading` is its dictionary form's, in katakana."""

    surface: str
    before: str
    part: str
    name: str
    number: bool
    joins: bool
    helps: bool
    lemma: str
    forms: tuple[str, ...]
    reading: str
    english: str

    @classmethod
    def of(cls, node: Any) -> Token:
        """From a node of fugashi, whose features are None where the word is unknown."""
        told = node.feature
        lemma, _, english = (told.lemma or node.surface).partition("-")
        base = told.orthBase or node.surface
        unknown = node.surface if _KATAKANA.fullmatch(node.surface) else ""
        return cls(
            surface=node.surface,
            before=node.white_space,
            part=told.pos1,
            name=told.pos3 if told.pos2 == "固有名詞" else "",
            number=told.pos2 == "数詞",
            joins=told.pos2 == "接続助詞",
            helps=told.pos2 == "非自立可能",
            lemma=lemma,
            forms=tuple(dict.fromkeys((base, lemma))),
            reading=told.kanaBase or unknown,
            english=english if english.isascii() else "",  # コーヒー-coffee, but マイク-外国 (abroad)
        )


class Japanese:
    """Texts with kana in them. Not for several threads at once."""

    def __init__(self, jmdict: JMdict) -> None:
        import fugashi
        import unidic_lite

        # Named, for left to itself fugashi takes another UniDic where one is installed.
        self._tagger = fugashi.Tagger(f'-r "{unidic_lite.DICDIR}/mecabrc" -d "{unidic_lite.DICDIR}"')
        self._jmdict = jmdict
        self._ways = lru_cache(maxsize=20_000)(self._looked_up)
        self._common = lru_cache(maxsize=50_000)(jmdict.common)

    def words(self, text: str) -> list[Word]:
        """The text's words in their order."""
        tokens = [Token.of(node) for node in self._tagger(text)]
        said: list[Word] = []
        place = 0
        while place < len(tokens):
            place += self._say(tokens, place, said)
        return said

    def _say(self, tokens: list[Token], place: int, said: list[Word]) -> int:
        """Put what stands at this place into English; how many tokens that took."""
        token = tokens[place]
        if not _JAPANESE.search(token.surface):
            return _as_it_was(tokens, place, said)
        if token.part in _WORDLESS or token.lemma == "無い":
            _bend(token, said)
            return 1
        if taken := _idiom(tokens, place, said):
            return taken
        headword = tokens[place : place + self._headword(tokens, place)]
        if not (len(headword) == 1 and (_hollow(token) or _helps(tokens, place))):
            said += filter(None, [self._word(headword)])
        return len(headword)

    def _headword(self, tokens: list[Token], place: int) -> int:
        """How many tokens from here on are one headword; one with a particle inside counts only where it is common."""
        first = tokens[place]
        longest = 1 if first.number or first.lemma in _EMPTY else min(_LONGEST, len(tokens) - place)
        for length in range(longest, 1, -1):
            part = tokens[place : place + length]
            if any(self._common(form) >= _least(part) for form in _forms(part)):
                return length
        return 1

    def _word(self, headword: list[Token]) -> Word:
        if len(headword) > 1:
            base, surface = _forms(headword)
            return self._ways((surface if _KANA.fullmatch(surface) and self._common(surface) else base,), "")
        token = headword[0]
        if token.name != "人名" and (found := self._ways(token.forms, token.reading)):
            return found
        return tuple(filter(None, [token.english or romaji(token.reading)]))

    def _looked_up(self, forms: tuple[str, ...], reading: str) -> Word:
        return ways(self._jmdict.senses(forms, reading), _WAYS)


def _forms(part: Sequence[Token]) -> tuple[str, ...]:
    """Several tokens as a dictionary may spell them: the last in its dictionary form, or as it stands (おめでとう)."""
    before = "".join(token.surface for token in part[:-1])
    return before + part[-1].forms[0], before + part[-1].surface


def _least(part: Sequence[Token]) -> int:
    """How common a headword of these tokens has to be, from 1 (it exists) up to more than any is."""
    if not all(_JAPANESE.search(token.surface) for token in part):
        return _NEVER
    if part[-1].part in _WORDLESS:
        return 2 if part[-1].surface in _ADVERBIAL else _NEVER
    inside = any(token.part in _WORDLESS for token in part) and part[-1].part not in _PREDICATES
    return 2 if inside or _HIRAGANA.fullmatch("".join(token.surface for token in part)) else 1


def _as_it_was(tokens: list[Token], place: int, said: list[Word]) -> int:
    """A run of what is not Japanese, its spaces included."""
    end = place
    while end < len(tokens) and not _JAPANESE.search(tokens[end].surface):
        end += 1
    said.append(("".join(token.before + token.surface for token in tokens[place:end]).translate(_MARKS),))
    return end - place


def _bend(token: Token, said: list[Word]) -> None:
    """What is no word of its own changes the word before it: not eaten, want to eat."""
    if said and token.lemma in _NOT:
        said[-1] = _with("not", said[-1])
    elif said and token.lemma == "たい":
        said[-1] = _with("want to", said[-1])


def _with(before: str, word: Word) -> Word:
    return tuple(f"{before} {way}" for way in word)


def _idiom(tokens: list[Token], place: int, said: list[Word]) -> int:
    """なければならない, ないといけない: must. かもしれない: nothing. Their second "not" negates nothing."""
    if not (place + 1 < len(tokens) and tokens[place + 1].lemma in _NOT):
        return 0
    if tokens[place].lemma in ("成る", "行ける") and said and said[-1][0].startswith("not "):
        said[-1] = tuple("must " + way.removeprefix("not ") for way in said[-1])
        return 2
    return 2 if tokens[place].lemma == "知れる" else 0


def _hollow(token: Token) -> bool:
    return token.lemma in _EMPTY or (token.part in ("接尾辞", "接頭辞") and token.lemma in _HONORIFICS)


def _helps(tokens: list[Token], place: int) -> bool:
    """The second verb of 食べている, 持ってみる: how it is done, not what."""
    return tokens[place].helps and place > 0 and tokens[place - 1].joins
