"""What is said of a memory: that it is wrong, private, or never to be raised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from stubs import ManualClock, StubEmbedder
from test_truth import contents

import dmha
from dmha import InvalidInput, NotFound, Stale, Turn
from dmha.domain.tokens import estimate_tokens
from dmha.mind import Mind
from dmha.records import Place

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
SCENE: dict[str, Any] = {"user_id": "aya", "world": "scene"}
DOOR = "The door code is 4471."


class Listening:
    """A chat model that keeps its prompts, and does something in between when it is to."""

    def __init__(self) -> None:
        self.prompt = ""
        self.do: list[Callable[[], object]] = []

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.prompt = json.dumps(messages, ensure_ascii=False)
        if self.do:
            self.do.pop()()
        yield "I see."

    def count_tokens(self, text: str, /) -> int:
        return estimate_tokens(text)


@pytest.fixture
def listening(database: Path) -> Iterator[tuple[Mind, Listening]]:
    chat = Listening()
    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=ManualClock()) as mind:
        yield mind, chat


def found(mind: Mind, query: str = "door code", where: dict[str, Any] = HERE, **asking: Any) -> list[str]:
    return [hit.memory.text for hit in mind.search(query, **where, **asking)]


def other_rows(database: Path) -> dict[str, str]:
    """All that is neither a count, nor what happened when."""
    mine = {"counters", "changes", "memories", "memory_versions"}
    return {table: digest for table, digest in contents(database).items() if table not in mine}


# --- wrong -----------------------------------------------------------------------------------------------------------


def test_what_is_wrong_comes_back_to_nobody(mind: Mind) -> None:
    """It is found, recalled and spoken of by no companion of its world, and by each again once it is not wrong."""
    (id,) = mind.add(Turn(DOOR, "aya"), agent_id="relu", **SCENE)
    both: list[dict[str, Any]] = [{"agent_id": agent, **SCENE} for agent in ("relu", "neuro")]
    for where in both:
        assert found(mind, where=where) == [DOOR]
    mind.update(id, wrong=True, agent_id="relu", **SCENE)
    for where in both:
        assert DOOR not in found(mind, where=where)
        assert DOOR not in [hit.memory.text for hit in mind.recall("door code", **where)]
        assert "4471" not in mind.contextualize("What is the door code?", **where).text
    mind.update(id, wrong=False, agent_id="neuro", **SCENE)
    for where in both:
        assert DOOR in found(mind, where=where)
        assert "4471" in mind.contextualize("What is the door code?", session_id="late", **where).text


def test_what_is_wrong_is_kept_and_shown(mind: Mind) -> None:
    """Get, history and the list have it, marked; to say it again makes no version."""
    (id,) = mind.add(DOOR, **HERE)
    marked = mind.update(id, wrong=True, **HERE)
    assert (marked.wrong, marked.version) == (True, 2)
    assert mind.update(id, wrong=True, **HERE) == marked == mind.get(id, **HERE)
    assert mind.history(id, **HERE)[-1] == marked
    assert mind.memories(**HERE).memories == (marked,)
    with pytest.raises(Stale):
        mind.update(id, wrong=False, version=1, **HERE)
    assert mind.update(id, wrong=False, version=2, **HERE).wrong is False


def test_what_is_wrong_speaks_for_no_neighbour(mind: Mind) -> None:
    """Scores are those of a life in which it was never said."""
    said = [Turn("We were at the shop.", id="1"), Turn("The blue kettle whistles.", id="2"), Turn("Ha ha.", id="3")]
    ids = mind.add(said, **HERE)
    mind.update(ids[1], wrong=True, **HERE)
    mind.add([said[0], said[2]], user_id="ben", agent_id="relu")

    def scores(who: str) -> list[tuple[str, float]]:
        return [(hit.memory.text, hit.score) for hit in mind.search("blue kettle", user_id=who, agent_id="relu")]

    assert scores("aya") == scores("ben") != []
    mind.update(ids[1], wrong=False, **HERE)
    mind.add([said[1]], user_id="eve", agent_id="relu")
    assert scores("aya")[0][0] == "The blue kettle whistles."


def test_what_is_wrong_leaves_the_window(listening: tuple[Mind, Listening]) -> None:
    """The very next prompt of the same session does not hold it."""
    mind, chat = listening
    reply = mind.contextualize(DOOR, turn_id="t", **HERE)
    mind.contextualize("Hm.", **HERE)
    assert "4471" in chat.prompt
    mind.update(reply.remembered[0], wrong=True, **HERE)
    mind.contextualize("What is the door code?", **HERE)
    assert "4471" not in chat.prompt


def test_a_gist_that_quotes_what_is_wrong_goes(mind: Mind) -> None:
    """As on a delete: no summary that is there holds its words, and later ones are made without it."""
    turns = [Turn(DOOR if n == 3 else f"Remark {n} about the weather.", id=f"t{n}") for n in range(45)]
    ids = mind.add(turns, **HERE)
    gists = mind.search("weather remark", kind="summary", **HERE)
    assert gists
    late = mind.add([Turn("The alarm code is 9.", id="late")], **HERE)
    mind.update(ids[3], wrong=True, **HERE)
    mind.update(late[0], wrong=True, **HERE)
    mind.add([Turn(f"Further remark {n}.", id=f"u{n}") for n in range(60)], **HERE)
    kept = [memory for memory in mind.memories(limit=1_000, **HERE).memories if memory.kind == "summary"]
    assert kept
    assert not any("4471" in memory.text or "alarm code" in memory.text for memory in kept)
    assert not {gist.memory.id for gist in gists} & {memory.id for memory in kept}


@pytest.mark.parametrize("mark", ["wrong", "private"])
def test_a_mark_that_is_taken_back_brings_all_back(mind: Mind, database: Path, mark: str) -> None:
    """Search, recall, facts, gists and window are as before, here and in a mind that holds an index of its own."""
    said = f"{DOOR}\nfact: door.code = 4471\nrule: if door.code = 4471 then door.lock = weak"
    turns = [Turn(said if n == 10 else f"Remark {n} about the door.", "aya", id=f"t{n}") for n in range(45)]
    ids = mind.add(turns, **HERE)

    def life(mind: Mind) -> list[Any]:
        searched = mind.search("door code remark", top_k=100, **HERE)
        listed = mind.memories(limit=1_000, **HERE).memories
        with mind.truth.read() as ledger:
            scope = ledger.places.find(Place("aya", "relu", "agent:relu"))
            assert scope is not None
            (last,) = filter(None, [ledger.reading.turn(scope, "t44")])
            window = ledger.reading.window(scope, last.turn_id)
            latest = [gist.uid for gist in ledger.reading.gists(scope, last.turn_id, 10)]
        return [
            window,
            latest,
            [(hit.memory.id, hit.score) for hit in searched],
            [memory.id for memory in listed],
            [memory.text for memory in listed if memory.kind == "summary"],
            mind.knowledge(**HERE).facts(),
        ]

    with dmha.open(database, embedder=StubEmbedder(), chat="extractive", clock=ManualClock()) as another:
        before, rows = life(mind), other_rows(database)
        assert life(another) == before
        (gist,) = [memory for memory in mind.memories(**HERE).memories if memory.kind == "summary"]
        mind.update(gist.id, pinned=True, **HERE)
        marked: dict[str, Any] = {mark: True}
        for id in (ids[10], ids[40]):  # one in the gist, one in the window
            mind.update(id, **marked, **HERE)
        for each in (mind, another):
            assert not any(now == then for now, then in zip(life(each), before, strict=True))
            assert not any("4471" in text for text in found(each, top_k=100))
        with pytest.raises(NotFound):
            mind.get(gist.id, **HERE)
        taken_back: dict[str, Any] = {mark: False}
        for id in (ids[10], ids[40]):
            mind.update(id, **taken_back, **HERE)
        for each in (mind, another):
            assert life(each) == before
            assert each.get(gist.id, **HERE).pinned
            assert all(one.ok for one in each.diagnose())
        mind.update(gist.id, pinned=False, **HERE)
        assert other_rows(database) == rows
        assert gist.id in [hit.memory.id for hit in mind.recall("door code remark", top_k=100, **HERE)]


def test_a_gist_marked_wrong_itself_stays_so(mind: Mind) -> None:
    """What it was made of may be marked and not marked again: of the gist only its own mark tells."""
    ids = mind.add([Turn(f"Remark {n} about the weather.", id=f"t{n}") for n in range(45)], **HERE)
    (gist,) = [memory for memory in mind.memories(**HERE).memories if memory.kind == "summary"]
    mind.update(gist.id, wrong=True, **HERE)
    for wrong in (True, False):
        mind.update(ids[3], wrong=wrong, **HERE)
    assert mind.get(gist.id, **HERE).wrong
    assert found(mind, kind="summary") == []


def test_a_gist_stands_once_all_that_it_was_made_of_does(mind: Mind) -> None:
    """Two of its turns marked, it is back when the second mark is taken back; new words or a deletion end it."""
    ids = mind.add([Turn(f"Remark {n} about the weather.", id=f"t{n}") for n in range(45)], **HERE)
    gists = found(mind, "weather", kind="summary")
    assert gists
    mind.update(ids[3], wrong=True, **HERE)
    mind.update(ids[4], private=True, **HERE)
    mind.update(ids[3], wrong=False, **HERE)
    assert found(mind, "weather", kind="summary") == []
    mind.update(ids[4], private=False, **HERE)
    assert found(mind, "weather", kind="summary") == gists
    mind.update(ids[3], wrong=True, **HERE)
    mind.update(ids[3], text="Said otherwise.", **HERE)
    mind.update(ids[3], wrong=False, **HERE)
    assert found(mind, "weather", kind="summary") == []


class Interrupting(StubEmbedder):
    """Does something in between, when it is asked to embed a summary."""

    def __init__(self) -> None:
        super().__init__()
        self.do: list[Callable[[], object]] = []

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        if self.do and texts[0].startswith("dmha: "):
            self.do.pop()()
        return super().embed(texts)


@pytest.mark.parametrize("mark", [{"wrong": True}, {"private": True}])
def test_what_is_marked_while_a_gist_is_made_is_not_in_it(database: Path, mark: dict[str, Any]) -> None:
    """The window that changed is not folded; the next turn folds what is left of it."""
    embedder = Interrupting()
    with dmha.open(database, embedder=embedder, chat="extractive", clock=ManualClock()) as mind:
        (id,) = mind.add(Turn(DOOR, "aya"), **HERE)
        embedder.do.append(lambda: mind.update(id, **mark, **HERE))
        mind.add([Turn(f"Remark {n} about the weather.", "aya") for n in range(45)], **HERE)
        assert embedder.do == []
        mind.add("Ha ha.", **HERE)
        gists = [memory for memory in mind.memories(limit=100, **HERE).memories if memory.kind == "summary"]
        assert gists
        assert not any("4471" in gist.text for gist in gists)


def test_what_it_told_holds_no_more_and_holds_again(mind: Mind, clock: ManualClock) -> None:
    """Its facts end with the reason, its rules conclude nothing, what it had ended holds; `False` brings all back."""
    kb = mind.knowledge(**HERE)
    kb.tell("fact: aya.city = Osaka")
    clock.forward(days=1)
    told = "fact: aya.city = Kyoto\nfact: aya.pet = cat\nrule: if aya.pet = cat then aya.home = quiet"
    reply = mind.contextualize(told, speaker="aya", **HERE)
    assert (kb.ask("aya", "city").value, kb.ask("aya", "home").value) == ("Kyoto", "quiet")
    mind.update(reply.remembered[0], wrong=True, **HERE)
    assert kb.ask("aya", "city").value == "Osaka"
    assert kb.ask("aya", "pet").why == ("aya.pet = cat was told wrongly, which was said 2026-01-02",)
    assert kb.ask("aya", "home").status == "unknown"
    mind.update(reply.remembered[0], text="fact: aya.pet = dog", **HERE)
    assert kb.ask("aya", "pet").status == "unknown"
    mind.update(reply.remembered[0], text=told, **HERE)
    mind.update(reply.remembered[0], wrong=False, **HERE)
    assert (kb.ask("aya", "pet").value, kb.ask("aya", "home").value) == ("cat", "quiet")
    assert "Kyoto" in {fact.value for fact in kb.facts()}


def test_a_mark_taken_back_leaves_nothing_of_it(mind: Mind, database: Path) -> None:
    """Wrong or private and back again, each but the versions is as it was."""
    (id,) = mind.add(Turn("fact: aya.city = Osaka\nrule: if aya.city = Osaka then aya.sea = near", "aya"), **HERE)
    before = other_rows(database)
    marks: list[dict[str, Any]] = [{"wrong": True}, {"private": True}, {"raised": False}]
    for mark in marks:
        mind.update(id, **mark, **HERE)
        assert other_rows(database) != before
        undone: dict[str, Any] = {name: not value for name, value in mark.items()}
        mind.update(id, **undone, **HERE)
        assert other_rows(database) == before


# --- what it was before ----------------------------------------------------------------------------------------------


def test_each_version_has_its_own_marks(mind: Mind, clock: ManualClock, tmp_path: Path) -> None:
    """Words, wrong, private and when it became so are each version's, after a journey too; the pin is of now."""
    (id,) = mind.add(Turn(DOOR, "aya"), **HERE)
    learned, changes = clock(), list[dict[str, Any]]()
    changes += [{"wrong": True}, {"private": True}, {"wrong": False}, {"text": "The door code is 9."}, {"pinned": True}]
    for change in changes:
        clock.forward(days=1)
        mind.update(id, **change, **HERE)
    told = [
        (1, DOOR, False, False), (2, DOOR, True, False), (3, DOOR, True, True), (4, DOOR, False, True),
        (5, "The door code is 9.", False, True),
    ]  # fmt: skip
    mind.export(tmp_path / "life.jsonl", **HERE)
    mind.import_(tmp_path / "life.jsonl", user_id="ben")
    for where in (HERE, {**HERE, "user_id": "ben"}):
        versions = mind.history(id, **where)
        assert [(each.version, each.text, each.wrong, each.private) for each in versions] == told
        assert [(each.recorded_at - learned).days for each in versions] == [0, 1, 2, 3, 4]
        assert {(each.at, each.pinned) for each in versions} == {(learned, True)}
        assert versions[-1] == mind.get(id, **where)


# --- never raised ----------------------------------------------------------------------------------------------------


def test_what_is_never_raised_is_found_by_who_searches(listening: tuple[Mind, Listening]) -> None:
    """Neither a recall nor a prompt of this companion holds it, in the window or out of it; a search does."""
    mind, chat = listening
    reply = mind.contextualize(DOOR, **HERE)
    assert mind.update(reply.remembered[0], raised=False, **HERE).raised is False
    assert DOOR not in [hit.memory.text for hit in mind.recall("door code", **HERE)]
    for session in ("default", "other"):
        asked = mind.contextualize("What is the door code?", session_id=session, **HERE)
        assert "4471" not in chat.prompt
        assert DOOR not in [hit.memory.text for hit in asked.recalled]
    assert DOOR in found(mind)
    mind.update(reply.remembered[0], raised=True, **HERE)
    mind.contextualize("What is the door code?", session_id="late", **HERE)
    assert "4471" in chat.prompt


def test_what_it_told_is_known_and_not_spoken_of(listening: tuple[Mind, Listening]) -> None:
    """Who asks is told the fact and what rules make of it; no prompt of this companion has either, another's has."""
    mind, chat = listening
    told = "fact: aya.illness = measles\nrule: if aya.illness = measles then aya.room = quarantine"
    (id,) = mind.add([Turn(told, "aya")], agent_id="relu", **SCENE)
    kb = mind.knowledge(agent_id="relu", **SCENE)
    kb.tell("rule: if aya.illness = measles then aya.visits = forbidden")
    secrets = ("measles", "quarantine", "forbidden")

    def heard(agent: str, session: str) -> list[str]:
        mind.contextualize("How is aya?", speaker="ben", agent_id=agent, session_id=session, **SCENE)
        return [word for word in secrets if word in chat.prompt]

    assert heard("relu", "1") == list(secrets)
    mind.update(id, raised=False, agent_id="relu", **SCENE)
    assert heard("relu", "2") == []
    assert heard("neuro", "3") == list(secrets)
    assert (kb.ask("aya", "illness").value, kb.ask("aya", "room").value) == ("measles", "quarantine")
    mind.update(id, raised=True, agent_id="relu", **SCENE)
    assert heard("relu", "4") == list(secrets)


def test_it_is_this_companion_that_never_raises_it(mind: Mind) -> None:
    """Another companion of the same world does; the mark outlives recalls and goes with `raised=True`."""
    (id,) = mind.add(DOOR, agent_id="relu", **SCENE)
    assert mind.update(id, raised=False, agent_id="neuro", **SCENE).raised is False
    assert mind.get(id, agent_id="relu", **SCENE).raised is True
    assert mind.recall("door code", agent_id="neuro", **SCENE) == []
    assert mind.recall("door code", agent_id="relu", **SCENE)
    assert mind.update(id, raised=True, agent_id="neuro", **SCENE).raised is True
    assert mind.recall("door code", agent_id="neuro", **SCENE)


def test_a_gist_that_quotes_it_is_not_raised_either(listening: tuple[Mind, Listening]) -> None:
    """The summary stays for those who search, and out of this companion's prompts."""
    mind, chat = listening
    turns = [Turn(DOOR if n == 3 else f"So {n}.", id=f"t{n}") for n in range(45)]
    ids = mind.add(turns, **HERE)
    assert any("4471" in text for text in found(mind, kind="summary"))
    mind.update(ids[3], raised=False, **HERE)
    assert any("4471" in text for text in found(mind, kind="summary"))
    mind.contextualize("What is the door code?", **HERE)
    assert "4471" not in chat.prompt


# --- private ---------------------------------------------------------------------------------------------------------


def test_what_is_made_private_is_as_if_told_in_private(mind: Mind) -> None:
    """It, its facts and rules are for its speaker's ears, gists that quote it go; made open, all may hear it."""
    said = "The door code is 4471.\nfact: door.code = 4471\nrule: if door.code = 4471 then door.lock = weak"
    turns = [Turn(said if n == 3 else f"So {n}.", "aya", id=f"t{n}") for n in range(45)]
    ids = mind.add(turns, **HERE)
    kb = mind.knowledge(**HERE)
    assert mind.update(ids[3], private=True, **HERE).private is True
    assert not any("4471" in text for text in found(mind, top_k=50))
    assert any("4471" in text for text in found(mind, present=["aya"]))
    assert kb.ask("door", "code").status == kb.ask("door", "lock").status == "unknown"
    assert kb.ask("door", "lock", present=["aya"]).value == "weak"
    assert "4471" not in mind.contextualize("What is the door code?", speaker="ben", session_id="b", **HERE).text
    assert mind.update(ids[3], private=False, **HERE).private is False
    assert any("4471" in text for text in found(mind))
    assert kb.ask("door", "lock").value == "weak"


def test_a_reply_made_private_is_for_whom_it_answered(listening: tuple[Mind, Listening]) -> None:
    """Nobody of the companion's own name has to be there for it to come back."""
    mind, _ = listening
    reply = mind.contextualize("Do you see the kettle?", speaker="aya", **HERE)
    mind.update(reply.remembered[1], private=True, **HERE)
    assert "I see." not in found(mind, "I see.")
    assert "I see." in found(mind, "I see.", present=["aya"])


def test_a_turn_made_private_can_be_retried(mind: Mind) -> None:
    """The same turn sent again is the same memory, whatever was said of it since."""
    (id,) = mind.add(Turn(DOOR, "aya", id="t"), **HERE)
    mind.update(id, private=True, **HERE)
    assert mind.add(Turn(DOOR, "aya", id="t"), **HERE) == [id]


# --- everywhere ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [{"wrong": True}, {"private": True}])
def test_another_process_sees_a_mark_at_once(mind: Mind, database: Path, mark: dict[str, Any]) -> None:
    """A mind that holds its own index of the same file leaves it out of its next answer, and has it back."""
    first, _ = mind.add([Turn(DOOR, "aya"), Turn("The door is blue.", "aya")], **HERE)
    with dmha.open(database, embedder=StubEmbedder(), chat="extractive", clock=ManualClock()) as another:
        assert DOOR in found(another)
        mind.update(first, **mark, **HERE)
        assert found(another) == ["The door is blue."]
        assert all(one.ok for one in another.diagnose())
        undone: dict[str, Any] = dict.fromkeys(mark, False)
        mind.update(first, **undone, **HERE)
        assert DOOR in found(another)
        assert all(one.ok for one in another.diagnose())


def test_a_retried_request_brings_nothing_that_was_marked_since(mind: Mind) -> None:
    """A keyed recall and a turn answered before leave it out of what they recalled."""
    wrong, silent, told = mind.add([Turn(f"The door code is {n}.", "aya") for n in (11, 22, 33)], **HERE)
    asked: dict[str, Any] = {"session_id": "s", "turn_id": "t", "speaker": "ben", **HERE}
    assert (
        len(mind.recall("door code", key="k", **HERE)) == len(mind.contextualize("Door code?", **asked).recalled) == 3
    )
    mind.update(wrong, wrong=True, **HERE)
    mind.update(silent, raised=False, **HERE)
    mind.update(told, private=True, **HERE)
    assert mind.recall("door code", key="k", **HERE) == []
    assert mind.contextualize("Door code?", **asked).recalled == ()


@pytest.mark.parametrize("mark", [{"wrong": True}, {"raised": False}, {"private": True}])
def test_what_is_marked_while_a_reply_is_composed(listening: tuple[Mind, Listening], mark: dict[str, Any]) -> None:
    """The reply on its way may tell it still; its retry does not name it, and the next turn knows nothing of it."""
    mind, chat = listening
    (id,) = mind.add(Turn(DOOR, "aya"), **HERE)
    asked: dict[str, Any] = {"speaker": "ben", "session_id": "s", "turn_id": "t", **HERE}
    chat.do.append(lambda: mind.update(id, **mark, **HERE))
    assert id in [hit.memory.id for hit in mind.contextualize("What is the door code?", **asked).recalled]
    assert "4471" in chat.prompt
    assert id not in [hit.memory.id for hit in mind.contextualize("What is the door code?", **asked).recalled]
    mind.contextualize("The door code?", **{**asked, "turn_id": "u"})
    assert "4471" not in chat.prompt


def test_what_turns_out_wrong_while_a_reply_is_composed_did_nothing(listening: tuple[Mind, Listening]) -> None:
    """It is not strengthened, and what the reply ended because of it holds."""
    mind, chat = listening
    kb = mind.knowledge(**HERE)
    kb.tell("fact: aya.city = Osaka")
    (id,) = mind.add(Turn("I moved.\nfact: aya.city = Kyoto", "aya"), **HERE)
    chat.do.append(lambda: mind.update(id, wrong=True, **HERE))
    reply = mind.contextualize("I moved, so in which city does aya live?", speaker="aya", **HERE)
    assert chat.do == []
    assert reply.repairs
    assert [hit.memory.id for hit in reply.recalled if hit.confidence >= 0.25] == [id]  # else it were not strengthened
    assert mind.get(id, **HERE).recall_count == 0
    assert kb.ask("aya", "city").value == "Osaka"
    mind.update(id, wrong=False, **HERE)
    assert kb.ask("aya", "city").value == "Kyoto"


def test_marks_travel_with_a_life(mind: Mind, tmp_path: Path) -> None:
    """An export holds them, an import brings them, and the life exports as it did."""
    wrong, silent, _ = mind.add([Turn(f"The door code is {n}.", "aya", id=str(n)) for n in (11, 22, 33)], **HERE)
    mind.update(wrong, wrong=True, **HERE)
    mind.update(silent, raised=False, **HERE)
    mind.export(tmp_path / "one.jsonl", **HERE)
    mind.import_(tmp_path / "one.jsonl", user_id="ben")
    there: dict[str, Any] = {"user_id": "ben", "agent_id": "relu"}
    assert [(each.wrong, each.raised) for each in mind.memories(**there).memories] == [
        (False, True), (False, False), (True, True)
    ]  # fmt: skip
    assert sorted(found(mind, where=there)) == ["The door code is 22.", "The door code is 33."]
    mind.export(tmp_path / "two.jsonl", **there)
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    assert [hit.memory.text for hit in mind.recall("door code", **there)] == ["The door code is 33."]


def test_a_file_of_the_second_format_is_read(mind: Mind, tmp_path: Path) -> None:
    """What it does not say was not marked."""
    mind.add([Turn(DOOR, "aya", id="1")], **HERE)
    mind.export(tmp_path / "three.jsonl", **HERE)
    rows = [json.loads(line) for line in (tmp_path / "three.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row.pop("wrong", None)
        row.pop("raised", None)
    rows[0]["format"] = "dmha-export-2"
    older = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "two.jsonl").write_text(older, encoding="utf-8")
    mind.import_(tmp_path / "two.jsonl", user_id="ben")
    mind.export(tmp_path / "again.jsonl", user_id="ben", agent_id="relu")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "three.jsonl").read_bytes()


def test_the_versions_of_an_older_file_are_as_private_as_their_memory(mind: Mind, tmp_path: Path) -> None:
    """It could not be said otherwise then."""
    turns = [Turn(DOOR, "aya", id="1"), Turn("A secret.", "aya", id="2", private=True)]
    for id in mind.add(turns, **HERE):
        mind.update(id, text="Said otherwise.", **HERE)
    mind.export(tmp_path / "now.jsonl", **HERE)
    rows = [json.loads(line) for line in (tmp_path / "now.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row.pop("wrong", None)
        row.pop("raised", None)
        if row.get("table") == "memory_versions":
            row.pop("private")
    rows[0]["format"] = "dmha-export-2"
    (tmp_path / "two.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    mind.import_(tmp_path / "two.jsonl", user_id="ben")
    there: dict[str, Any] = {"user_id": "ben", "agent_id": "relu"}
    for memory in mind.memories(present=["aya"], **there).memories:
        assert [each.private for each in mind.history(memory.id, **there)] == [memory.private] * 2


@pytest.mark.parametrize("field", ["wrong", "raised", "private"])
def test_a_mark_is_true_or_false(mind: Mind, field: str) -> None:
    """Anything else is refused by name, and another account's memory does not exist."""
    (id,) = mind.add(DOOR, **HERE)
    untyped: dict[str, Any] = {field: "yes"}
    with pytest.raises(InvalidInput, match=field):
        mind.update(id, **untyped, **HERE)
    typed: dict[str, Any] = {field: True}
    with pytest.raises(NotFound):
        mind.update(id, **typed, user_id="ben", agent_id="relu")
