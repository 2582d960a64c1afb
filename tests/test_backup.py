"""Backups: of one moment however much is written meanwhile, never half, never over what is dear; and put back."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from stubs import ManualClock, StubEmbedder
from surroundings import TABLE, damage, pages_with, room_for

import dmha
from dmha import InvalidInput, Turn, Unavailable
from dmha.mind import Mind
from dmha.stores import copies

SOAK = os.environ.get("DMHA_SOAK") == "1"
HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
FIXTURE = Path(__file__).parent / "fixtures" / "companion-0001.sqlite"
CHILD = Path(__file__).with_name("writing_child.py")


def open_mind(path: Path) -> Mind:
    return dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=ManualClock())


def lived(path: Path, *said: str) -> Path:
    """A memory in which this was said."""
    with open_mind(path) as mind:
        mind.add([Turn(text, "aya") for text in said], **HERE)
    return path


def said_in(path: Path) -> list[str]:
    """What was said there, by an opened mind that finds its file whole."""
    with open_mind(path) as mind:
        assert mind._truth.check() == []
        return sorted(hit.memory.text for hit in mind.search("said", top_k=1_000, kind="episode", **HERE))


def lying_beside(path: Path) -> set[str]:
    return {each.name for each in path.parent.iterdir() if each.name.startswith(path.name)}


# --- making one ------------------------------------------------------------------------------------------------------


def test_a_backup_holds_what_was_acknowledged(mind: Mind, tmp_path: Path) -> None:
    """Every row is in the backup, the log's latest too, and it is one file that opens as a memory."""
    mind.add([Turn(f"said {n}") for n in range(50)], **HERE)
    size = mind.backup(tmp_path / "monday.db")
    assert lying_beside(tmp_path / "monday.db") == {"monday.db"}
    assert size == (tmp_path / "monday.db").stat().st_size
    mind.add("said later", **HERE)
    assert said_in(tmp_path / "monday.db") == sorted(f"said {n}" for n in range(50))


def test_nothing_is_written_over_unasked(mind: Mind, database: Path, tmp_path: Path) -> None:
    """A file that is there is kept, unless it is said to overwrite it; the memory itself is never overwritten."""
    mind.add("said", **HERE)
    there = tmp_path / "dear.db"
    there.write_text("dear")
    with pytest.raises(InvalidInput, match="there already"):
        mind.backup(there)
    for itself in (database, database.parent / "." / database.name):
        with pytest.raises(InvalidInput, match="database itself"):
            mind.backup(itself, overwrite=True)
    assert there.read_text() == "dear"
    mind.backup(there, overwrite=True)
    assert said_in(there) == ["said"]


@pytest.mark.parametrize("path", ["missing/x.db", "", "a\0b"])
def test_a_path_that_leads_nowhere_is_told(path: str, mind: Mind, tmp_path: Path) -> None:
    """A folder that is not there and a name that is none are errors that name the path."""
    with pytest.raises((InvalidInput, Unavailable), match=r"missing|names no file"):
        mind.backup(path and str(tmp_path / path))


def test_a_backup_shows_how_far_it_is_and_can_be_broken_off(
    mind: Mind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress counts pages up to all of them; interrupted, nothing is left, and the memory goes on."""
    mind.add([Turn(f"said {n}") for n in range(50)], **HERE)
    monkeypatch.setattr(copies, "AT_ONCE", 16)
    seen: list[tuple[int, int]] = []
    mind.backup(tmp_path / "one.db", progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mind.backup(tmp_path / "two.db", progress=interrupt)
    assert lying_beside(tmp_path / "two.db") == set()
    mind.add("said", **HERE)


def test_without_room_there_is_no_half_backup(mind: Mind, tmp_path: Path) -> None:
    """What does not fit is told and leaves nothing."""
    mind.add([Turn(f"said {n}") for n in range(50)], **HERE)
    with room_for(100_000), pytest.raises(Unavailable, match=r"SQLITE_(FULL|IOERR_WRITE)"):
        mind.backup(tmp_path / "one.db")
    assert lying_beside(tmp_path / "one.db") == set()


@pytest.mark.timeout(600 if SOAK else 120)
@pytest.mark.parametrize("processes", [4] * (10 if SOAK else 1))
def test_a_backup_under_load_is_one_moment(processes: int, database: Path, tmp_path: Path) -> None:
    """It is the memory up to some turn: all that was acknowledged before it began, nothing from after it ended."""
    with open_mind(database) as mind, ExitStack() as stack:
        mind.add([Turn(f"said {n}") for n in range(2_000 if SOAK else 200)], **HERE)
        writers = [
            stack.enter_context(
                subprocess.Popen([sys.executable, str(CHILD), str(database), str(n), "1"], stdout=subprocess.PIPE)
            )
            for n in range(processes)
        ]
        before = {line for writer in writers for line in (_line(writer), _line(writer))}
        mind.backup(tmp_path / "monday.db")
        mind.add(Turn("said when it was done", id="done"), **HERE)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
    restored = tmp_path / "restored.db"
    assert dmha.restore(tmp_path / "monday.db", restored) is None
    there, lived_on = whole_turns(restored), whole_turns(database)
    assert before <= set(there)
    assert there == lived_on[: len(there)]
    assert len(there) <= lived_on.index("done")


def whole_turns(path: Path) -> list[str]:
    """The ids of the turns in the order of their commits, each with all that a memory has."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        every = connection.execute("SELECT uid FROM turns ORDER BY id").fetchall()
        whole = connection.execute(
            "SELECT turns.uid FROM turns JOIN memories ON memories.turn_id = turns.id"
            " JOIN vectors ON vectors.memory_id = memories.id JOIN terms ON terms.memory_id = memories.id"
            " JOIN perspectives ON perspectives.memory_id = memories.id"
            " WHERE memories.kind = 'episode' ORDER BY turns.id"
        ).fetchall()
        assert every == whole
        return [uid for (uid,) in every]


def _line(writer: subprocess.Popen[bytes]) -> str:
    assert writer.stdout is not None
    return writer.stdout.readline().decode().strip()


# --- putting one back ------------------------------------------------------------------------------------------------


def test_what_was_there_before_is_kept_each_time(tmp_path: Path) -> None:
    """Restoring twice keeps both memories that were there, the first one with what stood in its log alone."""
    life = lived(tmp_path / "life.db", "said first")
    lived(tmp_path / "one.db", "said one")
    lived(tmp_path / "two.db", "said two")
    assert dmha.restore(tmp_path / "one.db", life) == tmp_path / "life.db.before-restore"
    assert said_in(life) == ["said one"]
    assert dmha.restore(tmp_path / "two.db", life) == tmp_path / "life.db.before-restore-2"
    assert said_in(life) == ["said two"]
    assert said_in(tmp_path / "life.db.before-restore") == ["said first"]
    assert said_in(tmp_path / "life.db.before-restore-2") == ["said one"]
    assert said_in(tmp_path / "one.db") == ["said one"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A memory reached through a link is the one file; its copies lie beside it, and the link stays one."""
    (tmp_path / "there").mkdir()
    life = lived(tmp_path / "there" / "life.db", "said first")
    link = tmp_path / "link.db"
    link.symlink_to(life)
    one = lived(tmp_path / "one.db", "said one")
    with open_mind(link), pytest.raises(Unavailable, match="somebody has it open"):
        dmha.restore(one, link)
    assert dmha.restore(one, link) == tmp_path / "there" / "life.db.before-restore"
    assert link.is_symlink()
    assert said_in(life) == said_in(link) == ["said one"]


def test_a_log_that_a_crash_left_belongs_to_what_is_kept(tmp_path: Path) -> None:
    """Writes that stand only in a killed process's log go to the kept file, and none to the restored one."""
    with open_mind(tmp_path / "first.db") as mind:
        mind.add("said first", **HERE)
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"first.db{suffix}", tmp_path / f"life.db{suffix}")
    lived(tmp_path / "one.db", "said one")
    kept = dmha.restore(tmp_path / "one.db", tmp_path / "life.db")
    assert kept is not None
    assert said_in(kept) == ["said first"]
    assert said_in(tmp_path / "life.db") == ["said one"]


def test_a_memory_in_use_is_not_restored(tmp_path: Path) -> None:
    """While anybody has it open, in this process or another, it stays as it is, and that is said."""
    lived(tmp_path / "one.db", "said one")
    with open_mind(tmp_path / "life.db") as mind:
        mind.add("said first", **HERE)
        with pytest.raises(Unavailable, match="somebody has it open"):
            dmha.restore(tmp_path / "one.db", tmp_path / "life.db")
    command = [sys.executable, str(CHILD), str(tmp_path / "life.db"), "0", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        _line(writer)
        with pytest.raises(Unavailable, match="somebody has it open"):
            dmha.restore(tmp_path / "one.db", tmp_path / "life.db")
        writer.kill()
    assert "said first" in said_in(tmp_path / "life.db")
    assert "life.db.before-restore" not in lying_beside(tmp_path / "life.db")


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    """A letter, another program's file, a newer DMHA's, a damaged one, none, itself: the memory stays as it is."""
    life = lived(tmp_path / "life.db", "said first")
    held = _digest(life)
    (tmp_path / "letter.db").write_text("Dear Aya, " * 99)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (a)")
    (tmp_path / "empty.db").touch()
    newer = lived(tmp_path / "newer.db", "said")
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    torn = lived(tmp_path / "torn.db", "said torn")
    damage(torn, pages_with(torn, "said torn", TABLE)[0])
    refusals = {
        "letter": "not a DMHA database", "other": "another program's", "empty": "empty", "newer": "newer DMHA",
        "torn": "damaged", "none": "there is no file", "life": "database itself",
    }  # fmt: skip
    for name, said in refusals.items():
        with pytest.raises((InvalidInput, Unavailable), match=said):
            dmha.restore(tmp_path / f"{name}.db", life)
    assert _digest(life) == held
    assert lying_beside(life) == {"life.db"}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("part", ["header", "page"])
def test_a_damaged_memory_is_replaced_and_kept(part: str, tmp_path: Path) -> None:
    """Be it a page or the header that is gone, the backup takes its place, and the damaged file stays beside it."""
    life = lived(tmp_path / "life.db", "said first")
    mind_backup = lived(tmp_path / "one.db", "said one")
    if part == "header":
        life.write_bytes(b"\0" * 100 + life.read_bytes()[100:])
    else:
        damage(life, pages_with(life, "said first", TABLE)[0])
    held = _digest(life)
    kept = dmha.restore(mind_backup, life)
    assert kept is not None
    assert said_in(life) == ["said one"]
    assert lying_beside(life) == {"life.db", kept.name}
    assert part == "page" or _digest(kept) == held


def test_an_old_backup_is_restored_and_upgraded_when_it_is_opened(tmp_path: Path) -> None:
    """A backup of revision 0001, of another page size, takes the place of a memory and opens."""
    life = lived(tmp_path / "life.db", "said first")
    held = _digest(FIXTURE)
    dmha.restore(FIXTURE, life)
    with dmha.open(life, embedder=StubEmbedder(8, "stub-8"), chat="extractive") as mind:
        assert len(mind.search("herons", top_k=100, **HERE)) > 40
        assert mind._truth.check() == []
    assert _digest(FIXTURE) == held


KILLED = """
import os, signal, sys
from pathlib import Path
from dmha.stores import backup, copies
copies.AT_ONCE = 8
def die(done, total):
    if done * 4 > total * int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
backup.restore(Path(sys.argv[1]), Path(sys.argv[2]), die)
"""


@pytest.mark.parametrize("quarters", range(4))
def test_a_restore_killed_half_way_leaves_the_memory_as_it_was(quarters: int, tmp_path: Path) -> None:
    """Killed at any quarter of the writing, the memory is what it was, and restoring it again does."""
    life = lived(tmp_path / "life.db", *(f"said first {n}" for n in range(100)))
    before = said_in(life)
    one = lived(tmp_path / "one.db", *(f"said one {n}" for n in range(150)))
    command = [sys.executable, "-c", KILLED, str(one), str(life), str(quarters)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert said_in(life) == before
    dmha.restore(one, life)
    assert said_in(life) == sorted(f"said one {n}" for n in range(150))


def test_a_process_that_comes_while_it_is_restored_finds_the_restored_one(tmp_path: Path) -> None:
    """Who opens the memory in the middle waits, and finds the backup's words, not a file that was moved away."""
    life = lived(tmp_path / "life.db", "said first")
    one = lived(tmp_path / "one.db", "said one")
    comes: list[subprocess.Popen[str]] = []

    def progress(done: int, total: int) -> None:
        if not comes:
            comes.append(subprocess.Popen([sys.executable, "-c", COMES, str(life)], stdout=subprocess.PIPE, text=True))
            assert comes[0].stdout is not None
            assert comes[0].stdout.readline() == "coming\n"

    dmha.restore(one, life, progress=progress)
    said, _ = comes[0].communicate()
    assert said == "said one\n"


COMES = """
import sys
from pathlib import Path
from dmha.stores.truth import Truth
print("coming", flush=True)
with Truth(sys.argv[1]).read() as ledger:
    print(*ledger.feed.latest_texts(9))
"""


def test_restoring_needs_no_mind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path it is the memory of the settings that is restored."""
    lived(tmp_path / "one.db", "said one")
    monkeypatch.setenv("DMHA_DATABASE", str(tmp_path / "named.db"))
    assert dmha.restore(tmp_path / "one.db") is None
    assert said_in(tmp_path / "named.db") == ["said one"]
