"""`dmha serve` as a process: killed in the middle, told to stop, left by who asked, and without room to write."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_openai import fake_openai
from live import Live, key_to, live
from routes import LINES

SOAK = os.environ.get("DMHA_SOAK") == "1"
CLIENTS = 8
HERE = {"agent_id": "relu"}


@dataclass
class Sent:
    """One request under a key of its own, and what was answered so far."""

    key: str
    method: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    def send(self, client: httpx2.Client) -> httpx2.Response:
        """The answer, which is noted."""
        headers = {"Idempotency-Key": self.key, **self.headers}
        answer = client.request(self.method, self.path, json=self.body, headers=headers)
        self.answers.append((answer.status_code, answer.content))
        return answer

    def send_until_done(self, client: httpx2.Client) -> None:
        """As a good client does: while it is under way elsewhere, ask again when told to."""
        while (answer := self.send(client)).status_code == 409:
            self.answers.pop()
            time.sleep(int(answer.headers["Retry-After"]))


def test_a_killed_service_did_each_thing_once(database: Path) -> None:
    """kill -9 amid 200 requests under keys, all sent again: each took effect once, and is answered as it was."""
    headers = key_to(database, "aya")
    with live(database) as service, service.client(headers) as client:
        told = {"agent_id": "counted", "turns": [{"text": "the counter of us all", "id": "counter"}]}
        (id,) = client.post("/v1/memories", json=told).json()["ids"]
        requests = two_hundred(id)
        answered = threading.Semaphore(0)

        def begin(sent: Sent) -> None:
            try:
                sent.send(client)
            except httpx2.TransportError:
                return  # killed meanwhile: nobody knows whether it was done
            answered.release()

        with ThreadPoolExecutor(CLIENTS) as clients:
            begun = [clients.submit(begin, sent) for sent in requests]
            for _ in range(len(requests) // 2):
                assert answered.acquire(timeout=60)
            service.kill()
        for one in begun:
            one.result()
    first = {sent.key: sent.answers[0] for sent in requests if sent.answers}
    assert len(requests) > len(first) >= len(requests) // 2
    if not SOAK:
        let_leases_run_out(database)
    with live(database) as service, service.client(headers) as client, ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda sent: sent.send_until_done(client), requests))
        for sent in requests:
            assert sent.answers[-1][0] in (200, 201, 204), sent
            assert first.get(sent.key, sent.answers[-1]) == sent.answers[-1]
        history = client.get(f"/v1/memories/{id}/history?agent_id=counted").json()["versions"]
    expected = Counter(sent.path for sent in requests)
    with closing(sqlite3.connect(database)) as file:
        texts = Counter(text for (text,) in file.execute("SELECT text FROM memories WHERE source = 'user'"))
        facts = Counter(entity for (entity,) in file.execute("SELECT entity FROM facts"))
        outcomes = Counter(kind for (kind,) in file.execute("SELECT operation FROM outcomes"))
        (recalled,) = file.execute(
            "SELECT recall_count FROM perspectives JOIN memories ON memories.id = memory_id WHERE memories.uid = ?",
            (id,),
        ).fetchone()
    assert set(texts.values()) == set(facts.values()) == {1}
    assert len(texts) == expected["/v1/memories"] + expected["/v1/contextualize"] + 1
    assert len(facts) == expected["/v1/knowledge"]
    assert outcomes["contextualize"] == expected["/v1/contextualize"]
    assert recalled == expected["/v1/recall"]
    assert len(history) == expected[f"/v1/memories/{id}?agent_id=counted"] + 1


def two_hundred(counter: str) -> list[Sent]:
    """Requests of every kind that leaves something behind, in an order drawn."""
    turns = [[{"text": f"memory n{n} of the sea"}] for n in range(60)]
    facts = [f"fact: thing{n}.place = osaka" for n in range(50)]
    made: list[tuple[str, str, dict[str, Any]]] = [
        *(("POST", "/v1/memories", {**HERE, "turns": said}) for said in turns),
        *(("POST", "/v1/knowledge", {**HERE, "statement": fact}) for fact in facts),
        *(("POST", "/v1/contextualize", asking(n)) for n in range(30)),
        *[("POST", "/v1/recall", {"agent_id": "counted", "query": "the counter of us all"})] * 30,
        *(("PATCH", f"/v1/memories/{counter}?agent_id=counted", {"metadata": {"n": n}}) for n in range(30)),
    ]
    random.Random(0).shuffle(made)
    return [
        Sent(f"key-{place}", method, path, body, {"If-Match": "*"} if method == "PATCH" else {})
        for place, (method, path, body) in enumerate(made)
    ]


def let_leases_run_out(database: Path) -> None:
    """As fifteen seconds do."""
    with closing(sqlite3.connect(database)) as file, file:
        file.execute("UPDATE requests SET leased_until = 0 WHERE status IS NULL")


def test_a_service_told_to_stop_finishes_what_was_begun(database: Path) -> None:
    """SIGTERM: who waits for a reply gets it, what was acknowledged is there, the exit code is 0."""
    headers = key_to(database, "aya")
    with fake_openai(hold=True) as model, live(database, CHAT=f"{model.base_url}#slow") as service:
        with service.client(headers) as client, ThreadPoolExecutor(CLIENTS) as clients:
            waits = [clients.submit(client.post, "/v1/contextualize", json=asking(n)) for n in range(3)]
            assert all(model.asked.acquire(timeout=60) for _ in waits)
            writers = [clients.submit(write_until_refused, client, n) for n in range(4)]
            service.process.send_signal(signal.SIGTERM)
            acknowledged = [id for writer in writers for id in writer.result()]
            model.let_go.set()
            replies = [wait.result() for wait in waits]
        assert [reply.status_code for reply in replies] == [200, 200, 200]
        assert service.wait() == 0
    remembered = [id for reply in replies for id in reply.json()["remembered"]]
    with closing(sqlite3.connect(database)) as file:
        kept = {uid for (uid,) in file.execute("SELECT uid FROM memories")}
    assert set(remembered + acknowledged) <= kept


def asking(n: int) -> dict[str, Any]:
    return {**HERE, "text": f"Where does Aya live, number {n}?", "session_id": f"asks{n}"}


def write_until_refused(client: httpx2.Client, n: int) -> list[str]:
    """The ids of what was acknowledged until the service took no more."""
    ids: list[str] = []
    for count in range(1_000_000):
        said = {**HERE, "turns": [{"text": f"note {n} {count}"}], "session_id": f"writes{n}"}
        try:
            answer = client.post("/v1/memories", json=said)
        except httpx2.TransportError:
            break
        assert answer.status_code == 201, answer.text
        ids += answer.json()["ids"]
    return ids


def test_who_leaves_is_not_worked_for(database: Path) -> None:
    """The model hears no more of a request whose client left, and its thread is free for another."""
    headers = key_to(database, "aya")
    with (
        fake_openai(pieces=("word ",) * 100_000, pause=0.01) as model,
        live(database, CHAT=f"{model.base_url}#slow", WORKERS="1", REQUEST_S="600") as service,
        service.client(headers) as client,
    ):
        leaving = service.client(headers).build_request("POST", "/v1/contextualize", json=asking(1))
        with socket.create_connection((leaving.url.host, leaving.url.port)) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in leaving.headers.items())
            connection.sendall(f"POST /v1/contextualize HTTP/1.1\r\n{head}\r\n".encode() + leaving.content)
            assert model.asked.acquire(timeout=60)
        assert model.left.wait(60)
        assert client.get("/v1/knowledge/conflicts", params=HERE).status_code == 200
        (hit,) = client.post("/v1/search", json={**HERE, "query": "Aya"}).json()["hits"]
        assert hit["memory"]["source"] == "user"  # half a reply is none


def test_a_disk_that_takes_no_more_stops_writing_alone(database: Path) -> None:
    """No file may grow (SQLITE_IOERR_WRITE): writes answer 507, reads go on, nothing is lost; then writing goes on."""
    headers = key_to(database, "aya")
    with live(database) as service, service.client(headers) as client:
        (first,) = client.post("/v1/memories", json=note("n")).json()["ids"]
        log = database.with_name(database.name + "-wal")
        with no_more_than(service, log.stat().st_size + 300_000):
            kept = refused_when_full(client, first, "Check the disk")
        served_again(client, first, kept)


def test_a_full_file_system_stops_writing_alone(tmp_path: Path) -> None:
    """The same where the file system has no block left (SQLITE_FULL), and another's file is what filled it."""
    with file_system(tmp_path, "8m") as folder:
        database = folder / "companion.db"
        headers = key_to(database, "aya")
        with live(database) as service, service.client(headers) as client:
            (first,) = client.post("/v1/memories", json=note("n")).json()["ids"]
            ballast = folder / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4_096))
            kept = refused_when_full(client, first, "Free some space")
            ballast.unlink()
            served_again(client, first, kept)


def refused_when_full(client: httpx2.Client, first: str, fix: str) -> list[str]:
    """Write until there is no room; then each write is refused and each read served. Gives what was acknowledged."""
    ids = [first, *write_until_full(client)]
    for method, path, body in writes(first):
        answer = sent_once(client, method, path, body)
        assert (answer.status_code, answer.headers["retry-after"]) == (507, "1"), (path, answer.text)
        assert fix in answer.text
    for method, path, body in reads(first):
        assert client.request(method, path, json=body).status_code == 200, path
    assert all(client.get(f"/v1/memories/{id}", params=HERE).status_code == 200 for id in ids)
    return ids


def served_again(client: httpx2.Client, first: str, kept: list[str]) -> None:
    """The very requests that were refused are served, and all that was acknowledged is there."""
    for method, path, body in writes(first):
        answer = sent_once(client, method, path, body)
        assert answer.status_code in (200, 201, 204), (path, answer.text)
    assert all(client.get(f"/v1/memories/{id}", params=HERE).status_code == 200 for id in kept if id != first)


def sent_once(client: httpx2.Client, method: str, path: str, body: dict[str, Any] | None) -> httpx2.Response:
    return client.request(method, path, json=body, headers={"If-Match": "*", "Idempotency-Key": method + path})


@contextmanager
def file_system(folder: Path, size: str) -> Iterator[Path]:
    """A small file system of its own there."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def no_more_than(service: Live, most: int) -> Iterator[None]:
    """None of the service's files can be written past that many bytes."""
    before = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, before)


def note(words: str) -> dict[str, Any]:
    return {**HERE, "turns": [{"text": words + " x" * 1_000}], "session_id": words}


def test_files_need_room_too(database: Path) -> None:
    """Without room for a file of its own an export or an import answers 507, and leaves nothing lying about."""
    headers, room = key_to(database, "aya"), database.with_name("room")
    room.mkdir()
    with live(database, TMPDIR=str(room)) as service, service.client(headers) as client:
        client.post("/v1/memories", json=note("n"))
        sent: dict[str, Any] = {
            "content": client.get("/v1/export", params=HERE).content,
            "headers": {"Content-Type": LINES},
        }
        with no_more_than(service, 1_000):
            assert client.get("/v1/export", params=HERE).status_code == 507
            assert client.post("/v1/import?agent_id=rei", **sent).status_code == 507
        assert client.post("/v1/import?agent_id=rei", **sent).json() == {"memories": 1}
        assert not list(room.glob("dmha-*"))


def write_until_full(client: httpx2.Client) -> list[str]:
    """The ids of what was acknowledged until there was no room."""
    ids: list[str] = []
    while (answer := client.post("/v1/memories", json=note(f"n{len(ids)}"))).status_code == 201:
        ids += answer.json()["ids"]
    assert answer.status_code == 507, answer.text
    return ids


def writes(id: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """One of each request that writes."""
    return [
        ("POST", "/v1/memories", note("again")),
        ("POST", "/v1/contextualize", asking(1)),
        ("POST", "/v1/recall", {**HERE, "query": "x"}),
        ("POST", "/v1/knowledge", {**HERE, "statement": "fact: aya.city = Osaka"}),
        ("PATCH", f"/v1/memories/{id}?agent_id=relu", {"pinned": True}),
        ("DELETE", f"/v1/memories/{id}?agent_id=relu", None),
    ]


def reads(id: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """One of each request that reads, but for the export, which is a file itself."""
    return [
        ("POST", "/v1/search", {**HERE, "query": "x"}),
        ("POST", "/v1/analyze", {"text": "x"}),
        ("GET", f"/v1/memories/{id}?agent_id=relu", None),
        ("GET", f"/v1/memories/{id}/history?agent_id=relu", None),
        ("GET", "/v1/knowledge?agent_id=relu&entity=aya&attribute=city", None),
        ("GET", "/v1/knowledge/conflicts?agent_id=relu", None),
        ("GET", "/v1/jobs", None),
        ("GET", "/readyz", None),
    ]
