"""A turn said again: its twin and all that followed from it leave nothing behind; forks see their own path alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, NotFound, Turn
from dmha.faculties.perception import memory_uid
from dmha.mind import Mind
from dmha.outcomes import reply_uid

SOAK = os.environ.get("DMHA_SOAK") == "1"
HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}

# -- single consequences ---------------------------------------------------------------------------------------------


def said(mind: Mind, **place: Any) -> list[str]:
    """Every memory that can come back, oldest first."""
    hits = mind.search("x", top_k=1_000, present=["aya", "ben"], **(place or HERE))
    return [hit.memory.text for hit in sorted(hits, key=lambda hit: (hit.memory.at, hit.memory.id))]


def test_a_replaced_turn_is_recalled_no_more(mind: Mind) -> None:
    """Neither the rejected words nor the reply to them are found, and the new ones are."""
    first = mind.contextualize("I have a red bicycle.", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("I have a blue bicycle.", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    assert "I have a red bicycle." not in said(mind)
    assert "I have a blue bicycle." in said(mind)
    for id in first.remembered:
        with pytest.raises(NotFound):
            mind.get(id, **HERE)


def test_what_followed_on_the_path_goes_too(mind: Mind) -> None:
    """Turns after the replaced one, and forks that left after it, are taken back; what came before stays."""
    mind.add([Turn("before", "aya", id="t0")], **HERE)
    mind.contextualize("wrong", speaker="aya", turn_id="t1", **HERE)
    mind.add([Turn("after", "aya", id="t2")], **HERE)
    mind.add([Turn("elsewhere", "aya", id="t3", parent="t2")], session_id="fork", **HERE)
    mind.add([Turn("aside", "aya", id="t4", parent="t0")], session_id="other", **HERE)
    mind.contextualize("right", speaker="aya", turn_id="t5", replaces="t1", **HERE)
    assert {"before", "aside", "right"} <= set(said(mind))
    assert not {"wrong", "after", "elsewhere"} & set(said(mind))


def test_a_replaced_turn_s_facts_and_what_followed_from_them_fall(mind: Mind) -> None:
    """A fact told in it is unknown again, so is what a rule made of it, and a fact that its reply ended holds again."""
    knowledge = mind.knowledge(**HERE)
    knowledge.tell("rule: if aya.city = Sapporo then aya.island = Hokkaido")
    mind.contextualize("fact: aya.city = Osaka", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("fact: aya.city = Sapporo", speaker="aya", turn_id="t2", **HERE)
    assert knowledge.ask("aya", "city").value == "Sapporo"
    assert knowledge.ask("aya", "island").value == "Hokkaido"
    mind.contextualize("Good morning.", speaker="aya", turn_id="t3", replaces="t2", **HERE)
    assert knowledge.ask("aya", "city").value == "Osaka"
    assert knowledge.ask("aya", "island").status == "unknown"


def test_a_fact_holds_again_when_the_one_that_ended_it_falls(mind: Mind) -> None:
    """Osaka gave way to Sapporo in a reply of another session; with Sapporo's turn taken back, Osaka holds again."""
    mind.add(Turn("fact: aya.city = Osaka", "aya", id="t1"), session_id="one", **HERE)
    mind.add(Turn("fact: aya.city = Sapporo", "aya", id="t2"), session_id="two", **HERE)
    mind.contextualize("Which city does aya live in?", speaker="aya", turn_id="t3", session_id="one", **HERE)
    knowledge = mind.knowledge(**HERE)
    assert (knowledge.ask("aya", "city").value, knowledge.conflicts()) == ("Sapporo", [])
    mind.contextualize("Never mind.", speaker="aya", turn_id="t4", replaces="t2", session_id="two", **HERE)
    assert knowledge.ask("aya", "city").value == "Osaka"


def test_a_replaced_turn_s_feelings_leave_the_mood(mind: Mind, clock: ManualClock) -> None:
    """The mood after the replacement is the one of a companion that never heard the rejected words."""
    mind.contextualize("The dog died, I am terrified and I hate everything!", speaker="aya", turn_id="t1", **HERE)
    assert mind.feelings(**HERE).mood.aversion > 0.1
    mind.contextualize("The table is made of wood.", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    assert mind.feelings(**HERE).mood.aversion == 0
    assert mind.feelings(**HERE).about["aya"].aversion == 0


def test_a_replaced_turn_s_recalls_strengthen_no_more(mind: Mind, clock: ManualClock) -> None:
    """What it recalled is held as if it had not been; what a later recall did on top is told again without it."""
    (id,) = mind.add(Turn("The lighthouse is on the northern island.", "aya", id="t0"), **HERE)
    clock.forward(days=3)
    mind.contextualize("Where is the lighthouse on the northern island?", speaker="aya", turn_id="t1", **HERE)
    assert mind.get(id, **HERE).recall_count == 1
    clock.forward(days=3)
    mind.recall("lighthouse", key="k", **HERE)
    twice = mind.get(id, **HERE)
    mind.contextualize("Good morning.", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    once = mind.get(id, **HERE)
    assert (twice.recall_count, once.recall_count) == (2, 1)
    # Six days unrecalled, once recalled: 7 d * (1 + .1 + 1.4 * (1 - 2 ** (-6 / 7))).
    assert once.half_life == pytest.approx(7 * 86_400 * (1.1 + 1.4 * (1 - 2 ** (-6 / 7))))
    assert once.last_recalled_at == twice.last_recalled_at


def test_rejected_words_are_kept_as_variants(mind: Mind) -> None:
    """All that was rejected for a turn can be read under it, swipe after swipe, until its memory is deleted."""
    mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    reply = mind.contextualize("three", speaker="aya", turn_id="t3", replaces="t2", **HERE)
    rejected = mind.variants("t3", **HERE)
    assert [turn.text for turn in rejected if turn.source == "user"] == ["one", "two"]
    assert [turn.id for turn in rejected if turn.source == "user"] == ["t1", "t2"]
    assert [turn.speaker for turn in rejected] == ["aya", "relu", "aya", "relu"]
    mind.delete(reply.remembered[0], **HERE)
    with pytest.raises(NotFound):
        mind.variants("t3", **HERE)


def test_a_rejected_turn_s_id_stays_used(mind: Mind) -> None:
    """Neither a late retry nor another turn brings a rejected id back, and it is not replaced twice."""
    mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
        mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
        mind.add(Turn("one", "aya", id="t1"), **HERE)
    with pytest.raises(InvalidInput, match=r"replaces.*'t1' was replaced by 't2'"):
        mind.contextualize("three", speaker="aya", turn_id="t3", replaces="t1", **HERE)
    assert "three" not in said(mind)


def test_a_deleted_turn_s_id_stays_used_when_it_is_replaced(mind: Mind) -> None:
    """No late retry brings back words that were deleted, be it before their turn was replaced or after."""
    first = mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    mind.delete(first.remembered[0], **HERE)
    second = mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
        mind.add(Turn("one", "aya", id="t1"), **HERE)
    assert [turn.source for turn in mind.variants("t2", **HERE)] == ["assistant"]
    mind.delete(second.remembered[0], **HERE)
    mind.contextualize("three", speaker="aya", turn_id="t3", replaces="t2", **HERE)
    for uid, text in (("t1", "one"), ("t2", "two")):
        with pytest.raises(InvalidInput, match="was replaced by 't3'"):
            mind.add(Turn(text, "aya", id=uid), **HERE)
    assert [turn.text for turn in mind.variants("t3", **HERE) if turn.source == "user"] == []


def test_variants_are_told_in_the_order_of_rejection(mind: Mind) -> None:
    """The order is kept when other variants were deleted between two rejections."""
    for name in ("a", "b"):
        mind.contextualize("one", speaker="aya", turn_id=f"{name}1", session_id=name, **HERE)
        reply = mind.contextualize(
            "two", speaker="aya", turn_id=f"{name}2", replaces=f"{name}1", session_id=name, **HERE
        )
        if name == "a":
            gone = reply.remembered[0]
    mind.delete(gone, **HERE)
    mind.contextualize("three", speaker="aya", turn_id="b3", replaces="b2", session_id="b", **HERE)
    assert [turn.text for turn in mind.variants("b3", **HERE) if turn.source == "user"] == ["one", "two"]


def test_a_replacement_retried_is_one_replacement(mind: Mind) -> None:
    """The same call again gives the same reply and changes nothing."""
    mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    again: dict[str, Any] = {"speaker": "aya", "turn_id": "t2", "replaces": "t1", **HERE}
    first = mind.contextualize("two", **again)
    before = said(mind)
    assert mind.contextualize("two", **again).text == first.text
    assert said(mind) == before
    assert len(mind.variants("t2", **HERE)) == 2


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"turn_id": "t2", "replaces": "t2"}, "replaces"),
        ({"replaces": "t1", "parent": "t0"}, "parent"),
        ({"replaces": ""}, "replaces"),
        ({"replaces": "t1", "session_id": "other"}, "replaces"),
        ({"replaces": reply_uid("t1", "relu")}, "replaces"),
    ],
)
def test_a_place_that_cannot_be_is_refused(mind: Mind, asked: dict[str, Any], field: str) -> None:
    """A turn that replaces itself or a reply, stands twice, names nothing or lives elsewhere changes nothing."""
    mind.add([Turn("zero", "aya", id="t0"), Turn("one", "aya", id="t1")], **HERE)
    before = said(mind)
    with pytest.raises(InvalidInput) as refused:
        mind.contextualize("two", speaker="aya", **asked, **HERE)
    assert refused.value.field == field
    assert said(mind) == before


def test_an_unknown_turn_is_not_found(mind: Mind) -> None:
    """A turn that is not there, or another companion's, can be neither replaced nor gone on from."""
    mind.add(Turn("mine", "aya", id="t1"), user_id="aya", agent_id="neuro")
    for asked in ({"replaces": "t1"}, {"parent": "t1"}):
        with pytest.raises(NotFound):
            mind.contextualize("two", speaker="aya", turn_id="t2", **asked, **HERE)  # type: ignore[arg-type]  # either
    assert said(mind) == []


class Swiped:
    """A chat model that is overtaken: while it writes its reply, the turn is replaced."""

    def __init__(self) -> None:
        self.overtake: Callable[[], object] | None = None
        self.shown = ""

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.shown = "\n".join(message["content"] for message in messages)
        overtake, self.overtake = self.overtake, None
        if overtake is not None:
            overtake()
        yield "Well."

    def count_tokens(self, text: str, /) -> int:
        return len(text) // 4 + 1


def test_a_turn_replaced_while_it_is_answered_leaves_nothing(database: Path, clock: ManualClock) -> None:
    """The overtaken call hears that its turn was replaced, and what it would have written is not written."""
    chat = Swiped()
    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        chat.overtake = lambda: mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
        with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
            mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
        assert said(mind) == ["two"]
        assert [turn.text for turn in mind.variants("t2", **HERE)] == ["one"]


def test_a_reply_follows_what_went_on_from_its_turn(database: Path, clock: ManualClock) -> None:
    """What was said after the turn stays on the reply's path, though the session went elsewhere in the meantime."""
    chat = Swiped()

    def go_on_and_elsewhere() -> None:
        mind.add(Turn("moreover", "aya", id="t2"), **HERE)
        mind.add(Turn("instead", "aya", id="t3"), parent="t0", **HERE)

    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        mind.add(Turn("zero", "aya", id="t0"), **HERE)
        chat.overtake = go_on_and_elsewhere
        mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
        mind.contextualize("go on", speaker="aya", parent=reply_uid("t1", "relu"), **HERE)
        assert "moreover" in chat.shown
        assert "instead" not in chat.shown


class Interrupted(StubEmbedder):
    """An embedder that is overtaken: before it embeds this query, something else happens."""

    def __init__(self, query: str, overtake: Callable[[], object]) -> None:
        super().__init__()
        self._waiting = {query: overtake}

    def embed(self, texts: list[str], /) -> Any:
        overtake = self._waiting.pop(texts[0], None) if texts else None
        if overtake is not None:
            overtake()
        return super().embed(texts)


def test_a_turn_replaced_before_its_recall_is_told_so(database: Path, clock: ManualClock) -> None:
    """A call whose turn was taken back before it recalled anything hears of it, as one that was writing does."""
    place: dict[str, Any] = {"speaker": "aya", **HERE}
    overtaken = Interrupted("one two", lambda: mind.contextualize("three", turn_id="t2", replaces="t1", **place))
    with dmha.open(database, embedder=overtaken, chat="extractive", clock=clock) as mind:
        with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
            mind.contextualize("one two", turn_id="t1", **place)
        assert said(mind) == ["three"]


def test_a_world_that_a_rejected_turn_made_is_exported_in_its_place(mind: Mind, tmp_path: Path) -> None:
    """The order of worlds in an export tells nothing of a variant that was the first to enter one."""
    scene = HERE | {"world": "scene"}
    mind.contextualize("one", speaker="aya", turn_id="t1", **scene)
    mind.add(Turn("at home", "aya"), **HERE)
    mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **scene)
    mind.export(tmp_path / "life", user_id="aya")
    headers = [line for line in (tmp_path / "life").read_text().splitlines() if '"format"' in line]
    assert [json.loads(header)["world"] for header in headers] == ["agent:relu", "world:scene"]


def test_a_persona_told_amid_a_talk_stays(mind: Mind) -> None:
    """Who the companion is and what is so in its world are no part of the talk: a swipe takes neither back."""
    mind.contextualize("We stand at the gate.", speaker="aya", turn_id="t1", **HERE)
    mind.add("ReLU is a pirate with a parrot.", kind="persona", **HERE)
    mind.add("The well in the yard is poisoned.", kind="lore", **HERE)
    mind.contextualize("It rains.", speaker="aya", turn_id="t2", **HERE)
    mind.contextualize("It snows.", speaker="aya", turn_id="t3", replaces="t1", **HERE)
    assert {"ReLU is a pirate with a parrot.", "The well in the yard is poisoned.", "It snows."} <= set(said(mind))
    assert "It rains." not in said(mind)


def test_a_turn_taken_back_with_another_says_so(mind: Mind) -> None:
    """What followed a replaced turn was not replaced itself: its id is refused with what to go on from."""
    for number in range(3):
        mind.contextualize(f"turn {number}", speaker="aya", turn_id=f"t{number}", **HERE)
    mind.contextualize("turn 1, told better", speaker="aya", turn_id="t1b", replaces="t1", **HERE)
    for asked in ({"turn_id": "t2"}, {"turn_id": "t2b", "replaces": "t2"}):
        with pytest.raises(InvalidInput, match=r"'t2' was taken back when 't1b'.*after 't1b'"):
            mind.contextualize("turn 2", speaker="aya", **asked, **HERE)  # type: ignore[arg-type]  # either
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't1b'. Replace 't1b' instead"):
        mind.contextualize("turn 1", speaker="aya", replaces="t1", **HERE)


# -- forks -----------------------------------------------------------------------------------------------------------


class Listening:
    """A chat model that keeps what it was shown."""

    def __init__(self) -> None:
        self.shown = ""

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.shown = "\n".join(message["content"] for message in messages)
        yield "Well."

    def count_tokens(self, text: str, /) -> int:
        return len(text) // 4 + 1


@pytest.fixture
def listened(database: Path, clock: ManualClock) -> Iterator[tuple[Mind, Listening]]:
    chat = Listening()
    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        yield mind, chat


def test_a_fork_sees_the_path_to_it_alone(listened: tuple[Mind, Listening]) -> None:
    """What another branch went through is neither in the window nor recalled nor known; the shared path is."""
    mind, chat = listened
    mind.add([Turn("We meet at the harbour.", "aya", id="t0"), Turn("fact: aya.boat = Merry", "aya", id="t1")], **HERE)
    mind.add(Turn("fact: aya.captain = Nami. The harbour burns.", "aya", id="left"), parent="t1", **HERE)
    mind.contextualize("What about the harbour and aya?", speaker="aya", turn_id="right", parent="t1", **HERE)
    assert "We meet at the harbour." in chat.shown
    assert "aya.boat" in chat.shown
    assert "Nami" not in chat.shown
    assert "burns" not in chat.shown
    mind.contextualize("And the harbour?", speaker="aya", parent="left", **HERE)
    assert "burns" in chat.shown
    assert "What about the harbour" not in chat.shown


def test_a_fact_ended_on_another_branch_holds_on_this_one(listened: tuple[Mind, Listening], clock: ManualClock) -> None:
    """What a reply on one branch ended is known as before on a fork that left earlier, and ends there of itself."""
    mind, chat = listened
    mind.add(Turn("fact: aya.city = Osaka", "aya", id="t0"), **HERE)
    clock.forward(days=1)
    mind.contextualize("fact: aya.city = Sapporo", speaker="aya", turn_id="left", **HERE)
    clock.forward(days=1)
    mind.contextualize("Where is the city of aya?", speaker="aya", parent="t0", **HERE)
    assert '"of": "aya", "is": "Osaka", "since"' in chat.shown
    clock.forward(days=1)
    reply = mind.contextualize("fact: aya.city = Nara", speaker="aya", **HERE)
    assert [repair.conflict.left for repair in reply.repairs] == ["aya.city = Osaka"]
    assert not mind.contextualize("Where is the city of aya?", speaker="aya", **HERE).conflicts
    assert '"of": "aya", "is": "Nara", "since"' in chat.shown


def test_a_fork_copies_nothing(mind: Mind) -> None:
    """Going on from an earlier turn adds the new turn alone."""
    mind.add([Turn(f"turn {n}", "aya", id=f"t{n}") for n in range(5)], **HERE)
    before = len(said(mind))
    mind.add(Turn("otherwise", "aya"), parent="t2", session_id="what if", **HERE)
    assert len(said(mind)) == before + 1


def test_a_fork_asks_as_little_among_many(mind: Mind) -> None:
    """What lies aside of a path is asked for once, be there two branches or fifty."""
    mind.add([Turn("root", "aya", id="t0"), Turn("trunk", "aya", id="t1")], **HERE)
    for n in range(50):
        mind.add([Turn(f"fork {n}", "aya", id=f"f{n}"), Turn("leaf", "aya")], parent="t0", **HERE)
    asked: list[str] = []
    with mind._truth.read() as ledger:
        tip = ledger.memories._tree.find(ledger.places.find(mind._place("aya", "relu", None)), "f7").id  # type: ignore[attr-defined]  # the store itself
        connection = ledger._connection  # type: ignore[attr-defined]  # the file behind the protocol
        connection.connection.driver_connection.set_trace_callback(asked.append)
        assert len(ledger.reading.aside(tip)) == 1 + 49 * 2 + 1
        connection.connection.driver_connection.set_trace_callback(None)
    assert len(asked) == 1


def test_a_fork_s_window_is_its_own(listened: tuple[Mind, Listening]) -> None:
    """A window folded on one branch is still whole on the other, and each is told the gists of its path alone."""
    mind, chat = listened
    mind.add([Turn(f"On day {n} the lamp {n} was lit.", "aya", id=f"t{n}") for n in range(30)], **HERE)
    mind.add([Turn(f"On night {n} the owl {n} called.", "aya") for n in range(30)], parent="t29", **HERE)
    mind.contextualize("Good morning.", speaker="aya", session_id="fork", parent="t29", token_budget=16_000, **HERE)
    assert '"gist"' not in chat.shown
    assert "On day 0 the lamp 0 was lit." in chat.shown
    mind.contextualize("Good morning.", speaker="aya", token_budget=16_000, **HERE)
    assert '"gist"' in chat.shown


def test_the_session_goes_on_from_its_last_turn(listened: tuple[Mind, Listening]) -> None:
    """Without a parent named, a session goes on where something was said last, be that on a fork."""
    mind, chat = listened
    mind.add([Turn("root", "aya", id="t0"), Turn("left", "aya", id="t1")], **HERE)
    mind.add(Turn("right", "aya", id="t2"), parent="t0", **HERE)
    mind.contextualize("Go on.", speaker="aya", **HERE)
    assert "right" in chat.shown
    assert '"left"' not in chat.shown


def test_more_of_what_is_known_goes_on_from_it(listened: tuple[Mind, Listening]) -> None:
    """A batch that repeats known turns and adds new ones stands after the last it repeats, on that branch."""
    mind, chat = listened
    told = [Turn("root", "aya", id="t0"), Turn("left", "aya", id="t1")]
    mind.add(told, **HERE)
    mind.add(Turn("right", "aya", id="t2"), parent="t0", **HERE)
    mind.add([*told, Turn("farther left", "aya", id="t3")], **HERE)
    mind.contextualize("Go on.", speaker="aya", parent="t3", **HERE)
    assert "aya: left" in chat.shown
    assert "right" not in chat.shown


# -- random lives ----------------------------------------------------------------------------------------------------

SPEAKERS = ("aya", "ben", "kei")
WORDS = (
    "osaka tea", "the cat sleeps", "大阪で猫を見た", "fact: aya.city = Osaka", "fact: aya.city = Sapporo",
    "I hate rain, it is terrible!", "I love tea, what a joy!", "rule: if aya.city = Osaka then aya.region = Kansai",
    "deny: aya.city = Osaka", "where does aya live?", "what about tea and rain?",
)  # fmt: skip
PLACES: tuple[dict[str, Any], ...] = (
    {"agent_id": "relu"}, {"agent_id": "relu", "world": "scene"}, {"agent_id": "neuro", "world": "scene"},
)  # fmt: skip
# Kind, and four numbers that choose among whatever is there when the step comes.
STEPS = st.lists(st.tuples(st.sampled_from("aaccckdwrvvvf"), *[st.integers(0, 1_000)] * 4), min_size=3, max_size=14)
EVERYBODY = list(SPEAKERS)


@dataclass
class Node:
    """A turn as the script knows it."""

    uid: str
    parent: str | None
    world: str
    session: str
    place: dict[str, Any]


@dataclass
class Op:
    """One call that succeeded: `turns` are the turns that it made, `of` the turn that it is about."""

    run: Callable[[Mind], Any]
    at: float
    turns: tuple[str, ...] = ()
    of: str | None = None


@dataclass
class Script:
    """Runs steps on a mind, and keeps the ones that would have happened had no rejected variant ever been."""

    mind: Mind
    clock: ManualClock
    user: str
    ops: list[Op] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    open: str | None = None  # the turn that will be replaced: until then only what does not depend on it may happen
    made: int = 0
    replaced: int = 0

    def step(self, kind: str, a: int, b: int, c: int, d: int) -> None:
        self.clock.forward(hours=a % 50)
        place = self.place(b)
        session = f"s{c % 2}"
        match kind:
            case "a" | "f":
                self.add(place, session, a, d, self._some(place, c) if kind == "f" else None)
            case "c":
                self.say(place, session, d, parent=self._some(place, a) if d % 4 == 0 else None)
            case "v" if self.open is None:
                self.open = self.say(place, session, d, parent=None)
            case "v":
                self.replace(d)
            case "k":
                self.recall(place, key=f"k{self._next()}" if c % 2 else None)
            case "d":
                self.delete(a)
            case "r":
                self.retry(a)
            case "w":
                texts = [f"On day {n} the lamp {n} was lit." for n in range(15 + a % 30)]
                self._add(place, session, texts, SPEAKERS[d % 3], False, None)

    def place(self, choice: int) -> dict[str, Any]:
        return PLACES[choice % 3] | {"user_id": self.user}

    def add(self, place: dict[str, Any], session: str, a: int, d: int, parent: str | None) -> None:
        texts = [WORDS[(a + n) % len(WORDS)] for n in range(1 + a % 3)]
        self._add(place, session, texts, SPEAKERS[d % 3], d % 5 == 0, parent)

    def _add(
        self, place: dict[str, Any], session: str, texts: list[str], speaker: str, private: bool, parent: str | None
    ) -> None:
        turns = [Turn(text, speaker, id=f"t{self._next()}", private=private) for text in texts]
        before = parent or self._last(place, session)
        for turn in turns:
            before = self._node(turn.id or "", before, place, session)
        self._run(
            lambda mind: mind.add(turns, session_id=session, parent=parent, **place), turns=[t.id or "" for t in turns]
        )

    def say(self, place: dict[str, Any], session: str, d: int, *, parent: str | None) -> str | None:
        before = parent or self._last(place, session)
        if self.open is not None and not self._follows(before):
            return None  # its reply may speak of the turn that will be taken back
        uid, asked = f"t{self._next()}", self._asked(place, session, d)
        self._node(f"r{uid}", self._node(uid, before, place, session), place, session)
        self._run(lambda mind: mind.contextualize(turn_id=uid, parent=parent, **asked), turns=(uid, f"r{uid}"))
        return uid

    def _asked(self, place: dict[str, Any], session: str, d: int) -> dict[str, Any]:
        return place | {
            "text": WORDS[d % len(WORDS)], "speaker": SPEAKERS[d % 3], "session_id": session, "private": d % 7 == 0,
        }  # fmt: skip

    def replace(self, d: int) -> None:
        """Say the open turn again: on this mind by `replaces`, in the script as if for the first time."""
        twin = self.nodes[self.open or ""]
        fallen = {uid for uid in self.nodes if self._follows(uid)}
        left = [node for uid, node in self.nodes.items() if uid not in fallen and self._beside(node, twin)]
        if twin.parent is None and left:
            return  # a call without `replaces` could not begin this session again
        uid, asked, parent = f"t{self._next()}", self._asked(twin.place, twin.session, d), twin.parent
        after = parent
        if parent is not None and parent.startswith("r"):
            after = reply_uid(parent[1:], self.nodes[parent].place["agent_id"])
        self.mind.contextualize(turn_id=uid, replaces=twin.uid, **asked)
        self.ops = [op for op in self.ops if not fallen & {*op.turns, op.of}]
        self.ops.append(
            Op(lambda mind: mind.contextualize(turn_id=uid, parent=after, **asked), self._now, (uid, f"r{uid}"))
        )
        self.nodes = {uid: node for uid, node in self.nodes.items() if uid not in fallen}
        self._node(f"r{uid}", self._node(uid, parent, twin.place, twin.session), twin.place, twin.session)
        self.open = None
        self.replaced += 1

    def recall(self, place: dict[str, Any], key: str | None) -> None:
        """Recall everything there is, by what depends neither on how many memories there are nor on earlier recalls."""
        self._run(
            lambda mind: mind.recall(
                "zzz", key=key, top_k=1_000, ranking="created_at / 1000000000", present=EVERYBODY, **place
            )
        )

    def delete(self, a: int) -> None:
        known = [uid for uid in self.nodes if not uid.startswith("r")]
        if known:
            node = self.nodes[known[a % len(known)]]
            id = memory_uid(self.user, node.world, node.uid)
            try:
                self._run(lambda mind: mind.delete(id, **node.place), of=node.uid)
            except NotFound:
                return  # it was deleted before

    def retry(self, a: int) -> None:
        """Do again what was done; it changes nothing, so the script need not know."""
        said = [op for op in self.ops if op.turns]
        if said:
            try:
                said[a % len(said)].run(self.mind)
            except InvalidInput as refused:
                assert "deleted" in str(refused) or "another" in str(refused)  # noqa: PT017 - one of many outcomes

    def _run(self, run: Callable[[Mind], Any], turns: Any = (), of: str | None = None) -> None:
        run(self.mind)
        self.ops.append(Op(run, self._now, tuple(turns), of))

    def _node(self, uid: str, parent: str | None, place: dict[str, Any], session: str) -> str:
        world = f"world:{place['world']}" if place.get("world") else f"agent:{place['agent_id']}"
        self.nodes[uid] = Node(uid, parent, world, session, place)
        return uid

    def _beside(self, node: Node, other: Node) -> bool:
        return (node.world, node.session) == (other.world, other.session)

    def _last(self, place: dict[str, Any], session: str) -> str | None:
        world = f"world:{place['world']}" if place.get("world") else f"agent:{place['agent_id']}"
        there = [uid for uid, node in self.nodes.items() if (node.world, node.session) == (world, session)]
        return there[-1] if there else None

    def _some(self, place: dict[str, Any], choice: int) -> str | None:
        world = f"world:{place['world']}" if place.get("world") else f"agent:{place['agent_id']}"
        known = [uid for uid, node in self.nodes.items() if node.world == world and not uid.startswith("r")]
        return known[choice % len(known)] if known else None

    def _follows(self, uid: str | None) -> bool:
        """Whether this is the open turn, or came after it on its path."""
        while uid is not None and uid != self.open:
            uid = self.nodes[uid].parent
        return uid is not None

    def _next(self) -> int:
        self.made += 1
        return self.made

    @property
    def _now(self) -> float:
        return self.clock.now.timestamp()


@dataclass
class Pair:
    """A mind that lives through every variant, and one that hears only what stayed."""

    tried: Mind
    plain: Mind
    clock: ManualClock
    folder: Path
    lives: int = 0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, clock = tmp_path_factory.mktemp("variants"), ManualClock()
    tried, plain = (
        dmha.open(folder / name, embedder=StubEmbedder(), chat="extractive", clock=clock) for name in ("tried", "plain")
    )
    with tried, plain:
        yield Pair(tried, plain, clock, folder)


@settings(
    max_examples=1_000 if SOAK else 25, deadline=None, derandomize=not SOAK,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=STEPS)
@pytest.mark.timeout(3_600 if SOAK else 120)
def test_after_a_replacement_the_rejected_variant_never_happened(pair: Pair, steps: list[Any]) -> None:
    """Add, contextualize, recall, replace, fork, delete, retry in any order: the export tells of what stayed alone."""
    pair.lives += 1
    script = Script(pair.tried, pair.clock, f"u{pair.lives}")
    pair.clock.now = ManualClock().now
    for step in steps:
        script.step(*step)
    if script.open is None:
        script.open = script.say(script.place(1), "last", 3, parent=None)
    script.replace(4)
    event(f"{script.replaced} replaced")
    same(pair, script)


def same(pair: Pair, script: Script) -> None:
    """Both minds export the same bytes, and the tried one is sound."""
    for op in script.ops:
        pair.clock.now = pair.clock.now.fromtimestamp(op.at, pair.clock.now.tzinfo)
        op.run(pair.plain)
    exports = []
    for name, mind in (("tried", pair.tried), ("plain", pair.plain)):
        mind.export(pair.folder / f"{name}.jsonl", user_id=script.user)
        exports.append((pair.folder / f"{name}.jsonl").read_text().splitlines())
    assert exports[0] == exports[1]
    assert pair.tried._truth.check() == []


def test_what_names_no_turn_is_told_by_its_keyword(mind: Mind) -> None:
    """`parent`, `replaces`, a turn's own parent and `turn_id` are the error's `field`, and begin its message."""
    lost: list[tuple[str, Callable[[], object]]] = [
        ("parent", lambda: mind.contextualize("Hello.", parent="lost", **HERE)),
        ("replaces", lambda: mind.contextualize("Hello.", replaces="lost", **HERE)),
        ("parent", lambda: mind.add([Turn("Hello.", parent="lost")], **HERE)),
        ("turn_id", lambda: mind.variants("lost", **HERE)),
    ]
    for named, call in lost:
        with pytest.raises(NotFound, match=rf"^{named}: no turn 'lost'") as refused:
            call()
        assert refused.value.field == named
    with pytest.raises(NotFound, match=r"^no memory 'lost'") as refused:
        mind.get("lost", **HERE)
    assert refused.value.field == "id"
