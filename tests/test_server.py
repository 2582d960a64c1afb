"""The HTTP service: what each route answers, to whom, and how often a repeated request takes effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_openai import fake_openai
from fake_reranker import fake_reranker
from serving import WORDS, key_of, serving
from starlette.testclient import TestClient
from stubs import ManualClock

from dmha.errors import Abandoned, NoRoom, Unavailable
from dmha.models.endpoint import Endpoint
from dmha.models.reranker import HTTPReranker
from dmha.server.service import Service

SAID = {"turns": [{"text": "I moved to Osaka.", "speaker": "aya"}], "agent_id": "relu"}


@pytest.fixture
def service(database: Path, clock: ManualClock) -> Iterator[tuple[Service, TestClient]]:
    with serving(database, clock) as (made, client):
        client.headers |= key_of(made, "aya")
        yield made, client


@pytest.fixture
def client(service: tuple[Service, TestClient]) -> TestClient:
    return service[1]


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["trace_id"] == answer.headers["x-trace-id"]
    return told


def remembered(client: TestClient, **said: Any) -> str:
    answer = client.post("/v1/memories", json={**SAID, **said})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["ids"][0]
    return found


# -- what each route does ----------------------------------------------------------------------------------------------


def test_what_is_remembered_is_found_and_answers(client: TestClient) -> None:
    """A turn that came by HTTP is searched, recalled and spoken of."""
    id = remembered(client)
    asked = {"query": "Where did Aya move?", "agent_id": "relu", "top_k": 3}
    for route in ("/v1/search", "/v1/recall"):
        hits = client.post(route, json=asked).json()["hits"]
        assert [hit["memory"]["id"] for hit in hits] == [id]
    said = {"text": "Did I move to Osaka?", "speaker": "aya", "agent_id": "relu", "turn_id": "t1"}
    reply = client.post("/v1/contextualize", json=said)
    assert reply.status_code == 200
    assert "Osaka" in reply.json()["text"]
    assert client.post("/v1/contextualize", json=said).json()["text"] == reply.json()["text"]


def test_a_memory_is_read_changed_and_deleted(client: TestClient) -> None:
    """Its ETag names its version; a change of an older one is refused; its history stays until it goes."""
    path = f"/v1/memories/{remembered(client)}?agent_id=relu"
    read = client.get(path)
    assert read.json()["text"] == "I moved to Osaka."
    change = {"text": "I moved to Fukuoka."}
    assert problem(client.patch(path, json=change), 428)["detail"].startswith("Send If-Match")
    changed = client.patch(path, json=change, headers={"If-Match": read.headers["etag"]})
    assert changed.json()["text"] == "I moved to Fukuoka."
    assert changed.headers["etag"] != read.headers["etag"]
    problem(client.patch(path, json=change, headers={"If-Match": read.headers["etag"]}), 412)
    for other in (changed.headers["etag"].replace('"', '"0', 1), "W/" + changed.headers["etag"], '""', '"1'):
        refused = problem(client.patch(path, json=change, headers={"If-Match": other}), 422)
        assert refused["errors"][0]["field"] == "If-Match"
    versions = client.get(path.replace("?", "/history?")).json()["versions"]
    assert [memory["text"] for memory in versions] == ["I moved to Osaka.", "I moved to Fukuoka."]
    assert client.delete(path).status_code == 204
    problem(client.get(path), 404)


def test_memories_are_listed_a_page_at_a_time(client: TestClient) -> None:
    """Each once, whatever the pages' size; a cursor that was made up, or is another list's, is refused."""
    ids = [remembered(client, turns=[{"text": f"thing {i}"}]) for i in range(5)]
    found, cursor = list[str](), ""
    while True:
        page = client.get(f"/v1/memories?agent_id=relu&limit=2{cursor}").json()
        found += [memory["id"] for memory in page["memories"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(found) == sorted(ids)
    assert problem(client.get("/v1/memories?agent_id=other&limit=2" + cursor), 422)["errors"][0]["field"] == "cursor"
    problem(client.get("/v1/memories?agent_id=relu&cursor=bm9uZQ.x"), 422)


def test_what_is_known_is_told_and_asked(client: TestClient) -> None:
    """A fact told over HTTP is the answer; one that clashes with it is told as a conflict."""
    for value in ("Osaka", "Fukuoka"):
        told = client.post("/v1/knowledge", json={"statement": f"fact: aya.city = {value}", "agent_id": "relu"})
        assert told.status_code == 201
    answer = client.get("/v1/knowledge?entity=aya&attribute=city&agent_id=relu").json()
    assert (answer["status"], answer["value"]) in {("true", "Fukuoka"), ("conflicted", "Fukuoka")}
    assert len(client.get("/v1/knowledge/conflicts?agent_id=relu").json()["conflicts"]) == 1


def test_a_life_travels(client: TestClient, service: tuple[Service, TestClient]) -> None:
    """What one account exports another reads in, and finds."""
    remembered(client)
    lines = client.get("/v1/export?agent_id=relu")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    other = key_of(service[0], "ben")
    sent = {"content": lines.content, "headers": {**other, "Content-Type": "application/x-ndjson"}}
    assert client.post("/v1/import?agent_id=relu", **sent).json() == {"memories": 1}  # type: ignore[arg-type]  # httpx's own
    hits = client.post("/v1/search", json={"query": "Osaka", "agent_id": "relu"}, headers=other).json()["hits"]
    assert [hit["memory"]["text"] for hit in hits] == ["I moved to Osaka."]


def test_a_life_travels_whole(client: TestClient) -> None:
    """A part of a file that is written anew for every request would be a part of nothing."""
    remembered(client)
    answer = client.get("/v1/export", headers={"Range": "bytes=5-9"})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")
    assert answer.text.startswith('{"format"')


def test_a_text_is_analyzed(client: TestClient) -> None:
    """How a text is cut is told step by step."""
    assert client.post("/v1/analyze", json={"text": "東京へ行った。"}).json()["language"] == "ja"


def test_it_says_how_it_is(client: TestClient) -> None:
    """It lives, is ready, and its figures are for who may operate it."""
    client.headers.pop("Authorization")
    assert client.get("/livez").json() == {"alive": True}
    assert client.get("/readyz").json()["components"]["database"] == "ready"
    problem(client.get("/metrics"), 401)


def test_figures_are_told_to_who_operates(service: tuple[Service, TestClient]) -> None:
    """Routes, steps of the main path, the index and the jobs are in the figures; nothing of a stranger's making is."""
    made, client = service
    client.post("/v1/contextualize", json={"text": "hello", "agent_id": "relu"})
    client.get("/made-up-by-a-stranger")
    client.request("MADE-UP", "/livez")
    figures = client.get("/metrics", headers=key_of(made, "ops", rights=["operate"])).text
    for name in ('route="/v1/contextualize"', 'step="recall"', "dmha_index_bytes", "dmha_job"):
        assert name in figures
    assert "made-up" not in figures.lower()


def test_a_made_up_method_is_told_in_few_signs(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """However long it is, its line in the log is short."""
    with caplog.at_level("INFO", "dmha.server"):
        problem(client.request("A" * 9_000, "/livez"), 405)
    (told,) = (vars(record)["method"] for record in caplog.records if record.message == "request")
    assert told == "A" * 32


def test_what_is_out_of_reach_is_in_the_log(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Which part it is and the answer's trace id; not its words, which may be somebody's."""
    made, client = service

    def search(*_: Any, **__: Any) -> Any:
        raise Unavailable("model", "it said: I moved to Osaka", "Wait.")

    monkeypatch.setattr(made.mind, "search", search)
    answer = problem(client.post("/v1/search", json={"query": "Osaka"}), 503)
    told = [record for record in caplog.records if record.getMessage() == "unavailable"]
    assert [(record.__dict__["component"], record.__dict__["trace_id"]) for record in told] == [
        ("model", answer["trace_id"])
    ]
    assert not any("Osaka" in str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize("setting", ["DMHA_CHAT", "DMHA_EMBEDDER", "DMHA_RERANKER"])
def test_where_a_model_is_stands_in_the_log_alone(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, setting: str
) -> None:
    """Its address may hold a key: a caller is told which part it is, the log the host."""
    made, client = service
    with fake_openai(refusals=[(400, {}, {"error": "ask http://10.0.0.7/k3y"})]) as model:
        endpoint = Endpoint(f"{model.base_url}/k3y", setting=setting)
        monkeypatch.setattr(made.mind, "search", lambda *_, **__: endpoint.post("/embeddings", {}))
        told = problem(client.post("/v1/search", json={"query": "Osaka"}), 503)
        host = model.base_url.removeprefix("http://").removesuffix("/v1")
    role = {"DMHA_CHAT": "chat model", "DMHA_EMBEDDER": "embedder", "DMHA_RERANKER": "reranker"}[setting]
    assert told["detail"].startswith(f"the {role} is unavailable")
    assert not any(word in str(told) for word in ("http:", "k3y", host, "DMHA_"))
    (logged,) = [record.__dict__ for record in caplog.records if record.getMessage() == "unavailable"]
    assert (logged["component"], logged["at"], logged["trace_id"]) == (role, host, told["trace_id"])
    assert "k3y" not in str(logged)


def test_a_replys_trace_tells_no_address(service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a reranker that does not answer, nor of one that does."""
    made, client = service
    remembered(client)
    with fake_reranker() as server:
        monkeypatch.setattr(made.mind, "_reranker", HTTPReranker(f"{server.base_url}/k3y", "judge"))
        for status, said in ((200, "by judge"), (400, "left in their order: the reranker is unavailable")):
            server.status = status
            reply = client.post("/v1/contextualize", json={"text": "Where did Aya move?", "agent_id": "relu"})
            assert said in reply.json()["trace"]["rerank"]["did"]
            assert not any(word in reply.text for word in ("http:", "k3y", server.base_url))


def test_another_method_is_told_which_there_are(client: TestClient) -> None:
    """A path's own, of all the routes that share it."""
    for path, allowed in (("/v1/memories", "GET, POST"), ("/v1/memories/m_1", "DELETE, GET, PATCH")):
        answer = client.put(path)
        assert problem(answer, 405)["detail"] == f"Use {allowed} here."
        assert answer.headers["allow"] == allowed


# -- who may -----------------------------------------------------------------------------------------------------------


def test_a_token_stands_for_a_password_or_a_key(service: tuple[Service, TestClient]) -> None:
    """Either gives fifteen minutes; wrong ones give one and the same answer."""
    made, client = service
    made.access.add_user("ben", WORDS)
    client.headers.pop("Authorization")
    answer = client.post("/auth/token", json={"user": "ben", "password": WORDS})
    assert answer.json()["expires_in"] == 900
    token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert client.get("/v1/memories", headers=token).json() == {"memories": [], "next": None}
    key = key_of(made, "ben")["Authorization"].removeprefix("Bearer ")
    assert client.post("/auth/token", json={"key": key}).status_code == 200
    wrong = [{"user": "ben", "password": "wrong " + WORDS}, {"user": "nobody", "password": WORDS}, {"key": "dmha_x_y"}]
    told = [problem(client.post("/auth/token", json=body), 401) for body in wrong]
    assert len({one["detail"] for one in told}) == 1
    assert problem(client.post("/auth/token", json={"user": "ben"}), 422)["errors"][0]["field"] == "password"


def test_a_revoked_key_opens_nothing_from_then_on(service: tuple[Service, TestClient]) -> None:
    """Neither it nor the tokens that were made from it."""
    made, client = service
    text, key = made.access.create_key("aya")
    token = client.post("/auth/token", json={"key": text}).json()["access_token"]
    for credential in (text, token):
        assert client.get("/v1/memories", headers={"Authorization": f"Bearer {credential}"}).status_code == 200
    made.access.revoke(key.uid)
    for credential in (text, token):
        problem(client.get("/v1/memories", headers={"Authorization": f"Bearer {credential}"}), 401)


def test_what_opened_once_and_what_was_put_together_open_nothing(service: tuple[Service, TestClient]) -> None:
    """Tokens of a closed account, a changed and a removed password, of two halves, a cursor: one answer to all."""
    made, client = service
    client.headers.pop("Authorization")
    for name in ("changed", "removed", "closed", "eve"):
        made.access.add_user(name, WORDS)
    tokens = {
        name: client.post("/auth/token", json={"user": name, "password": WORDS}).json()["access_token"]
        for name in ("changed", "removed", "closed", "eve")
    }
    made.access.set_password("changed", WORDS + " again")
    made.access.set_password("removed", None)
    made.access.close_user("closed")
    (mine, _), (_, theirs) = made.access.create_key("eve"), made.access.create_key("aya")
    head, payload, _ = tokens["closed"].split(".")
    tried = {name: text for name, text in tokens.items() if name != "eve"} | {
        "another's claims under one's own signature": ".".join((head, payload, tokens["eve"].rpartition(".")[2])),
        "another's id before one's own secret": f"dmha_{theirs.uid}_{mine.split('_', 2)[2]}",
        "a cursor": made.cursors.made("m_1", "aya", "relu", None),
        "nothing of ours": "x",
    }
    assert client.get("/v1/memories", headers={"Authorization": f"Bearer {tokens['eve']}"}).status_code == 200
    told = {name: client.get("/v1/memories", headers={"Authorization": f"Bearer {tried[name]}"}) for name in tried}
    seen = {name: (answer.status_code, answer.json() | {"trace_id": ""}) for name, answer in told.items()}
    assert all(one == seen["nothing of ours"] for one in seen.values())
    assert seen["a cursor"][0] == 401
    problem(client.post("/auth/token", json={"key": tokens["eve"]}), 422)  # longer than a key: none renews itself


def test_a_token_for_development_ends_with_development(database: Path, clock: ManualClock) -> None:
    """Under the same secret, served without the flag, it opens nothing, whether the name has an account or not."""
    with serving(database, clock, dev_tokens=True) as (made, client):
        made.access.add_user("aya", WORDS)
        tokens = [client.post("/auth/token", json={"user": name}).json()["access_token"] for name in ("aya", "nobody")]
        shown = [{"Authorization": f"Bearer {token}"} for token in tokens]
        assert [client.get("/v1/memories", headers=header).status_code for header in shown] == [200, 200]
    with serving(database, clock) as (_, client):
        assert [client.get("/v1/memories", headers=header).status_code for header in shown] == [401, 401]


def test_a_token_is_no_cursor(client: TestClient) -> None:
    """Both are signed with the one secret, and neither stands for the other."""
    key = client.headers["Authorization"].removeprefix("Bearer ")
    token = client.post("/auth/token", json={"key": key}).json()["access_token"]
    assert problem(client.get(f"/v1/memories?cursor={token}"), 422)["errors"][0]["field"] == "cursor"


def test_a_key_reaches_what_it_is_for(service: tuple[Service, TestClient]) -> None:
    """No other companion, nothing beyond its rights, no other account unless it acts for it, which is kept."""
    made, client = service
    reader = key_of(made, "aya", rights=["read"], agents=["relu"])
    assert client.get("/v1/memories?agent_id=relu", headers=reader).status_code == 200
    problem(client.get("/v1/memories?agent_id=other", headers=reader), 403)
    problem(client.get("/v1/export", headers=reader), 403)
    problem(client.post("/v1/memories", json=SAID, headers=reader), 403)
    key_of(made, "ben")
    acting = key_of(made, "desk", acts_for=["aya"])
    id = remembered(client)
    path = f"/v1/memories/{id}?agent_id=relu"
    assert client.get(path, headers={**acting, "X-DMHA-User": "aya"}).json()["id"] == id
    problem(client.get(path, headers=acting), 404)
    problem(client.get(path, headers={**acting, "X-DMHA-User": "ben"}), 403)
    problem(client.get(path, headers={**acting, "X-DMHA-User": "stranger"}), 403)
    kept = [(one.actor, one.action) for one in made.access.audits("aya") if one.actor.startswith("key:")]
    assert kept == [(f"key:{made.access.keys('desk')[0].uid}", f"GET /v1/memories/{id}")]


def acted(service: Service) -> list[tuple[str, int | None]]:
    """What is audited of keys' requests, oldest first."""
    found = [one for one in service.access.audits() if one.actor.startswith("key:") and one.trace]
    return [(one.action, one.status) for one in reversed(found)]


def test_the_audit_says_how_each_request_for_another_ended(service: tuple[Service, TestClient]) -> None:
    """Done, found nothing, refused for its body, its companion, its right, its account: each with its status."""
    made, client = service
    made.access.add_user("ben")
    acting = key_of(made, "desk", acts_for=["aya"], agents=["relu"], rights=["read"])
    requests: list[tuple[str, str, str, Any, int]] = [
        ("aya", "GET", "/v1/memories?agent_id=relu", None, 200),
        ("aya", "GET", "/v1/memories/m_none?agent_id=relu", None, 404),
        ("aya", "POST", "/v1/search", {"query": ""}, 422),
        ("aya", "GET", "/v1/memories?agent_id=other", None, 403),
        ("aya", "POST", "/v1/memories", SAID, 403),
        ("ben", "GET", "/v1/memories?agent_id=relu", None, 403),
        ("stranger", "GET", "/v1/memories?agent_id=relu", None, 403),
    ]
    for user, method, path, body, status in requests:
        answer = client.request(method, path, json=body, headers={**acting, "X-DMHA-User": user})
        assert answer.status_code == status
        assert made.access.audits(user)[0].trace == answer.headers["x-trace-id"]
    told = [(f"{method} {path.partition('?')[0]}", status) for _, method, path, _, status in requests]
    assert acted(made) == told


def test_a_request_for_another_is_audited_before_it_is_done(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is under way it stands as let in; where it fails for no reason that we know, as that."""
    made, client = service
    acting = {**key_of(made, "desk", acts_for=["aya"]), "X-DMHA-User": "aya"}
    seen: list[Any] = []

    def fails(*_: Any, **__: Any) -> Any:
        seen.extend(acted(made))
        raise ValueError("a defect")

    monkeypatch.setattr(made.mind, "memories", fails)
    assert client.get("/v1/memories", headers=acting).status_code == 500
    assert seen == [("GET /v1/memories", None)]
    assert acted(made) == [("GET /v1/memories", 500)]


def test_who_leaves_is_audited_as_one_who_left(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was answered."""
    made, client = service
    acting = {**key_of(made, "desk", acts_for=["aya"]), "X-DMHA-User": "aya"}

    def left(*_: Any, **__: Any) -> Any:
        raise Abandoned("the client left")

    monkeypatch.setattr(made.mind, "memories", left)
    client.get("/v1/memories", headers=acting)
    assert acted(made) == [("GET /v1/memories", 0)]


def test_what_cannot_be_kept_of_the_end_changes_no_answer(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done was done: it stands as let in."""
    made, client = service
    acting = {**key_of(made, "desk", acts_for=["aya"]), "X-DMHA-User": "aya"}

    def full(*_: Any) -> None:
        raise NoRoom("database", "the disk is full", "Free some.")

    monkeypatch.setattr(type(made.access), "ended", full)
    assert client.post("/v1/memories", json=SAID, headers=acting).status_code == 201
    assert acted(made) == [("POST /v1/memories", None)]


def test_a_key_that_is_refused_again_and_again_fills_no_disk(database: Path, clock: ManualClock) -> None:
    """As many a minute are audited as may fail from an address; beyond, and of what is no name, no row is made."""
    with serving(database, clock, rate_failures="3/minute") as (made, client):
        made.access.add_user("aya")
        acting = key_of(made, "desk", acts_for=["aya"])
        names: list[Any] = ["\u2028".encode(), b"x" * 5_000, *(f"guess{n}".encode() for n in range(5))]
        asked = [client.get("/v1/memories", headers={**acting, "X-DMHA-User": name}) for name in names]
        assert [answer.status_code for answer in asked] == [403, 403, 403, 429, 429, 429, 429]
        assert asked[-1].headers["retry-after"]
        assert acted(made) == [("GET /v1/memories", 403)]
        assert client.get("/v1/memories", headers={**acting, "X-DMHA-User": "aya"}).status_code == 200


def test_an_audit_keeps_so_much_of_a_path(service: tuple[Service, TestClient]) -> None:
    """However long it was."""
    made, client = service
    acting = {**key_of(made, "desk", acts_for=["aya"]), "X-DMHA-User": "aya"}
    assert client.get(f"/v1/memories/{'x' * 3_000}", headers=acting).status_code == 422
    assert [len(action) for action, _ in acted(made)] == [len("GET ") + 256]


def test_a_service_key_names_an_account_in_any_script(service: tuple[Service, TestClient]) -> None:
    """The header is UTF-8; what is none names nobody."""
    made, client = service
    made.access.add_user("綾")
    acting = key_of(made, "desk", acts_for=["綾"])
    for named, status in (("綾".encode(), 200), (b"\xe7\xb6", 403), (b"", 403)):
        sent: Any = {**acting, "X-DMHA-User": named}  # bytes are sent as they are
        answer = client.get("/v1/memories", headers=sent)
        assert answer.status_code == status


def test_a_key_for_one_companion_asks_nothing_of_the_account(service: tuple[Service, TestClient]) -> None:
    """Neither its export nor its work in the background."""
    made, client = service
    job = made.scheduler.put("sweep", user_id="aya", delay_s=86_400).uid
    limited = key_of(made, "aya", agents=["relu"])
    for method, path in (
        ("GET", "/v1/export"),
        ("GET", "/v1/jobs"),
        ("GET", f"/v1/jobs/{job}"),
        ("DELETE", f"/v1/jobs/{job}"),
    ):
        problem(client.request(method, path, headers=limited), 403)
    assert client.get(f"/v1/jobs/{job}").json()["state"] != "cancelled"


def test_who_fails_keeps_no_good_key_out(database: Path, clock: ManualClock) -> None:
    """Too many failures from an address bar what fails there, and passwords, which could be guessed."""
    with serving(database, clock, rate_failures="2/minute") as (made, client):
        good, bad = key_of(made, "aya"), {"Authorization": "Bearer bad"}
        made.access.set_password("aya", WORDS)
        assert [client.get("/v1/memories", headers=bad).status_code for _ in range(3)] == [401, 401, 429]
        assert client.get("/v1/memories", headers=good).status_code == 200
        assert client.post("/auth/token", json={"user": "aya", "password": WORDS}).status_code == 429
        key = good["Authorization"].removeprefix("Bearer ")
        assert client.post("/auth/token", json={"key": key}).status_code == 200
        assert client.post("/auth/token", json={"key": key[:-1] + "?"}).status_code == 429


def test_tokens_are_asked_for_as_often_as_anything(database: Path, clock: ManualClock) -> None:
    """A password takes a core for a while, be it right or wrong: its address is counted too."""
    with serving(database, clock, rate_address="2/minute") as (made, client):
        made.access.add_user("aya", WORDS)
        asked = [client.post("/auth/token", json={"user": "aya", "password": WORDS}) for _ in range(3)]
        assert [answer.status_code for answer in asked] == [200, 200, 429]


# -- once --------------------------------------------------------------------------------------------------------------


def test_a_repeated_request_takes_effect_once(client: TestClient) -> None:
    """Under one key the same answer comes again, and says so; another request under it is refused."""
    sent = {"json": SAID, "headers": {"Idempotency-Key": "k1"}}
    first, again = (client.post("/v1/memories", **sent) for _ in range(2))  # type: ignore[arg-type]  # httpx's own
    assert first.json() == again.json()
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(client.get("/v1/memories?agent_id=relu").json()["memories"]) == 1
    other = {**SAID, "turns": [{"text": "another"}]}
    told = problem(client.post("/v1/memories", json=other, headers={"Idempotency-Key": "k1"}), 422)
    assert told["errors"][0]["field"] == "Idempotency-Key"


def test_the_longest_keys_are_told_apart(client: TestClient) -> None:
    """As turns too, where a turn has no other id."""
    for last in "ab":
        said = {"text": f"I like {last}.", "agent_id": "relu"}
        answer = client.post("/v1/contextualize", json=said, headers={"Idempotency-Key": "k" * 251 + last})
        assert (answer.status_code, answer.json()["turn_id"]) == (200, f"key:{'k' * 251}{last}")


def test_a_request_that_had_no_effect_may_be_put_right(client: TestClient) -> None:
    """A key under which nothing happened is free again."""
    headers = {"Idempotency-Key": "k2"}
    problem(client.post("/v1/knowledge", json={"statement": "fact: nonsense"}, headers=headers), 422)
    assert client.post("/v1/knowledge", json={"statement": "fact: a.b = c"}, headers=headers).status_code == 201


def test_a_request_under_way_is_waited_for(service: tuple[Service, TestClient], clock: ManualClock) -> None:
    """While its holder lives the answer is 409; once its lease ran out, whoever sends it again does the work."""
    made, client = service
    sent = {"json": SAID, "headers": {"Idempotency-Key": "k3"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made.mind, "add", _dies)
        assert client.post("/v1/memories", **sent).status_code == 500  # type: ignore[arg-type]  # httpx's own
    assert client.post("/v1/memories", **sent).status_code == 201  # type: ignore[arg-type]  # released


def _dies(*_: Any, **__: Any) -> None:
    raise RuntimeError("as no error of ours is")


def test_an_answer_is_not_told_again_once_its_memory_is_deleted(client: TestClient) -> None:
    """What is deleted is gone from the kept answers too, and a retry does nothing."""
    sent = {"json": {"text": "My ring is in the tea tin.", "agent_id": "relu"}, "headers": {"Idempotency-Key": "k4"}}
    first = client.post("/v1/contextualize", **sent).json()  # type: ignore[arg-type]  # httpx's own
    for id in first["remembered"]:
        assert client.delete(f"/v1/memories/{id}?agent_id=relu").status_code == 204
    problem(client.post("/v1/contextualize", **sent), 410)  # type: ignore[arg-type]  # httpx's own
    assert client.get("/v1/memories?agent_id=relu").json()["memories"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "query"), ({"query": 5}, "query"), ({"query": "a", "metadata": {"path": []}}, "metadata.path")],
)
def test_an_error_names_the_field_whatever_it_is_called(client: TestClient, body: dict[str, Any], field: str) -> None:
    """A field called query, body or path is told by its name."""
    told = problem(client.post("/v1/search", json={"agent_id": "relu", **body}), 422)
    assert told["errors"][0]["field"].startswith(field)


def test_a_closed_account_gets_no_token_for_development(database: Path, clock: ManualClock) -> None:
    """A bare name opens what is not closed, and only where the server was started for it."""
    with serving(database, clock, dev_tokens=True) as (made, client):
        made.access.add_user("ken")
        assert client.post("/auth/token", json={"user": "ken"}).status_code == 200
        made.access.close_user("ken")
        problem(client.post("/auth/token", json={"user": "ken"}), 401)
