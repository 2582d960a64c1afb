"""Segmentation: what a text is cut into before it is indexed, summarised or embedded: sentences, words, index terms.

English, Japanese and Chinese may be mixed freely; every function is linear in the text and takes any `str`, lone
surrogates included.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from operator import add
from typing import Protocol

from dmha.domain.characters import CJK, GLUED, HAN, MARKS, fold
from dmha.domain.words import COUNTED, STOPWORDS, TITLES, TRAILING

# --- words and terms -------------------------------------------------------------------------------------------------

_LATIN = rf"[^\W_{CJK}{GLUED}]+[{MARKS}]*"
_WORD = re.compile(
    rf"[{CJK}]+|[{GLUED}]+"
    r"|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+\.[0-9]+"
    rf"|(?:{_LATIN})+(?:'(?:{_LATIN})+)*"
)
# Most words begin with a letter, so that is tried first.
_ASCII_WORD = re.compile(
    r"[a-z][a-z0-9]*(?:'[a-z0-9]+)*"
    r"|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+\.[0-9]+"
    r"|[0-9][a-z0-9]*(?:'[a-z0-9]+)*"
)
_CJK_RUN = re.compile(f"[{CJK}]")
_GLUED_RUN = re.compile(f"[{GLUED}]")
_UNIGRAM = re.compile(f"[{HAN}]")  # a single kana (の, は, ン) is noise
_LONGEST_WORD = 64  # no word is longer; what is (base64, keyboard noise) is known by its beginning


def words(text: str) -> list[str]:
    """The surface words in order, folded. Apostrophes join, hyphens part; a run of CJK characters is one word."""
    folded = fold(text)
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def terms(text: str) -> list[str]:
    """What is indexed and queried: stems without stop-words, Han characters and bigrams of CJK runs, numbers."""
    folded = fold(text)
    if folded.isascii():
        return [stem for word in _ASCII_WORD.findall(folded) for stem in _stems(word[:_LONGEST_WORD])]
    found: list[str] = []
    for word in _WORD.findall(folded):
        if _CJK_RUN.match(word):
            found += _UNIGRAM.findall(word)
            found += map(add, word, word[1:])
        elif _GLUED_RUN.match(word):
            found += map(add, word, word[1:]) if len(word) > 1 else (word,)
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
_MARK = re.compile("[。！？｡．.!?…]")  # what `_END` begins with; alone it is found at once
_END = re.compile(
    f"(?:(?P<wide>[。！？｡]|．(?![0-9０-９])|(?<![!?])[!?]+(?=[{CJK}「『“]))[。！？｡．!?…]*|(?P<narrow>[.!?…]+))"
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
    for mark in _marks(line):
        while inside and inside[1] <= mark.start():
            inside = next(quotations, None)
        if inside and inside[0] < mark.start() and mark.end() < inside[1]:
            continue
        if _ends(line, start, mark):
            yield line[start : mark.end()]
            start = mark.end()
    yield line[start:]


def _marks(line: str) -> Iterator[re.Match[str]]:
    """The marks that may end a sentence, with the brackets that they close."""
    at = 0
    while found := _MARK.search(line, at):
        mark = _END.match(line, found.start())
        at = (mark or found).end()
        if mark:
            yield mark


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
    if mark["narrow"] == "." and not mark["close"]:
        return not _abbreviates(line, start, mark.start(), _first_word(following))
    trails_off = bool(mark["close"]) or mark["narrow"].endswith(("…", ".."))
    return not (trails_off and _first_word(following)[:1].islower())


def _first_word(following: str) -> str:
    word = _NEXT_WORD.match(following)
    return word[1] if word else ""


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

# Questions as chats write them, without their mark. What may tell is left out: 「いいかな」, "remind me to call".
_WHO = "(?:my|your|his|her|our|their|the|this|that|i|you|he|she|it|we|they|there)"
_ASKS_AT_FIRST = re.compile(
    r"(?:(?:please|hey|so|and|but|ok|okay|well|now|(?:can|could|would|will) you)[, ]+){0,3}"
    r"(?:tell me\b(?! to\b)|remind me\b(?! to\b| that\b)|do (?:you|u) (?:remember|recall|know)\b"
    rf"|(?:what|who|where|when|why|how|which)(?:'s| is| was| are| were| did| do| does) {_WHO}\b"
    r"|(?:did|do|does|have|has) (?:i|you|we|they|he|she) \w)|(?:请|請|快|再|能)*告[诉訴]我",
    re.IGNORECASE,
)
_ASKS_AT_LAST = re.compile(
    "(?:っけ(?:な[あぁ]?)?|(?:[ただ何誰]|なん|だれ|いつ|どこ)(?:[のん])?かな[あぁ]?|かしら|(?:だろう|でしょう|[たるいな]の)か"
    "|は(?:何|なに|誰|だれ|どこ|いつ|どれ|いくつ|いくら)|(?:教|おし)えて(?:ください|下さい|くれる|くれない|ほしい|欲しい|[よね])?"
    "|(?:何(?!か)|誰(?!か)|どこ(?!か)|いつ(?![かも])|どんな|どの|なぜ|どうして).{1,32}か"
    "|(?<![没沒不无無便])(?:[什甚][么麼]|[谁誰]|哪[里裡儿兒个個天]|多少|[几幾]岁|怎[么麼][样樣])"
    "(?:名字|[时時]候|[颜顏]色|[东東]西|地方|[来來]着)?|告[诉訴]我(?:吧)?)[。.…〜~ー]*\\Z"
)


def asks(sentence: str) -> bool:
    """Whether the sentence is a question: it ends as one, or is put as one."""
    said = sentence.strip()
    if _ASKS.search(said[-8:]):
        return True
    if said.endswith(("!", "！")):
        return False
    return bool(_ASKS_AT_FIRST.match(said[:64]) or (not said.isascii() and _ASKS_AT_LAST.search(said[-48:])))
