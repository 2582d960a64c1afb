"""What stands before every route: which heads are refused, whatever they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from serving import key_of, serving
from stubs import ManualClock


@pytest.mark.parametrize(
    ("names", "host", "answered"),
    [
        ((), "localhost:8181", True), ((), "127.0.0.1", True), ((), "[::1]:8181", True), ((), "LOCALHOST", True),
        ((), "evil.example", False), ((), ":", False), ((), "", False), ((), "127.0.0.1.evil.example", False),
        (("*.example.org",), "a.b.example.org:443", True), (("*.example.org",), "example.org", False),
        (("*.example.org",), "evilexample.org", False), (("*",), "anything", True),
    ],
)  # fmt: skip
def test_only_its_own_names_are_answered_to(
    database: Path, clock: ManualClock, names: tuple[str, ...], host: str, answered: bool
) -> None:
    """Those in the settings, anything below one with a star; without any, those of the address it listens on."""
    with serving(database, clock, trusted_hosts=names) as (_, client):
        assert client.get("/livez", headers={"Host": host}).status_code == (200 if answered else 400)


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-DMHA-User"])
def test_a_header_that_stands_twice_is_refused(database: Path, clock: ManualClock, name: str) -> None:
    """A proxy may have gone by the other one."""
    with serving(database, clock) as (service, client):
        sent: dict[str, Any] = {**key_of(service, "aya"), "X-DMHA-User": "aya", "Content-Type": "application/json"}
        sent |= {"Idempotency-Key": "k", "If-Match": "*"}
        assert client.get("/v1/memories", headers=sent).status_code == 200
        answer = client.get("/v1/memories", headers=[*sent.items(), (name, "another")])
        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {"field": name, "reason": "it stands twice", "fix": "Send each header once."}
        ]


def test_a_body_of_two_lengths_is_refused(database: Path, clock: ManualClock) -> None:
    """And the connection is over: where the next request begins, nobody can say."""
    with serving(database, clock) as (_, client):
        both = {"Content-Length": "2", "Transfer-Encoding": "chunked"}
        answer = client.post("/auth/token", headers=both, content=b"{}")
        assert (answer.status_code, answer.headers["connection"]) == (400, "close")


def test_a_query_that_is_no_utf8_is_refused(database: Path, clock: ManualClock) -> None:
    """It would be read as another name than was meant."""
    with serving(database, clock) as (service, client):
        client.headers |= key_of(service, "aya")
        assert client.get("/v1/memories?agent_id=%E7%B6%BE").status_code == 200
        assert client.get("/v1/memories?agent_id=%FF").json()["errors"][0]["field"] == "query"
