"""The demo, held to its questions: on its own story, and on the same story with every name replaced."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import dmha
from dmha import InvalidInput, Reply
from dmha.cli.demo import CONVERSATION, USER, ZONE, Clock, Question, Story, ask, live, read_questions, read_story
from dmha.cli.demo.__main__ import _program, play
from dmha.mind import Mind
from dmha.types import Fact

# docs/demo.md lists the names; each is part of no other word.
NAMES = {
    "Aya": "Mira", "aya": "mira", "アヤ": "ミラ", "Kenji": "Theo", "kenji": "theo", "ケンジ": "テオ",
    "Maeve": "Ingrid", "maeve": "ingrid", "hanae": "sumiko", "花江": "澄子", "passerby": "stranger",
    "ReLU": "Tanh", "relu": "tanh", "Koharu": "Yotsuba", "こはる": "よつば", "Osaka": "Nagoya", "大阪": "名古屋",
    "Sapporo": "Sendai", "札幌": "仙台", "Fukuoka": "Kagoshima", "Kansai": "Tokai", "Hokkaido": "Tohoku",
    "汐見ルカ": "浅海ナオ", "The Salt Piano": "The Glass Organ",
}  # fmt: skip

ASKED = range(len(read_questions()))
SURE = 0.25  # below it a reply is not to be relied on


@dataclass
class Lived:
    """A story that was lived through, and what its questions were answered with."""

    story: Story
    mind: Mind
    answers: list[tuple[Question, Reply]]
    concluded_before: list[Fact]
    rename: Callable[[str], str]


def same(text: str) -> str:
    return text


def renamed(text: str) -> str:
    return re.sub("|".join(map(re.escape, NAMES)), lambda name: NAMES[name[0]], text)


@pytest.fixture(scope="module", params=[same, renamed], ids=["its own names", "other names"])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """The demo's story lived through on a file, with the default embedder and no language model."""
    rename, folder = request.param, tmp_path_factory.mktemp("story")
    for name in (CONVERSATION.name, "questions.json"):
        told = CONVERSATION.with_name(name).read_text(encoding="utf-8")
        (folder / name).write_text(rename(told), encoding="utf-8")
    conversation = folder / CONVERSATION.name
    story, clock = read_story(conversation), Clock(read_story(conversation).sessions[0].ends)
    with dmha.open(folder / "life.db", chat="extractive", clock=clock, zone=ZONE) as mind:
        for _ in live(mind, story, clock):
            pass
        *first, last = read_questions(conversation)
        answers = list(ask(mind, story, clock, first))
        facts = mind.knowledge(user_id=USER, agent_id=story.agent).facts()
        answers += ask(mind, story, clock, [last])
        yield Lived(story, mind, answers, facts, rename)


def came_back(reply: Reply) -> str:
    """Everything a reply says or stands on."""
    return "\n".join((reply.text, *(hit.memory.text for hit in reply.recalled)))


@pytest.mark.parametrize("number", ASKED, ids=[f"question {number + 1}" for number in ASKED])
def test_a_question_brings_back_what_answers_it(lived: Lived, number: int) -> None:
    """What a question expects is in the reply or in what was recalled for it, whatever the names."""
    question, reply = lived.answers[number]
    assert [part for part in question.expects if part not in came_back(reply)] == []


@pytest.mark.parametrize("number", ASKED, ids=[f"question {number + 1}" for number in ASKED])
def test_what_must_not_come_back_does_not(lived: Lived, number: int) -> None:
    """A secret is neither said nor recalled before somebody it was not told to."""
    question, reply = lived.answers[number]
    assert [part for part in question.never if part in came_back(reply)] == []


def test_what_nobody_told_is_not_known(lived: Lived) -> None:
    """A question without an answer is answered so, and not with confidence."""
    unknown = [reply for question, reply in lived.answers if not question.expects]
    assert len(unknown) == 2
    for reply in unknown:
        assert reply.confidence < SURE
        assert reply.text in ("I remember nothing that answers this.", "それについては、何も覚えていない。")


def test_a_contradiction_is_found_and_mended_live(lived: Lived) -> None:
    """The last turn's new city contradicts the old one; the reply is mended, and the region falls with the city."""
    _, reply = lived.answers[-1]
    new, old = lived.rename("aya.city = Fukuoka"), lived.rename("aya.city = Sapporo")
    assert (old, new) in [(conflict.left, conflict.right) for conflict in reply.conflicts]
    (repair,) = reply.repairs
    assert repair.before < repair.after == reply.consistency == 1.0
    knowledge = lived.mind.knowledge(user_id=USER, agent_id=lived.story.agent)
    someone, region = lived.rename("aya"), lived.rename("Hokkaido")
    assert knowledge.ask(someone, "city").value == lived.rename("Fukuoka")
    assert (someone, "region", region) in [(fact.entity, fact.attribute, fact.value) for fact in lived.concluded_before]
    assert knowledge.ask(someone, "region").status == "unknown"


def test_the_new_names_leave_no_old_one_behind() -> None:
    """The list of names covers the story, so that the second life is really another one."""
    for name in (CONVERSATION.name, "questions.json"):
        told = renamed(CONVERSATION.with_name(name).read_text(encoding="utf-8"))
        assert [old for old in NAMES if re.search(rf"(?<![A-Za-z]){old}(?![A-Za-z])", told)] == []


def test_the_demo_shows_the_whole_life_within_its_terminal(tmp_path: Path) -> None:
    """Every question stands there with its reply, no line is wider than the terminal, and about 150 lines do."""
    shown = io.StringIO()
    play(Console(file=shown, width=100, highlight=False), CONVERSATION, None, tmp_path)
    lines = shown.getvalue().splitlines()
    assert len(lines) < 170
    assert max(cell_len(line) for line in lines) <= 100
    for question in read_questions():
        assert question.about in shown.getvalue()
    assert "contradictions mended" in shown.getvalue()


def test_what_to_type_next_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint names the programs of this environment: by name where the shell finds them, else by their path."""
    folder = Path(sys.executable).parent
    for path, here, wanted in (
        (str(folder), tmp_path, "dmha"),
        ("/usr/bin", folder.parent, f"{folder.name}/dmha"),
        ("/usr/bin", tmp_path, f"{folder}/dmha"),
    ):
        monkeypatch.setenv("PATH", path)
        monkeypatch.chdir(here)
        assert _program("dmha") == wanted


@pytest.mark.parametrize(
    ("line", "part"),
    [("", "holds no turns"), ('{"text": "x"}', "needs its time"), ('{"mood": 1}', "has no 'mood'"), ("{", "not JSON")],
)
def test_a_story_that_cannot_be_lived_is_refused(tmp_path: Path, line: str, part: str) -> None:
    """Another story's mistakes are named by line."""
    path = tmp_path / "story.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InvalidInput, match=part):
        read_story(path)
    with pytest.raises(InvalidInput, match="questions"):
        read_questions(path)
