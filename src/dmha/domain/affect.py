"""Affect: what a text makes one feel, how a mood grows out of that and fades, and how much a memory matters at birth.

Only the model "appraisal by lexicon, leaky mood" lives here; its equations and constants are explained in
docs/feelings.md, its words stand in `lexicon`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dmha.domain import lexicon
from dmha.domain.characters import HIRAGANA, KATAKANA, fold, language
from dmha.domain.text import asks, sentences, words
from dmha.types import Affect

WEIGHT = 0.5  # one plain word gives 1 - exp(-0.5) = .39, a strong one .63: two plain words feel like a strong one
STRONG_WEIGHT = 1.0
TRAUMA_WEIGHT = 1.0  # such words are seldom said lightly
NEGATED = 0.7  # "not happy" is less than "sad"
INTENSIFIED = 1.5
DIMINISHED = 0.6
EXCLAIMED = 1.15
ASKED = 0.5  # a question speaks of a feeling more often than it shows one
NEGATION_REACH = 3  # words before an English word in which a "not" turns it round: "not at all happy"
MOOD_HALF_LIFE = 6 * 3600.0  # seconds: moods last hours; of an evening's, 40% are left in the morning, 6% the next day
_FULL = 0.999  # a feeling of exactly 1 would be endless evidence

_FACT_LINE = re.compile(r"^[ \t　>\"'`「]*fact[ \t]*[:：].*$", re.IGNORECASE | re.MULTILINE)
# Each choice opens with a letter of its own, so that `re` skips to those letters.
_CLAUSE = re.compile(r",|;|:|、|，|；|：|but(?<=\bbut)\b|けど|けれど|但是|可是")
_KANA = re.compile(f"[{HIRAGANA}{KATAKANA}]")

Feeling = tuple[str, float]


def _feelings(joy: Iterable[str], aversion: Iterable[str], trauma: Iterable[str], weight: float) -> dict[str, Feeling]:
    return {
        **{fold(word): ("joy", weight) for word in joy},
        **{fold(word): ("aversion", weight) for word in aversion},
        **{fold(word): ("trauma", TRAUMA_WEIGHT) for word in trauma},
    }


def _inside(table: dict[str, Feeling]) -> re.Pattern[str]:
    """The table's words, the longest first; one branch for each first letter, not one for each word."""
    rests: dict[str, list[str]] = {}
    for word in sorted(table, key=lambda word: (-len(word), word)):
        rests.setdefault(word[0], []).append(re.escape(word[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in rests.items()))


_EMOJI = _feelings(lexicon.EMOJI_JOY, lexicon.EMOJI_AVERSION, (), WEIGHT)
_EN = _feelings(lexicon.EN_JOY, lexicon.EN_AVERSION, lexicon.EN_TRAUMA, WEIGHT) | _feelings(
    lexicon.EN_JOY_STRONG, lexicon.EN_AVERSION_STRONG, (), STRONG_WEIGHT
)
_JA = _feelings(lexicon.JA_JOY, lexicon.JA_AVERSION, lexicon.JA_TRAUMA, WEIGHT) | _feelings(
    lexicon.JA_JOY_STRONG, lexicon.JA_AVERSION_STRONG, (), STRONG_WEIGHT
)
_ZH = _feelings(lexicon.ZH_JOY, lexicon.ZH_AVERSION, lexicon.ZH_TRAUMA, WEIGHT) | _feelings(
    lexicon.ZH_JOY_STRONG, lexicon.ZH_AVERSION_STRONG, (), STRONG_WEIGHT
)
_JA_INSIDE, _ZH_INSIDE = _inside(_JA), _inside(_ZH)


def _any_of(table: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, table), key=len, reverse=True)) + ")"


_JA_NEGATED = re.compile(lexicon.JA_NEGATED)
_ZH_NEGATED = re.compile(f"{lexicon.ZH_NEGATED}{_any_of(lexicon.ZH_INTENSIFIERS)}?\\Z")
_JA_STRONGER = re.compile(_any_of(lexicon.JA_INTENSIFIERS) + r"\w{0,2}\Z")
_JA_WEAKER = re.compile(_any_of(lexicon.JA_DIMINISHERS) + r"\w{0,2}\Z")
_ZH_STRONGER = re.compile(_any_of(lexicon.ZH_INTENSIFIERS) + r"\Z")
_ZH_WEAKER = re.compile(_any_of(lexicon.ZH_DIMINISHERS) + r"\Z")
_REACH = 8  # characters looked at beside a Japanese or Chinese word


# --- appraisal -------------------------------------------------------------------------------------------------------


def appraise(text: str) -> Affect:
    """What the text makes one feel: the words' weights summed per feeling, then saturated into 0..1."""
    felt = {"joy": 0.0, "aversion": 0.0, "trauma": 0.0}
    for sentence in sentences(_FACT_LINE.sub("", text)):
        told = fold(sentence)
        feelings = [feeling for clause in _CLAUSE.split(told) for feeling in _clause(clause)]
        tone = _tone(told) if feelings else 0.0
        for feeling, weight in feelings:
            felt[feeling] += tone * weight
    return Affect(**{feeling: 1.0 - math.exp(-evidence) for feeling, evidence in felt.items()})


_EXCLAIMS = re.compile(r"[!！][^\w]*\Z")


def _tone(sentence: str) -> float:
    if asks(sentence):
        return ASKED
    return EXCLAIMED if _EXCLAIMS.search(sentence[-_REACH:]) else 1.0


def _clause(clause: str) -> list[Feeling]:
    said = words(clause)
    english = [] if _EN.keys().isdisjoint(said) else list(_english(said))
    if clause.isascii():
        return english
    return [*(_EMOJI[character] for character in clause if character in _EMOJI), *english, *_unspaced(clause)]


def _unspaced(clause: str) -> Iterable[Feeling]:
    """The feelings of Japanese or Chinese words. Japanese may be written without kana: 最悪."""
    chinese = list(_chinese(clause))
    if chinese and not (_KANA.search(clause) and language(clause) == "ja"):
        return chinese
    return _japanese(clause)


def _english(said: Sequence[str]) -> Iterator[Feeling]:
    for place, word in enumerate(said):
        if word not in _EN or (word == "like" and not (place and said[place - 1] in lexicon.EN_LIKING)):
            continue
        before = said[max(0, place - NEGATION_REACH) : place]
        factor = _strength(
            not lexicon.EN_INTENSIFIERS.isdisjoint(before[-2:]),
            not lexicon.EN_DIMINISHERS.isdisjoint(before[-2:]),
        )
        yield from _turned(*_EN[word], factor, not lexicon.EN_NEGATORS.isdisjoint(before))


def _japanese(clause: str) -> Iterator[Feeling]:
    for found in _JA_INSIDE.finditer(clause):
        before = clause[max(0, found.start() - _REACH) : found.start()]
        factor = _strength(bool(_JA_STRONGER.search(before)), bool(_JA_WEAKER.search(before)))
        yield from _turned(*_JA[found[0]], factor, bool(_JA_NEGATED.match(clause, found.end())))


def _chinese(clause: str) -> Iterator[Feeling]:
    for found in _ZH_INSIDE.finditer(clause):
        before = clause[max(0, found.start() - _REACH) : found.start()]
        factor = _strength(bool(_ZH_STRONGER.search(before)), bool(_ZH_WEAKER.search(before)))
        yield from _turned(*_ZH[found[0]], factor, bool(_ZH_NEGATED.search(before)))


def _strength(stronger: bool, weaker: bool) -> float:
    return (INTENSIFIED if stronger else 1.0) * (DIMINISHED if weaker else 1.0)


_OPPOSITE = {"joy": "aversion", "aversion": "joy"}


def _turned(feeling: str, weight: float, factor: float, negated: bool) -> Iterator[Feeling]:
    """The word's feeling; negated, its opposite and less of it. A harm that is denied is no feeling at all."""
    if not negated:
        yield feeling, weight * factor
    elif feeling in _OPPOSITE:
        yield _OPPOSITE[feeling], weight * factor * NEGATED


# --- mood ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Impulse:
    """One feeling that struck the companion at `at` (epoch seconds)."""

    at: float
    affect: Affect


def mood(impulses: Sequence[Impulse], now: float) -> Affect:
    """The companion's affect now: every impulse so far, halved each `MOOD_HALF_LIFE`, summed and saturated.

    The sum is exactly rounded, so the order of the impulses does not matter and taking one away leaves what would have
    been without it. One impulse alone gives at its moment the affect that it is.
    """
    left = [
        (2.0 ** (-(now - impulse.at) / MOOD_HALF_LIFE), impulse.affect) for impulse in impulses if impulse.at <= now
    ]
    return Affect(
        joy=_saturated(share * _evidence(affect.joy) for share, affect in left),
        aversion=_saturated(share * _evidence(affect.aversion) for share, affect in left),
        trauma=_saturated(share * _evidence(affect.trauma) for share, affect in left),
    )


def _evidence(felt: float) -> float:
    return -math.log1p(-min(felt, _FULL))


def _saturated(evidence: Iterable[float]) -> float:
    return -math.expm1(-math.fsum(evidence))


# --- importance ------------------------------------------------------------------------------------------------------

_STATEMENT = re.compile(r"^[ \t　]*fact[ \t]*[:：]", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile("[0-9０-９][0-9０-９]*")
_NAME = re.compile(" (?<=[a-z,;] )[A-Z][a-z]+")  # not what opens a sentence
_TITLE_OR_DATE = re.compile(r"(?<=\w)(?:さん|ちゃん|くん|先生|先輩)|(?<=[一二三四五六七八九十])[月日年岁歳]")
_WISHES = ("i want", "i wish", "i hope", "i'd like", "i'd love", "wanna", "my dream")
_WISH_EN = re.compile(rf"\b(?:{'|'.join(_WISHES)})\b", re.IGNORECASE)
_WISH_CJK = re.compile(r"たい(?:です|な|と思|けど|[。！!\n]|\Z)|ほしい|欲しい|いつか|我想|想要|希望|盼望|但愿|願い")


def importance(affect: Affect, text: str, length: int) -> float:
    """How much a memory of `length` terms matters at birth, 0..1; recall and dreams correct it later.

    0.1 + 0.35 feelings + 0.2 statement + 0.15 specifics + 0.1 length + 0.1 wish, each part 0..1.
    """
    feelings = 1.0 - (1.0 - affect.joy) * (1.0 - affect.aversion) * (1.0 - affect.trauma)
    return (
        0.1
        + 0.35 * feelings
        + 0.2 * bool(_STATEMENT.search(text))
        + 0.15 * (1.0 - 0.5 ** min(_specifics(text), 50))
        + 0.1 * (1.0 - math.exp(-length / 20.0))
        + 0.1 * _wishes(text)
    )


def _specifics(text: str) -> int:
    plain = len(_NUMBER.findall(text)) + len(_NAME.findall(text))
    return plain if text.isascii() else plain + len(_TITLE_OR_DATE.findall(text))


def _wishes(text: str) -> bool:
    if text.isascii():
        told = text.lower()
        return any(wish in told for wish in _WISHES) and bool(_WISH_EN.search(text))
    return bool(_WISH_CJK.search(text) or _WISH_EN.search(text))
