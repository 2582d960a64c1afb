"""The pipeline from a text to its terms, with every step to be seen: sentence, word, reading, dictionary, terms.

Rules alone cut a text unless a cutter of words is given; a tenant's dictionary overrides either. What these find is
added to the terms that `text.terms` gives: nothing that was found without them is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dmha.domain.characters import CJK, fold, language
from dmha.domain.dictionary import Dictionary
from dmha.domain.query import Query
from dmha.domain.readings import canonical, hiragana, is_kana, is_pinyin, is_reading, katakana, reading_term, spelt
from dmha.domain.text import sentences, terms, words
from dmha.protocols import Words
from dmha.types import Analysis, Sentence, Word, WordSource

# What `text.terms` and `marks` do. Raised whenever they give other terms for any text: what was counted before is
# counted again. 1 had no marks, 2 no "twenty years ago", and questions by their marks and particles alone.
RULES = "3"

_CJK_LETTER = re.compile(f"[{CJK}]")

# What a cutter's word is worth beside its bigrams. First place among 600 questions each, by the rules alone, with words
# at 1, .5 and .3, by words without bigrams: JSQuAD .893, .893, .895, .897, .910; DRCD .923, .925, .925, .925, .902;
# CMRC .977, .978, .977, .977, .935. Among the first ten they are equal, but for words alone, which lose there as well.
_BESIDE = 0.3
# What sounds like a word that was asked for is worth nearly as much as the word itself.
_BY_SOUND = 0.9


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How the texts of one tenant are cut."""

    cutters: tuple[Words, ...] = ()
    dictionary: Dictionary = field(default_factory=Dictionary)

    @property
    def id(self) -> str:
        """What tells the rows that this counted from others; a dictionary's changes are told apart by its version."""
        return "+".join((RULES, *sorted(cutter.id for cutter in self.cutters)))

    def analyze(self, text: str) -> Analysis:
        """Every step, as the text would be indexed."""
        cutter = self._cutter(text)
        cut = tuple(Sentence(sentence, tuple(self._words(sentence, cutter))) for sentence in sentences(text))
        return Analysis(language(text), cut, (*terms(text), *self.added(text)))

    def added(self, text: str) -> list[str]:
        """The terms that the dictionary and a cutter add to those of the rules, one for each occurrence."""
        cutter = self._cutter(text)
        if cutter is None:
            return [term for surface in self.dictionary.found(text) for term in self._known(surface)]
        said = (word for sentence in sentences(text) for word in self._words(sentence, cutter))
        return [term for word in said for term in word.terms[len(terms(word.surface)) :]]

    def widened(self, query: Query, *, by_reading: bool) -> Query:
        """The query with what is added to texts, too; `by_reading`, also with what sounds like its words."""
        cutter = self._cutter(query.text)
        if cutter is None and not self.dictionary and not by_reading:
            return query
        found = [word for word in self._words(query.text, cutter) if word.source != "rule"]
        weights, exact = dict(query.weights), dict(query.words)
        elsewhere = " ".join(piece for piece, known in self.dictionary.split(query.text) if not known)
        for word in found:
            inside = {name for name in exact if name in word.surface and name not in elsewhere}
            weight = max((exact[name] for name in inside), default=1.0)
            for term in word.terms[len(terms(word.surface)) :]:
                if not is_reading(term):
                    weights.setdefault(term, weight if word.source == "dictionary" else _BESIDE * weight)
            if word.source == "dictionary":  # one word: its parts alone are no match
                exact = {name: exact[name] for name in exact.keys() - inside} | {word.surface: weight}
        asked = frozenset(weights)
        for heard, sounding in self._sounding(query, found) if by_reading else ():
            worth = _worth(query, heard)
            for term in {*sounding} - asked:
                weights[term] = max(
                    _BY_SOUND * worth / (1 if is_reading(term) else len(sounding)), weights.get(term, 0.0)
                )
        return replace(query, weights=weights, words=tuple(exact.items()), sounds=frozenset(weights.keys() - asked))

    def _cutter(self, text: str) -> Words | None:
        """Who cuts the text's runs of Han characters and kana: Han alone is Chinese, unless nobody here reads that."""
        spoken = language("".join(_CJK_LETTER.findall(fold(text)))) if self.cutters else "other"
        readers = [cutter for cutter in self.cutters if spoken in cutter.languages]
        return next(iter(readers or (self.cutters if spoken == "zh" else ())), None)

    def _words(self, text: str, cutter: Words | None) -> Iterator[Word]:
        for piece, known in self.dictionary.split(text):
            if known:
                added = self._known(piece)
                yield Word(piece, self.dictionary.readings[piece], "dictionary", (*terms(piece), *added))
                continue
            for run in words(piece):
                if cutter is None or not _CJK_LETTER.match(run):
                    yield Word(run, None, "rule", tuple(terms(run)))
                else:
                    yield from (_cut(cutter.name, *word) for word in cutter.cut(run))

    def _known(self, surface: str) -> list[str]:
        """What a word of the dictionary adds: itself, where no rule makes a term of it, and its reading."""
        reading = self.dictionary.readings[surface]
        return [*([] if surface in terms(surface) else [surface]), *_read(surface, reading)]

    def _sounding(self, query: Query, found: list[Word]) -> Iterator[tuple[str, list[str]]]:
        """Words of the query, each with the terms of what sounds like it."""
        for word in found:
            if word.reading is not None:
                yield from _by_sound(word.surface, word.reading)
        for name in (*(name for name, _ in query.words), *(word.surface for word in found)):
            if is_kana(name):
                as_read, *in_kana = _by_sound(name, name)
                yield from (as_read, *in_kana) if self.cutters else in_kana
        for reading in self.dictionary.heard(query.text):
            yield reading, [reading_term(reading)]
        if self.cutters:
            for letters in filter(is_pinyin, spelt(query.text)):
                yield letters, [reading_term(letters)]


def _cut(source: WordSource, surface: str, reading: str | None) -> Word:
    """A word that a cutter found. Shorter ones are terms of the rules already, or say nothing (の, は)."""
    whole = [surface] if len(surface) > 2 else []
    read = [] if is_kana(surface) else _read(surface, reading)  # は, read ワ, is no other word
    return Word(surface, reading, source, (*terms(surface), *whole, *read))


def _read(surface: str, reading: str | None) -> list[str]:
    """The term of a reading that the word itself does not show."""
    if reading is None or canonical(reading) in ("", canonical(surface)):
        return []
    return [reading_term(reading)]


def _by_sound(word: str, reading: str) -> Iterator[tuple[str, list[str]]]:
    """A word with the term of its reading, as readings are indexed; with those of a text that has it in kana."""
    yield word, [reading_term(reading)]
    if is_kana(reading):
        yield word, terms(hiragana(reading))
        yield word, terms(katakana(reading))


def _worth(query: Query, heard: str) -> float:
    """What those of the query's own terms weigh together that are in a word of it, or spell its reading."""
    spelling = (word for word in words(query.text) if not _CJK_LETTER.match(word) and canonical(word) in heard)
    said = {term for form in (heard, hiragana(heard), katakana(heard), *spelling) for term in terms(form)}
    return sum(query.weights.get(term, 0.0) for term in said) or 1.0
