"""What stands before every route: who asked too often, and which heads are refused, whatever they ask for."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from serving import key_of, serving
from stubs import ManualClock

from dmha.errors import Unavailable
from dmha.server.service import Glance


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


def test_a_head_is_no_longer_than_it_may_be(database: Path, clock: ManualClock) -> None:
    """However it came: uvicorn counts only what did not come whole at once."""
    with serving(database, clock) as (_, client):
        assert client.get("/livez", headers={"X": "y" * 16_000}).status_code == 200
        assert client.get("/livez", headers={"X": "y" * 16_384}).json()["errors"][0]["field"] == "headers"


def test_a_query_that_is_no_utf8_is_refused(database: Path, clock: ManualClock) -> None:
    """It would be read as another name than was meant."""
    with serving(database, clock) as (service, client):
        client.headers |= key_of(service, "aya")
        assert client.get("/v1/memories?agent_id=%E7%B6%BE").status_code == 200
        assert client.get("/v1/memories?agent_id=%FF").json()["errors"][0]["field"] == "query"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/openapi.json", {}, 200), ("GET", "/no-such-route", {}, 404), ("PUT", "/v1/memories", {}, 405),
        ("GET", "/v1/memories", {}, 401), ("GET", "/v1/memories", {"Host": "evil.example"}, 400),
        ("GET", "/v1/memories", {"X": "y" * 20_000}, 400), ("GET", "/livez/", {}, 404), ("GET", "/metrics", {}, 401),
    ],
)  # fmt: skip
def test_whatever_is_asked_for_counts(
    database: Path, clock: ManualClock, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """By the address, before anything else is judged; how the service is, is told to whoever floods it too."""
    with serving(database, clock, rate_address="2/minute") as (service, client):
        told = [client.request(method, path, headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in told] == [status, status, 429]
        assert 1 <= int(told[-1].headers["retry-after"]) <= 60
        assert client.get("/v1/memories", headers=key_of(service, "aya")).status_code == 429
        for probe in ("/livez", "/readyz"):
            assert [client.get(probe).status_code for _ in range(5)] == [200] * 5


def test_the_health_counts_for_nobody(database: Path, clock: ManualClock) -> None:
    """However often it is asked for, its asker may go on."""
    with serving(database, clock, rate_address="1/minute") as (service, client):
        for _ in range(5):
            assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 200)
        assert client.get("/v1/memories", headers=key_of(service, "aya")).status_code == 200


def test_a_look_is_good_for_a_second() -> None:
    """However many ask at once, and again: one looks; what it saw is looked at anew a second later."""
    looks, now = 0, 0.0
    begun, go_on = threading.Event(), threading.Event()

    def look() -> bool:
        nonlocal looks
        looks += 1
        begun.set()
        assert go_on.wait(30)
        return looks == 1

    async def ask() -> None:
        nonlocal now
        glance = Glance(look, lambda: now)
        asking = [asyncio.ensure_future(glance.seen()) for _ in range(50)]
        await asyncio.to_thread(begun.wait, 30)
        go_on.set()
        assert await asyncio.gather(*asking) == [True] * 50
        now = 0.9
        assert (await glance.seen(), looks) == (True, 1)
        now = 1.0
        assert (await glance.seen(), looks) == (False, 2)

    asyncio.run(ask())


def test_a_database_out_of_reach_is_told_to_the_probe(
    database: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 503, with the component that is down."""
    with serving(database, clock) as (service, client):

        def locked(*_: Any) -> Any:
            raise Unavailable("database", "it is locked", "Wait.")

        monkeypatch.setattr(service.mind.truth, "read", locked)
        told = client.get("/readyz")
        assert (told.status_code, told.json()["components"]["database"]) == (503, "down")
        monkeypatch.undo()
