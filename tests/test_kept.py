"""Answers kept under an Idempotency-Key: in bounds, and gone with what they tell of."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from routes import LINES
from serving import key_of, serving
from sqlalchemy import create_engine
from starlette.testclient import TestClient
from stubs import ManualClock, StubEmbedder
from test_server import problem

import dmha
from dmha import Turn
from dmha.mind import Mind
from dmha.protocols import Ledger
from dmha.records import Answered, Telling
from dmha.server import once
from dmha.server.service import Service
from dmha.stores import migrate, requests
from dmha.stores.truth import Truth

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
AT = "?agent_id=relu"


@pytest.fixture
def service(database: Path, clock: ManualClock) -> Iterator[tuple[Service, TestClient]]:
    with serving(database, clock) as (made, client):
        client.headers |= key_of(made, "aya")
        yield made, client


@pytest.fixture
def client(service: tuple[Service, TestClient]) -> TestClient:
    return service[1]


def sent(client: TestClient, method: str, path: str, key: str, **given: Any) -> Any:
    headers = {"If-Match": "*", "Idempotency-Key": key, **given.pop("headers", {})}
    return client.request(method, path, headers=headers, **given)


def kept(database: Path) -> dict[str, str]:
    """What the file holds of each answer, unpacked."""
    with closing(sqlite3.connect(database)) as file:
        rows = file.execute("SELECT key, body FROM requests WHERE body IS NOT NULL").fetchall()
    return {key: zlib.decompress(body).decode() for key, body in rows}


# -- what they tell of -------------------------------------------------------------------------------------------------


@pytest.fixture
def answered(service: tuple[Service, TestClient], database: Path) -> Path:
    """A file in which a life was answered under a key by every route that takes one."""
    made, client = service
    mind = made.mind
    said = [f"The marker{n}x lay beside the sea of memory number {n}." for n in range(60)]
    said += ["fact: aya.city = Osaka", "fact: aya.city = Kyoto", "rule: if aya.city = Kyoto then aya.mood = calm"]
    ids = mind.add([Turn(text, "aya", id=f"t{n}") for n, text in enumerate(said)], **HERE)
    mind.add("Relu collects markerpersona shells.", kind="persona", **HERE)
    mind.add("the sea of a guest", user_id="aya", agent_id="small")
    file = client.get("/v1/export?agent_id=small").content
    named = {"agent_id": "relu"}
    asked = {**named, "text": "Which marker7x lay beside the sea, and where is the city of aya?", "speaker": "aya"}
    answers = [  # what changes a memory lets gists of it go, and with them what was told of those
        sent(client, "POST", "/v1/memories", "create", json={**named, "turns": [{"text": "markernew"}]}),
        sent(client, "PATCH", f"/v1/memories/{ids[3]}{AT}", "update", json={"text": "markerother by the sea"}),
        sent(client, "DELETE", f"/v1/memories/{ids[4]}{AT}", "delete"),
        sent(client, "POST", "/v1/knowledge", "tell", json={**named, "statement": "fact: ben.city = Nara"}),
        sent(client, "POST", "/v1/import?agent_id=guest", "import", content=file, headers={"Content-Type": LINES}),
        sent(client, "POST", "/v1/contextualize", "contextualize", json=asked),
        sent(client, "POST", "/v1/recall", "recall", json={**named, "query": "sea", "top_k": 30}),
        sent(client, "POST", "/v1/recall", "gists", json={**named, "query": "sea", "kind": "summary"}),
    ]
    assert {answer.status_code for answer in answers} <= {200, 201, 204}, [answer.text for answer in answers]
    told = client.get("/openapi.json").json()["paths"]
    keyed = [
        f"{method} {route}" for route, methods in told.items() for method, one in methods.items()
        if "Idempotency-Key" in {parameter["name"] for parameter in one.get("parameters", ())}
    ]  # fmt: skip
    assert len(kept(database)) == len(keyed) + 1 == len(answers)  # gists come by the route of all recalls
    return database


def test_nothing_of_a_deleted_memory_is_kept(answered: Path, tmp_path: Path) -> None:
    """Whichever memory an answer shows, by its id or by its words: once that is deleted, no kept row holds either."""
    with closing(sqlite3.connect(answered)) as file:
        memories = file.execute(
            "SELECT uid, text, source FROM memories JOIN tenants ON tenants.id = tenant_id WHERE world = 'agent:relu'"
        ).fetchall()
    before, seen = kept(answered), set[str]()
    assert json.loads(json.loads(before["contextualize"])["body"])["conflicts"]
    for number, (uid, text, source) in enumerate(memories):
        shown = {key for key, body in before.items() if key != "tell" and (uid in body or words(text) in body)}
        if not shown:
            continue
        seen |= shown | {source}
        copy = tmp_path / f"{number}.db"
        with closing(sqlite3.connect(answered)) as file, closing(sqlite3.connect(copy)) as other:
            file.backup(other)
        with dmha.open(copy, embedder=StubEmbedder(), chat="extractive") as mind:
            mind.delete(uid, **HERE)
        after = kept(copy)
        assert not [key for key, body in after.items() if uid in body or words(text) in body], (uid, text)
        assert set(before) - set(after) >= shown
        copy.unlink()
    assert seen == {"contextualize", "recall", "gists", "create", "update", "user", "assistant", "dream"}


def words(text: str) -> str:
    """By what a memory's words are known: a statement by its value, the rest by their beginning."""
    return text.rpartition("= ")[2] if text.startswith(("fact:", "rule:")) else text.split(" lay ")[0][:60]


def test_what_is_deleted_while_it_is_answered_is_not_kept(mind: Mind, database: Path) -> None:
    """A memory that went between its being read and the answer's being written takes the answer along."""
    (id,) = mind.add("the sea", **HERE)
    hits = mind.search("sea", **HERE)
    mind.delete(id, **HERE)
    mind._truth.write(lambda ledger: claim(ledger, "k"))
    telling = Telling(frozenset(hit.memory.id for hit in hits))
    mind._truth.write(lambda ledger: ledger.requests.close("aya", "k", Answered(200, "the sea"), telling, holder="h"))
    assert mind._truth.write(lambda ledger: claim(ledger, "k")) == Answered(200, "", "deleted")
    assert kept(database) == {}


def claim(ledger: Ledger, key: str, now: float = 0.0) -> bool | Answered:
    return ledger.requests.claim("aya", key, "d", holder="h", now=now, until=now + 9)


def test_a_replaced_turn_takes_its_answer_along(client: TestClient, database: Path) -> None:
    """What was said again leaves nothing behind, and its retry is told so."""
    first = {"agent_id": "relu", "text": "Hello my dear Kyoto.", "turn_id": "t1"}
    assert sent(client, "POST", "/v1/contextualize", "k1", json=first).status_code == 200
    again = {"agent_id": "relu", "text": "Good evening.", "turn_id": "t2", "replaces": "t1"}
    assert sent(client, "POST", "/v1/contextualize", "k2", json=again).status_code == 200
    assert set(kept(database)) == {"k2"}
    assert "deleted" in problem(sent(client, "POST", "/v1/contextualize", "k1", json=first), 410)["detail"]


def test_a_changed_memory_is_told_as_it_was_asked_for(client: TestClient) -> None:
    """A retry is answered as the first time, in the words that are its history now; once it is deleted, with 410."""
    (id,) = client.post("/v1/memories", json={"agent_id": "relu", "turns": [{"text": "I moved to Osaka."}]}).json()[
        "ids"
    ]
    asked = {"json": {"agent_id": "relu", "query": "Osaka"}}
    first = sent(client, "POST", "/v1/recall", "k", **asked)
    client.patch(f"/v1/memories/{id}{AT}", json={"text": "I moved to Kyoto."}, headers={"If-Match": "*"})
    assert sent(client, "POST", "/v1/recall", "k", **asked).json() == first.json()
    client.delete(f"/v1/memories/{id}{AT}")
    problem(sent(client, "POST", "/v1/recall", "k", **asked), 410)


def test_with_a_life_all_answers_of_its_account_go(service: tuple[Service, TestClient], database: Path) -> None:
    """Of one companion's too: what was told of facts names no memory. Another account's stay."""
    made, client = service
    other = key_of(made, "ben")
    for key, headers in (("mine", {}), ("other", other)):
        told = {"agent_id": "relu", "statement": f"fact: {key}.city = Osaka"}
        assert sent(client, "POST", "/v1/knowledge", key, json=told, headers=headers).status_code == 201
    made.mind.delete_all(user_id="aya", agent_id="another")
    assert set(kept(database)) == {"other"}


def test_a_reply_told_again_is_not_kept_twice(client: TestClient, database: Path) -> None:
    """A turn that was answered before is answered from what is kept of the turn, under whatever key it comes."""
    asked = {"json": {"agent_id": "relu", "text": "Hello.", "turn_id": "t"}}
    first = client.post("/v1/contextualize", **asked).json()  # type: ignore[arg-type]  # httpx's own
    again = [sent(client, "POST", "/v1/contextualize", "k", **asked) for _ in range(2)]
    assert [answer.json()["text"] for answer in again] == [first["text"]] * 2
    assert kept(database) == {}


# -- how much of them --------------------------------------------------------------------------------------------------


def test_an_answer_that_is_too_large_is_sent_and_not_kept(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes effect once all the same: its retry is told that it did."""
    turns = [{"text": f"{n} " + "sea " * 200, "speaker": "aya"} for n in range(30)]
    client.post("/v1/memories", json={"agent_id": "relu", "turns": turns})
    asked = {"json": {"agent_id": "relu", "query": "sea", "top_k": 30}}
    for module, name in ((once, "MOST_TOLD"), (requests, "MOST_TEXT"), (requests, "MOST_OF_ONE")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, 1_000)
            first = sent(client, "POST", "/v1/recall", name, **asked)
        counted = [hit["memory"]["recall_count"] for hit in first.json()["hits"]]
        assert counted
        again = problem(sent(client, "POST", "/v1/recall", name, **asked), 410)
        assert again["detail"] == (
            "This request took effect, once, and its answer is not kept: it was too large. Read what it changed."
        )
    found = client.post("/v1/search", **asked).json()["hits"]  # type: ignore[arg-type]  # httpx's own
    assert max(hit["memory"]["recall_count"] for hit in found) == 3


def test_the_newest_answers_are_kept(
    service: tuple[Service, TestClient], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an account never more than its bytes; of what goes, the row stays and says why, and nothing is done twice."""
    made, client = service
    monkeypatch.setattr(requests, "MOST_OF_ONE", 600)
    monkeypatch.setattr(requests, "MOST_OF_ALL", 3_000)
    said = [{"json": {"agent_id": "relu", "turns": [{"text": f"note {n}"}]}} for n in range(20)]
    other = key_of(made, "ben")
    assert sent(client, "POST", "/v1/memories", "other", headers=other, **said[0]).status_code == 201
    for n, one in enumerate(said):
        assert sent(client, "POST", "/v1/memories", f"k{n}", **one).status_code == 201
    left = kept(database)
    assert "other" in left
    newest = [f"k{n}" for n in range(20)][1 - len(left) :]
    assert set(left) == {"other", *newest}
    assert 3 <= len(newest) < 20
    assert "room" in problem(sent(client, "POST", "/v1/memories", "k0", **said[0]), 410)["detail"]
    assert sent(client, "POST", "/v1/memories", "k19", **said[19]).headers["idempotency-replayed"] == "true"
    assert len(client.get(f"/v1/memories{AT}&limit=200").json()["memories"]) == 20
    with closing(sqlite3.connect(database)) as file:
        told = file.execute("SELECT DISTINCT key FROM request_memories").fetchall()
    assert {key for (key,) in told} == set(left)


def test_what_an_older_version_kept_is_let_go(tmp_path: Path) -> None:
    """Nothing knows what those answers tell of: their rows stay, and a retry is told that the request took effect."""
    file = tmp_path / "old.db"
    with create_engine(f"sqlite:///{file}").begin() as connection:
        scripts = migrate._scripts()
        scripts.attributes["connection"] = connection
        command.upgrade(scripts, "0004")
        columns = "(owner, key, digest, holder, leased_until, created_at, status, body)"
        for key, status, body in (("done", 200, "the sea"), ("begun", None, None)):
            values = ("aya", key, "d", "h", 9.0, 0.0, status, body)
            connection.exec_driver_sql(f"INSERT INTO requests {columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    truth = Truth(str(file))
    assert truth.write(lambda ledger: claim(ledger, "done")) == Answered(200, "", "upgrade")
    assert truth.write(lambda ledger: claim(ledger, "begun")) is False
    truth.close()


def test_old_requests_are_swept_with_what_they_told_of(mind: Mind, clock: ManualClock) -> None:
    """No more than asked for at once, the oldest first, and never one that is young."""
    (id,) = mind.add("the sea", **HERE)
    for n in range(5):
        key = f"k{n}"

        def unit(ledger: Ledger, key: str = key, n: int = n) -> None:
            assert claim(ledger, key, float(n)) is True
            ledger.requests.close("aya", key, Answered(200, "x"), Telling(frozenset([id])), holder="h")

        mind._truth.write(unit)
    swept = [mind._truth.write(lambda ledger: ledger.requests.sweep(4.0, 3)) for _ in range(3)]
    assert swept == [3, 1, 0]
    assert mind._truth.write(lambda ledger: claim(ledger, "k4")) == Answered(200, "x")
    mind.delete(id, **HERE)
    assert mind._truth.write(lambda ledger: claim(ledger, "k4")) == Answered(200, "", "deleted")
