"""Whatever may come over a network, at every route: a problem that names the field and the fix, or the right answer.

Never a defect, and nothing half-written: what was there before is there after, to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from routes import Asked, every_route
from serving import key_of, serving
from starlette.testclient import TestClient

from dmha.server.service import Service

NESTED = b"[" * 100_000 + b"]" * 100_000
# What may stand in no body.
BODIES: dict[str, bytes] = {
    "nothing": b"", "null": b"null", "an array": b"[]", "a number": b"1", "a text": b'"text"',
    "a cut body": b'{"text": "a',
    "NaN": b'{"top_k": NaN}', "Infinity": b'{"min_confidence": Infinity}', "1e999": b'{"min_confidence": 1e999}',
    "2^63": b'{"top_k": 9223372036854775808}', "half a surrogate": b'{"text": "\\ud800", "query": "\\ud800"}',
    "invalid UTF-8": b'{"text": "\xff\xfe"}', "a BOM": b'\xef\xbb\xbf{"text": "a"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "100,000 levels": NESTED, "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "metadata of 100,000 levels": b'{"metadata": ' + NESTED + b"}", "5 MB": b'{"text": "' + b"a" * 5_000_000 + b'"}',
    "an unknown key": b'{"user_id": "ben"}', "two values": b"{}{}", "JSON lines": b"{}\n{}\n",
}  # fmt: skip
TWICE = "a key twice"
TEXTS = {
    "NUL": "a\x00b", "emoji": "👩‍👩‍👧‍👦🫠", "bidi": "\u202eabc\u202c", "zero width": "\u200b\u200d",
    "homoglyphs": "аya", "emoji alone": "🎉",
    "combining": "e\u0301" * 50, "SQL": "'; DROP TABLE memories; --", "path": "../../etc/passwd",
    "template": "{{7*7}}${7*7}", "header": "a\r\nX-Evil: 1", "markup": "<script>alert(1)</script>",
    "JSON": '{"$ne": null}', "long": "x" * 300, "spaces": "   ", "ANSI": "\x1b[31m", "format": "%s%n%x",
    "Thai": "ก" * 200,
}  # fmt: skip
TYPES = ["text/plain", "application/xml", "multipart/form-data; boundary=a", "", "application/json/x"]
PATHS = [
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%ff%fe",
    "a" * 5_000,
    "%ed%a0%80",
    "%F0%9F%8E%89",
    "'%20OR%201=1",
    "m_%0d%0a",
]


@pytest.fixture(scope="module")
def serves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, TestClient]]:
    with serving(tmp_path_factory.mktemp("bad") / "companion.db", request_s=5.0) as (service, client):
        client.headers |= key_of(service, "aya", rights=["read", "write", "operate"])
        client.post("/v1/memories", json={"turns": [{"text": "I moved to Osaka."}], "agent_id": "relu"})
        yield service, client


def contents(service: Service) -> dict[str, Any]:
    """All that is remembered, of every table but those that count requests."""
    with service.mind.truth.read() as ledger:
        connection = ledger._connection  # type: ignore[attr-defined]  # the store's own
        names = (
            connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .scalars()
            .all()
        )
        kept = [name for name in names if name not in {"counters", "requests", "jobs", "audits"}]
        return {name: connection.exec_driver_sql(f'SELECT * FROM "{name}"').all() for name in kept}


def check(answer: Any, asked: Asked, *, refused: bool = False) -> None:
    """A problem in words, or (unless it has to be refused) what the route answers."""
    assert answer.status_code < 500, (asked.named, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", asked.named
        told = answer.json()
        assert told["detail"]
        assert told["trace_id"]
        assert all(error["field"] and error["reason"] and error["fix"] for error in told["errors"])
    else:
        assert not refused, (asked.named, answer.status_code)


@pytest.mark.parametrize("kind", [*BODIES, TWICE])
def test_a_body_that_means_nothing_is_refused_everywhere(serves: tuple[Service, TestClient], kind: str) -> None:
    """At every route that takes JSON; what was remembered stays as it was."""
    service, client = serves
    before = contents(service)
    for asked in every_route(client):
        if asked.body is not None:
            twice = json.dumps(asked.body).encode()[:-1] + b", " + json.dumps(asked.body).encode()[1:]
            body = twice if kind == TWICE else BODIES[kind]
            sent = asked.having(content=body, headers={**asked.headers, "Content-Type": "application/json"})
            check(sent.send(client), asked, refused=True)
    assert contents(service) == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=a", "", "application/json/x"]
)
def test_another_type_is_refused(serves: tuple[Service, TestClient], kind: str) -> None:
    """A form of a stranger's page, which a browser sends without asking, is no JSON."""
    _, client = serves
    for asked in every_route(client):
        if asked.body is not None:
            sent = asked.having(
                content=json.dumps(asked.body).encode(), headers={**asked.headers, "Content-Type": kind}
            )
            answer = sent.send(client)
            assert answer.status_code == 415, asked.named
            check(answer, asked, refused=True)


@pytest.mark.parametrize("kind", TEXTS)
def test_any_text_in_any_field_is_served_or_refused(serves: tuple[Service, TestClient], kind: str) -> None:
    """One field after the other, of every body and every query."""
    _, client = serves
    for asked in every_route(client):
        for name, given in (asked.body or {}).items():
            put: Any = (
                [{**given[0], "text": TEXTS[kind], "speaker": TEXTS[kind]}] if isinstance(given, list) else TEXTS[kind]
            )
            check(asked.having(body={**asked.body, name: put}).send(client), asked)  # type: ignore[dict-item]  # it has one
        for name in asked.query:
            check(asked.having(query={**asked.query, name: TEXTS[kind]}).send(client), asked)


@pytest.mark.parametrize(
    "value", [None, True, 0, -1, 2**63 - 1, 1.5, [], {}, [[]], "x", ["x"], {"a": {"b": 1}}], ids=repr
)
def test_any_value_in_any_field_is_served_or_refused(serves: tuple[Service, TestClient], value: Any) -> None:
    """A value of another kind never comes through as if it were of the right one."""
    _, client = serves
    schemas = client.get("/openapi.json").json()
    for asked in every_route(client):
        if asked.body is None:
            continue
        content = schemas["paths"][asked.route][asked.method]["requestBody"]["content"]["application/json"]
        schema = schemas["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        for name in schema["properties"]:
            check(asked.having(body={**asked.body, name: value}).send(client), asked)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_elsewhere(serves: tuple[Service, TestClient], path: str) -> None:
    """An id is an id, however it is written."""
    _, client = serves
    for asked in every_route(client):
        if "{id}" in asked.route:
            check(asked.send(client, path), asked, refused=True)


def test_unknown_parameters_and_repeated_ones_are_refused(serves: tuple[Service, TestClient]) -> None:
    """A slip of the pen is told, and so is what means two things."""
    _, client = serves
    for asked in every_route(client):
        check(asked.having(query={**asked.query, "user_id": "ben"}).send(client), asked, refused=True)
        for name in asked.query:
            check(asked.having(query={**asked.query, name: ["a", "b"]}).send(client), asked, refused=True)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Idempotency-Key", "k" * 256), ("Idempotency-Key", "\x7f"), ("If-Match", "x"), ("If-Match", 'W/"1"'),
        ("If-Match", '"99999999999999999999"'), ("X-DMHA-User", "ben"), ("X-DMHA-User", "\xff"),
        ("Content-Length", "-1"),
        ("Host", "evil.example"), ("Accept", "text/html"), ("Accept-Encoding", "x" * 5_000),
    ],
)  # fmt: skip
def test_any_header_is_served_or_refused(serves: tuple[Service, TestClient], header: str, value: str) -> None:
    """At every route."""
    _, client = serves
    for asked in every_route(client):
        sent: Any = {header: value.encode("latin-1")}  # bytes are sent as they are
        check(asked.send(client, **sent), asked)
