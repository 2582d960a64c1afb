"""Four processes on one file: no update is lost, and each reads what it or another was acknowledged."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from herd import Herd, Line
from process_child import COUNTER, SHARED, share
from sqlalchemy import Connection, Engine, event
from stubs import StubEmbedder

import dmha
from dmha import NotFound, Turn

SOAK = os.environ.get("DMHA_SOAK") == "1"
SECONDS = 60.0 if SOAK else 3.0
PROCESSES = 4
HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


@pytest.mark.timeout(600 if SOAK else 120)
def test_four_processes_lose_no_update_and_read_their_own_writes(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that was acknowledged to any is there once: counted, recalled, pinned, told, deleted; each found its own."""
    said: list[Line] = []
    mailboxes = [multiprocessing.Pipe(duplex=False) for _ in range(PROCESSES)]
    with dmha.open(database, embedder=StubEmbedder(), chat="extractive") as mind:
        ids = mind.add([Turn(text, "aya") for text in (COUNTER, *SHARED)], session_id="start", **HERE)
        with Herd(lambda worker, line: said.append(line)) as herd:
            for name in range(PROCESSES):
                inbox, outbox = mailboxes[name][0], mailboxes[(name + 1) % PROCESSES][1]
                herd.start(share, str(database), HERE, name, ids, inbox, outbox, SECONDS)
            for inbox, outbox in mailboxes:
                inbox.close()
                outbox.close()
            herd.finish()

        done = Counter(line["did"] for line in said)
        counter = mind.get(ids[0], **HERE)
        assert counter.metadata["n"] == done["increment"] == counter.version - 1
        assert len(mind.history(ids[0], **HERE)) == counter.version
        pinned = {line["id"]: line["pinned"] for line in said if line["did"] == "pin"}
        recalled = Counter(line["id"] for line in said if line["did"] == "recall")
        for id in ids[1:]:
            memory = mind.get(id, **HERE)
            assert (memory.recall_count, memory.pinned) == (recalled[id], pinned[id])
        assert {fact.entity for fact in mind.knowledge(**HERE).facts()} == {
            line["entity"] for line in said if line["did"] == "state"
        }
        added: dict[str, str] = {}
        for line in said:
            if line["did"] == "add":
                added |= zip(line["ids"], line["texts"], strict=True)
        assert all(mind.get(id, **HERE).text == text for id, text in added.items())
        for line in said:
            if line["did"] == "delete":
                with pytest.raises(NotFound):
                    mind.get(line["id"], **HERE)
        assert sum(line["found"] for line in said if line["did"] == "look") > 2 * PROCESSES
        assert all(diagnosis.ok for diagnosis in mind.diagnose()[:3])
    stale = sum(line["stale"] for line in said if line["did"] == "increment")
    if SOAK:
        with capsys.disabled():
            sys.stdout.write(f"\n{SECONDS:.0f} s: {dict(done)}, {len(added)} memories, {stale} increments repeated\n")


def test_a_commit_waits_for_the_disk(database: Path) -> None:
    """Every connection that commits has synchronous=FULL on a write-ahead log, at the very moment it commits."""
    seen: list[tuple[Any, Any]] = []

    def look(connection: Connection) -> None:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
        seen.append((told[0], told[1]))

    event.listen(Engine, "commit", look)
    try:
        with dmha.open(database, embedder=StubEmbedder(), chat="extractive") as mind:
            before = len(seen)
            mind.add(Turn("one memory", "aya", at=datetime.now(UTC)), **HERE)
            assert len(seen) == before + 1  # a lone add is one commit
    finally:
        event.remove(Engine, "commit", look)
    assert set(seen) == {(2, "wal")}


FORKED = """
import os, signal, sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")  # of later Pythons, which warn of what is tried here
import dmha
from stubs import StubEmbedder

with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive") as mind:
    mind.add("before", user_id="aya")
    child = os.fork()
    if not child:
        signal.alarm(20)
        for call in (lambda: mind.add("after", user_id="aya"), lambda: mind.search("before", user_id="aya")):
            try:
                call()
            except dmha.Unavailable as error:
                print(error.reason, flush=True)
        mind.close()
        os._exit(0)
    os.waitpid(child, 0)
    mind.add("after", user_id="aya")
    print(len(mind.search("after", user_id="aya")), mind._truth.path.exists())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_hears_that_it_has_to_open_its_own() -> None:
    """After a fork the copy is refused reads and writes in words, and its close takes nothing from the first."""
    command = [sys.executable, "-c", FORKED, str(Path(__file__).parent)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert told == ["this mind was opened before the process forked"] * 2 + ["2 True"]
