"""Problems: each has a type that the docs explain, names the field at fault, and says in our words what to do."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from routes import every_route
from serving import key_of, serving
from starlette.testclient import TestClient
from stubs import ManualClock

import dmha.server
from dmha import types
from dmha.errors import Taken, Unavailable
from dmha.server import faults, models
from dmha.server.fields import EXAMPLES, FIELDS
from dmha.server.problems import SORTS, UNKNOWN, Kind
from dmha.server.service import Service

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
SOURCES = sorted(Path(dmha.server.__path__[0]).rglob("*.py"))
BODIES = sorted(
    {each for each in vars(models).values() if isinstance(each, type) and issubclass(each, models.Body)},
    key=lambda each: each.__name__,
)
SWAPPED = {"query": "a", "since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
SAID = "I told nobody that I moved to Osaka"


@pytest.fixture
def service(database: Path, clock: ManualClock) -> Iterator[tuple[Service, TestClient]]:
    with serving(database, clock) as (made, client):
        client.headers |= key_of(made, "aya")
        yield made, client


@pytest.fixture
def client(service: tuple[Service, TestClient]) -> TestClient:
    return service[1]


def wrong(answer: Any, status: int, kind: str) -> list[str]:
    """The fields of a problem of that status and type, each of whose errors says why and what to do."""
    told = answer.json()
    assert (answer.status_code, told["status"], told["type"]) == (status, status, f"urn:dmha:{kind}"), told
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["title"].lower() not in told["detail"].lower()
    assert told["detail"].endswith(".")
    for error in told["errors"]:
        assert error["reason"]
        assert not error["reason"].endswith(".")
        assert error["fix"].endswith(".")
    return [error["field"] for error in told["errors"]]


# -- types -------------------------------------------------------------------------------------------------------------


def raised() -> set[tuple[int, str]]:
    """Each status and type that the code makes a problem of, as its calls say."""
    found = {(422, "invalid")}
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(call, "func", None)
            called = getattr(name, "attr", getattr(name, "id", None))
            if not isinstance(call, ast.Call) or called not in {"Problem", "at_fault", "invalid"}:
                continue
            values = [each.value if isinstance(each, ast.Constant) else None for each in call.args[:2]]
            if called != "invalid" and None not in values:
                found.add((int(values[0]), str(values[1])))  # type: ignore[arg-type]  # they are no None
            for word in call.keywords:
                if called == "invalid" and word.arg == "status" and isinstance(word.value, ast.Constant):
                    found.add((int(str(word.value.value)), "invalid"))
    return found


def test_the_table_of_problems_is_the_code() -> None:
    """docs/service.md has each type that can be sent, with its statuses and title, what it means and what to do."""
    part = DOCS.partition("**Errors**")[2].partition("**Retries.**")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")
    ]
    told = [(row[0].strip("`"), row[1], row[2]) for row in rows]
    code = [(kind, ", ".join(map(str, sort.statuses)), sort.title) for kind, sort in SORTS.items()]
    assert told == code
    assert all(row[3] and row[4] for row in rows)


def test_each_type_is_raised_and_no_other() -> None:
    """What the code raises is what it says there is: no status and no type besides, and none that never comes."""
    assert raised() == {(status, kind) for kind, sort in SORTS.items() for status in sort.statuses}
    assert set(SORTS) == set(get_args(Kind))


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "kind", "field"),
    [
        ("GET", "/v1/memories", {"Authorization": "Bearer none"}, None, 401, "unauthorized", "Authorization"),
        ("POST", "/auth/token", {}, {"key": "dmha_x_y"}, 401, "unauthorized", "body"),
        ("GET", "/metrics", {}, None, 403, "forbidden", "Authorization"),
        ("GET", "/v1/memories", {"X-DMHA-User": "ben"}, None, 403, "forbidden", "X-DMHA-User"),
        ("GET", "/none", {}, None, 404, "no-route", "path"),
        ("GET", "/v1/memories/m_1", {}, None, 404, "not-found", "id"),
        ("GET", "/v1/jobs/j_1", {}, None, 404, "not-found", "id"),
        ("GET", "/v1/export?agent_id=nobody", {}, None, 404, "not-found", "agent_id"),
        ("GET", "/v1/export", {}, None, 404, "not-found", "Authorization"),
        ("POST", "/v1/contextualize", {}, {"text": "a", "parent": "t"}, 404, "not-found", "parent"),
        ("POST", "/v1/contextualize", {}, {"text": "a", "replaces": "t"}, 404, "not-found", "replaces"),
        ("POST", "/v1/memories", {}, {"turns": [{"text": "a", "parent": "t"}]}, 404, "not-found", "turns.0.parent"),
        ("POST", "/v1/memories", {}, {"turns": [{"text": "a"}], "parent": "t"}, 404, "not-found", "parent"),
        ("PUT", "/v1/memories", {}, None, 405, "method", "method"),
        ("POST", "/openapi.json", {}, None, 405, "method", "method"),
        ("PATCH", "/v1/memories/m_1", {}, {"pinned": True}, 428, "precondition", "If-Match"),
        ("PATCH", "/v1/memories/m_1", {"If-Match": "1"}, {"pinned": True}, 422, "invalid", "If-Match"),
        ("GET", "/v1/memories?cursor=none", {}, None, 422, "invalid", "cursor"),
        ("POST", "/v1/search", {"Content-Type": "text/plain"}, {"query": "a"}, 415, "invalid", "Content-Type"),
        ("GET", "/livez?a=b", {}, None, 422, "invalid", "a"),
        ("POST", "/v1/import", {"Content-Type": "application/x-ndjson"}, {}, 422, "invalid", "body"),
        ("POST", "/v1/import", {}, {}, 415, "invalid", "Content-Type"),
        ("POST", "/v1/search", {}, SWAPPED, 422, "invalid", "since"),
        ("POST", "/auth/token", {}, {"user": "aya", "key": "k"}, 422, "invalid", "key"),
        ("POST", "/auth/token", {}, {"user": "aya"}, 422, "invalid", "password"),
        ("POST", "/auth/token", {}, {"password": "secret"}, 422, "invalid", "user"),
        ("POST", "/auth/token", {}, {}, 422, "invalid", "body"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_at_fault(
    client: TestClient, method: str, path: str, headers: dict[str, str], body: Any, status: int, kind: str, field: str
) -> None:
    """A header, a parameter, the path's id or a field of the body, with the reason and the fix."""
    assert wrong(client.request(method, path, headers=headers, json=body), status, kind) == [field]


def test_a_full_account_is_imported_into_by_another_name(client: TestClient) -> None:
    """Without a word of what HTTP has not; the field is one that was sent."""
    client.post("/v1/memories", json={"turns": [{"text": "a"}]})
    whole = client.get("/v1/export")
    lines: Any = {"headers": {"Content-Type": "application/x-ndjson"}, "content": whole.content}
    assert wrong(client.post("/v1/import", **lines), 422, "invalid") == ["body"]
    refused = client.post("/v1/import?agent_id=default", **lines)
    assert wrong(refused, 422, "invalid") == ["agent_id"]
    assert "delete_all" not in refused.text
    assert "another name for one companion, or import into another account" in refused.text
    assert client.post("/v1/import?agent_id=relu", **lines).status_code == 201


@pytest.mark.parametrize(
    ("path", "kind", "content", "detail"),
    [
        ("/v1/search", "application/json", b"", "body: it is empty."),
        ("/v1/search", "application/json", b" \n", "body: it is empty."),
        ("/v1/import", "application/x-ndjson", b"hello", "body: line 1 is not JSON (Expecting value)."),
        ("/v1/import", "application/x-ndjson", b"\xff", "body: line 1 is not JSON ("),
        ("/v1/import", "application/json", b"{}", "Content-Type: it is 'application/json'."),
        ("/v1/import", "", b"{}", "Content-Type: it is missing."),
    ],
)
def test_what_came_instead_is_told(client: TestClient, path: str, kind: str, content: bytes, detail: str) -> None:
    """Nothing, the line that is none, another type."""
    told = client.post(path, content=content, headers={"Content-Type": kind}).json()["detail"]
    assert told.startswith(detail)


def test_a_cursor_of_another_start_says_where_to_begin(client: TestClient) -> None:
    """One that was signed with another secret, and one of another list, which is told alike."""
    client.post("/v1/memories", json={"turns": [{"text": "a"}, {"text": "b"}]})
    cursor = client.get("/v1/memories?limit=1").json()["next"]
    told = [
        client.get(f"/v1/memories?{asked}").json()["detail"] for asked in (f"agent_id=relu&cursor={cursor}", "cursor=x")
    ]
    assert told[0] == told[1]
    assert "begin at the first page" in told[0]


def test_who_asks_for_pages_of_another_origin_is_told_the_setting(client: TestClient) -> None:
    """The browser's question in advance is a 405 that names DMHA_CORS; other methods say nothing of it."""
    asked = client.options("/v1/search", headers={"Origin": "https://a.example"})
    assert wrong(asked, 405, "method") == ["method"]
    assert asked.json()["detail"] == "Use POST here. For pages of another origin, set DMHA_CORS to it."
    assert client.put("/v1/search").json()["detail"] == "Use POST here."


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_a_monitor_may_ask_with_head(client: TestClient, path: str) -> None:
    """As GET is answered; what else may be asked is told with it."""
    assert client.head(path).status_code == 200
    assert client.post(path).headers["allow"] == "GET, HEAD"


TURN = {"text": "a"}


@pytest.mark.parametrize(
    ("status", "turns", "field"),
    [
        (422, [TURN, TURN, TURN, {"text": " "}], "turns.3.text"),
        (422, [TURN, {"text": "a", "speaker": "a\nb"}], "turns.1.speaker"),
        (422, [TURN, {"text": "a", "vector": [1.0]}], "turns.1.vector"),
        (422, [TURN, {"text": "a", "metadata": {"k": "x" * 70_000}}], "turns.1.metadata"),
        (422, [TURN, {"text": "a", "id": "x"}, {"text": "b", "id": "x"}], "turns.2.id"),
        (422, [TURN, {"text": "other words", "id": "known"}], "turns.1.id"),
        (404, [TURN, {"text": "a", "parent": "never said"}], "turns.1.parent"),
    ],
)
def test_what_is_wrong_with_a_turn_of_many_is_named_with_its_place(
    client: TestClient, status: int, turns: list[dict[str, Any]], field: str
) -> None:
    """Whoever sends a thousand turns is told which one it is, whatever found it."""
    assert client.post("/v1/memories", json={"turns": [{"text": "a", "id": "known"}]}).status_code == 201
    kind = "invalid" if status == 422 else "not-found"
    assert wrong(client.post("/v1/memories", json={"turns": turns}), status, kind) == [field]


def test_a_turn_to_be_answered_under_a_used_id_is_the_fault_of_turn_id(client: TestClient) -> None:
    """As it is called there."""
    assert client.post("/v1/memories", json={"turns": [{"text": "a", "id": "known"}]}).status_code == 201
    answer = client.post("/v1/contextualize", json={"text": "other words", "turn_id": "known"})
    assert wrong(answer, 422, "invalid") == ["turn_id"]


def test_a_companion_or_an_account_out_of_reach_is_the_agent_id(service: tuple[Service, TestClient]) -> None:
    """A key for one companion is refused another, and what is asked of all of them."""
    made, client = service
    limited = key_of(made, "aya", agents=["relu"])
    assert wrong(client.get("/v1/memories?agent_id=ko", headers=limited), 403, "forbidden") == ["agent_id"]
    assert wrong(client.get("/v1/export", headers=limited), 403, "forbidden") == ["agent_id"]
    assert wrong(client.get("/v1/jobs", headers=limited), 403, "forbidden") == ["Authorization"]


def test_a_change_of_an_older_version_is_the_fault_of_if_match(client: TestClient) -> None:
    """Whose version is not the memory's any more."""
    (id,) = client.post("/v1/memories", json={"turns": [{"text": "a"}]}).json()["ids"]
    answer = client.patch(f"/v1/memories/{id}", json={"pinned": True}, headers={"If-Match": '"7"'})
    assert wrong(answer, 412, "stale") == ["If-Match"]


def test_an_idempotency_key_is_named_whatever_is_wrong_with_it(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under way, answered and deleted since, another request's, too long: each route says the same."""
    made, client = service
    said = {"json": {"turns": [{"text": "My ring."}]}, "headers": {"Idempotency-Key": "k1"}}
    (id,) = client.post("/v1/memories", **said).json()["ids"]  # type: ignore[arg-type]  # httpx's own
    other = {**said, "json": {"turns": [{"text": "other"}]}}
    assert wrong(client.post("/v1/memories", **other), 422, "invalid") == ["Idempotency-Key"]  # type: ignore[arg-type]  # so
    assert client.delete(f"/v1/memories/{id}").status_code == 204
    assert wrong(client.post("/v1/memories", **said), 410, "gone") == ["Idempotency-Key"]  # type: ignore[arg-type]  # so
    long = {"Idempotency-Key": "k" * 253}
    answers = [
        client.post("/v1/memories", json=said["json"], headers=long),
        client.post("/v1/contextualize", json={"text": "a"}, headers=long),
    ]
    assert [wrong(answer, 422, "invalid") for answer in answers] == [["Idempotency-Key"]] * 2
    assert answers[0].json()["errors"] == answers[1].json()["errors"]

    def taken(*_: Any, **__: Any) -> Any:
        raise Taken("the request")

    monkeypatch.setattr(made.mind, "add", taken)
    answer = client.post("/v1/memories", json=said["json"], headers={"Idempotency-Key": "k2"})
    assert wrong(answer, 409, "in-flight") == ["Idempotency-Key"]
    assert answer.headers["retry-after"] == "1"


def test_who_asks_too_often_is_told_how_long_to_wait(database: Path, clock: ManualClock) -> None:
    """A credential is named; of an address nothing in the request is at fault."""
    with serving(database, clock, rate="1/minute") as (made, client):
        client.headers |= key_of(made, "aya")
        answers = [client.get("/v1/memories") for _ in range(2)]
        assert wrong(answers[1], 429, "throttled") == ["Authorization"]
        wait = int(answers[1].headers["retry-after"])
        assert 1 <= wait <= 60
        assert answers[1].json()["detail"].endswith(f"Wait for {wait} seconds.")
    with serving(database, clock, rate_address="1/minute") as (_, client):
        answers = [client.get("/v1/memories") for _ in range(2)]
        assert wrong(answers[1], 429, "throttled") == []


def test_nothing_of_the_request_is_at_fault_where_we_are(
    service: tuple[Service, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect, a part out of reach, every worker busy: `errors` is empty."""
    made, client = service

    def unreachable(*_: Any, **__: Any) -> Any:
        raise Unavailable("model", "it does not answer", "Wait.")

    monkeypatch.setattr(made.mind, "search", unreachable)
    assert wrong(client.post("/v1/search", json={"query": "a"}), 503, "unavailable") == []
    monkeypatch.setattr(made.mind, "search", lambda *_, **__: 1 / 0)
    assert wrong(client.post("/v1/search", json={"query": "a"}), 500, "defect") == []
    monkeypatch.setattr(made.pool, "held", 1_000_000)
    answer = client.post("/v1/search", json={"query": "a"})
    assert wrong(answer, 503, "busy") == []
    assert answer.headers["retry-after"] == "1"


def test_a_companion_that_was_told_nothing_is_empty_and_has_no_export(client: TestClient) -> None:
    """It begins with the first thing it is told: until then it remembers nothing, and there is no file of it."""
    here = {"agent_id": "new"}
    assert client.get("/v1/memories", params=here).json()["memories"] == []
    for route in ("/v1/search", "/v1/recall"):
        assert client.post(route, json={**here, "query": "a"}).json() == {"hits": []}
    assert client.get("/v1/knowledge/conflicts", params=here).json() == {"conflicts": []}
    assert wrong(client.get("/v1/export", params=here), 404, "not-found") == ["agent_id"]
    assert client.post("/v1/memories", json={**here, "turns": [{"text": "a"}]}).status_code == 201
    assert client.get("/v1/export", params=here).status_code == 200


# -- pydantic's errors in our words ------------------------------------------------------------------------------------

FIND = {"query": "a"}
REFUSED: dict[str, tuple[str, str, Any, str, str, str]] = {
    "missing": ("POST", "/v1/search", {}, "query", "it is missing", "Give it."),
    "extra_forbidden": (
        "POST", "/v1/search", FIND | {"colour": 1}, "colour", "there is no such field",
        "Leave it out, or see /openapi.json for how it is written.",
    ),
    "string_type": (
        "POST", "/v1/search", {"query": 5}, "query", "it is a whole number, not text", "Give text, in quotes.",
    ),
    "string_too_short": (
        "POST", "/v1/search", {"query": ""}, "query", "0 characters are too few", "Give at least 1.",
    ),
    "string_too_long": (
        "POST", "/v1/search", FIND | {"speaker": "a" * 300}, "speaker", "300 characters are over the limit of 256",
        "Give at most that many.",
    ),
    "int_type": (
        "POST", "/v1/search", FIND | {"top_k": 1.5}, "top_k", "it is a decimal number, not a whole number",
        "Give a whole number, such as 10.",
    ),
    "int_parsing": (
        "GET", "/v1/memories?limit=ten", None, "limit", "it is no whole number", "Give a whole number, such as 10.",
    ),
    "float_type": (
        "POST", "/v1/search", FIND | {"min_confidence": "1"}, "min_confidence", "it is text, not a number",
        "Give a number, without quotes.",
    ),
    "bool_type": (
        "POST", "/v1/search", FIND | {"by_reading": None}, "by_reading", "it is null, not true or false",
        "Give true or false, without quotes.",
    ),
    "list_type": (
        "POST", "/v1/search", FIND | {"present": "aya"}, "present", "it is text, not a list",
        "Give a list, in brackets.",
    ),
    "dict_type": (
        "POST", "/v1/search", FIND | {"metadata": True}, "metadata", "it is true or false, not an object",
        "Give an object, in braces.",
    ),
    "model_attributes_type": (
        "POST", "/v1/memories", {"turns": ["a"]}, "turns.0", "it is text, not an object", "Give an object, in braces.",
    ),
    "too_short": (
        "POST", "/v1/memories", {"turns": []}, "turns", "0 entries are too few", "Give at least 1.",
    ),
    "too_long": (
        "POST", "/v1/search", FIND | {"present": ["a"] * 101}, "present", "101 entries are over the limit of 100",
        "Give at most that many.",
    ),
    "greater_than_equal": ("GET", "/v1/memories?limit=0", None, "limit", "0 is too little", "Give 1 or more."),
    "less_than_equal": (
        "POST", "/v1/search", FIND | {"min_confidence": 1.5}, "min_confidence", "1.5 is over the limit of 1",
        "Give 1 or less.",
    ),
    "literal_error": (
        "POST", "/v1/search", FIND | {"polarity": "sad"}, "polarity", "it is none of the choices",
        "Give 'any', 'joy', 'aversion' or 'both'.",
    ),
    "moment": (
        "POST", "/v1/search", FIND | {"since": "2026-11-22"}, "since", "it is no time with a zone",
        "Give one such as 2026-11-22T09:00:00+09:00.",
    ),
    "plain": (
        "POST", "/v1/search", FIND | {"metadata": {"k": [1]}}, "metadata.k",
        "it is a list, and only plain values can be compared", "Give text, a number, true or false.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(faults.WORDS))
def test_what_pydantic_refuses_is_told_in_our_words(client: TestClient, kind: str) -> None:
    """Each type of error comes from some request, as one entry with what was given and what to give instead."""
    method, path, body, field, reason, fix = REFUSED[kind]
    answer = client.request(method, path, json=body)
    wrong(answer, 422, "invalid")
    assert answer.json()["errors"] == [{"field": field, "reason": reason, "fix": fix}]
    assert answer.json()["detail"] == f"{field}: {reason}. {fix}"


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"a"', b"true"])
def test_a_body_that_is_no_object_is_told_so(client: TestClient, body: bytes) -> None:
    """Whatever else it is."""
    answer = client.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert wrong(answer, 422, "invalid") == ["body"]
    assert "not an object" in answer.json()["detail"]


TEXTS = st.sampled_from(["", "a", "a" * 300, "a" * 2_000, "2026-11-22T09:00:00+09:00", "2026-11-22"])
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def refusals(model: type[BaseModel], body: Any) -> list[Any]:
    """Pydantic's errors about a body, placed as FastAPI places them."""
    try:
        TypeAdapter(model).validate_python(body, from_attributes=True)
    except ValidationError as error:
        return [{**found, "loc": ("body", *found["loc"])} for found in error.errors()]
    return []


@given(st.sampled_from(BODIES), st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_no_body_is_refused_in_other_words(model: type[BaseModel], data: st.DataObject) -> None:
    """Whatever stands in whatever field: the error is one of ours, and the log learns no name that was made up."""
    told: Any = model.model_config.get("json_schema_extra", {"examples": [{}]})
    example = dict(told["examples"][0])
    for name in data.draw(st.lists(st.sampled_from([*model.model_fields, "text", "a made-up name"]), max_size=3)):
        example[name] = data.draw(JSON)
    turn = data.draw(st.dictionaries(st.sampled_from([*models.Said.model_fields]), JSON, max_size=3))
    if "turns" in model.model_fields and data.draw(st.booleans()):
        example["turns"] = [turn, turn]
    found = refusals(model, data.draw(st.just(example) | JSON))
    assert {one["type"] for one in found} <= faults.WORDS.keys()
    if found:
        problem = faults.of_validation(found)
        names = {part for field in problem.fields for part in field.split(".")}
        ours = {name for each in BODIES for name in each.model_fields} | {"body", UNKNOWN}
        assert {name for name in names if not name.isdigit()} <= ours
        assert not re.search(r"[{}]", "".join(error.reason + error.fix for error in problem.errors))


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "fix"),
    [
        ("POST", "/v1/search", {"qeury": "a"}, "qeury", "Use query."),
        ("POST", "/v1/search", FIND | {"topk": 5}, "topk", "Use top_k."),
        ("POST", "/v1/memories", {"turn": [TURN]}, "turn", "Use turns."),
        ("POST", "/v1/memories", {"turns": [TURN | {"speakr": "aya"}]}, "turns.0.speakr", "Use speaker."),
        ("PATCH", "/v1/memories/m_1", {"pin": True}, "pin", "Use pinned."),
        ("PATCH", "/v1/memories/m_1", {"agent_id": "relu"}, "agent_id", "Send it in the URL, as ?agent_id=."),
        ("POST", "/v1/search?query=x", FIND, "query", "Send it as a field of the JSON."),
        ("POST", "/v1/memories?agent_id=relu", {"turns": [TURN]}, "agent_id", "Send it as a field of the JSON."),
        ("DELETE", "/v1/memories/m_1", {"agent_id": "relu"}, "body", "Send agent_id, world in the URL."),
        ("DELETE", "/v1/jobs/j_1", {"reason": "late"}, "body", "Leave it out."),
        ("GET", "/v1/memories", {"limit": 5}, "body", "Send agent_id, cursor, limit, present, world in the URL."),
    ],
)
def test_a_name_that_is_misspelt_or_in_another_place_is_told_what_it_should_be(
    client: TestClient, method: str, path: str, body: Any, field: str, fix: str
) -> None:
    """A field near to one that there is; a parameter in the body, a field in the query; a body that is not read."""
    answer = client.request(method, path, json=body)
    wrong(answer, 422, "invalid")
    assert {"field": field, "fix": fix}.items() <= answer.json()["errors"][-1].items()


# -- the OpenAPI file --------------------------------------------------------------------------------------------------


def test_the_openapi_file_tells_the_headers_of_answers(client: TestClient) -> None:
    """The trace of each; when to ask again; a memory's ETag; whether an answer was given before."""
    paths = client.get("/openapi.json").json()["paths"]
    for methods in paths.values():
        for operation in methods.values():
            once = "Idempotency-Key" in {each["name"] for each in operation.get("parameters", ())}
            for status, answer in operation["responses"].items():
                headers = answer["headers"].keys() - {"X-Trace-Id"}
                assert "X-Trace-Id" in answer["headers"]
                problem = "application/problem+json" in answer.get("content", {})
                assert ("Retry-After" in headers) == (problem and status in {"409", "429", "503", "507"})
                assert ("Idempotency-Replayed" in headers) == (once and status in {"200", "201", "204"})
    tagged = {
        (route, method)
        for route, methods in paths.items()
        for method, operation in methods.items()
        for answer in operation["responses"].values()
        if "ETag" in answer["headers"]
    }
    assert tagged == {("/v1/memories/{id}", "get"), ("/v1/memories/{id}", "patch")}


def test_if_match_is_required_and_missed_in_its_own_words(client: TestClient) -> None:
    """The file says that it has to be sent; without it the answer is 428."""
    told = client.get("/openapi.json").json()["paths"]["/v1/memories/{id}"]["patch"]["parameters"]
    assert {each["name"]: each["required"] for each in told}["If-Match"] is True
    wrong(client.patch("/v1/memories/m_1", json={"pinned": True}), 428, "precondition")


def test_every_field_and_parameter_of_the_openapi_file_says_what_it_is(client: TestClient) -> None:
    """Its unit, its range, what null means: nobody has to guess whether a half-life is in seconds."""
    told = client.get("/openapi.json").json()
    bare = [
        f"{name}.{field}"
        for name, schema in told["components"]["schemas"].items()
        for field, one in schema.get("properties", {}).items()
        if not one.get("description")
    ]
    bare += [
        f"{method} {path} {parameter['name']}"
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if not parameter.get("description")
    ]
    assert bare == []
    assert "Seconds" in told["components"]["schemas"]["Memory"]["properties"]["half_life"]["description"]


def test_what_the_openapi_file_says_of_fields_is_of_fields_there_are() -> None:
    """Each type that is described is the library's, each field one of its own, and none is left out."""
    assert {name: list(each) for name, each in FIELDS.items()} == {
        name: [each.name for each in fields(getattr(types, name))] for name in FIELDS
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_an_answer_is_one(name: str) -> None:
    """Whole, and of the types that the answer has."""
    kind = TypeAdapter(getattr(types, name))
    assert kind.dump_python(kind.validate_python(EXAMPLES[name]), mode="json") == EXAMPLES[name]


def test_the_openapi_file_tells_answers_as_they_are(client: TestClient) -> None:
    """A job's states; what was told, by a name of its own; a file's name; no status that never comes."""
    told = client.get("/openapi.json").json()
    schemas, paths = told["components"]["schemas"], told["paths"]
    assert set(schemas["JobSeen"]["properties"]["state"]["enum"]) == set(get_args(types.JobState))
    made = paths["/v1/knowledge"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert made == {"$ref": "#/components/schemas/Told"}
    assert not {"409", "410"} & paths["/v1/jobs/{id}"]["delete"]["responses"].keys()
    names = paths["/v1/export"]["get"]["responses"]["200"]["headers"]["Content-Disposition"]["schema"]["enum"]
    assert client.post("/v1/memories", json={"turns": [TURN]}).status_code == 201
    exports = [client.get(f"/v1/export{whose}") for whose in ("", "?agent_id=default")]
    assert [export.headers["content-disposition"] for export in exports] == names


# -- the log -----------------------------------------------------------------------------------------------------------


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """What the log has of the last request."""
    return [record for record in caplog.records if record.getMessage() == "request"][-1].__dict__


def test_the_log_says_why_a_request_was_refused(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """The problem's type, and the names of the fields."""
    caplog.set_level(logging.INFO, "dmha.server")
    client.post("/v1/search", json={"query": 5, "top_k": 0})
    assert (logged(caplog)["problem"], logged(caplog)["fields"]) == ("invalid", ["query", "top_k"])
    client.get("/v1/memories/m_1")
    assert (logged(caplog)["problem"], logged(caplog)["fields"]) == ("not-found", ["id"])
    client.get("/v1/memories", headers={"Host": "evil.example"})
    assert (logged(caplog)["problem"], logged(caplog)["fields"]) == ("invalid", ["Host"])
    client.get("/v1/memories")
    assert "problem" not in logged(caplog)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/search", {"query": "a", SAID: 1}, UNKNOWN),
        ("/v1/search", {"query": "a", "metadata": {SAID: []}}, f"metadata.{UNKNOWN}"),
        ("/v1/memories", {"turns": [{"text": "a", SAID: 1}]}, f"turns.0.{UNKNOWN}"),
        (f"/v1/search?{SAID}=1", {"query": "a"}, UNKNOWN),
        ("/v1/search", b'{"' + SAID.encode() + b'": 1, "' + SAID.encode() + b'": 2}', UNKNOWN),
    ],
)
def test_the_log_tells_no_name_that_a_caller_made_up(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, body: Any, field: str
) -> None:
    """A key may be somebody's words: the answer tells it, the log does not."""
    caplog.set_level(logging.INFO, "dmha.server")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert SAID in wrong(answer, 422, "invalid")[0]
    assert logged(caplog)["fields"] == [field]
    assert not any(SAID in str(record.__dict__) for record in caplog.records if record.name == "dmha.server")


def test_no_refusal_of_any_route_goes_untold(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Every route without a credential, and every one with a parameter that it does not know."""
    caplog.set_level(logging.INFO, "dmha.server")
    for asked in every_route(client):
        asked.having(query={**asked.query, "none": "1"}).send(client)
        assert logged(caplog)["problem"] in {"invalid", "forbidden"}, asked.named
