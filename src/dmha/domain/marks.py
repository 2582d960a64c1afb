"""Marks: what kind of turn a text is, counted beside its words so that an index knows it without reading the text.

A mark is a term that no text can hold. It is worth nothing to a question's words; rankings read it as a column.
"""

from __future__ import annotations

from functools import lru_cache

from dmha.domain.text import asks, sentences
from dmha.domain.times import tells_time

# Words hold no control characters, so nobody can say a mark.
ASKS = "\x00asks"
TELLS_TIME = "\x00tells time"


# A longer text tells something, whatever it asks.
_LONGEST_QUESTION = 1_000


def merely_asks(text: str) -> bool:
    """Whether a text does nothing but ask."""
    return len(text) <= _LONGEST_QUESTION and _merely_asks(text)


@lru_cache(maxsize=4_096)  # of a search's candidates most were another's before
def _merely_asks(text: str) -> bool:
    said = sentences(text)
    return bool(said) and all(map(asks, said))


def marks(text: str) -> list[str]:
    """The marks of a text: that it ends in a question, that it tells a time."""
    found = [ASKS] if asks(text) and asks(sentences(text)[-1]) else []  # the text ends as its last sentence does
    return [*found, TELLS_TIME] if tells_time(text) else found
