"""What a data set is: tenants, in each of which turns are told and questions asked, and the reading of its file.

Nothing of a data set is kept in this project: a file is the caller's, and a mistake in it is told by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmha.errors import InvalidInput
from dmha.types import Kind, Turn

if TYPE_CHECKING:
    from dmha.bench.report import Judged

TURN = "turn"  # the metadata's key that tells which turn of the data set a memory is

_AT_ONCE = 1 << 22  # characters read of a long file before its next element is tried


@dataclass(frozen=True, slots=True)
class Told:
    """Turns of one session, remembered by one call when the last of them is said."""

    session: str
    turns: tuple[Turn, ...]
    kind: Kind = "episode"

    @property
    def at(self) -> datetime:
        return max(turn.at for turn in self.turns if turn.at)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked and when, and the turns and sessions that answer it: those that exist."""

    text: str
    category: str
    evidence: frozenset[str]
    sessions: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Tenant:
    """A world of its own: what is told and asked in it, in order; and how many questions cannot be judged."""

    id: str
    acts: tuple[Told | Question, ...]
    unusable: int = 0
    zone: str = "UTC"

    @property
    def told(self) -> list[Told]:
        return [act for act in self.acts if isinstance(act, Told)]

    @property
    def questions(self) -> list[Question]:
        return [act for act in self.acts if isinstance(act, Question)]

    @property
    def steps(self) -> int:
        """Turns to remember and questions to ask."""
        return sum(len(act.turns) if isinstance(act, Told) else 1 for act in self.acts)


def _none(judged: Sequence[Judged]) -> Mapping[str, float]:  # noqa: ARG001 - most sets have no figures of their own
    return {}


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: how its file is read, and what is particular to judging it.

    `headline` names all questions but those of the categories that stand `apart`; `figures` are what its own authors,
    or the bar set for it, measure besides. The tenants of one file tell their times in one zone.
    """

    name: str
    load: Callable[[Path], Iterable[Tenant]]
    headline: str = "all questions"
    apart: frozenset[str] = frozenset()
    top_k: int = 10
    figures: Callable[[Sequence[Judged]], Mapping[str, float]] = _none


def uttered(id: str, text: str, speaker: str, at: datetime) -> Turn:
    """A turn that knows which one of the data set it is."""
    return Turn(text, speaker, at, metadata={TURN: id})


def unanswered(questions: Iterable[Question]) -> int:
    """How many have no turn that exists as their evidence."""
    return sum(not question.evidence for question in questions)


@contextmanager
def reading(data: Path, form: str, fix: str) -> Iterator[None]:
    """Whatever the file lacks to be of that form is the caller's mistake, and named so."""
    try:
        yield
    except KeyError as error:
        raise InvalidInput("data", f"{data} cannot be read as {form}: there is no {error}", fix) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("data", f"{data} cannot be read as {form} ({error!r})", fix) from error


def elements(data: Path) -> Iterator[Any]:
    """The elements of a JSON array one after another: what a file of gigabytes holds is never all in memory."""
    decode = json.JSONDecoder().raw_decode
    with data.open(encoding="utf-8-sig") as file:
        held, at, size = file.read(_AT_ONCE), 1, _AT_ONCE
        if not held.startswith("["):
            raise ValueError("it is no JSON array")
        while held[(at := _past_blanks(held, at)) : at + 1] != "]":
            try:
                element, end = decode(held, at)
                end = _past_blanks(held, end)
                if held[end : end + 1] not in (",", "]"):
                    raise ValueError("an element is followed by neither a comma nor the end")
            except ValueError:  # broken, or not all of it was read: twice as much is tried, so the work stays linear
                if not (more := file.read(size)):
                    raise
                held, at, size = held[at:] + more, 0, 2 * size
                continue
            yield element
            at, size = end + (held[end] == ","), _AT_ONCE
        if held[at + 1 :].strip() or file.read().strip():
            raise ValueError("something follows the array")


def _past_blanks(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at
