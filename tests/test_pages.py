"""All that is remembered, page by page: each memory once, at the cost of a page, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import key_of, serving
from sqlalchemy import text
from sqlalchemy.dialects import sqlite
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, OutOfBounds, Page, Turn
from dmha.mind import Mind
from dmha.stores import reading
from dmha.stores.prepared import Prepared
from dmha.stores.truth import Truth

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
_ACCOUNTS = count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mind]:
    """A mind for many accounts: each drawn life is one of its own."""
    path = tmp_path_factory.mktemp("pages") / "companion.db"
    with dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=ManualClock()) as mind:
        yield mind


def test_pages_hold_each_memory_once(mind: Mind) -> None:
    """Latest first, page after page to the end, private ones only for who is present, of this world alone."""
    turns = [Turn(f"note {n}", "aya", id=str(n), private=n % 3 == 0) for n in range(10)]
    mind.add(turns, **HERE)
    mind.add("elsewhere", user_id="ben", agent_id="relu")
    mind.add("in the scene", user_id="aya", agent_id="relu", world="scene")

    def listed(limit: int, **present: Any) -> list[str]:
        told, page = list[str](), Page((), None)
        while page.next is not None or not told:
            page = mind.memories(limit=limit, after=page.next, **present, **HERE)
            assert len(page.memories) == limit or page.next is None
            told += [memory.text for memory in page.memories]
        return told

    for limit in (1, 3, 9, 10, 50):
        assert listed(limit) == [f"note {n}" for n in range(9, -1, -1) if n % 3]
        assert listed(limit, present=["aya"]) == [f"note {n}" for n in range(9, -1, -1)]
        assert listed(limit, present=["aya", "aya", "eve"]) == listed(limit, present=["aya"])
        assert listed(limit, present=["ben"]) == listed(limit)


@settings(max_examples=60, deadline=None)
@given(
    first=st.integers(1, 12),
    limit=st.integers(1, 4),
    meanwhile=st.lists(st.lists(st.sampled_from(["shown", "next", "any", "add", "mark"]), max_size=3), max_size=8),
    chosen=st.randoms(use_true_random=False),
)
def test_what_stays_is_on_one_page(
    shared: Mind, first: int, limit: int, meanwhile: list[list[str]], chosen: Any
) -> None:
    """Whatever is deleted, added or marked between two pages: what is there throughout is shown once, in order."""
    here: dict[str, Any] = {"user_id": f"account {next(_ACCOUNTS)}", "agent_id": "relu"}
    there = shared.add([Turn(f"note {n}", id=str(n)) for n in range(first)], **here)
    shown, doings = list[str](), iter(meanwhile)
    page = shared.memories(limit=limit, **here)
    while True:
        shown += [memory.id for memory in page.memories]
        if page.next is None:
            break
        for doing in next(doings, []):
            waiting = [id for id in there if id not in shown]
            ended = [id for id in shown[-1:] if id in there]
            of = {"shown": ended, "next": waiting[-1:]}.get(doing, there)
            if doing == "add":
                shared.add("late", **here)
            elif of and doing == "mark":
                shared.update(chosen.choice(of), wrong=True, **here)
            elif of:
                shared.delete(gone := chosen.choice(of), **here)
                there.remove(gone)
        page = shared.memories(limit=limit, after=page.next, **here)
    assert len(set(shown)) == len(shown)
    assert [id for id in shown if id in there] == there[::-1]


def test_a_list_is_asked_for_rightly(mind: Mind) -> None:
    """An unknown place is empty, a place in the list that was made up or a limit out of bounds refused by name."""
    mind.add("note", **HERE)
    assert mind.memories(user_id="nobody") == mind.memories(user_id="nobody", after="5") == Page((), None)
    bad: list[Any] = ["m_none", "-1", "1.5", "٣", "1" * 19, "", "\ud800", 5]
    for after in bad:
        with pytest.raises(InvalidInput, match="after"):
            mind.memories(after=after, **HERE)
    with pytest.raises(InvalidInput, match="limit"):
        mind.memories(limit=0, **HERE)
    with pytest.raises(OutOfBounds, match="limit"):
        mind.memories(limit=1_001, **HERE)
    with pytest.raises(InvalidInput, match="present"):
        mind.memories(present="aya", **HERE)


@pytest.mark.parametrize("statement", [reading._OPEN, reading._CONFIDED])
def test_a_page_costs_a_page(database: Path, statement: Prepared) -> None:
    """Its ids are one stretch of an index that holds them, from its place on: nothing is sorted or gone through."""
    truth = Truth(str(database))
    query = str(statement._build([]).compile(dialect=sqlite.dialect()))
    with truth._engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (1,) * query.count("?")).all()
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'index'")).scalars().all()
    truth.close()
    index = "ix_memories_tenant_id_private_to_id"
    assert index in names
    told, *of_summaries = [row[-1] for row in plan]
    assert told == f"SEARCH memories USING COVERING INDEX {index} (tenant_id=? AND private_to=? AND id<?)"
    assert not any(word in step for step in of_summaries for word in ("SCAN", "B-TREE"))


def test_a_cursor_stands_whatever_is_deleted(database: Path) -> None:
    """Over HTTP too: where all of the page before is gone, the next one goes on."""
    with serving(database) as (service, client):
        client.headers.update(key_of(service, "aya"))
        turns = [{"text": f"note {n}"} for n in range(6)]
        ids = client.post("/v1/memories", json={"turns": turns, "agent_id": "relu"}).json()["ids"]
        first = client.get("/v1/memories?agent_id=relu&limit=2").json()
        for id in ids[3:]:
            assert client.delete(f"/v1/memories/{id}?agent_id=relu").status_code == 204
        again = client.get(f"/v1/memories?agent_id=relu&limit=2&cursor={first['next']}")
        assert [memory["id"] for memory in again.json()["memories"]] == ids[2:0:-1]
        client.request("DELETE", f"/v1/memories/{ids[0]}?agent_id=relu")
        last = client.get(f"/v1/memories?agent_id=relu&limit=2&cursor={again.json()['next']}")
        assert last.json() == {"memories": [], "next": None}
