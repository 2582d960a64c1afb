"""Random talks: after a replacement an export tells of what stayed, as if the rejected variant had never been."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from scripts import STEPS, Script
from stubs import ManualClock, StubEmbedder

import dmha
from dmha.mind import Mind

SOAK = os.environ.get("DMHA_SOAK") == "1"


@dataclass
class Pair:
    """A mind that lives through every variant, and one that hears only what stayed."""

    tried: Mind
    plain: Mind
    clock: ManualClock
    folder: Path
    lives: int = 0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, clock = tmp_path_factory.mktemp("variants"), ManualClock()
    tried, plain = (
        dmha.open(folder / name, embedder=StubEmbedder(), chat="extractive", clock=clock) for name in ("tried", "plain")
    )
    with tried, plain:
        yield Pair(tried, plain, clock, folder)


@settings(
    max_examples=1_000 if SOAK else 25, deadline=None, derandomize=not SOAK,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=STEPS)
@pytest.mark.timeout(3_600 if SOAK else 120)
def test_after_a_replacement_the_rejected_variant_never_happened(pair: Pair, steps: list[Any]) -> None:
    """Add, contextualize, recall, replace, fork, delete, retry in any order: the export tells of what stayed alone."""
    pair.lives += 1
    script = Script(pair.tried, pair.clock, f"u{pair.lives}")
    pair.clock.now = ManualClock().now
    for step in steps:
        script.step(*step)
    if script.open is None:
        script.open = script.say(script.place(1), "last", 3, parent=None)
    script.replace(4)
    event(f"{script.replaced} replaced")
    same(pair, script)


def same(pair: Pair, script: Script) -> None:
    """Both minds export the same bytes, and the tried one is sound."""
    for op in script.ops:
        pair.clock.now = pair.clock.now.fromtimestamp(op.at, pair.clock.now.tzinfo)
        op.run(pair.plain)
    exports = []
    for name, mind in (("tried", pair.tried), ("plain", pair.plain)):
        mind.export(pair.folder / f"{name}.jsonl", user_id=script.user)
        exports.append((pair.folder / f"{name}.jsonl").read_text().splitlines())
    assert exports[0] == exports[1]
    assert pair.tried._truth.check() == []
