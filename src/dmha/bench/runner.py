"""Running a data set: told by `Mind.add`, asked by `Mind.search`, on a database file of its own.

What is measured is what every caller gets.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dmha import __version__
from dmha.bench.dataset import TURN, DataSet, Question, Tenant, Told
from dmha.bench.report import Judged, Milliseconds, Report, Scores
from dmha.domain.ranking import resolve
from dmha.errors import InvalidInput
from dmha.protocols import Embedder, Progress, no_progress
from dmha.settings import read_settings
from dmha.wiring import make_embedder, open_mind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dmha.mind import Mind

_USER = "bench"


def run(
    dataset: DataSet,
    data: Path,
    *,
    ranking: str | None = None,
    embedder: Embedder | None = None,
    baselines: bool = False,
    progress: Progress = no_progress,
) -> Report:
    """Tell every turn, ask every question, and judge what came back."""
    resolve(ranking)  # a mistake in it is told before a minute of embedding, not after
    extent = _survey(dataset, data)
    embeds = make_embedder(read_settings(), embedder)
    timed, clock, kept = _Timed(embeds), _Clock(), _Kept()
    with (
        tempfile.TemporaryDirectory(prefix=f"dmha-{dataset.name}-") as folder,
        open_mind(Path(folder) / "bench.db", embedder=timed, clock=clock, zone=extent.zone) as mind,
    ):
        for tenant in dataset.load(data):
            for act in tenant.acts:
                clock.now = act.at
                if isinstance(act, Told):
                    kept.tell(mind, tenant.id, act)
                else:
                    kept.judged.append(_ask(mind, timed, tenant.id, act, ranking, dataset.top_k))
                progress(kept.turns + len(kept.judged), extent.steps)
            if baselines and tenant.questions:
                kept.hold_against(tenant, embeds, dataset.top_k)
        memories, nbytes = _index_size(mind)
    return Report(
        benchmark=dataset.name,
        headline=dataset.headline,
        overall=_overall(dataset, kept.judged),
        categories=_by_category(kept.judged),
        baselines={name: _overall(dataset, judged) for name, judged in kept.baselines.items()},
        figures=dict(dataset.figures(kept.judged)),
        search=Milliseconds.of([one.search_s for one in kept.judged]),
        embedding=Milliseconds.of([one.embedding_s for one in kept.judged]),
        apart=Milliseconds.of([one.search_s - one.embedding_s for one in kept.judged]),
        turns=kept.turns,
        turns_per_s=kept.turns / kept.telling_s,
        index_memories=memories,
        index_bytes=nbytes,
        unusable_questions=extent.unusable,
        ranking=ranking or "default",
        embedder=timed.id,
        data_sha256=_sha256(data),
        version=__version__,
    )


# --- before ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Extent:
    """How much there is to do: the whole file has been read once, so a mistake in it is known before any work."""

    steps: int
    unusable: int
    zone: str


def _survey(dataset: DataSet, data: Path) -> _Extent:
    steps = unusable = judged = 0
    zone = "UTC"
    for tenant in dataset.load(data):
        steps, unusable, zone = steps + tenant.steps, unusable + tenant.unusable, tenant.zone
        judged += sum(question.category not in dataset.apart for question in tenant.questions)
    if not judged:
        fix = f"Give a file whose questions name turns that answer them ({dataset.headline})."
        raise InvalidInput("data", f"{data} asks nothing that has evidence", fix)
    return _Extent(steps, unusable, zone)


# --- telling and asking ----------------------------------------------------------------------------------------------


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


@dataclass(slots=True)
class _Kept:
    """What has been told and judged so far."""

    turns: int = 0
    telling_s: float = 0.0
    judged: list[Judged] = field(default_factory=list)
    baselines: dict[str, list[Judged]] = field(default_factory=dict)

    def tell(self, mind: Mind, agent_id: str, told: Told) -> None:
        start = time.perf_counter()
        mind.add(told.turns, user_id=_USER, agent_id=agent_id, session_id=told.session, kind=told.kind)
        self.telling_s += time.perf_counter() - start
        self.turns += len(told.turns)

    def hold_against(self, tenant: Tenant, embedder: Embedder, top_k: int) -> None:
        from dmha.bench.baselines import judge

        for name, judged in judge(tenant, embedder, top_k):
            self.baselines.setdefault(name, []).append(judged)


def _ask(mind: Mind, timed: _Timed, agent_id: str, question: Question, ranking: str | None, top_k: int) -> Judged:
    timed.seconds = 0.0
    start = time.perf_counter()
    hits = mind.search(question.text, user_id=_USER, agent_id=agent_id, top_k=top_k, ranking=ranking)
    elapsed = time.perf_counter() - start
    return Judged(
        category=question.category,
        turns=tuple(hit.memory.metadata.get(TURN) for hit in hits),  # a gist of several turns has none
        sessions=tuple(hit.memory.session_id for hit in hits),
        evidence=question.evidence,
        evidence_sessions=question.sessions,
        confidence=hits[0].confidence if hits else 0.0,
        search_s=elapsed,
        embedding_s=timed.seconds,
    )


def _index_size(mind: Mind) -> tuple[int, int]:
    """Memories and bytes of all tenants, as the index counts them; no caller needs it, so no public name tells it."""
    with mind._truth.read() as ledger:
        tenants = ledger.feed.tenant_counts()
    sizes = [mind._index.size(tenant_id) for tenant_id in tenants]
    return sum(count for count, _ in sizes), sum(nbytes for _, nbytes in sizes)


# --- judging ---------------------------------------------------------------------------------------------------------


def _overall(dataset: DataSet, judged: Sequence[Judged]) -> Scores:
    return Scores.of([one for one in judged if one.category not in dataset.apart])


def _by_category(judged: Sequence[Judged]) -> dict[str, Scores]:
    """Each category of which something was wanted, in the order of names."""
    wanted = [one for one in judged if one.evidence]
    names = sorted({one.category for one in wanted})
    return {name: Scores.of([one for one in wanted if one.category == name]) for name in names}


def _sha256(data: Path) -> str:
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
