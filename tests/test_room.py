"""A full database under the service, and what it would have written when it could."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving import key_of, serving
from sqlalchemy import event
from starlette.testclient import TestClient
from stubs import ManualClock

from dmha.server.service import Service
from dmha.stores.truth import Truth

SAID = {"turns": [{"text": "I moved to Osaka." + " x" * 5_000}], "agent_id": "relu"}


@contextmanager
def full(service: Service) -> Iterator[None]:
    """The database has no page left, as on a file system without room (SQLITE_FULL)."""
    truth = service.mind.truth
    assert isinstance(truth, Truth)

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={most}")

    most = 1  # fewer than there are: SQLite takes it for as many as there are
    event.listen(truth._engine, "checkout", limit)
    try:
        yield
    finally:
        most = 1_000_000


def tried(client: TestClient, key: str) -> int:
    said = {**SAID, "session_id": key}
    return int(client.post("/v1/memories", json=said, headers={"Idempotency-Key": key}).status_code)


def test_a_full_database_is_507_until_there_is_room(database: Path, clock: ManualClock) -> None:
    """Writes are refused and say so, reads go on, nothing is lost; the same requests succeed once there is room."""
    with serving(database, clock) as (service, client):
        client.headers |= key_of(service, "aya")
        assert tried(client, "first") == 201
        with full(service):
            kept = 1
            while (status := tried(client, f"k{kept}")) == 201:
                kept += 1
            assert status == 507
            answer = client.post("/v1/memories", json=SAID)
            assert "the disk is full (SQLITE_FULL)" in answer.json()["detail"]
            assert answer.headers["retry-after"] == "1"
            assert client.post("/v1/search", json={"query": "Osaka", "agent_id": "relu"}).json()["hits"]
            assert len(client.get("/v1/memories?agent_id=relu&limit=200").json()["memories"]) == kept
        assert tried(client, f"k{kept}") == 201
        assert len(client.get("/v1/memories?agent_id=relu&limit=200").json()["memories"]) == kept + 1


def test_what_cannot_be_audited_is_not_done(database: Path, clock: ManualClock) -> None:
    """On a full disk a read for another account is 507 with the reason, and one's own reads go on."""
    with serving(database, clock) as (service, client):
        client.headers |= key_of(service, "aya")
        acting = {**key_of(service, "desk", acts_for=["aya"]), "X-DMHA-User": "aya"}
        assert client.get("/v1/memories?agent_id=relu", headers=acting).status_code == 200
        with full(service):
            while client.get("/v1/memories?agent_id=relu", headers=acting).status_code == 200:
                pass
            answer = client.get("/v1/memories?agent_id=relu", headers=acting)
            assert answer.status_code == 507
            assert "the disk is full (SQLITE_FULL)" in answer.json()["detail"]
            assert client.get("/v1/memories?agent_id=relu").status_code == 200
        assert client.get("/v1/memories?agent_id=relu", headers=acting).status_code == 200


def test_a_key_that_could_not_be_let_go_is_free_with_the_next_write(database: Path, clock: ManualClock) -> None:
    """A request failed, and so did giving up its key: who sends it again is not told that it is under way."""
    with serving(database, clock) as (service, client):
        client.headers |= key_of(service, "aya")
        assert tried(client, "before") == 201
        service.once._dropped.append(("aya", "dropped", service.once._holder))
        now = clock().timestamp()
        service.mind.truth.write(
            lambda ledger: ledger.requests.claim(
                "aya", "dropped", "its digest", holder=service.once._holder, now=now, until=now + 1_000
            )
        )
        assert tried(client, "dropped") == 201
