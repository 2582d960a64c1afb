"""Fixtures that many tests share: a mind on a file of its own, quick because its embedder is a stand-in; schedulers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stubs import ManualClock, StubEmbedder
from working import Make, Stopwatch

import dmha
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
