"""What every store is told and asked, with its vectors: LoCoMo's conversations, and turns to make up the number.

The conversations are 2,760 turns. MemoryBank's, where they are given, come next; then turns joined from the first half
of one and the second half of another, drawn with a fixed seed: no two are the same, their words are real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha.bench.locomo import DATA_SET, load
from dmha.settings import read_settings
from dmha.wiring import make_embedder

AT_ONCE = 256


@dataclass(frozen=True)
class Conversation:
    """A tenant: its sessions as ranges of turns' numbers, and its questions, each with the turns that answer it."""

    name: str
    sessions: dict[str, tuple[int, int]]
    questions: dict[int, frozenset[int]]


@dataclass(frozen=True)
class Corpus:
    """All that is told and asked, by its number; the conversations stand first."""

    turns: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    conversations: list[Conversation]

    def write(self, folder: Path) -> None:
        """Where the children read it. Embedding is kept, by what was embedded."""
        told = json.dumps({"turns": self.turns, "questions": self.questions})
        kept = folder / f"vectors-{blake2b(told.encode(), digest_size=8).hexdigest()}.npz"
        if not kept.exists():
            np.savez(kept, turns=_embedded(self.turns), questions=_embedded(self.questions))
        (folder / "vectors.npz").unlink(missing_ok=True)
        (folder / "vectors.npz").symlink_to(kept.name)
        (folder / "corpus.json").write_text(told, "utf-8")


def read(locomo: Path, memorybank: Path | None, conversations: int | None, memories: int) -> Corpus:
    """So many conversations, and as many turns as are asked for."""
    corpus = Corpus([], [], [])
    for tenant in load(locomo)[:conversations]:
        numbers: dict[Any, int] = {}
        sessions, questions = {}, {}
        for told in tenant.told:
            first = len(corpus.turns)
            for turn in told.turns:
                numbers[turn.metadata["turn"]] = len(corpus.turns)
                corpus.turns.append(_turn(len(corpus.turns), turn.speaker, turn.text, turn.at or told.at))
            sessions[told.session] = (first, len(corpus.turns))
        for asked in tenant.questions:
            if asked.category not in DATA_SET.apart:
                questions[len(corpus.questions)] = frozenset(numbers[turn] for turn in asked.evidence)
                corpus.questions.append({"text": asked.text, "at": asked.at.isoformat()})
        corpus.conversations.append(Conversation(tenant.id, sessions, questions))
    if memorybank:
        for speaker, said, at in _of_memorybank(memorybank):
            corpus.turns.append(_turn(len(corpus.turns), speaker, said, at))
    _joined(corpus.turns, memories)
    return corpus


def _turn(number: int, speaker: str, said: str, at: datetime) -> dict[str, Any]:
    """`text` is what a store with no idea of speakers is told, and what is embedded for all of them."""
    return {
        "number": number, "speaker": speaker, "said": said, "at": at.isoformat(), "text": f"{speaker}: {said}",
    }  # fmt: skip


def _of_memorybank(data: Path) -> Iterator[tuple[str, str, datetime]]:
    for name, user in json.loads(data.read_text("utf-8")).items():
        for day, talk in user["history"].items():
            at = datetime.fromisoformat(day).replace(tzinfo=UTC)
            for exchange in talk:
                yield from (
                    (speaker, exchange[key], at)
                    for speaker, key in ((name, "query"), ("assistant", "response"))
                    if exchange.get(key, "").strip()
                )


def _joined(turns: list[dict[str, Any]], count: int) -> None:
    draw, real, seen = Random(7), list(turns), {turn["text"] for turn in turns}
    while len(turns) < count:
        one, other = draw.choice(real), draw.choice(real)
        before, after = one["said"].split(), other["said"].split()
        said = " ".join(before[: (len(before) + 1) // 2] + after[len(after) // 2 :])
        made = _turn(len(turns), one["speaker"], said, datetime.fromisoformat(one["at"]))
        if made["text"] not in seen:
            seen.add(made["text"])
            turns.append(made)


def _embedded(spoken: Sequence[dict[str, Any]]) -> NDArray[np.float32]:
    embedder, texts = make_embedder(read_settings(), None), [one["text"] for one in spoken]
    return np.concatenate([embedder.embed(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)])
