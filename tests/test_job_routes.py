"""Work in the background, seen and cancelled over HTTP: by whose it is, and by who operates the service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from serving import key_of, serving
from starlette.testclient import TestClient
from stubs import ManualClock
from working import once

from dmha.access.keys import digest, new_key
from dmha.jobs import Scheduler
from dmha.protocols import Ledger
from dmha.server.service import Service
from dmha.stores.truth import Truth
from dmha.tasks import JobKind, Task

LATER = 86_400.0  # seconds: the service's own thread leaves it alone


@pytest.fixture
def service(database: Path, clock: ManualClock) -> Iterator[tuple[Service, TestClient]]:
    with serving(database, clock) as served:
        yield served


def test_a_job_that_another_process_runs_is_cancelled(
    service: tuple[Service, TestClient], database: Path, clock: ManualClock
) -> None:
    """It is stopping at once, and cancelled when the other one is through its step."""
    made, client = service
    mine, told = key_of(made, "aya"), list[Any]()

    def run(task: Task) -> bool:
        told.append(client.delete(f"/v1/jobs/{task.job.uid}", headers=mine).json())
        return True

    truth = Truth(str(database))
    other = Scheduler(truth, [JobKind("walk", run)], clock)
    uid = other.put("walk", user_id="aya").uid
    assert other.step()
    truth.close()
    assert [each["state"] for each in told] == ["stopping"]
    assert client.get(f"/v1/jobs/{uid}", headers=mine).json()["state"] == "cancelled"
    assert client.delete(f"/v1/jobs/{uid}", headers=mine).json()["state"] == "cancelled"


def test_an_account_sees_its_own_jobs_and_an_operator_whose_each_is(service: tuple[Service, TestClient]) -> None:
    """Each job tells whose it is, the file's own nobody's; of another account's there is nothing, by list or by id."""
    made, client = service
    mine, theirs = key_of(made, "aya"), key_of(made, "kenji")
    keeper = key_of(made, "ops", rights=["read", "write", "operate"])
    uids = {
        user: made.scheduler.put("sweep", key="k", user_id=user, delay_s=LATER).uid for user in ("aya", "kenji", "")
    }

    def seen(headers: dict[str, str]) -> dict[str, str | None]:
        listed = client.get("/v1/jobs", headers=headers).json()["jobs"]
        return {job["id"]: job["user_id"] for job in listed if job["id"] in uids.values()}

    assert seen(mine) == {uids["aya"]: "aya"}
    assert seen(theirs) == {uids["kenji"]: "kenji"}
    assert seen(keeper) == {uids["aya"]: "aya", uids["kenji"]: "kenji", uids[""]: None}
    for method in ("GET", "DELETE"):
        for uid in (uids["kenji"], uids[""], "0" * 32):
            assert client.request(method, f"/v1/jobs/{uid}", headers=mine).status_code == 404
    assert client.get(f"/v1/jobs/{uids['kenji']}", headers=theirs).json()["state"] == "waiting"
    assert client.delete(f"/v1/jobs/{uids['kenji']}", headers=keeper).json()["user_id"] == "kenji"


def test_a_cursor_stands_for_a_place_though_jobs_are_swept(
    service: tuple[Service, TestClient], clock: ManualClock
) -> None:
    """The job that a page ended with, and others behind it, are forgotten: the next page goes on with what is left."""
    made, client = service
    mine, put = key_of(made, "aya"), list[str]()
    for number in range(6):
        put.append(made.scheduler.put("sweep", key=str(number), user_id="aya", delay_s=LATER).uid)
        clock.forward(seconds=number % 2)
    listed = [job["id"] for job in client.get("/v1/jobs", headers=mine).json()["jobs"]]
    assert sorted(listed) == sorted(put)
    first = client.get("/v1/jobs?limit=2", headers=mine).json()
    assert [job["id"] for job in first["jobs"]] == listed[:2]
    for uid in listed[1:4]:
        made.scheduler.cancel(uid)
    now = clock.now.timestamp()

    def sweep(ledger: Ledger) -> int:
        return ledger.jobs.sweep(now + 1, now + 1, 100)

    assert made.mind.truth.write(sweep) >= 3  # with one of the file's own
    made.scheduler.put("sweep", key="late", user_id="aya", delay_s=LATER)
    rest = client.get("/v1/jobs", params={"limit": 2, "cursor": first["next"]}, headers=mine).json()
    assert ([job["id"] for job in rest["jobs"]], rest["next"]) == (listed[4:], None)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "x", "1e3", ""])
def test_a_limit_that_is_none_is_refused(service: tuple[Service, TestClient], limit: str) -> None:
    """Its field is named."""
    made, client = service
    answer = client.get("/v1/jobs", params={"limit": limit}, headers=key_of(made, "aya"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


def test_a_cursor_is_of_whose_list_it_was(service: tuple[Service, TestClient]) -> None:
    """Another account's, and the operator's, is as one that nobody made."""
    made, client = service
    mine, keeper = key_of(made, "aya"), key_of(made, "ops", rights=["read", "operate"])
    for key in "ab":
        made.scheduler.put("sweep", key=key, user_id="kenji", delay_s=LATER)
    for headers in (key_of(made, "kenji"), keeper):
        cursor = client.get("/v1/jobs?limit=1", headers=headers).json()["next"]
        assert client.get("/v1/jobs", params={"cursor": cursor}, headers=mine).status_code == 422


def test_who_is_limited_to_companions_operates_nothing(service: tuple[Service, TestClient]) -> None:
    """A key of before, with the right and a companion: no job of anybody's, no figures, and nothing is cancelled."""
    made, client = service
    text, key = new_key(
        "aya", label="", rights=["read", "write", "operate"], agents=None, worlds=(), acts_for=(), expires_at=None,
        now=0.0,
    )  # fmt: skip
    key_of(made, "aya")
    limited = replace(key, agents=frozenset({"relu"}))
    made.mind.truth.write(lambda ledger: ledger.accounts.add_key(limited, digest(text)))
    headers = {"Authorization": f"Bearer {text}"}
    uid = made.scheduler.put("sweep", user_id="kenji", delay_s=LATER).uid
    for method, path in (
        ("GET", "/v1/jobs"), ("GET", f"/v1/jobs/{uid}"), ("DELETE", f"/v1/jobs/{uid}"), ("GET", "/metrics"),
    ):  # fmt: skip
        assert client.request(method, path, headers=headers).status_code == 403
    assert client.get("/v1/memories?agent_id=relu", headers=headers).status_code == 200
    assert made.scheduler.get(uid).state == "waiting"


def test_a_kind_that_the_service_does_not_know_is_shown_too(
    service: tuple[Service, TestClient], clock: ManualClock
) -> None:
    """Rows of a newer or an older version are listed, read and cancelled as any other."""
    made, client = service
    mine = key_of(made, "aya")
    uid = Scheduler(made.mind.truth, [JobKind("later", once)], clock).put("later", user_id="aya").uid
    assert [job["kind"] for job in client.get("/v1/jobs", headers=mine).json()["jobs"]] == ["later"]
    assert client.delete(f"/v1/jobs/{uid}", headers=mine).json()["state"] == "cancelled"
