"""How long a search takes, embedding apart, from a thousand memories to a million: one tenant, and a thousand of them.

Usage: python -m benchmarks.search_speed [--sizes 1000,10000,100000,1000000] [--tenants 1000] [--keep DIR] [--data FILE]

Memories are written by the production write path with given vectors. A vector is a mixture of two real sentences'
embeddings with noise, its text a mixture of their words; questions are real ones that no memory was made of. --data
names a file of sentences, one a line (those that end in "?" are the questions); without it they are made up here. A
file once built is used again where --keep names its folder. What filters cost is told last: those of metadata let
nothing, one memory, 1 %, half and all of them pass.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dmha
from dmha import Turn
from dmha.domain.ranking import resolve
from dmha.faculties.perception import Perception
from dmha.faculties.recall import NOMINATED, dated
from dmha.index.local import LocalIndex
from dmha.mind import Mind
from dmha.models.minilm import MiniLM
from dmha.protocols import Ledger
from dmha.records import Perceived, Place, Reach
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
_START = datetime(2022, 1, 1, tzinfo=UTC)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_TALK = 30  # turns of a session
_AT_ONCE = 2_000
_SENTENCES, _QUESTIONS, _JUDGED, _FILTERED = 4_000, 200, 100, 40
_FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "none": {"metadata": {"number": -1}},
    "one": {"metadata": {"number": 77}},
    "1 %": {"metadata": {"hundredth": True}},
    "50 %": {"metadata": {"half": True}},
    "all": {"metadata": {"all": True}},
    "kind none": {"kind": "wish"},
    "kind all": {"kind": "episode"},
    "tier none": {"tier": "muscle"},
    "polarity joy": {"polarity": "joy"},
}


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
            about = {"number": number, "half": number % 2 == 0, "hundredth": number % 100 == 0, "all": True}
            yield Turn(" ".join(words), draw.choice(_WHO), at=at, vector=vector, metadata=about)


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
    embedder = Given(corpus.known)
    perception, truth = Perception(embedder), Truth(str(path))
    truth.adopt_embedder(embedder)
    turns, began, at_once = corpus.turns(tenants * memories, seed=5), perf_counter(), min(_AT_ONCE, memories)
    for start in range(0, tenants * memories, at_once):
        place = Place(f"bench{start // memories}", "relu", "agent:relu")
        told = list(islice(turns, at_once))
        heard, _ = perception.perceive(told, user_id=place.user_id, world=place.world, kind="episode", now=_NOW)
        truth.write(partial(_remember, place, start, heard))
    truth.close()
    speed, size = tenants * memories / (perf_counter() - began), path.stat().st_size
    print(f"built {path.name}: {speed:,.0f} memories/s, {size / 1e6:,.0f} MB", flush=True)


def _remember(place: Place, start: int, heard: Sequence[Perceived], ledger: Ledger) -> None:
    scope = ledger.places.ensure(place, "UTC", 0.0)
    for turn in range(0, len(heard), _TALK):
        said = heard[turn : turn + _TALK]
        ledger.memories.remember(scope, f"s{start + turn}", said, ledger.embedder_id, _NOW.timestamp())


def one_tenant(path: Path, corpus: Corpus) -> dict[str, float]:
    """In a process of its own: the first search, the next ones, and what it all takes."""
    began = perf_counter()
    with _open(path, corpus) as mind:
        mind.search(corpus.questions[0], user_id="bench0", agent_id="relu")
        first = perf_counter() - began
        spent = _searches(mind, corpus, ["bench0"] * _QUESTIONS)
        held, nbytes = mind._index.size(1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    return {"memories": held, "first_s": first, "peak_mb": peak / 1e6, "index_mb": nbytes / 1e6, **_quantiles(spent)}


def filtered(path: Path, corpus: Corpus) -> dict[str, float]:
    """In a process of its own: searches of what a filter lets pass, from nothing to all."""
    with _open(path, corpus) as mind:
        _searches(mind, corpus, ["bench0"] * _FILTERED)
        told = {}
        for name, narrowed in _FILTERS.items():
            told[f"p50 {name}"] = median(_searches(mind, corpus, ["bench0"] * _FILTERED, **narrowed))
    return told


def many_tenants(path: Path, corpus: Corpus) -> dict[str, float]:
    """In a process of its own: the first search in each of some tenants, and the second."""
    users = [f"bench{n}" for n in range(1, min(_QUESTIONS, int(path.stem.split("x")[0])))]
    with _open(path, corpus) as mind:
        mind.search(corpus.questions[0], user_id="bench0", agent_id="relu")
        cold = _quantiles(_searches(mind, corpus, users))
        warm = _quantiles(_searches(mind, corpus, users))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    told = {f"{name} {how}": value for how, held in (("cold", cold), ("warm", warm)) for name, value in held.items()}
    return {**told, "peak_mb": peak}


def recall(path: Path, corpus: Corpus) -> dict[str, float]:
    """How many of the ten that exact coarse ranking puts first are among the candidates, by ranking."""
    asked = corpus.questions[:_JUDGED]
    with _open(path, corpus) as mind, mind._truth.read() as ledger:
        index = mind._index
        assert isinstance(mind._truth, Truth)
        exact = LocalIndex(mind._truth.feed, len(corpus.known[asked[0]]), codes_from=sys.maxsize)
        found = {}
        for name in ("default", "semantic"):
            ranking, kept = resolve(name), []
            for question in asked:
                made = dated(mind._perception.ask(question)[0], _NOW)
                best, given = (
                    one.nominate(
                        ledger.feed, 1, made, ranking, Reach(), now=_NOW.timestamp(), seed=0, count=count, scalars={}
                    )
                    for one, count in ((exact, 10), (index, NOMINATED))
                )
                kept.append(np.isin(best.memory_ids, given.memory_ids).mean())
            found[f"recall {name}"] = float(np.mean(kept))
    return found


def _open(path: Path, corpus: Corpus) -> Mind:
    return dmha.open(path, embedder=Given(corpus.known), chat="extractive", clock=lambda: _NOW)


def _searches(mind: Mind, corpus: Corpus, users: Sequence[str], **asking: Any) -> list[float]:
    """Milliseconds of one search for each of the users, its question embedded before."""
    spent = []
    for user, question in zip(users, corpus.questions, strict=False):
        mind._perception.ask(question)
        began = perf_counter()
        mind.search(question, user_id=user, agent_id="relu", **asking)
        spent.append((perf_counter() - began) * 1_000)
    return spent


def _quantiles(spent: Sequence[float]) -> dict[str, float]:
    return {"p50": median(spent), "p95": sorted(spent)[int(0.95 * len(spent))]}


MEASURES = {measure.__name__: measure for measure in (one_tenant, filtered, many_tenants, recall)}


def _apart(measure: str, folder: Path, path: Path) -> dict[str, float]:
    """The measure, taken in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.search_speed", "--keep", str(folder), "--measure", measure, str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(told)
    return measured


def main(sizes: Sequence[int], tenants: int, folder: Path, data: Path | None) -> None:
    corpus, medians = Corpus(folder, data), []
    for tenant_count, memories in [*((1, size) for size in sizes), *([(tenants, 1_000)] if tenants else [])]:
        path = folder / f"{tenant_count}x{memories}.db"
        if not path.exists():
            build(path, corpus, tenant_count, memories)
        if tenant_count > 1:
            said = _apart("many_tenants", folder, path)
            print(f"{tenant_count:,} tenants of {memories:,}: {_told(said)}", flush=True)
            continue
        _apart("one_tenant", folder, path)  # the page cache is warm from here on
        said = _apart("one_tenant", folder, path) | _apart("recall", folder, path)
        medians.append(said["p50"])
        print(f"{memories:,}: {_told(said)}", flush=True)
        print(f"{memories:,}, filtered: {_told(_apart('filtered', folder, path))}", flush=True)
    if len(medians) > 1:
        slope, _ = np.polyfit(np.log(sizes), np.log(medians), 1)
        print(f"slope of log p50 over log size: {slope:.2f}")


def _told(said: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,.3f}" if value < 10 else f"{name} {value:,.0f}" for name, value in said.items())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--tenants", type=int, default=1_000, help="how many of 1,000 memories each; 0 leaves them out")
    parser.add_argument("--keep", type=Path, help="the folder of the files built, to use them again")
    parser.add_argument("--data", type=Path, help="sentences and questions, one a line")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "FILE"), help="what the fresh processes are called with")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        here = given.keep or Path(temporary)
        here.mkdir(parents=True, exist_ok=True)
        if given.measure:
            what, file = given.measure
            print(json.dumps(MEASURES[what](Path(file), Corpus(here, None))))
        else:
            main([int(size) for size in given.sizes.split(",")], given.tenants, here, given.data)
