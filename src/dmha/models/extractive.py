"""The chat model that is no model: a reply made of remembered sentences, with their dates, and it says so.

It reads the remembered block of the prompt and quotes what answers the question best. It never writes a word of its own
but the frame around the quotations, so it cannot invent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dmha.domain.characters import language
from dmha.domain.prompt import OPENING, Remembered, Said, read
from dmha.domain.terms import idf
from dmha.domain.text import asks, sentences, terms
from dmha.domain.tokens import estimate_tokens

# "猫の名前、決まった。" or "I have news." announces, and the next sentence tells.
_SHORT = 24
# How many sentences a reply quotes at most: an answer and what stands beside it, not a list.
MOST_QUOTED = 3
# A further sentence is quoted when it answers nearly as well as the best.
_NEARLY = 0.6
# What the place in the evidence is worth against matched words: the first hit's sentence wins where no word matches.
_PLACE = 0.5


@dataclass(frozen=True, slots=True)
class _Frame:
    said: str
    fact: str
    mended: str
    nothing: str
    heard: str


_FRAMES = {
    "en": _Frame(
        said="I remember, {when}, {who}: “{text}”",
        fact="What I know: {text}.",
        mended="I set this right: {text}.",
        nothing="I remember nothing that answers this.",
        heard="I hear you, and will remember it.",
    ),
    "ja": _Frame(
        said="覚えているよ。{when}、{who}「{text}」",
        fact="知っていること：{text}。",
        mended="思い違いを直したよ：{text}。",
        nothing="それについては、何も覚えていない。",
        heard="うん、聞いたよ。覚えておくね。",
    ),
    "zh": _Frame(
        said="我记得，{when}，{who}：“{text}”",
        fact="我知道：{text}。",
        mended="我已更正：{text}。",
        nothing="关于这个，我什么都不记得。",
        heard="嗯，我听到了，会记住的。",
    ),
}


class Extractive:
    """Quotes what was said; needs nothing. Its token measure is the stated estimate of `dmha.domain.tokens`."""

    quotes_only = True

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        question = str(messages[-1]["content"]).partition(": ")[2]
        frame = _FRAMES[_language(question, messages)]
        remembered = next((read(m["content"]) for m in messages if m["content"].startswith(OPENING)), Remembered())
        pieces = [frame.mended.format(text=text) for text in remembered.corrections]
        pieces += [frame.fact.format(text=text) for text in _known(question, remembered)]
        pieces += [
            frame.said.format(when=said.when[:10], who=said.who, text=said.text)
            for said in _answering(question, remembered.evidence)
        ]
        room = max_tokens
        asked = any(asks(sentence) for sentence in sentences(question))
        for piece in pieces or [frame.nothing if asked else frame.heard]:
            room -= self.count_tokens(piece) + 1
            if room < 0:
                return
            yield piece + "\n"

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


def _language(question: str, messages: list[dict[str, Any]]) -> str:
    """The language to answer in. A question in Han characters alone is Japanese where the talk around it is."""
    found = language(question)
    if found == "zh" and any(language(message["content"]) == "ja" for message in messages[1:]):
        return "ja"
    return found if found in _FRAMES else "en"


def _known(question: str, remembered: Remembered) -> list[str]:
    """The facts whose attribute or value the question names; the entity and the date are shared by all or by chance."""
    asked = set(terms(question))
    claims = ((fact, fact.partition(".")[2].partition(" (since")[0]) for fact in remembered.facts)
    return [fact for fact, claim in claims if asked & set(terms(claim))][:MOST_QUOTED]


def _answering(question: str, evidence: Sequence[Said]) -> list[Said]:
    """The sentences that share the rarest words with the question, the evidence's order weighing in; the newest first.

    Speakers are named beside their sentences, so their names are no reason to quote one; a question is no answer.
    """
    asked = set(terms(question)) - {term for said in evidence for term in terms(said.who)}
    split = [
        (place, said, number, sentence)
        for place, said in enumerate(evidence)
        for number, sentence in enumerate(sentences(said.text))
        if not asks(sentence)
    ]
    held = [set(terms(sentence)) for *_, sentence in split]
    worth = {term: idf(len(held), sum(term in words for words in held)) for term in asked}
    scored = [
        (sum(worth[term] for term in asked & words) + _PLACE / (1 + place), place, said, number)
        for (place, said, number, _), words in zip(split, held, strict=True)
    ]
    scored.sort(key=lambda item: (-item[0], item[1], item[3]))
    best = scored[0][0] if scored else 0.0
    chosen = {(place, number): said for score, place, said, number in scored[:MOST_QUOTED] if score >= _NEARLY * best}
    quoted = [_quotation(said, at[1]) for at, said in chosen.items() if not _announced(at, chosen)]
    return sorted(quoted, key=lambda said: said.when, reverse=True)


def _announced(at: tuple[int, int], chosen: Mapping[tuple[int, int], Said]) -> bool:
    """Whether the sentence before is quoted too and is short, so that it brings this one along."""
    place, number = at
    before = chosen.get((place, number - 1))
    return before is not None and len(sentences(before.text)[number - 1]) <= _SHORT


def _quotation(said: Said, number: int) -> Said:
    """The sentence as a quotation; a short one together with the next, which says what the short one announced."""
    first, following = sentences(said.text)[number], sentences(said.text)[number + 1 :][:1]
    if len(first) > _SHORT or not following or asks(following[0]):
        return Said(said.when, said.who, first)
    return Said(said.when, said.who, f"{first} {following[0]}" if first[-1].isascii() else first + following[0])
