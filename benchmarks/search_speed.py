"""How long a search takes, embedding apart, from a thousand memories to a million: one tenant, and a thousand of them.

Usage: python -m benchmarks.search_speed [--sizes 1000,10000,100000,1000000] [--tenants 1000] [--keep DIR] [--data FILE]

Memories are written by the production write path with given vectors. A vector is a mixture of two real sentences'
embeddings with noise, its text a mixture of their words; questions are real ones that no memory was made of. --data
names a file of sentences, one a line (those that end in "?" are the questions); without it they are made up here. A
file once built is used again where --keep names its folder.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

import dmha
from dmha import Turn
from dmha.domain.ranking import resolve, top
from dmha.domain.terms import TERM_DTYPE
from dmha.faculties.perception import Perception
from dmha.mind import Mind
from dmha.models.minilm import MiniLM
from dmha.records import Place, Question
from dmha.stores.truth import Truth

_WHO = ("aya", "kenji", "mika", "tom", "sara", "lee", "nora", "paul")
_DID = (
    "moved to", "wrote about", "dreamt of", "quarrelled over", "paid for", "painted", "was late for", "talked about",
    "forgot", "found", "cooked", "sold", "is afraid of", "was proud of", "repaired", "waited for", "laughed about",
    "missed", "planned", "gave up", "studied", "listened to", "promised", "took a picture of", "cried over", "won",
)  # fmt: skip
_WHAT = (
    "the concert", "a new job", "my sister's wedding", "the garden", "that old camera", "the trip to the coast",
    "a strange dream", "the night train", "dinner with friends", "the chemistry exam", "a letter from home",
    "the fish market", "an umbrella", "the piano", "a broken knee", "the first snow", "a lost cat", "the rent",
    "the marathon", "a vaccination", "the chess club", "an earthquake", "green tea", "the election", "a poem",
    "the hospital", "a bicycle", "her passport", "the choir", "a birthday cake", "the software update", "the divorce",
)  # fmt: skip
_WHERE = (
    "in Osaka",
    "at the library",
    "near Sapporo",
    "at the office",
    "by the river",
    "in Kyoto",
    "at home",
    "abroad",
)
_FELT = (
    "and it was wonderful",
    "and it hurt",
    "for the second time",
    "before the rain",
    "with a headache",
    "as always",
)
_WORKS_IN = {"user_id": "bench", "agent_id": "relu"}
_START = datetime(2022, 1, 1, tzinfo=UTC)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_AT_ONCE = 2_000
_SENTENCES, _QUESTIONS = 4_000, 200


class Given:
    """An embedder that only knows the questions asked: embedding is measured elsewhere."""

    dimension = 384
    id = "given"

    def __init__(self, known: dict[str, NDArray[np.float32]]) -> None:
        self._known = known

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        return np.array([self._known[text] for text in texts], np.float32).reshape(len(texts), self.dimension)


class Corpus:
    """Sentences and questions with their embeddings, grown to any number of memories. Kept in the folder."""

    def __init__(self, folder: Path, data: Path | None) -> None:
        kept = folder / "corpus.npz"
        if not kept.exists():
            sentences, questions = _read(data) if data else _made_up()
            vectors = _embedded([*sentences, *questions], folder)
            np.savez(kept, texts=np.array([*sentences, *questions]), vectors=vectors, sentences=len(sentences))
        held = np.load(kept)
        count = int(held["sentences"])
        texts, vectors = held["texts"].tolist(), held["vectors"]
        self.sentences, self.questions = [text.split() for text in texts[:count]], texts[count:]
        self.vectors: NDArray[np.float32] = vectors[:count]
        self.known = dict(zip(self.questions, vectors[count:], strict=True))

    def turns(self, count: int, seed: int) -> Iterator[Turn]:
        """So many turns, the same ones each time."""
        draw, noise = Random(seed), np.random.default_rng(seed)
        for number in range(count):
            one, other = draw.randrange(len(self.sentences)), draw.randrange(len(self.sentences))
            share = draw.uniform(0.5, 0.9)
            vector = share * self.vectors[one] + (1.0 - share) * self.vectors[other]
            vector = vector + noise.standard_normal(384, np.float32) * np.float32(0.4 / 384**0.5)
            words = self.sentences[one][:8] + self.sentences[other][:4]
            at = _START + timedelta(seconds=number * 120 % 120_000_000)
            yield Turn(" ".join(words), draw.choice(_WHO), at=at, vector=vector)


def _made_up() -> tuple[list[str], list[str]]:
    draw = Random(11)
    told: dict[str, None] = {}
    while len(told) < _SENTENCES:
        parts = (draw.choice(_WHO), draw.choice(_DID), draw.choice(_WHAT), draw.choice(_WHERE), draw.choice(_FELT))
        told[" ".join(parts)] = None
    asked: dict[str, None] = {}
    while len(asked) < _QUESTIONS:
        asked[f"What happened when {draw.choice(_WHO)} {draw.choice(_DID)} {draw.choice(_WHAT)}?"] = None
    return list(told), list(asked)


def _read(data: Path) -> tuple[list[str], list[str]]:
    lines = [line.strip() for line in data.read_text("utf-8").splitlines() if line.strip()]
    asked = [line for line in lines if line.endswith("?")]
    return [line for line in lines if not line.endswith("?")], asked[:_QUESTIONS]


def _embedded(texts: Sequence[str], cache: Path) -> NDArray[np.float32]:
    embedder = MiniLM(cache)
    return np.concatenate([embedder.embed(list(texts[start : start + 64])) for start in range(0, len(texts), 64)])


def build(path: Path, corpus: Corpus, tenants: int, memories: int) -> None:
    """Fill a file by the production write path."""
    perception, truth = Perception(Given(corpus.known)), Truth(str(path))
    truth.adopt_embedder(Given(corpus.known))
    turns, began = corpus.turns(tenants * memories, seed=5), perf_counter()
    for start in range(0, tenants * memories, min(_AT_ONCE, memories)):
        count, user = min(_AT_ONCE, memories), f"bench{start // memories}"
        place = Place(user, "relu", "agent:relu")
        told = [next(turns) for _ in range(count)]
        perceived, _ = perception.perceive(told, user_id=user, world=place.world, kind="lore", now=_NOW)

        def unit(ledger, place=place, perceived=perceived, session=f"s{start}"):  # type: ignore[no-untyped-def]
            scope = ledger.places.ensure(place, "UTC", 0.0)
            ledger.memories.remember(scope, session, perceived, ledger.embedder_id, _NOW.timestamp())

        truth.write(unit)
    truth.close()
    print(
        f"  built: {tenants * memories / (perf_counter() - began):,.0f} memories/s, {path.stat().st_size / 1e6:,.0f} MB"
    )
