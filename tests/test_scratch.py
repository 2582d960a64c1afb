"""Folders for files on their way in or out: nobody else's to read, and gone with their process at the latest."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from live import Live, key_to, live
from routes import LINES
from serving import key_of, serving

from dmha.errors import Abandoned
from dmha.server.callers import Caller
from dmha.server.scratch import Scratch, remove_left

HOLDS = "from dmha.server.scratch import Scratch\nprint(Scratch().path, flush=True)\ninput()"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process and those that it begins keep their temporary files."""
    found = tmp_path / "room"
    found.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    monkeypatch.setenv("TMPDIR", str(found))
    return found


def test_what_a_killed_service_was_sent_is_removed_by_the_next(database: Path, room: Path) -> None:
    """kill -9 amid an import leaves a folder that only its user reads; whoever serves next removes it."""
    headers = key_to(database, "aya")
    with live(database, TMPDIR=str(room)) as service:
        with half_sent(service, headers):
            folder = until_there(room)
            assert folder.stat().st_mode & 0o777 == 0o700
            with live(database, TMPDIR=str(room)), service.client(headers) as client:
                assert client.get("/livez").status_code == 200
                assert folder.exists()  # its process lives
            service.kill()
        assert (folder / "companion.jsonl").exists()
    with live(database, TMPDIR=str(room)):
        assert not list(room.glob("dmha-*"))


def half_sent(service: Live, headers: dict[str, str]) -> socket.socket:
    """A connection on which half an import was sent."""
    url = httpx2.URL(service.url)
    given: dict[str, Any] = {**headers, "Host": f"{url.host}:{url.port}", "Content-Type": LINES, "Content-Length": "99"}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    connection = socket.create_connection((url.host, url.port))
    connection.sendall(f"POST /v1/import HTTP/1.1\r\n{head}\r\nsomebody's memories".encode())
    return connection


def until_there(room: Path) -> Path:
    """The folder, once the file in it holds what was sent."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for file in room.glob("dmha-scratch-*/companion.jsonl"):
            return file.parent
    raise TimeoutError("nothing of it came")


def test_what_a_living_process_holds_stays(room: Path) -> None:
    """Of two processes' folders the one goes whose process was killed; what has another name is nobody's to remove."""
    ours, cache = Scratch(), room / "dmha-cache"
    cache.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdin=-1, stdout=-1, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        (theirs / "file").write_text("x")
        remove_left()
        assert theirs.exists()
        other.kill()
    remove_left()
    assert set(room.glob("dmha-*")) == {ours.path, cache}
    ours.remove()
    assert set(room.glob("dmha-*")) == {cache}


def test_a_link_of_that_name_leads_nowhere(room: Path, tmp_path: Path) -> None:
    """A link that somebody put where such folders are is left, and so is what it points to."""
    (tmp_path / "precious").mkdir()
    (room / "dmha-scratch-link").symlink_to(tmp_path / "precious")
    remove_left()
    assert (tmp_path / "precious").exists()


def test_an_export_that_nobody_takes_goes_with_its_service(database: Path, room: Path) -> None:
    """Told to stop while somebody is slow to take a life, it leaves no file, and calls nothing a defect."""
    headers = key_to(database, "aya")
    with live(database, TMPDIR=str(room), REQUEST_S="1") as service:
        with service.client(headers) as client:
            for part in range(6):
                turns = [{"text": f"{part} {n}", "metadata": {"of": "x" * 60_000}} for n in range(14)]
                assert client.post("/v1/memories", json={"turns": turns}).status_code == 201
        with asked_for(service, headers, "/v1/export") as connection:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
            service.process.terminate()
            assert service.wait() in (0, -15)
    assert not list(room.glob("dmha-*"))


def asked_for(service: Live, headers: dict[str, str], path: str) -> socket.socket:
    """A connection on which this was asked for, and that takes little at a time."""
    url = httpx2.URL(service.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect((url.host, url.port))
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Host": f"{url.host}:{url.port}"}.items())
    connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    return connection


def test_an_export_whose_asker_left_as_it_was_made_is_removed(
    database: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole already, and nobody there any more to be sent it: no file stays."""
    asked = Caller.ask

    async def left(self: Caller, call: Any, *, short: bool = True) -> Any:
        if isinstance(await asked(self, call, short=short), Scratch):
            raise Abandoned("the client left")

    with serving(database) as (service, client):
        client.headers.update(key_of(service, "aya"))
        assert client.post("/v1/memories", json={"turns": [{"text": "hello"}]}).status_code == 201
        monkeypatch.setattr(Caller, "ask", left)
        assert client.get("/v1/export").status_code == 500  # the test's client: nothing was sent
    assert not list(room.glob("dmha-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="it locks no folder")
def test_a_folder_is_removed_once(room: Path) -> None:
    """Removed again, it closes no file that got its number meanwhile."""
    scratch = Scratch()
    scratch.remove()
    files = [(room / str(number)).open("w") for number in range(5)]
    scratch.remove()
    for file in files:
        file.close()
    assert not list(room.glob("dmha-*"))
