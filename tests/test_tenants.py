"""The wall between accounts: whoever asks for what is another's is answered as if nobody had it."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from routes import PUBLIC, Asked, every_route
from serving import key_of, serving
from starlette.testclient import TestClient
from stubs import ManualClock

from dmha.server.service import Service

SOAK = os.environ.get("DMHA_SOAK") == "1"
ACCOUNTS, READS = (50, 100_000) if SOAK else (10, 400)
WORD = "hippocampus"  # stands in everything that belongs to somebody else
NOBODYS = "m_" + "0" * 32


@dataclass(frozen=True)
class Two:
    """Two accounts on one service: what one has, the other asks for."""

    service: Service
    client: TestClient
    theirs: dict[str, str]  # the owner's header
    mine: dict[str, str]
    id: str
    job: str
    cursor: str


@pytest.fixture
def two(database: Path, clock: ManualClock) -> Iterator[Two]:
    with serving(database, clock) as (service, client):
        theirs, mine = key_of(service, "owner"), key_of(service, "stranger")
        turns = [{"text": f"{WORD} {n}", "id": f"{WORD}-{n}"} for n in range(3)]
        told = {"agent_id": "relu", "turns": turns, "session_id": WORD}
        ids = client.post("/v1/memories", json=told, headers=theirs).json()["ids"]
        fact = {"agent_id": "relu", "statement": f"fact: aya.city = {WORD}"}
        assert client.post("/v1/knowledge", json=fact, headers=theirs).status_code == 201
        said = {"agent_id": "relu", "text": f"What of {WORD}?", "turn_id": "t1", "session_id": WORD}
        assert client.post("/v1/contextualize", json=said, headers=theirs).status_code == 200
        job = service.scheduler.put("sweep", user_id="owner", delay_s=86_400).uid  # stays as it is
        page = client.get("/v1/memories?agent_id=relu&limit=1", headers=theirs).json()
        yield Two(service, client, theirs, mine, ids[0], job, page["next"])


def heard(answer: Any) -> tuple[int, dict[str, str], Any]:
    """All of an answer that a stranger could read something from."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-trace-id", "date"}}
    try:
        body = answer.json()
    except ValueError:
        return answer.status_code, headers, answer.text
    return answer.status_code, headers, {**body, "trace_id": None} if isinstance(body, dict) else body


def kept(two: Two) -> list[Any]:
    """All that the owner reads of what is theirs."""
    paths = ["/v1/memories", "/v1/knowledge/conflicts", f"/v1/memories/{two.id}", f"/v1/memories/{two.id}/history"]
    asked = [two.client.get(path, params={"agent_id": "relu"}, headers=two.theirs) for path in paths]
    known = {"agent_id": "relu", "entity": "aya", "attribute": "city"}
    asked += [two.client.get("/v1/knowledge", params=known, headers=two.theirs)]
    asked += [two.client.get(f"/v1/jobs/{two.job}", headers=two.theirs)]
    assert all(answer.status_code == 200 for answer in asked)
    return [heard(answer) for answer in asked]


def test_another_accounts_id_is_as_one_that_nobody_has(two: Two) -> None:
    """Every route with an id: the same status, headers and body but for the trace, and nothing is changed."""
    before, asked = kept(two), 0
    for each in every_route(two.client):
        if "{id}" in each.route:
            real = two.job if each.route.startswith("/v1/jobs") else two.id
            answers = [heard(each.send(two.client, id, **two.mine)) for id in (real, NOBODYS)]
            assert answers[0] == answers[1], each.named
            assert answers[0][0] == 404, each.named
            asked += 1
    assert asked >= 6
    assert kept(two) == before


def test_no_route_gives_a_row_of_another_account(two: Two) -> None:
    """Every route and method, asked as the owner would: not a word of the owner's comes back, nor is any changed."""
    before = kept(two)
    for each in every_route(two.client):
        body, query = dict(each.body or {}), dict(each.query)
        body |= {name: WORD for name in ("query", "session_id") if name in body}
        body |= {"turn_id": "t1"} if "turn_id" in body else {}
        asked = each.having(body=body or None, query=query)
        told = asked.send(two.client, two.id, **two.mine)
        assert told.status_code < 500, each.named
        if WORD not in json.dumps(body):
            assert WORD not in told.text, each.named
        assert not any(id in told.text for id in (two.id, two.job)), each.named
    assert kept(two) == before


def test_a_question_for_what_another_account_knows_finds_nothing(two: Two) -> None:
    """The owner's own words, entities and turns as a stranger's question: what is found is the stranger's alone."""
    here = {"agent_id": "relu"}
    for route in ("/v1/search", "/v1/recall"):
        found = two.client.post(route, json={**here, "query": f"{WORD} 1"}, headers=two.mine)
        assert found.json() == {"hits": []}
    answer = two.client.get("/v1/knowledge", params={**here, "entity": "aya", "attribute": "city"}, headers=two.mine)
    assert (answer.json()["status"], answer.json()["value"]) == ("unknown", None)
    said = {**here, "text": "What do I like?", "turn_id": "t1", "session_id": WORD}
    reply = two.client.post("/v1/contextualize", json=said, headers=two.mine).json()
    assert reply["recalled"] == []
    assert WORD not in json.dumps(reply)
    lines = two.client.get("/v1/export", headers=two.mine).text
    assert WORD not in lines.replace(f'"{WORD}"', "")  # the session's name is the stranger's own


def test_what_names_a_memory_elsewhere_reaches_no_other_account(two: Two) -> None:
    """A turn to go on from, a turn to replace, a cursor: another account's are as ones that nobody has."""
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("/v1/contextualize", {"text": "And then?", "parent": f"{WORD}-1"}, f"{WORD}-1"),
        ("/v1/contextualize", {"text": "And then?", "replaces": f"{WORD}-1", "turn_id": "n"}, f"{WORD}-1"),
        ("/v1/memories", {"turns": [{"text": "And then?"}], "parent": f"{WORD}-1"}, f"{WORD}-1"),
    ]
    for path, body, name in asked:
        given = {"agent_id": "relu", **body}
        other = json.loads(json.dumps(given).replace(name, "nobody-s-turn"))
        answers = [two.client.post(path, json=sent, headers=two.mine) for sent in (given, other)]
        told = [json.dumps(heard(answer)).replace(name, "nobody-s-turn") for answer in answers]
        assert told[0] == told[1]
    foreign = two.client.get(f"/v1/memories?agent_id=relu&cursor={two.cursor}", headers=two.mine)
    made_up = two.client.get("/v1/memories?agent_id=relu&cursor=bm9uZQ.x", headers=two.mine)
    assert heard(foreign) == heard(made_up)
    assert foreign.status_code == 422


def in_world(each: Asked, told: dict[str, Any], world: str) -> Asked | None:
    """The request as one about that shared world; None where the route knows of none."""
    schema = json.dumps(told["paths"][each.route][each.method])
    if '"name": "world"' in schema:
        return each.having(query={**each.query, "world": world})
    body = {**(each.body or {}), "agent_id": "relu", "world": world}
    return each.having(body=body) if takes_world(schema, told) else None


def takes_world(schema: str, told: dict[str, Any]) -> bool:
    """Whether a body that the schema refers to has a field `world`."""
    bodies = told["components"]["schemas"]
    named = set(re.findall(r'"requestBody".*?schemas/(\w+)', schema))
    return any("world" in bodies[name].get("properties", {}) for name in named)


def test_a_key_for_companions_reaches_the_shared_worlds_it_names(two: Two) -> None:
    """Every route that takes `world`: what others lived through there is told and changed by no key not made for it."""
    told = two.client.get("/openapi.json").json()
    turns = [{"text": f"{WORD} in the plaza", "speaker": "kenji"}]
    lived = {"agent_id": "tanh", "world": "plaza", "turns": turns}
    (id,) = two.client.post("/v1/memories", json=lived, headers=two.theirs).json()["ids"]
    path, there = f"/v1/memories/{id}", {"agent_id": "tanh", "world": "plaza"}
    before = two.client.get(path, params=there, headers=two.theirs).json()
    none, other, made = (
        key_of(two.service, "owner", agents=["relu"], worlds=worlds) for worlds in ([], ["park"], ["plaza"])
    )
    asked = [each for route in every_route(two.client) if (each := in_world(route, told, "plaza"))]
    assert {each.route for each in asked} >= {"/v1/search", "/v1/contextualize", "/v1/memories/{id}", "/v1/knowledge"}
    for each in asked:
        for key in (none, other):
            answer = each.send(two.client, id, **key)
            assert (answer.status_code, WORD in answer.text) == (403, False), each.named
    assert two.client.get(path, params=there, headers=two.theirs).json() == before
    for each in sorted(asked, key=lambda each: each.method == "delete"):
        assert each.send(two.client, id, **made).status_code < 300, each.named
    assert two.client.get("/v1/memories", params={"agent_id": "tanh"}, headers=made).status_code == 403
    assert two.client.get("/v1/memories", params={"agent_id": "relu"}, headers=none).status_code == 200


def test_one_key_is_two_requests_of_two_accounts(two: Two) -> None:
    """An Idempotency-Key that another account used is free, and its answer is nobody else's."""
    told = {"agent_id": "relu", "turns": [{"text": "mine"}]}
    key = {"Idempotency-Key": "one"}
    theirs, mine = (
        two.client.post("/v1/memories", json=told, headers={**who, **key}) for who in (two.theirs, two.mine)
    )
    assert (theirs.status_code, mine.status_code) == (201, 201)
    assert theirs.json() != mine.json()
    assert "idempotency-replayed" not in mine.headers


def test_nothing_is_told_to_who_has_no_credential(two: Two) -> None:
    """Every route but the public ones, with none, a wrong and a cut one: 401, the same whatever the id."""
    wrong = [{}, {"Authorization": "Bearer dmha_none_none"}, {"Authorization": two.mine["Authorization"][:-2]}]
    for each in every_route(two.client):
        if each.route not in PUBLIC:
            told = [heard(each.send(two.client, id, **header)) for header in wrong for id in (two.id, NOBODYS)]
            assert all(one == told[0] for one in told), each.named
            assert told[0][0] == 401, each.named


def test_many_accounts_at_once_read_their_own_alone(database: Path, clock: ManualClock) -> None:
    """Searches, single memories, pages and facts of many accounts, drawn and at once: no row is another's."""
    with serving(database, clock) as (service, client), ThreadPoolExecutor(8) as readers:
        headers = [key_of(service, f"account{n}") for n in range(ACCOUNTS)]
        ids = [settle(client, n, header) for n, header in enumerate(headers)]

        def read(count: int) -> None:
            draw = random.Random(count)
            n, other = draw.randrange(ACCOUNTS), draw.randrange(ACCOUNTS)
            asked = draw.choice(
                [
                    Asked("post", "/v1/search", {"query": f"secret of account{other}"}),
                    Asked("get", "/v1/memories"),
                    Asked("get", "/v1/memories/{id}"),
                    Asked("get", "/v1/knowledge", query={"entity": "house", "attribute": "owner"}),
                ]
            )
            answer = asked.send(client, ids[other], **headers[n])
            own = n == other or "{id}" not in asked.route
            assert answer.status_code == (200 if own else 404), answer.text
            assert not own or f"account{n}x" in answer.text
            assert not any(f"account{m}x" in answer.text for m in range(ACCOUNTS) if m != n)

        list(readers.map(read, range(READS)))


def settle(client: TestClient, n: int, headers: dict[str, str]) -> str:
    """An account with memories and a fact, each of which bears its name; a memory's id."""
    turns = [{"text": f"secret {m} of account{n}x"} for m in range(3)]
    (id, *_) = client.post("/v1/memories", json={"turns": turns}, headers=headers).json()["ids"]
    told = {"statement": f"fact: house.owner = account{n}x"}
    assert client.post("/v1/knowledge", json=told, headers=headers).status_code == 201
    return str(id)
