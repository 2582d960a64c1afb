"""Fixtures that several files share: a mind, a library that is indexed, a life to carry away, a desk to type at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from libraries import INDEXES, Library, MakeIndex
from stubs import ManualClock, StubEmbedder

import dmha
from dmha.mind import Mind


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
def library(database: Path) -> Iterator[Library]:
    made = Library(database)
    yield made
    made.truth.close()


@pytest.fixture(params=INDEXES, ids=lambda make: make.__name__)
def make_index(request: pytest.FixtureRequest) -> MakeIndex:
    """Every kind of index in turn."""
    return request.param  # type: ignore[no-any-return]  # pytest's own type
