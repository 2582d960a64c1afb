"""From a ranking's text to its tokens: numbers, quoted durations, words, operators. Nothing here knows the grammar."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, cast

from dmha.domain.expressions.source import Source, Span, quoted
from dmha.errors import InvalidInput

Kind = Literal["number", "quoted", "word", "operator", "end"]

KEYWORDS = frozenset({"and", "or", "not"})

_TOKEN = re.compile(
    r"""
      (?P<number> (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<quoted> '[^'\n]*' | "[^"\n]*" )
    | (?P<word> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<operator> <= | >= | == | != | \*\* | && | \|\| | [-+*/<>(),] )
    """,
    re.VERBOSE,
)
_SOLID = re.compile(r"\S")
_GLUED = re.compile(r"[A-Za-z0-9_.]+")
_DURATION = re.compile(r"[0-9]+(?:\.[0-9]+)?[smhdwy]")

# What other languages and text processors write, and what it is here.
_ELSEWHERE = {
    **dict.fromkeys(("**", "^"), "pow(x, y)"),
    **dict.fromkeys(("&&", "&"), "and"),
    **dict.fromkeys(("||", "|"), "or"),
    **dict.fromkeys("‘’“”", "a straight quote: '"),
    "!": "not",
    "=": "==",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it stands; the last of a text is an `end` with no text."""

    kind: Kind
    text: str
    at: Span


def tokens(source: Source) -> list[Token]:
    """Every token of the text, then an `end`."""
    found: list[Token] = []
    at = 0
    while solid := _SOLID.search(source.text, at):
        found.append(_token(source, solid.start()))
        at = found[-1].at.end
    return [*found, Token("end", "", Span(at, at))]


def is_duration(text: str) -> bool:
    """Whether a text is a number and one of the letters s m h d w y."""
    return _DURATION.fullmatch(text) is not None


def _token(source: Source, at: int) -> Token:
    match = _TOKEN.match(source.text, at)
    if match is None or match.group() in _ELSEWHERE:
        raise _stranger(source, Span(at, match.end() if match else at + 1))
    if match.lastgroup == "number" and (glued := _GLUED.match(source.text, match.end())):
        raise _no_number(source, Span(at, glued.end()))
    return Token(cast(Kind, match.lastgroup), match.group(), Span(*match.span()))


def _no_number(source: Source, at: Span) -> InvalidInput:
    text = source.text[at.start : at.end]
    fix = f"Put durations in quotes: '{text}'" if is_duration(text) else "Write a number as 2, 0.5 or 1e-3"
    return source.mistake(at, f"{quoted(text)} is no number", fix)


def _stranger(source: Source, at: Span) -> InvalidInput:
    """The error for a character that the language does not have, with what was likely meant."""
    text = source.text[at.start : at.end]
    narrow = unicodedata.normalize("NFKC", text)
    if text in "'\"":
        return source.mistake(at, "a quote is opened and not closed", "Close it: '7d'")
    if instead := _ELSEWHERE.get(narrow):
        return source.mistake(at, f"{quoted(text)} is not of this language", f"Write {instead}")
    if narrow != text and narrow.isascii():
        return source.mistake(at, f"{quoted(text)} is a full-width character", f"Write it half-width: {narrow}")
    name = unicodedata.name(text, f"character U+{ord(text):04X}") if len(text) == 1 else text
    fix = "A ranking has names, numbers, quoted durations, + - * / < > <= >= == != and or not ( ) ,"
    return source.mistake(at, f"{quoted(text)} ({name}) has no meaning", fix)
