"""`kill -9` at any moment: what was acknowledged is there once, what was not is there whole or not at all."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Turn
from dmha.mind import Mind
from dmha.stores import schema
from dmha.stores.truth import Truth

SOAK = os.environ.get("DMHA_SOAK") == "1"
KILLS = 200 if SOAK else 20
HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
CHILD = Path(__file__).with_name("crash_child.py")


def a_life(path: Path, life: int, writers: int, draw: random.Random) -> list[str]:
    """Let a child write until it is killed; gives the turns that it acknowledged."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(path), str(life), str(writers)],
        stdout=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    if draw.random() < 0.2:
        time.sleep(draw.uniform(0.1, 0.7))  # while it starts and opens the file, or somewhat later
        first = b""
    else:
        first = child.stdout.readline()  # it is at work now
        time.sleep(draw.uniform(0.0, 0.08))
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return (first + rest).decode().split()


def turns(mind: Mind) -> Counter[str]:
    """How often each turn stands in the truth, with all that a memory needs."""
    truth = mind._truth
    assert isinstance(truth, Truth)
    memories, views = schema.memories, schema.perspectives
    with truth._engine.connect() as connection:
        whole = connection.execute(
            select(schema.turns.c.uid, memories.c.text)
            .join(memories, memories.c.turn_id == schema.turns.c.id)
            .join(views, views.c.memory_id == memories.c.id)
            .join(schema.terms, schema.terms.c.memory_id == memories.c.id)
            .join(schema.vectors, schema.vectors.c.memory_id == memories.c.id)
            .join(schema.changes, schema.changes.c.memory_id == memories.c.id)
        ).all()
        every = connection.execute(select(schema.turns.c.uid)).scalars().all()
        assert Counter(uid for uid, _ in whole) == Counter(every)
        assert len(connection.execute(select(memories.c.id)).all()) == len(every)
    assert all(said == f"memory {uid}" for uid, said in whole if uid != "before")
    return Counter(every)


def answers(mind: Mind, query: str) -> list[tuple[str, float]]:
    return [(hit.memory.id, hit.score) for hit in mind.search(query, top_k=20, **HERE)]


@pytest.mark.timeout(3_600 if SOAK else 120)
def test_kill_nine_loses_nothing_and_adds_nothing(database: Path) -> None:
    """After each kill every acknowledged turn is there once; besides those, at most one in flight per writer, whole."""
    draw = random.Random(20_260_101)
    acknowledged: set[str] = set()
    in_flight: set[str] = set()
    clock = ManualClock(datetime.now(UTC))
    with dmha.open(database, embedder=StubEmbedder(), chat="extractive", clock=clock) as watching:
        watching.add(Turn("before everything", "aya", id="before"), **HERE)
        answers(watching, "memory")
        for life in range(KILLS):
            writers = draw.randint(1, 4)
            told = a_life(database, life, writers, draw)
            acknowledged |= set(told)

            there = turns(watching)
            assert set(there.values()) == {1}
            assert acknowledged <= there.keys()
            extra = there.keys() - acknowledged - {"before"} - in_flight
            last = Counter(turn.split("/")[1] for turn in told)
            assert extra <= {f"{life}/{writer}/{last[str(writer)]}" for writer in range(writers)}
            in_flight |= extra
            assert watching._truth.check() == []

            query = f"memory {draw.choice(sorted(there))}"
            with dmha.open(database, embedder=StubEmbedder(), chat="extractive", clock=clock) as fresh:
                # A matrix product's last bits depend on how many rows it has: float32 vectors, so equal to 1e-6.
                _same(answers(watching, query), answers(fresh, query))
    assert len(acknowledged) > KILLS  # the children were at work


def test_a_turn_retried_after_a_crash_is_one_memory(database: Path) -> None:
    """Whatever became of the turn in flight, adding it again leaves it there exactly once."""
    told = a_life(database, 0, 1, random.Random(1))
    uncertain = [*told, f"0/0/{len(told)}"]
    with dmha.open(database, embedder=StubEmbedder(), chat="extractive") as mind:
        for turn in uncertain:
            mind.add(Turn(f"memory {turn}", "speaker0", id=turn), session_id=f"session {turn[:4]}", **HERE)
        assert turns(mind) == Counter(uncertain)


def _same(left: list[tuple[str, float]], right: list[tuple[str, float]]) -> None:
    scores = dict(right)
    assert [score for _, score in left] == pytest.approx([score for _, score in right], abs=1e-6)
    for id, score in left:  # two of equal score may stand in either order, or fall off the end of the list
        assert scores.get(id, right[-1][1]) == pytest.approx(score, abs=1e-6)
