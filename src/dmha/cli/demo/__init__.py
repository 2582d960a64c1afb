"""The demo's story: a conversation that is lived through turn by turn, and questions asked when it is over.

Nothing is scripted but what was said and what is asked. docs/demo.md tells the story and what it puts to the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmha.cli.turns import read_objects, turn_of
from dmha.errors import InvalidInput
from dmha.types import Affect, Kind, Reply, Turn

if TYPE_CHECKING:
    from dmha.mind import Mind

CONVERSATION = Path(__file__).with_name("conversation.jsonl")
ZONE = "Asia/Tokyo"
USER = "me"
_CRADLE: tuple[Kind, ...] = ("persona", "lore")

# The questions come when the last evening has settled: a mood has faded, a memory has not.
_AFTERWARDS = timedelta(days=4)
_BETWEEN_QUESTIONS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of the story."""

    id: str
    turns: tuple[Turn, ...]

    @property
    def ends(self) -> datetime:
        """When its last turn was said."""
        return max(turn.at for turn in self.turns if turn.at is not None)


@dataclass(frozen=True, slots=True)
class Story:
    """A companion, what was laid in its cradle, and its life."""

    agent: str
    born_with: tuple[tuple[Kind, str], ...]
    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, and what must (`expects`) or must not (`never`) come back."""

    text: str
    speaker: str
    about: str
    expects: tuple[str, ...]
    never: tuple[str, ...]


class Clock:
    """A clock that stands until it is set: the story's time, not ours."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now.astimezone(UTC)


def read_story(path: Path = CONVERSATION) -> Story:
    """The conversation of that file: a line of JSON for each turn, persona or lore."""
    born_with: list[tuple[Kind, str]] = []
    said: list[tuple[str, Turn]] = []
    try:
        with path.open("rb") as file:
            for number, line in read_objects(file, path.name):
                born_with += [(kind, line[kind]) for kind in _CRADLE if kind in line]
                if line.keys().isdisjoint(_CRADLE):
                    session = line.pop("session", "default")
                    said.append((session, _told_when(turn_of(line, where := f"{path.name}, line {number}"), where)))
    except OSError as error:
        raise InvalidInput("conversation", f"{path}: {error.strerror}", "Give a file as docs/demo.md tells.") from error
    if not said:
        raise InvalidInput("conversation", f"{path} holds no turns", "Give a file as docs/demo.md tells.")
    agent = next((turn.speaker for _, turn in said if turn.source == "assistant"), "companion")
    sessions = tuple(
        Session(session, tuple(turn for _, turn in turns)) for session, turns in groupby(said, key=itemgetter(0))
    )
    return Story(agent, tuple(born_with), sessions)


def read_questions(path: Path = CONVERSATION) -> list[Question]:
    """The questions beside the conversation of that path."""
    beside = path.with_name("questions.json")
    try:
        asked: list[dict[str, Any]] = json.loads(beside.read_text(encoding="utf-8"))
        return [
            Question(each["text"], each["speaker"], each["about"], tuple(each["expects"]), tuple(each.get("never", ())))
            for each in asked
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            "questions", f"{beside}: {error!r}", "Give a list as in the bundled questions.json."
        ) from error


def live(mind: Mind, story: Story, clock: Clock) -> Iterator[tuple[Session, Affect]]:
    """Live through the story, session by session; yields each with the mood right after it."""
    clock.now = story.sessions[0].ends
    for kind, text in story.born_with:
        mind.add([Turn(text, story.agent)], user_id=USER, agent_id=story.agent, session_id="cradle", kind=kind)
    for session in story.sessions:
        clock.now = session.ends
        mind.add(list(session.turns), user_id=USER, agent_id=story.agent, session_id=session.id)
        yield session, mind.feelings(user_id=USER, agent_id=story.agent).mood


def ask(mind: Mind, story: Story, clock: Clock, questions: list[Question]) -> Iterator[tuple[Question, Reply]]:
    """Ask each question as its asker, some days after the story's end."""
    clock.now = story.sessions[-1].ends + _AFTERWARDS
    for question in questions:
        clock.now += _BETWEEN_QUESTIONS
        reply = mind.contextualize(
            question.text,
            user_id=USER,
            agent_id=story.agent,
            session_id=f"{clock.now:%Y-%m-%d}-{question.speaker}",
            speaker=question.speaker,
        )
        yield question, reply


def _told_when(turn: Turn, where: str) -> Turn:
    if turn.at is None:
        raise InvalidInput(where, "a turn of a story needs its time", 'Give "at".')
    return turn
