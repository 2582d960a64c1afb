"""Words that are deleted, gone from all that is kept of replies: outcomes, lessons, answers, exports."""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from serving import key_of, serving
from stubs import ManualClock, StubEmbedder
from test_server import problem

import dmha
from dmha import AnswerGone, Turn
from dmha.mind import Mind

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
FIXTURES = Path(__file__).parent / "fixtures"
# Each marker is the words of one memory: of a persona, a thing far back, a fact, a rule, what stands in the window.
MARKERS = ("markerpersona", "markerfar7x", "markercity", "markerrule", "markernear", "markerasked")
ASKED = {"t1": "I like markernear tea.", "t2": "fact: aya.city = Kyoto", "t3": "Where is markerasked, and markerfar7x?"}


class Telling:
    """A chat model that says all that it is shown."""

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        yield "\n".join(message["content"] for message in messages)

    def count_tokens(self, text: str, /) -> int:
        return len(text) // 400 + 1


def opened(file: Path) -> Mind:
    return dmha.open(file, embedder=StubEmbedder(), chat=Telling(), clock=ManualClock())


def says(mind: Mind, turn: str) -> dmha.Reply:
    return mind.contextualize(ASKED[turn], turn_id=turn, speaker="aya", **HERE)


@pytest.fixture
def lived(tmp_path: Path) -> Path:
    """A life whose replies say all that they stand on, and one keyed recall."""
    file = tmp_path / "lived.db"
    with opened(file) as mind:
        mind.add("Relu collects markerpersona shells.", kind="persona", **HERE)
        far = [f"The markerfar{n}x lay far back beside the sea." for n in range(50)]
        mind.add([Turn(text, "aya") for text in far], session_id="old", **HERE)
        mind.add([Turn("fact: aya.city = markercity"), Turn("rule: if aya.city = Kyoto then aya.mood = markerrule")],
                 session_id="other", **HERE)  # fmt: skip
        for turn in ASKED:
            says(mind, turn)
        assert mind.recall("markernear markerasked sea", key="k", **HERE)
    with closing(sqlite3.connect(file)) as held:
        said = dict(held.execute("SELECT key, body FROM outcomes"))
        assert all(marker in said["t3"] for marker in MARKERS)
        assert "markercity" in str(held.execute("SELECT question, answer, reason FROM lessons").fetchall())
    return file


def kept(file: Path, *tables: str) -> str:
    """What these tables hold, unpacked."""
    with closing(sqlite3.connect(file)) as held:
        rows = [row for table in tables for row in held.execute(f"SELECT * FROM {table}")]
    return "\n".join(
        zlib.decompress(value).decode() if isinstance(value, bytes) and value else str(value)
        for row in rows for value in row
    )  # fmt: skip


def told(file: Path) -> list[tuple[str, str]]:
    """The memories, the first told first."""
    with closing(sqlite3.connect(file)) as held:
        return held.execute("SELECT uid, text FROM memories ORDER BY id").fetchall()


def counted(file: Path) -> list[int]:
    tables = ("turns", "memories", "recalls", "impulses", "facts", "endings", "lessons", "outcomes")
    with closing(sqlite3.connect(file)) as held:
        return [held.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


@pytest.mark.parametrize("travelled", [False, True])
@pytest.mark.parametrize("marker", MARKERS)
def test_with_a_memory_go_the_words_of_the_replies_that_stood_on_it(
    marker: str, travelled: bool, lived: Path, tmp_path: Path
) -> None:
    """Whichever memory a reply told of: once that is deleted, neither its outcome nor a lesson holds the words."""
    file = lived
    if travelled:
        file = tmp_path / "other.db"
        with opened(lived) as mind, opened(file) as other:
            mind.export(tmp_path / "life.jsonl", user_id="aya")
            other.import_(tmp_path / "life.jsonl", user_id="aya")
    with opened(file) as mind:
        source = mind.get(next(uid for uid, text in told(file) if marker in text), **HERE)
        mind.delete(source.id, **HERE)
        assert marker not in kept(file, "outcomes", "lessons")
        before = counted(file)
        with pytest.raises(AnswerGone, match="turn_id: this request took effect, once"):
            says(mind, "t3")
        assert counted(file) == before
        for memory in mind.memories(limit=1_000, **HERE).memories:
            if marker in memory.text:
                mind.delete(memory.id, **HERE)
        mind.export(tmp_path / "after.jsonl", user_id="aya")
        assert marker not in (tmp_path / "after.jsonl").read_text(encoding="utf-8")
        assert mind._truth.check() == []
    assert marker not in kept(file, "memories", "outcomes", "lessons", "facts", "rules", "endings")


@pytest.mark.parametrize("which", [0, 1])
def test_with_a_turn_or_its_reply_goes_what_is_kept_of_it(which: int, lived: Path) -> None:
    """Either memory of a turn takes the outcome's words; the other turns' are told again as they were."""
    with opened(lived) as mind:
        first = {turn: says(mind, turn) for turn in ASKED}
        mind.delete(first["t3"].remembered[which], **HERE)
        with pytest.raises(AnswerGone):
            says(mind, "t3")
        assert {turn: says(mind, turn).text for turn in ("t1", "t2")} == {
            turn: first[turn].text for turn in ("t1", "t2")
        }
    with closing(sqlite3.connect(lived)) as held:
        assert held.execute("SELECT body FROM outcomes WHERE key = 't3'").fetchall() == [("{}",)]


def test_a_keyed_recall_tells_what_is_left_and_keeps_no_words(lived: Path) -> None:
    """What it brought back is kept by ids: of a deleted memory not even that, and a retry strengthens nothing."""
    with opened(lived) as mind:
        first = mind.recall("markernear markerasked sea", key="k", **HERE)
        before = counted(lived)
        gone = first[0].memory
        mind.delete(gone.id, **HERE)
        again = mind.recall("markernear markerasked sea", key="k", **HERE)
        counts = [hit.memory.recall_count for hit in again]
        assert counts == [hit.memory.recall_count for hit in mind.recall("markernear markerasked sea", key="k", **HERE)]
        assert [hit.memory.id for hit in again] == [
            hit.memory.id
            for hit in first
            if hit.memory.id != gone.id and hit.memory.id in {uid for uid, _ in told(lived)}
        ]
        assert before[-1] == counted(lived)[-1]
    with closing(sqlite3.connect(lived)) as held:
        ((body,),) = held.execute("SELECT body FROM outcomes WHERE operation = 'recall'").fetchall()
    assert gone.id not in body
    assert not any(marker in body for marker in MARKERS)


def test_what_goes_while_a_reply_is_made_is_not_kept_with_it(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory that is deleted between its being read and the reply's being kept takes the outcome and the lesson."""
    with opened(lived) as mind:
        (far,) = (uid for uid, text in told(lived) if text.startswith("Relu collects"))
        speak = Telling.reply

        def slow(self: Telling, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
            if any(uid == far for uid, _ in told(lived)):
                mind.delete(far, **HERE)
            yield from speak(self, messages, max_tokens=max_tokens)

        monkeypatch.setattr(Telling, "reply", slow)
        asked = {"turn_id": "t4", "speaker": "aya", **HERE}
        assert "markerpersona" in mind.contextualize("Who are you?", **asked).text
        with pytest.raises(AnswerGone):
            mind.contextualize("Who are you?", **asked)
        assert "markerpersona" not in kept(lived, "outcomes", "lessons")


def test_over_http_a_retry_of_what_is_gone_is_told_so(database: Path, clock: ManualClock) -> None:
    """By its turn's id, or under its key long after, with 410; neither the file's rows nor the export has the words."""
    with serving(database, clock) as (service, client):
        client.headers |= key_of(service, "aya")
        turns = [{"speaker": "aya", "text": "My secret is markersecret and my dog is called Rex."}]
        client.post("/v1/memories", json={"agent_id": "relu", "turns": turns})
        asked = {"agent_id": "relu", "text": "What is my secret?", "speaker": "aya"}
        keyed = {"Idempotency-Key": "k"}
        assert "markersecret" in client.post("/v1/contextualize", json=asked, headers=keyed).json()["text"]
        for memory in client.get("/v1/memories?agent_id=relu").json()["memories"]:
            if "markersecret" in memory["text"]:
                assert client.delete(f"/v1/memories/{memory['id']}?agent_id=relu").status_code == 204
        before = counted(database)
        problem(client.post("/v1/contextualize", json=asked, headers=keyed), 410)
        service.mind.truth.write(lambda ledger: ledger.requests.sweep(9e12, 1_000))
        for again in (
            client.post("/v1/contextualize", json=asked, headers=keyed),
            client.post("/v1/contextualize", json=asked | {"turn_id": "key:k"}),
        ):
            told = problem(again, 410)
            assert (told["type"], told["errors"][0]["field"]) == ("urn:dmha:gone", "turn_id")
            assert "deleted" in told["detail"]
        assert counted(database) == before
        assert "markersecret" not in client.get("/v1/export?agent_id=relu").text
    assert "markersecret" not in kept(database, "outcomes", "lessons", "requests", "memories")


def old_life(exported: bool, file: Path) -> Mind:
    """The life of revision 0001: its file upgraded, or its export read in."""
    if not exported:
        shutil.copy(FIXTURES / "companion-0001.sqlite", file)
    mind = dmha.open(file, embedder=StubEmbedder(8, "stub-8"), chat="extractive")
    if exported:
        mind.import_(FIXTURES / "companion-0001.jsonl", user_id="aya")
    return mind


@pytest.mark.parametrize("exported", [False, True])
def test_what_an_older_version_kept_of_replies_is_let_go(exported: bool, tmp_path: Path) -> None:
    """Nothing knows what those stood on: a retry is told so, and nothing is done twice."""
    file = tmp_path / "old.db"
    with old_life(exported, file) as mind:
        before = counted(file)
        with pytest.raises(AnswerGone):
            mind.contextualize("fact: aya.city = Osaka (from=2025-03-08)", turn_id="c1", **HERE)
        assert counted(file) == before


@pytest.mark.parametrize("exported", [False, True])
@pytest.mark.parametrize("of", ["= Osaka", "= Sapporo", "I set this right"])
def test_a_lesson_of_an_older_version_goes_with_what_it_was_made_of(of: str, exported: bool, tmp_path: Path) -> None:
    """With the turn, its reply, or what told the fact that it ended: whichever is deleted first."""
    file = tmp_path / "old.db"
    with old_life(exported, file) as mind:
        assert "I set this right" in kept(file, "lessons")
        with closing(sqlite3.connect(file)) as held, held:
            held.execute("DELETE FROM recalls")  # it may have been known, neither recalled nor in the window
            held.execute("UPDATE turns SET window_turns = 0")
        mind.delete(next(uid for uid, text in told(file) if of in text), **HERE)
    assert "I set this right" not in kept(file, "lessons")
    assert "I am Relu." in kept(file, "lessons")
