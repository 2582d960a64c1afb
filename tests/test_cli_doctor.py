"""`dmha doctor`: what is sound, what is not, and what would serve better."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import run, told
from stubs import StubEmbedder

pytestmark = pytest.mark.usefixtures("desk")


def test_the_doctor_finds_a_sound_memory_sound() -> None:
    """Nothing wrong is exit status 0, on a memory as on none."""
    assert run("doctor").exit_code == 0
    run("add", "I moved to Osaka.")
    seen = run("doctor", "--fix")
    assert seen.exit_code == 0
    assert "✗" not in seen.stdout
    assert {"versions", "cache", "database", "index", "vectors", "scripts"} <= {
        one["subject"] for one in told("doctor")
    }


def test_the_doctor_names_an_embedder_for_what_this_one_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memories in a script that the embedder does not serve are no fault: a hint says what to set, gloss first."""

    class EnglishOnly(StubEmbedder):
        scripts = frozenset({"Latin"})

    monkeypatch.setattr("dmha.wiring.make_embedder", lambda *_: EnglishOnly())
    run("add", "大阪に引っ越した。")
    seen = run("doctor")
    assert seen.exit_code == 0
    assert "✗" not in seen.stdout
    hint = seen.stdout.partition("DMHA_EMBEDDER")[2]
    assert 0 < hint.index("gloss") < hint.index("bge-m3")


def test_the_doctor_tells_of_a_file_that_is_no_database(tmp_path: Path) -> None:
    """What cannot be opened is a finding with a way out, and exit status 1."""
    (tmp_path / "life.db").write_bytes(b"not a database, " * 100)
    seen = run("doctor")
    assert seen.exit_code == 1
    assert "not a DMHA database" in seen.stdout
