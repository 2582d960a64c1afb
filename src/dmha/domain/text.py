"""Segmentation: what a text is cut into before it is indexed, queried, summarised or embedded.

Only rules over characters live here: folding, sentences, words, index terms, scripts, and the query's weights.
Stored text is never changed by any of it. English, Japanese and Chinese may be mixed freely; every function is linear
in the text and takes any `str`, lone surrogates included.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, Protocol

from dmha.domain.words import COUNTED, HAN_FUNCTION, HIRAGANA_FUNCTION, STOPWORDS, TITLES, TRAILING
from dmha.errors import InvalidInput

Language = Literal["en", "ja", "zh", "other"]

# --- characters ------------------------------------------------------------------------------------------------------

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u3096\u309d-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb"
_CJK = _HAN + _HIRAGANA + _KATAKANA
# Hangul sticks its particles to the word, Thai and its neighbours write without spaces: both are cut into bigrams.
_GLUED = _HANGUL + "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
# Marks that belong to the letter before them but are not letters to `re`: without them हिन्दी would fall apart.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff"

_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    "Latin": re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff\ua722-\ua7ff]"),
    "Han": re.compile(f"[{_HAN}]"),
    "Kana": re.compile(f"[{_HIRAGANA}{_KATAKANA}]"),
    "Hangul": re.compile(f"[{_HANGUL}]"),
    "Cyrillic": re.compile("[\u0400-\u0482\u048a-\u052f\u1c80-\u1c88\u2de0-\u2dff\ua640-\ua69d]"),
    "Greek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "Arabic": re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9]"),
}
_LETTER = re.compile(r"[^\W\d_]")

# Characters that are not seen: soft hyphen, zero-width and bidi controls, variation selectors, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_MARK_RUN = re.compile(r"[^\w\s!-/:-@\[-`{-~]{31,}")
_MOST_MARKS = 30  # UAX #15's stream-safe limit: canonical ordering is quadratic in the length of a run of marks


def normalise(text: str) -> str:
    """The text as it is matched: NFKC, without characters that are not seen. Twice gives the same as once."""
    if text.isascii():
        return text
    return _trim_marks(unicodedata.normalize("NFKC", _trim_marks(_UNSEEN.sub("", text))))


def fold(text: str) -> str:
    """`normalise` and casefold, with one kind of apostrophe: what words are compared in."""
    return text.lower() if text.isascii() else normalise(text).casefold().replace("’", "'")


def _trim_marks(text: str) -> str:
    return _MARK_RUN.sub(lambda run: "".join(_at_most_marks(run[0])), text)


def _at_most_marks(run: str) -> Iterator[str]:
    marks = 0
    for character in run:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            yield character


def scripts(text: str) -> dict[str, int]:
    """How many letters the text has of each script; scripts without a name here count as "Other"."""
    if text.isascii():
        latin = sum(map(str.isalpha, text))
        return {"Latin": latin} if latin else {}
    text = normalise(text)
    counts = {script: len(letters.findall(text)) for script, letters in _SCRIPTS.items()}
    counts["Other"] = max(0, len(_LETTER.findall(text)) - sum(counts.values()))
    return {script: count for script, count in counts.items() if count}


def served(text: str, served_scripts: frozenset[str] | None) -> bool:
    """Whether an embedder that reads `served_scripts` (None: all) reads at least half of the text's letters."""
    if served_scripts is None:
        return True
    counts = scripts(text)
    return 2 * sum(counts.get(script, 0) for script in served_scripts) >= sum(counts.values())


_CJK_LETTERS_WORTH = 4  # a character says about what four letters say: "ReLUはVTuberです" is Japanese


def language(text: str) -> Language:
    """The text's language, as far as scripts tell: kana means Japanese, Han alone Chinese, Latin English."""
    counts = scripts(text)
    kana, han = counts.get("Kana", 0), counts.get("Han", 0)
    others = sum(counts.values()) - kana - han
    if (kana or han) and _CJK_LETTERS_WORTH * (kana + han) >= others:
        return "ja" if kana else "zh"
    return "en" if others and 2 * counts.get("Latin", 0) >= others else "other"


# --- words and terms -------------------------------------------------------------------------------------------------

_LATIN = rf"[^\W_{_CJK}{_GLUED}]+[{_MARKS}]*"
_WORD = re.compile(
    rf"[{_CJK}]+|[{_GLUED}]+"
    r"|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+\.[0-9]+"
    rf"|(?:{_LATIN})+(?:'(?:{_LATIN})+)*"
)
_ASCII_WORD = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+\.[0-9]+|[a-z0-9]+(?:'[a-z0-9]+)*")
_CJK_RUN = re.compile(f"[{_CJK}]")
_GLUED_RUN = re.compile(f"[{_GLUED}]")
_UNIGRAM = re.compile(f"[{_HAN}]")  # a single kana (の, は, ン) is noise
_LONGEST_WORD = 64  # no word is longer; what is (base64, keyboard noise) is known by its beginning


def words(text: str) -> list[str]:
    """The surface words in order, folded. Apostrophes join, hyphens part; a run of CJK characters is one word."""
    folded = fold(text)
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def terms(text: str) -> list[str]:
    """What is indexed and queried: stems without stop-words, Han characters and bigrams of CJK runs, numbers."""
    folded = fold(text)
    found: list[str] = []
    if folded.isascii():
        for word in _ASCII_WORD.findall(folded):
            found += _stems(word[:_LONGEST_WORD])
        return found
    for word in _WORD.findall(folded):
        if _CJK_RUN.match(word):
            found += _UNIGRAM.findall(word)
            found += map("".join, pairwise(word))
        elif _GLUED_RUN.match(word):
            found += map("".join, pairwise(word)) if len(word) > 1 else (word,)
        else:
            found += _stems(word[:_LONGEST_WORD])
    return found


@lru_cache(maxsize=1 << 16)
def _stems(word: str) -> tuple[str, ...]:
    """The index terms of one spaced word: none for a stop-word, several for one that apostrophes hold together."""
    if word in STOPWORDS:
        return ()
    if word[0].isdecimal():
        return (word.replace(",", ""),)
    if "'" in word:
        parts = word.removesuffix("'s").split("'")
        return tuple(stem for part in parts if len(part) > 1 or len(parts) == 1 for stem in _stems(part))
    plain = _without_accents(word)
    return (_stemmer().stemWord(plain) if plain.isascii() else plain,)


def _without_accents(word: str) -> str:
    """café -> cafe; a word that is not Latin at its base stays as it is (й is not и)."""
    base = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return base if base.isascii() and base else word


class _Stems(Protocol):
    def stemWord(self, word: str, /) -> str: ...  # noqa: N802 -- PyStemmer's own spelling


_per_thread = threading.local()  # a Stemmer must not be shared by threads


def _stemmer() -> _Stems:
    made: _Stems | None = getattr(_per_thread, "english", None)
    if made is None:
        import Stemmer

        made = _per_thread.english = Stemmer.Stemmer("english", 0)  # 0: `_stems` caches already
    return made


# --- sentences -------------------------------------------------------------------------------------------------------

_LINE = re.compile(r"[^\n\r\x0b\x0c\x85\u2028\u2029]+")
_END = re.compile(
    f"(?:(?P<wide>[。！？｡]|．(?![0-9０-９])|(?<![!?])[!?]+(?=[{_CJK}「『“]))[。！？｡．!?…]*|(?P<narrow>[.!?…]+))"
    "(?P<close>[\"')\\]}”’»」』）】》〉｣]*)"
)
_BRACKET = re.compile("[「『（【《“」』）】》”]")
_CLOSES = {"「": "」", "『": "』", "（": "）", "【": "】", "《": "》", "“": "”"}
_GOES_ON = frozenset("とっ、，,なでのはがをにも")  # 「…。」と言った: the quotation is a part of the sentence
_LAST_WORD = re.compile(r"[A-Za-z.]{1,16}\Z")
_ACRONYM = re.compile(r"(?:[a-z]{1,2}\.)*[a-hj-z]")  # an initial (J.) or a dotted one (U.S., a.m., Ph.D.); not "I."
_NEXT_WORD = re.compile(r"\s+[\"'“‘(\[]*([\w']{1,16})")
_NUMBERING = re.compile(r"\s*[0-9]{1,3}")


def sentences(text: str) -> list[str]:
    """The sentences in order, verbatim but for the white space around them. A line end always ends a sentence."""
    found = (sentence.strip() for line in _LINE.findall(text) for sentence in _line_sentences(line))
    return [sentence for sentence in found if sentence]


def _line_sentences(line: str) -> Iterator[str]:
    quotations = _quotations(line)
    start = 0
    inside = next(quotations, None)
    for mark in _END.finditer(line):
        while inside and inside[1] <= mark.start():
            inside = next(quotations, None)
        if inside and inside[0] < mark.start() and mark.end() < inside[1]:
            continue
        if _ends(line, start, mark):
            yield line[start : mark.end()]
            start = mark.end()
    yield line[start:]


def _quotations(line: str) -> Iterator[tuple[int, int]]:
    """The outermost spans between brackets that are closed; one left open protects nothing."""
    opened: list[tuple[str, int]] = []
    spans: list[tuple[int, int]] = []
    for bracket in _BRACKET.finditer(line):
        if bracket[0] in _CLOSES:
            opened.append((_CLOSES[bracket[0]], bracket.start()))
        elif opened and opened[-1][0] == bracket[0]:
            begin = opened.pop()[1]
            while spans and spans[-1][0] > begin:
                spans.pop()
            spans.append((begin, bracket.end()))
    return iter(spans)


def _ends(line: str, start: int, mark: re.Match[str]) -> bool:
    """Whether the sentence that began at `start` ends with these marks."""
    following = line[mark.end() : mark.end() + 24]
    if mark["wide"]:
        return not (mark["close"] and following[:1] in _GOES_ON)
    if not following:
        return True
    if not following[0].isspace():
        return False
    word = _NEXT_WORD.match(following)
    if mark["narrow"] == "." and not mark["close"]:
        return not _abbreviates(line, start, mark.start(), word[1] if word else "")
    trails_off = bool(mark["close"]) or mark["narrow"].endswith(("…", ".."))
    return not (trails_off and word and word[1][0].islower())


def _abbreviates(line: str, start: int, stop: int, following: str) -> bool:
    """Whether the full stop at `stop` belongs to the word before it and the sentence goes on with `following`."""
    if stop - start <= 8 and _NUMBERING.fullmatch(line, start, stop):
        return True
    word = _LAST_WORD.search(line[max(start, stop - 16) : stop])
    if not word:
        return False
    last = word[0].lower()
    if last in TITLES:
        return True
    if last in COUNTED:
        return following[:1].isdigit()
    begins_anew = following[:1].isupper() and following.lower() in STOPWORDS
    return bool(last in TRAILING or _ACRONYM.fullmatch(last)) and not begins_anew


_ASKS = re.compile(r"[?？][^\w]*\Z|(?:です|ます|でした|ました|せん)か[。.]?\Z|[吗嗎呢][。.]?\Z")


def asks(sentence: str) -> bool:
    """Whether the sentence ends as a question does."""
    return bool(_ASKS.search(sentence.rstrip()[-8:]))


# --- queries ---------------------------------------------------------------------------------------------------------

_WEIGHT = re.compile(rf"[\^＾]([+-]?[0-9０-９]+(?:\.[0-9０-９]+)?(?:[eE][+-]?[0-9]+)?)(?=\s|\Z|[{_CJK}])")
_GREATEST_WEIGHT = 100.0
_PIECE = re.compile(f"(?P<han>[{_HAN}]+)|(?P<hiragana>[{_HIRAGANA}ー]+)|[{_KATAKANA}]+")
_HIRAGANA_NOISE = re.compile("(?:" + "|".join(sorted(HIRAGANA_FUNCTION, key=len, reverse=True)) + ")++")
_HAN_CUT = re.compile("|".join(sorted(HAN_FUNCTION, key=len, reverse=True)))


@dataclass(frozen=True, slots=True)
class Query:
    """A query as asked: its text without weights, the weight of each index term, and the words to match exactly."""

    text: str
    weights: Mapping[str, float]
    words: tuple[tuple[str, float], ...]


def parse_query(text: str) -> Query:
    """Read `Neurosama^3 how to make`: `^weight` after a word, 0 < weight <= 100; any other `^` is ordinary text."""
    weights: dict[str, float] = {}
    exact: dict[str, float] = {}
    plain: list[str] = []
    for piece, weight in _weighted(text):
        plain.append(piece)
        for term in terms(piece):
            weights[term] = max(weight, weights.get(term, 0.0))
        for word in _to_match(piece):
            exact[word] = max(weight, exact.get(word, 0.0))
    return Query("".join(plain), weights, tuple(exact.items()))


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
