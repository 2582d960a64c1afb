"""The chat model that is no model: a reply made of known facts and remembered sentences, with their dates.

It reads the remembered block of the prompt, tells the facts that are asked for, and quotes what answers best. It never
writes a word of its own but the frame around the quotations, so it cannot invent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dmha.domain.asked import asked_of
from dmha.domain.logic import FactStatement, parse_statements, plain
from dmha.domain.logic.vocabulary import fold
from dmha.domain.prompt import OPENING, Known, Remembered, Said, read
from dmha.domain.query import parse_query
from dmha.domain.ranking import stands
from dmha.domain.sameness import without_manner, wording
from dmha.domain.terms import idf
from dmha.domain.text import asks, sentences, terms
from dmha.domain.tokens import estimate_tokens
from dmha.models.phrases import PHRASES, Phrases, greeting_of, tongue

# "猫の名前、決まった。" or "I have news." announces, and the next sentence tells.
_SHORT = 24
# How many sentences a reply quotes at most: an answer and what stands beside it, not a list.
MOST_QUOTED = 3
# A further sentence is quoted when it answers nearly as well as the best.
_NEARLY = 0.6
# What the place in the evidence is worth against matched words: the first hit's sentence wins where no word matches.
_PLACE = 0.5

_SPOKEN = re.compile(r"\[([^\]]*)\] (.*?): ", re.DOTALL)


class Extractive:
    """Tells facts and quotes what was said; needs nothing. Its measure is the estimate of `dmha.domain.tokens`."""

    quotes_only = True

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        heard = _spoken(str(messages[-1]["content"]))
        remembered = next((read(m["content"]) for m in messages if m["content"].startswith(OPENING)), Remembered())
        window = [_spoken(str(m["content"])) for m in messages[1:-1] if not m["content"].startswith(OPENING)]
        phrases = PHRASES[tongue(heard.text, heard.who, [*remembered.evidence[::-1], *window])]
        room = max_tokens
        for piece in _pieces(heard, remembered, phrases):
            room -= self.count_tokens(piece) + 1
            if room < 0:
                return
            yield piece + "\n"

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


def _spoken(content: str) -> Said:
    """A turn of the prompt, taken apart again; what has no speaker before it is the companion's own."""
    head = _SPOKEN.match(content)
    return Said("", "", content) if head is None else Said(head[1], head[2], content[head.end() :])


def _pieces(heard: Said, remembered: Remembered, phrases: Phrases) -> list[str]:
    """What is said, one after the other: what was set right, the facts, the quotations; or that there are none."""
    words = plain(heard.text)
    asking = any(asks(sentence) for sentence in sentences(words))
    pieces = [phrases.mended.format(text=text) for text in remembered.mended]
    pieces += [phrases.newer.format(text=text) for text in remembered.corrections]
    if greeting := greeting_of(words):
        return [*pieces, greeting]
    told = _told_now(heard.text, remembered.facts)
    asked = asked_of(words, heard.who, remembered.facts)
    quoted = [] if asked.alone or (told and not asking) else _answering(words, asking, remembered)
    facts = dict.fromkeys((*told, *asked.facts, *_behind(quoted, remembered.facts)))
    pieces += [phrases.tell(fact) for fact in list(facts)[:MOST_QUOTED]]
    pieces += [phrases.quote(quotation.said, quotation.over) for quotation in quoted if quotation.said.text]
    return pieces or [phrases.nothing if asking else phrases.heard]


def _told_now(text: str, facts: Sequence[Known]) -> list[Known]:
    """What is known now of that which the text states."""
    stated = {
        (fold(one.entity), fold(one.attribute))
        for one in parse_statements(text).statements
        if isinstance(one, FactStatement)
    }
    return [fact for fact in facts if _slot(fact) in stated]


def _slot(fact: Known) -> tuple[str, str]:
    return fold(fact.entity), fold(fact.attribute)


# --- quotations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Quotation:
    """A sentence to quote, empty where it is a statement in notation; `over`: the day since when it holds no more."""

    said: Said
    over: str


def _behind(quoted: Sequence[_Quotation], facts: Sequence[Known]) -> list[Known]:
    """The facts that were told in the very turns that are quoted, as they are now."""
    now = {_slot(fact): fact for fact in facts}
    told = [fact for quotation in quoted for fact in quotation.said.told]
    return [now.get(_slot(fact), fact) for fact in told if _slot(fact) in now or not fact.until]


def _answering(question: str, asking: bool, remembered: Remembered) -> list[_Quotation]:
    """The sentences that share the rarest words with the question, the evidence's order weighing in; the newest first.

    Speakers are named beside their sentences, so their names are no reason to quote one. A question is no answer, nor
    is what says the same as was just said. A remark, which asks nothing, brings up only what shares a word with it.
    """
    evidence = remembered.evidence
    names = {term for said in evidence for term in terms(said.who)}
    sought = set(terms(question)) - names
    needed = set() if asking else {term for word in _content(question) for term in terms(word)} - names
    split = [
        (place, said, number, sentence)
        for place, said, number, sentence in _sentences_once(question, evidence)
        if not asks(sentence) and not any(text.startswith(f"{sentence} → ") for text in remembered.corrections)
    ]
    held = [set(terms(sentence)) for *_, sentence in split]
    worth = {term: idf(len(held), sum(term in words for words in held)) for term in sought}
    scored = [
        (sum(worth[term] for term in sought & words) + _PLACE / (1 + place), place, said, number)
        for (place, said, number, _), words in zip(split, held, strict=True)
        if asking or needed & words
    ]
    scored.sort(key=lambda item: (-item[0], item[1], item[3]))
    best = scored[0][0] if scored else 0.0
    chosen = {(place, number): said for score, place, said, number in scored[:MOST_QUOTED] if score >= _NEARLY * best}
    quoted = [_quotation(said, at[1]) for at, said in chosen.items() if not _announced(at, chosen)]
    return sorted(quoted, key=lambda quotation: quotation.said.when, reverse=True)


def _content(question: str) -> list[str]:
    return [word for word, _ in parse_query(question.replace("^", " ")).words]


def _sentences_once(question: str, evidence: Sequence[Said]) -> Iterator[tuple[int, Said, int, str]]:
    """Each sentence with its place, but for what the question says itself and what a better place said already."""
    seen = {_same(question), *map(_same, sentences(question))}
    for place, said in enumerate(evidence):
        for number, sentence in enumerate(sentences(said.text)):
            if (same := _same(sentence)) not in seen:
                seen.add(same)
                yield place, said, number, sentence


def _same(sentence: str) -> str:
    return without_manner(wording(sentence))


def _announced(at: tuple[int, int], chosen: Mapping[tuple[int, int], Said]) -> bool:
    """Whether the sentence before is quoted too and is short, so that it brings this one along."""
    place, number = at
    before = chosen.get((place, number - 1))
    return before is not None and len(sentences(before.text)[number - 1]) <= _SHORT


def _quotation(said: Said, number: int) -> _Quotation:
    """The sentence as a quotation; a short one together with the next, which says what the short one announced."""
    if not plain(said.text):  # statements alone: their facts are told instead
        return _Quotation(Said(said.when, said.who, "", said.told), "")
    split = sentences(said.text)
    first, following = split[number], split[number + 1 :][:1]
    if len(first) <= _SHORT and following and not asks(following[0]):
        first = f"{first} {following[0]}" if first[-1].isascii() else first + following[0]
    over = max((fact.until for fact in said.told if fact.until and stands(fact.value, first)), default="")
    return _Quotation(Said(said.when, said.who, first, said.told), over)
