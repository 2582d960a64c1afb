"""Fixtures that several files share: a mind, a library that is indexed, a life to carry away, a desk, a scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from libraries import INDEXES, Library, MakeIndex
from lives import HERE, live, open_mind
from samples import SAMPLE, written
from stubs import ManualClock, StubEmbedder
from tables import rows
from working import Make, Stopwatch

import dmha
from dmha import transfer
from dmha.jobs import Scheduler
from dmha.mind import Mind
from dmha.stores.truth import Truth


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "companion.db"


@pytest.fixture
def mind(database: Path, clock: ManualClock) -> Iterator[Mind]:
    with dmha.open(database, embedder=StubEmbedder(), chat="extractive", clock=clock) as opened:
        yield opened


@pytest.fixture
def truth(database: Path) -> Iterator[Truth]:
    opened = Truth(str(database))
    yield opened
    with opened.read() as ledger:  # what a test asserts inside of a job is a reason there
        assert not [each.reason for each in ledger.jobs.page(1_000) if "AssertionError" in each.reason]
    opened.close()


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def make(truth: Truth, clock: ManualClock, watch: Stopwatch) -> Make:
    """A scheduler on the file, of these kinds."""
    return lambda *kinds, holder="h1": Scheduler(truth, kinds, clock, holder=holder, monotonic=watch)


@pytest.fixture
def library(database: Path) -> Iterator[Library]:
    made = Library(database)
    yield made
    made.truth.close()


@pytest.fixture(params=INDEXES, ids=lambda make: make.__name__)
def make_index(request: pytest.FixtureRequest) -> MakeIndex:
    """Every kind of index in turn."""
    return request.param  # type: ignore[no-any-return]  # pytest's own type


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a lived life's export."""
    folder, clock = tmp_path_factory.mktemp("life"), ManualClock()
    with open_mind(folder / "life.db", clock=clock) as mind:
        live(mind, clock)
        mind.export(folder / "life.jsonl", **HERE)
    return (folder / "life.jsonl").read_text().splitlines()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mind]:
    """A mind that takes nothing in: what is refused leaves it as it was."""
    with open_mind(tmp_path_factory.mktemp("empty") / "empty.db") as mind:
        yield mind
        assert rows(mind) == 3  # the embedder, its counter and the moment


@pytest.fixture
def exported(mind: Mind, clock: ManualClock, tmp_path: Path) -> Path:
    live(mind, clock)
    mind.export(tmp_path / "life.jsonl", **HERE)
    return tmp_path / "life.jsonl"


@pytest.fixture
def short_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units, notes and reports of a few lines each, so that a small life has many moments to break at."""
    for name in ("_NOTED", "_UNIT", "_TOLD"):
        monkeypatch.setattr(transfer, name, 10)
    monkeypatch.setattr(transfer, "_SESSIONS", 1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A LoCoMo file of one conversation."""
    return written(tmp_path, [SAMPLE])


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where somebody types: a folder, a memory named by the environment, a quick embedder, 100 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DMHA_DATABASE", str(tmp_path / "life.db"))
    monkeypatch.setenv("COLUMNS", "100")
    for module in ("dmha.wiring", "dmha.bench.runner"):
        monkeypatch.setattr(f"{module}.make_embedder", lambda *_: StubEmbedder())
