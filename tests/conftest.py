"""Fixtures that many tests share: a mind on a file of its own, quick because its embedder is a stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
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
