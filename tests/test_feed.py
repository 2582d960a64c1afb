"""What an index and a search read of the database: in few statements, and in the order asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import event
from stubs import StubEmbedder

import dmha
from dmha import Turn


def test_a_search_asks_little_of_the_database(database: Path) -> None:
    """Four statements in one transaction: where, whether anything changed, the ranking's columns, the states shown."""
    with dmha.open(database, embedder=StubEmbedder(16, "a"), chat="extractive") as mind:
        mind.add([Turn(f"{n} tea") for n in range(300)], user_id="aya")
        mind.search("7 tea", user_id="aya")
        asked: list[str] = []
        engine = mind._truth._engine  # type: ignore[attr-defined]  # the file behind the protocol
        event.listen(engine, "connect", lambda connection, record: connection.set_trace_callback(asked.append))
        engine.dispose()  # so that the next connection is a new one, whose statements are told
        assert len(mind.search("8 tea", top_k=10, user_id="aya")) == 10
    assert len([statement for statement in asked if statement.startswith("SELECT") and "alembic" not in statement]) == 4


def test_any_number_of_ids_is_read_in_the_order_asked(database: Path) -> None:
    """More ids than a statement takes, none at all, and unknown ones: each gets its own vector, or zeros."""
    embedder = StubEmbedder(16, "a")
    with dmha.open(database, embedder=embedder, chat="extractive") as mind:
        mind.add([Turn(f"{n} tea", "aya") for n in range(1_100)], user_id="aya")
        with mind._truth.read() as ledger:
            texts = dict(enumerate(ledger.feed.latest_texts(2_000)[::-1], start=1))  # gists among them
            said = [memory_id for memory_id, text in texts.items() if len(text.split()) == 2][::-1]
            read = ledger.feed.vectors([*said, 10**9], 16)
            assert ledger.feed.vectors([], 16).shape == (0, 16)
            assert ledger.feed.rows([]).memory_ids.tolist() == []
    np.testing.assert_allclose(read[:-1], embedder.embed([f"aya: {texts[memory_id]}" for memory_id in said]), atol=1e-6)
    assert not read[-1].any()
