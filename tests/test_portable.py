"""A life that is exported and imported is there as it was: the same bytes, the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from lives import HERE, as_left, live, one_of_each_table, open_mind
from stubs import ManualClock, StubEmbedder
from tables import rows

from dmha import InvalidInput, NotFound, Turn, Unavailable
from dmha.mind import Mind
from dmha.stores.exported import TABLES


def test_a_life_travels_whole(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """Exported, imported elsewhere on another day and exported again: the same bytes, and the same answers."""
    later = ManualClock()
    later.forward(days=30)
    with open_mind(tmp_path / "other.db", clock=later) as other:
        other.add("somebody was here before", user_id="zoe", agent_id="pi")  # so that ids differ
        assert other.import_(exported, **HERE) == exported.read_text().count('"table": "memories"')
        other.export(tmp_path / "again.jsonl", **HERE)
        other._clock = mind._clock
        for query in ("long day", "tea", "told better"):
            here, there = mind.search(query, **HERE), other.search(query, **HERE)
            assert [hit.memory for hit in there] == [hit.memory for hit in here]
            assert [hit.score for hit in there] == pytest.approx([hit.score for hit in here], abs=1e-6)
        mind_says, other_says = (
            each.contextualize("fact: aya.city = Osaka", turn_id="c1", speaker="aya", **HERE) for each in (mind, other)
        )
        assert (other_says.text, other_says.recalled) == (mind_says.text, mind_says.recalled)
        assert other._truth.check() == []
    assert (tmp_path / "again.jsonl").read_bytes() == exported.read_bytes()


def test_every_travelling_table_is_in_the_life_that_is_tested(life: list[str]) -> None:
    """The life above leaves no exported table empty but the further names, which no call makes yet."""
    assert {table.name for table in TABLES} - one_of_each_table(life).keys() == {"speaker_names"}


def test_an_account_travels_with_its_shared_worlds(mind: Mind, tmp_path: Path) -> None:
    """Own and shared worlds, companions that live in both and such as only listened: the same bytes come back."""
    mind.contextualize("I live in Osaka", turn_id="t1", **HERE)
    mind.contextualize("The dragon came", turn_id="t1", world="scene", **HERE)
    mind.add("I am here too", user_id="aya", agent_id="neuro", world="scene")
    mind.teach("Who?", "Me", user_id="aya", agent_id="pi", world="scene")
    mind.recall("dragon", user_id="aya", agent_id="neuro", world="scene", key="k")
    mind.teach("Who?", "Me", **HERE)
    mind.export(tmp_path / "account.jsonl", user_id="aya")
    with open_mind(tmp_path / "other.db") as other:
        other.import_(tmp_path / "account.jsonl", user_id="aya")
        other.export(tmp_path / "again.jsonl", user_id="aya")
        assert other._truth.check() == []
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "account.jsonl").read_bytes()


def test_branches_and_replaced_turns_travel(mind: Mind, clock: ManualClock, tmp_path: Path) -> None:
    """Forks within and across sessions come back as they grew; of a replaced turn nothing travels."""
    live(mind, clock)
    mind.add(Turn("What if I had stayed?", "aya", id="f1", parent="t20"), session_id="long", **HERE)
    mind.add([Turn("And then?", "aya", parent="f1"), Turn("Or else?", "aya", parent="f1")], session_id="long", **HERE)
    mind.add(Turn("Elsewhere", "aya", parent="t7"), session_id="elsewhere", **HERE)
    mind.contextualize("And what if I had gone?", turn_id="f2", parent="c2", speaker="aya", **HERE)
    mind.contextualize("A rejected word: xylophone", turn_id="x", speaker="aya", **HERE)
    mind.contextualize("A better word", turn_id="y", replaces="x", speaker="aya", **HERE)
    mind.export(tmp_path / "a.jsonl", **HERE)
    assert "xylophone" not in (tmp_path / "a.jsonl").read_text()
    with open_mind(tmp_path / "other.db", clock=clock) as other:
        other.import_(tmp_path / "a.jsonl", **HERE)
        other.export(tmp_path / "b.jsonl", **HERE)
        assert {(turn[0], *turn[2:]) for turn in as_left(other)} == {(turn[0], *turn[2:]) for turn in as_left(mind)}
        assert other._truth.check() == []
        replies = [each.contextualize("So?", turn_id="z", parent="f1", **HERE).text for each in (mind, other)]
        assert replies[0] == replies[1]
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_a_companion_may_take_another_name(mind: Mind, exported: Path) -> None:
    """Imported under another agent_id the life is that companion's, and the first is untouched."""
    before = mind.search("long day", **HERE)
    mind.import_(exported, user_id="aya", agent_id="twin")
    assert mind.search("long day", **HERE) == before
    mind.delete_all(user_id="aya", agent_id="relu")
    assert len(mind.search("long day", user_id="aya", agent_id="twin")) == 10


def test_a_companion_that_has_memories_takes_no_file(mind: Mind, exported: Path) -> None:
    """Importing over a life is refused and changes nothing."""
    before = rows(mind)
    with pytest.raises(InvalidInput, match="already holds"):
        mind.import_(exported, **HERE)
    assert rows(mind) == before


def test_vectors_of_another_embedder_are_made_again(exported: Path, tmp_path: Path) -> None:
    """A file from a mind with another embedder arrives with every vector embedded anew."""
    with open_mind(tmp_path / "other.db", StubEmbedder(24, "another")) as other:
        other.import_(exported, **HERE)
        assert other.diagnose()[1].ok
        assert other.search("told better", ranking="semantic", **HERE)[0].memory.text == "turn 3, told better"


def test_paths_that_lead_nowhere_are_told_in_words(mind: Mind, exported: Path, tmp_path: Path) -> None:
    """A missing file or folder, a folder in place of a file and a NUL in the name are errors that say so."""
    for path in (tmp_path / "missing.jsonl", tmp_path, tmp_path / ".." / "no" / "x", Path("a\0b")):
        with pytest.raises(InvalidInput):
            mind.import_(path, user_id="new")
    for path in (tmp_path / "missing" / "x.jsonl", tmp_path / ".." / "no" / "x"):
        with pytest.raises(Unavailable):
            mind.export(path, **HERE)
    with pytest.raises(NotFound):
        mind.export(tmp_path / "x.jsonl", user_id="nobody")
    assert not (tmp_path / "x.jsonl").exists()
    assert list(tmp_path.glob("*.part")) == []


def test_progress_is_told_in_lines(mind: Mind, exported: Path, tmp_path: Path, short_units: None) -> None:
    """Both calls tell how far they are of how much, never less than before, and end with all of it."""
    for call in (
        lambda progress: mind.export(tmp_path / "b.jsonl", progress=progress, **HERE),
        lambda progress: mind.import_(exported, user_id="kenji", progress=progress),
    ):
        told: list[tuple[int, int]] = []
        call(lambda *progress, told=told: told.append(progress))  # type: ignore[no-untyped-call]  # a lambda
        assert len(told) > 10
        assert told == sorted(told)
        assert {total for _, total in told} == {told[-1][0]}
