"""An export goes on where it was broken off, is of one moment, and mixes with no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lives import HERE, Broken, breaking_at, live, open_mind
from stubs import ManualClock

from dmha import Unavailable
from dmha.mind import Mind


@pytest.mark.usefixtures("short_units")
def test_an_interrupted_export_goes_on(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Broken off at any line it leaves no file; run again, it goes on from there, to the same bytes."""
    path, part = tmp_path / "long.jsonl", tmp_path / "long.jsonl.part"
    whole = exported.read_bytes()
    seen: list[int] = []
    for place in (10, 70, 200, whole.count(b"\n") - 10):
        with pytest.raises(Broken):
            mind.export(path, progress=breaking_at(place), **HERE)
        assert not path.exists()
        assert whole.startswith(part.read_bytes())
        with part.open("ab") as file:
            file.write(b"what a killed process left behind its last note")
    mind.export(path, progress=lambda done, total: seen.append(done), **HERE)
    assert path.read_bytes() == whole
    assert min(seen) > 200
    assert {file.name for file in tmp_path.glob("long*")} == {"long.jsonl"}


@pytest.mark.skipif(os.name == "nt", reason="Windows locks no file that is being written")
@pytest.mark.usefixtures("short_units")
def test_two_exports_to_one_path_do_not_mix(mind: Mind, exported: Path, database: Path, tmp_path: Path) -> None:
    """While an export is under way a second one to its path is refused, and the first is what it would be alone."""
    mind.add("another account's words", user_id="ben")
    with open_mind(database) as second:

        def progress(done: int, total: int) -> None:
            if done == 100:
                with pytest.raises(Unavailable, match="another export"):
                    second.export(tmp_path / "again.jsonl", user_id="ben")

        mind.export(tmp_path / "again.jsonl", progress=progress, **HERE)
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


@pytest.mark.usefixtures("short_units")
def test_an_export_is_of_one_moment(mind: Mind, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was exported before a change is not gone on with; the export begins anew and says so."""
    live(mind, ManualClock())
    with pytest.raises(Broken):
        mind.export(tmp_path / "a.jsonl", progress=breaking_at(100), **HERE)
    mind.recall("tea", **HERE)
    mind.export(tmp_path / "a.jsonl", **HERE)
    assert "begins anew" in caplog.text
    mind.export(tmp_path / "b.jsonl", **HERE)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
