"""Textual signals of contradiction: negation, numbers, antonyms.

Similarity alone cannot tell ("lives" and "does not live" have cosine 0.93), so two sentences are first found to be
about the same thing, and then to differ in one of these.

Only rules over two texts live here. Precision comes before recall: where in doubt, there is no signal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dmha.domain.characters import fold, language
from dmha.domain.query import parse_query
from dmha.domain.text import asks, sentences, terms, words
from dmha.domain.words import ANTONYMS, FUNCTION, MODALS, NEGATORS, NUMERALS

SAME_THING = 0.75  # shared content of two sentences, Jaccard: one word in five or so may differ
MOST_SENTENCES = 16  # of each text, so that two long texts cost no more than 256 comparisons
_SEVERITY = {
    "negation": 0.8,
    "antonym": 0.7,
    "number": 0.6,
}  # a number may have changed since; a "not" is said on purpose
_CONFIDENCE = 0.8  # at full overlap; a rule that reads no grammar is never sure


@dataclass(frozen=True, slots=True)
class Signal:
    """What in two texts cannot both hold, how bad it is and how sure it is, both 0..1."""

    kind: Literal["negation", "number", "antonym"]
    severity: float
    confidence: float
    detail: str


def contradiction(left: str, right: str) -> Signal | None:
    """The strongest signal that the two texts contradict each other, if any; its kind is the same both ways."""
    if fold(left) == fold(right):
        return None
    ours, theirs = _claims(left), _claims(right)
    found = [signal for one in ours for other in theirs if (signal := _compare(one, other))]
    return max(found, key=lambda signal: (signal.severity * signal.confidence, signal.kind), default=None)


_POLES = frozenset(word for pair in ANTONYMS for word in pair)
_POLE = re.compile(
    "|".join(sorted((word for word in _POLES if not word.isascii()), key=lambda word: (-len(word), word)))
)

# --- what a sentence claims ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Claim:
    """A statement taken apart: what it is about, and the three things in which statements contradict."""

    text: str
    content: frozenset[str]
    negated: bool
    numbers: tuple[str, ...]
    poles: frozenset[str]  # words that have an antonym
    setting: frozenset[str]  # modality and tense: statements of different settings are not compared


def _claims(text: str) -> list[_Claim]:
    return [_claim(sentence) for sentence in sentences(text)[:MOST_SENTENCES] if not asks(sentence)]


def _claim(sentence: str) -> _Claim:
    match language(sentence):
        case "ja":
            return _japanese(sentence)
        case "zh":
            return _chinese(sentence)
        case _:
            return _spaced(sentence)


def _spaced(sentence: str) -> _Claim:
    said = words(sentence)
    numbers = tuple(NUMERALS.get(word, word) for word in said if word in NUMERALS or word[0].isdecimal())
    kept = [
        word for word in said if not (word in NEGATORS or word in FUNCTION or word in NUMERALS or word[0].isdecimal())
    ]
    content = frozenset(part for word in kept for part in (terms(word) or (word,)))
    negated = sum(word in NEGATORS for word in said) % 2 == 1
    return _Claim(sentence, content, negated, numbers, _POLES.intersection(said), MODALS.intersection(said))


_NUMBER = re.compile(
    r"[0-9]+(?:\.[0-9]+)?|[〇一二三四五六七八九十两兩](?=[匹人個本枚歳年月日時回つ円台頭冊階名軒杯个個只隻条岁歲次天张位块元点小])"
)

_JA_NEGATION = re.compile(
    r"(?:では|じゃ|で)?(?:ありません|ない(?!と(?:いけ|なら|だめ|ダメ))|なかった|なかっ|なく(?:て|な))|ません|一(?:人|匹|つ|台|頭)も"
)
_JA_NOT_NEGATION = re.compile(
    r"かもしれ(?:ない|ません)|なければ(?:ならない|なりません|いけない)|(?:仕方|しょうが|間違い|もったい|つまら|少|危)な(?:い|かった)|じゃない(?:か|です|の)"
)
_JA_SETTINGS = {
    "past": re.compile(r"(?:た|だ)(?:です|よ|ね|けど|の)?[。!]*\Z|でした|ました"),
    "wish": re.compile(r"たい(?:です|と|な|。|\Z)|たく|ほしい|欲しい"),
    "can": re.compile(r"られ|でき|出来"),
    "maybe": re.compile(r"かも|だろう|でしょう|らしい|たぶん|多分"),
    "if": re.compile(r"たら|なら|れば|ければ|ても|でも"),
}


def _japanese(sentence: str) -> _Claim:
    plain = _JA_NOT_NEGATION.sub("", fold(sentence))
    negations = _JA_NEGATION.findall(plain)
    rest = _NUMBER.sub("", _JA_NEGATION.sub("", plain))
    total = [found for found in negations if found.startswith("一")]  # 一匹も…ない: the two are one negation
    return _Claim(
        sentence,
        frozenset(word for word, _ in parse_query(rest.replace("^", " ")).words),
        (len(negations) - len(total)) % 2 == 1,
        tuple(NUMERALS.get(number, number) for number in _NUMBER.findall(fold(sentence))),
        frozenset(_POLE.findall(plain)),
        frozenset(name for name, form in _JA_SETTINGS.items() if form.search(plain)),
    )


_ZH_NEGATION = re.compile(r"没有|沒有|不是|[不没沒未]")
_ZH_NOT_NEGATION = re.compile(
    r"(\w)[不没沒]\1|有没有|有沒有|是不是|不错|不錯|不好意思|差不多|不过|不過|不仅|不僅|不但|不管|没关系|沒關係|不得不|不如|对不起|對不起|了不起|不久|不同|不一样"
    r"|不一樣|不用谢|不客气|没事|忍不住|不少|不断|不斷|要不"
)
_ZH_FILLERS = re.compile(r"[有的了吗呢吧啊呀嘛很也都就哦嗯哈是太]")
_ZH_SETTINGS = {
    "wish": re.compile("想|要|希望"),
    "can": re.compile("能|可以|会|會"),
    "maybe": re.compile("可能|也许|也許|大概|应该|應該"),
    "if": re.compile("如果|要是|除非|的话|的話|只有|才"),
}


def _chinese(sentence: str) -> _Claim:
    plain = _ZH_NOT_NEGATION.sub("", fold(sentence))
    rest = _ZH_FILLERS.sub("", _NUMBER.sub("", _ZH_NEGATION.sub("", plain)))
    return _Claim(
        sentence,
        frozenset(term for term in terms(rest) if len(term) == 1 or term.isascii()),
        len(_ZH_NEGATION.findall(plain)) % 2 == 1,
        tuple(NUMERALS.get(number, number) for number in _NUMBER.findall(fold(sentence))),
        frozenset(_POLE.findall(plain)),
        frozenset(name for name, form in _ZH_SETTINGS.items() if form.search(plain)),
    )


# --- two claims ------------------------------------------------------------------------------------------------------


def _compare(left: _Claim, right: _Claim) -> Signal | None:
    if left.setting != right.setting:
        return None
    alike = _overlap(left.content, right.content)
    if alike >= SAME_THING:
        if left.negated != right.negated and sorted(left.numbers) == sorted(right.numbers):
            return _signal("negation", alike, left, right)
        if left.negated == right.negated and _one_number_differs(left.numbers, right.numbers):
            return _signal("number", alike, left, right)
    if left.negated == right.negated and left.numbers == right.numbers:
        return _antonym(left, right)
    return None


def _antonym(left: _Claim, right: _Claim) -> Signal | None:
    """A word on one side whose opposite stands on the other, all else being much the same."""
    for one in sorted(left.poles - right.poles):
        for other in sorted(right.poles - left.poles):
            ours, theirs = _without(left.content, one), _without(right.content, other)
            if (one, other) in ANTONYMS and _overlap(ours, theirs) >= SAME_THING:
                return _signal("antonym", _overlap(ours, theirs), left, right)
    return None


def _without(content: frozenset[str], word: str) -> frozenset[str]:
    if word.isascii():
        return content.difference(terms(word), (word,))
    return frozenset(piece for piece in content if piece not in word)


def _overlap(left: frozenset[str], right: frozenset[str]) -> float:
    union = left | right
    return len(left & right) / len(union) if union else 0.0


def _one_number_differs(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    return len(left) == len(right) and sum(one != other for one, other in zip(left, right, strict=True)) == 1


def _signal(kind: Literal["negation", "number", "antonym"], alike: float, left: _Claim, right: _Claim) -> Signal:
    return Signal(kind, _SEVERITY[kind], _CONFIDENCE * alike, f"{left.text} / {right.text}")
