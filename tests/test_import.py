"""An import goes on where it was broken off; until it is whole nothing of it is seen, and it mixes with no other."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from lives import HERE, Broken, as_left, breaking_at, open_mind
from stubs import StubEmbedder
from tables import counts

from dmha import InvalidInput, NotFound, Turn, Unavailable, transfer, wiring
from dmha.mind import Mind
from dmha.stores import arrivals

KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from lives import open_mind
from dmha import transfer
from pathlib import Path
transfer._UNIT = transfer._TOLD = transfer._NOTED = 10

def progress(done, total):
    if done >= int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

with open_mind(Path(sys.argv[2])) as mind:
    getattr(mind, sys.argv[5])(sys.argv[3], user_id="aya", agent_id="relu", progress=progress)
"""


class Noted(StubEmbedder):
    """Tells which texts it was given, and may be away."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.given: list[str] = []
        self.away = False

    def embed(self, texts: list[str], /) -> np.ndarray:
        if self.away:
            raise Unavailable("embedder", "it is away", "Wait for it.")
        self.given += texts
        return super().embed(texts)


def killed(database: Path, file: Path, place: int, call: str) -> None:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(database), str(file), str(place), call]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def begin_removal(mind: Mind) -> None:
    """Remove a first part of the import that is under way."""
    with mind._truth.read() as ledger:
        (arrival,) = ledger.portable.arrivals()
    assert mind._truth.write(lambda ledger: ledger.portable.remove(arrival.tenant_id))


@pytest.mark.usefixtures("short_units")
def test_an_interrupted_import_goes_on(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Broken off at any moment nothing of it is seen; run again, it goes on from there, to the same life."""
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as other:
        for place in range(10, 2 * lines - 20, 40):
            with pytest.raises(Broken):
                other.import_(exported, progress=breaking_at(place), **HERE)
            assert other.search("long day", **HERE) == []
            with pytest.raises(NotFound):
                other.export(tmp_path / "none.jsonl", user_id="aya")
            assert all(one.ok for one in other.diagnose())
            assert other.reembed() == 0
            other.add("somebody goes on living", user_id="zoe", agent_id="pi")
        with other._truth.read() as ledger:
            (arrival,) = ledger.portable.arrivals()
            assert (arrival.world, arrival.user_id) == ("agent:relu", "aya")
            assert lines - 80 < arrival.line < arrival.lines == lines - 1
        other.import_(exported, **HERE)
        other.export(tmp_path / "again.jsonl", **HERE)
        assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()
        other.delete_all(user_id="zoe")
        assert as_left(other) == as_left(mind)
        with other._truth.read() as ledger:
            assert ledger.portable.arrivals() == []
        assert other._truth.check() == []
        assert all(one.ok for one in other.diagnose())


def test_kill_nine_leaves_an_import_and_an_export_to_go_on(exported: Path, tmp_path: Path) -> None:
    """A process that imports and one that exports, each killed on its way, leave what the next one finishes."""
    database, lines = tmp_path / "other.db", exported.read_bytes().count(b"\n")
    for place in (lines + 60, lines + 200):
        killed(database, exported, place, "import_")
    with open_mind(database) as other:
        assert other._truth.check() == []
        assert other.search("long day", **HERE) == []
        other.import_(exported, **HERE)
    killed(database, tmp_path / "again.jsonl", 150, "export")
    assert not (tmp_path / "again.jsonl").exists()
    with open_mind(database) as other:
        other.export(tmp_path / "again.jsonl", **HERE)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


@pytest.mark.usefixtures("short_units")
def test_another_file_begins_anew(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Of an import that was broken off nothing is left once another file comes into the same world."""
    before = exported.read_bytes()
    with open_mind(tmp_path / "other.db") as other, open_mind(tmp_path / "fresh.db") as fresh:
        with pytest.raises(Broken):
            other.import_(exported, progress=breaking_at(2 * before.count(b"\n") - 20), **HERE)
        mind.add("one more", **HERE)
        mind.export(exported, **HERE)
        for each in (other, fresh):
            each.import_(exported, **HERE)
            each.export(tmp_path / "again.jsonl", **HERE)
            assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes() != before
        assert other._truth.check() == []
        assert as_left(other) == as_left(fresh)


@pytest.mark.usefixtures("short_units")
def test_what_is_left_of_an_import_can_be_dropped(exported: Path, tmp_path: Path) -> None:
    """An import broken off is listed, and dropped it leaves no row but counters, companions and the change log."""
    with open_mind(tmp_path / "other.db") as other:
        with pytest.raises(Broken):
            other.import_(exported, progress=breaking_at(2 * exported.read_bytes().count(b"\n") - 20), **HERE)
        with other._truth.read() as ledger:
            (arrival,) = ledger.portable.arrivals("aya")
        transfer.drop_arrival(other._truth, arrival.tenant_id)
        kept = {name for name, count in counts(other).items() if count}
        assert kept == {"counters", "embedders", "companions", "changes"}
        assert other._truth.check() == []


@pytest.mark.usefixtures("short_units")
def test_nothing_goes_on_from_an_import_that_is_half_removed(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the removal of an import was broken off, the same file again begins anew and is there whole."""
    monkeypatch.setattr(arrivals, "_AT_ONCE", 10)
    with open_mind(tmp_path / "other.db") as other:
        with pytest.raises(Broken):
            other.import_(exported, progress=breaking_at(2 * exported.read_bytes().count(b"\n") - 20), **HERE)
        begin_removal(other)
        other.import_(exported, **HERE)
        other.export(tmp_path / "again.jsonl", **HERE)
        assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()
        with other._truth.read() as ledger:
            assert ledger.portable.arrivals() == []


@pytest.mark.parametrize("place", [30, -10])
@pytest.mark.usefixtures("short_units")
def test_an_import_that_another_process_removes_hears_of_it(
    place: int, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import whose rows another process began to remove does not appear without them."""
    monkeypatch.setattr(arrivals, "_AT_ONCE", 10)
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as first, open_mind(tmp_path / "other.db") as second:

        def progress(done: int, total: int) -> None:
            if done == lines + place % (lines // 10 * 10):
                begin_removal(second)

        with pytest.raises(Unavailable, match="deleted"):
            first.import_(exported, progress=progress, **HERE)
        assert first.search("long day", **HERE) == []


@pytest.mark.usefixtures("short_units")
def test_a_world_that_was_filled_meanwhile_stays_as_it_is(exported: Path, tmp_path: Path) -> None:
    """Who began to live while a life was on its way in keeps the world; the import is refused, and leaves nothing."""
    with open_mind(tmp_path / "other.db") as other:

        def progress(done: int, total: int) -> None:
            if done > total - 100 and not other.search("first", **HERE):
                other.add("I was here first", **HERE)

        with pytest.raises(InvalidInput, match="already holds 1 "):
            other.import_(exported, progress=progress, **HERE)
        assert [hit.memory.text for hit in other.search("first", **HERE)] == ["I was here first"]
        with other._truth.read() as ledger:
            assert ledger.portable.arrivals() == []


@pytest.mark.usefixtures("short_units")
def test_two_imports_of_one_file_do_not_mix(exported: Path, tmp_path: Path) -> None:
    """The one that comes second to a unit hears that another goes on with it; the life is there once."""
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as first, open_mind(tmp_path / "other.db") as second:

        def progress(done: int, total: int) -> None:
            if done == lines + 100:
                second.import_(exported, **HERE)

        with pytest.raises(Unavailable, match="another process"):
            first.import_(exported, progress=progress, **HERE)
        first.export(tmp_path / "again.jsonl", **HERE)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


@pytest.mark.usefixtures("short_units")
def test_an_account_that_is_deleted_takes_its_arrivals_with_it(exported: Path, tmp_path: Path) -> None:
    """After `delete_all` of the account nothing of an import under way is left, and it hears so."""
    lines = exported.read_bytes().count(b"\n")
    with open_mind(tmp_path / "other.db") as other:

        def progress(done: int, total: int) -> None:
            if done == lines + 100:
                other.delete_all(user_id="aya")

        with pytest.raises(Unavailable, match="deleted"):
            other.import_(exported, progress=progress, **HERE)
        assert other.search("long day", **HERE) == []
        other.import_(exported, **HERE)
        assert other._truth.check() == []


@pytest.mark.usefixtures("short_units")
def test_all_worlds_of_a_file_appear_at_one_moment(mind: Mind, tmp_path: Path) -> None:
    """Until the last world of an account has come in, the first cannot be seen either."""
    mind.add([Turn(f"at home {n}") for n in range(9)], **HERE)
    mind.add([Turn(f"in the scene {n}") for n in range(9)], world="scene", **HERE)
    mind.export(tmp_path / "a.jsonl", user_id="aya")
    seen: list[tuple[int, int]] = []
    with open_mind(tmp_path / "other.db") as other:

        def look(done: int, total: int) -> None:
            seen.append((len(other.search("home", **HERE)), len(other.search("scene", world="scene", **HERE))))

        other.import_(tmp_path / "a.jsonl", user_id="aya", progress=look)
    assert len(seen) > 10
    assert set(seen[:-1]) == {(0, 0)}
    assert seen[-1] == (9, 9)


@pytest.fixture
def unseen(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mind, Noted]]:
    """A mind with another's life whose words wait to be counted and whose vectors wait to be made."""
    with open_mind(tmp_path / "other.db") as before:
        before.add([Turn(f"kenji's own {n}") for n in range(30)], user_id="kenji")
    embedder = Noted(id="new")
    with monkeypatch.context() as patch:  # opening would make up for it
        patch.setattr(wiring, "_embed_what_waits", lambda *_: None)
        patch.setattr(wiring, "_count_what_waits", lambda *_: None)
        other = open_mind(tmp_path / "other.db", embedder)
    with other:
        with other._truth.read() as ledger:
            waiting = [memory_id for memory_id, _, _ in ledger.feed.unembedded(100)]
        other._truth.write(lambda ledger: ledger.dictionaries.overtake(waiting))
        yield other, embedder


def test_an_import_makes_vectors_of_its_own_account_alone(unseen: tuple[Mind, Noted], exported: Path) -> None:
    """What others have waiting is not counted or embedded by whoever imports; it waits as before."""
    mind, embedder = unseen
    with mind._truth.read() as ledger:
        waited = ledger.feed.unembedded_count("kenji")
    mind.import_(exported, **HERE)
    assert embedder.given
    assert not [text for text in embedder.given if "kenji" in text]
    with mind._truth.read() as ledger:
        assert (ledger.feed.unembedded_count("kenji"), ledger.feed.unembedded_count("aya")) == (waited, 0)
    assert mind.recount() == mind.reembed() == waited >= 30


def test_an_import_that_took_effect_does_not_fail(
    unseen: tuple[Mind, Noted], exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the embedder is away its words find it, the log says so, and the vectors are made later."""
    mind, embedder = unseen
    embedder.away = True
    made = mind.import_(exported, **HERE)
    assert "found by its words alone" in caplog.text
    embedder.away = False
    assert made == exported.read_text().count('"table": "memories"')
    assert mind.search("softly", **HERE)[0].memory.text == "I speak softly, 私はレルです。"
    assert mind.reembed() > 30
