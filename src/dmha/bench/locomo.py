"""LoCoMo (Maharana et al. 2024): very long conversations, and questions with the turns that hold the answers.

The data is read from the caller's file and never kept. Every turn is one memory, written by `Mind.add` and asked for by
`Mind.search` on a database file of its own: what is measured is what every caller gets.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmha import __version__
from dmha.bench.report import Judged, Milliseconds, Report, Scores, table
from dmha.domain.ranking import resolve
from dmha.errors import InvalidInput
from dmha.protocols import Embedder, Progress, no_progress
from dmha.settings import make_embedder, open_mind, read_settings
from dmha.types import Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dmha.mind import Mind

CATEGORIES = {1: "1 multi-hop", 2: "2 temporal", 3: "3 open-domain", 4: "4 single-hop", 5: "5 adversarial"}
APART = CATEGORIES[5]  # asks one speaker about what the other told: it has evidence, but no right answer
TOP_K = 10

_USER = "locomo"
_SESSION = re.compile(r"session_([0-9]+)")
_EVIDENCE = re.compile(r"D:?([0-9]+):([0-9]+)")  # as annotated: "D8:6; D9:17", "D:11:26", "D30:05"
_TIME = "%I:%M %p on %d %B, %Y"  # "1:56 pm on 8 May, 2023"; no zone is told, so UTC stands in


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the turns and sessions that answer it: those that exist, at least one."""

    text: str
    category: str
    evidence: frozenset[str]
    sessions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Sessions in order, the questions that can be judged, and how many cannot."""

    id: str
    sessions: Mapping[str, list[Turn]]
    questions: tuple[Question, ...]
    unusable: int
    end: datetime

    @property
    def steps(self) -> int:
        """Turns to remember and questions to ask."""
        return sum(map(len, self.sessions.values())) + len(self.questions)


def load(data: Path) -> list[Conversation]:
    """The conversations of a LoCoMo file."""
    try:
        conversations = [_conversation(sample) for sample in json.loads(data.read_bytes())]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidInput(
            "data", f"{data} cannot be read as LoCoMo ({error!r})", "Give locomo10.json or a part of it."
        ) from error
    if all(question.category == APART for one in conversations for question in one.questions):
        raise InvalidInput("data", f"{data} asks nothing that has evidence", "Give a file with `qa` and `evidence`.")
    return conversations


def run(
    data: Path, *, ranking: str | None = None, embedder: Embedder | None = None, progress: Progress = no_progress
) -> Report:
    """Remember every turn, ask every question, and judge what came back."""
    resolve(ranking)  # a mistake in it is told before a minute of embedding, not after
    conversations = load(data)
    timed, clock = _Timed(make_embedder(read_settings(), embedder)), _Clock()
    total, done = sum(one.steps for one in conversations), 0
    turns, ingesting, judged = 0, 0.0, []
    with (
        tempfile.TemporaryDirectory(prefix="dmha-locomo-") as folder,
        open_mind(Path(folder) / "locomo.db", embedder=timed, clock=clock) as mind,
    ):
        for one in conversations:
            clock.now = one.end
            for session, told in one.sessions.items():
                start = time.perf_counter()
                mind.add(told, user_id=_USER, agent_id=one.id, session_id=session)
                ingesting += time.perf_counter() - start
                turns += len(told)
                progress(done := done + len(told), total)
        for one in conversations:
            clock.now = one.end
            for question in one.questions:
                judged.append(_ask(mind, timed, one.id, question, ranking))
                progress(done := done + 1, total)
    return Report(
        overall=Scores.of([one for one in judged if one.category != APART]),
        categories=_by_category(judged),
        search=Milliseconds.of([one.search_s for one in judged]),
        embedding=Milliseconds.of([one.embedding_s for one in judged]),
        apart=Milliseconds.of([one.search_s - one.embedding_s for one in judged]),
        turns=turns,
        turns_per_s=turns / ingesting,
        unusable_questions=sum(one.unusable for one in conversations),
        ranking=ranking or "default",
        embedder=timed.id,
        data_sha256=hashlib.sha256(data.read_bytes()).hexdigest(),
        version=__version__,
    )


def main(data: Path, *, ranking: str | None, as_json: bool) -> None:
    """Run with a progress bar on stderr; the report goes to stdout, as a table or as JSON."""
    from rich import progress as bars
    from rich.console import Console

    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("turns and questions", total=None)
        report = run(data, ranking=ranking, progress=lambda done, of: bar.update(task, completed=done, total=of))
    if as_json:
        sys.stdout.write(json.dumps(report.to_dict(), indent=2) + "\n")
    else:
        Console().print(table(report))


# --- the data --------------------------------------------------------------------------------------------------------


def _conversation(sample: Mapping[str, Any]) -> Conversation:
    told: Mapping[str, Any] = sample["conversation"]
    numbers = sorted(int(name[1]) for name in map(_SESSION.fullmatch, told) if name)
    sessions = {f"session_{number}": _turns(told, f"session_{number}") for number in numbers}
    session_of = {turn.metadata["dia_id"]: session for session, turns in sessions.items() for turn in turns}
    questions = [_question(asked, session_of) for asked in sample["qa"]]
    usable = tuple(question for question in questions if question.evidence)
    last = max(_when(told, session) for session, turns in sessions.items() if turns)
    return Conversation(
        str(sample["sample_id"]), sessions, usable, len(questions) - len(usable), last + timedelta(minutes=1)
    )


def _turns(told: Mapping[str, Any], session: str) -> list[Turn]:
    return [
        Turn(text, turn["speaker"], _when(told, session), metadata={"dia_id": turn["dia_id"]})
        for turn in told[session]
        if (text := _text(turn)).strip()
    ]


def _text(turn: Mapping[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [shares {caption}]" if caption else str(turn["text"])


def _when(told: Mapping[str, Any], session: str) -> datetime:
    return datetime.strptime(told[f"{session}_date_time"], _TIME).replace(tzinfo=UTC)


def _question(asked: Mapping[str, Any], session_of: Mapping[str, str]) -> Question:
    named = {
        f"D{int(session)}:{int(turn)}"
        for written in asked.get("evidence", ())
        for session, turn in _EVIDENCE.findall(written)
    }
    evidence = frozenset(named & session_of.keys())
    return Question(
        asked["question"], CATEGORIES[asked["category"]], evidence, frozenset(session_of[turn] for turn in evidence)
    )


# --- asking ----------------------------------------------------------------------------------------------------------


class _Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = datetime.fromtimestamp(0, UTC)

    def __call__(self) -> datetime:
        return self.now


class _Timed:
    """The embedder itself, with a watch on it."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.id, self.dimension = embedder.id, embedder.dimension
        self.scripts: frozenset[str] | None = getattr(embedder, "scripts", None)
        self.seconds = 0.0

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        start = time.perf_counter()
        vectors = self._embedder.embed(texts)
        self.seconds += time.perf_counter() - start
        return vectors


def _ask(mind: Mind, timed: _Timed, agent_id: str, question: Question, ranking: str | None) -> Judged:
    timed.seconds = 0.0
    start = time.perf_counter()
    hits = mind.search(question.text, user_id=_USER, agent_id=agent_id, top_k=TOP_K, ranking=ranking)
    elapsed = time.perf_counter() - start
    return Judged(
        category=question.category,
        turns=tuple(hit.memory.metadata.get("dia_id") for hit in hits),  # a gist of several turns has none
        sessions=tuple(hit.memory.session_id for hit in hits),
        evidence=question.evidence,
        evidence_sessions=question.sessions,
        search_s=elapsed,
        embedding_s=timed.seconds,
    )


def _by_category(judged: list[Judged]) -> dict[str, Scores]:
    asked = {name: [one for one in judged if one.category == name] for name in CATEGORIES.values()}
    return {name: Scores.of(those) for name, those in asked.items() if those}
