"""Neighbours through the whole of it: in the truth, in an index kept in step, and for who may not hear all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stubs import ManualClock, StubEmbedder, only

import dmha
from dmha import InvalidInput, NotFound, Turn
from dmha.domain.expressions import FEATURES
from dmha.domain.query import parse_query
from dmha.domain.ranking import resolve
from dmha.index.local import LocalIndex
from dmha.mind import Mind
from dmha.records import Candidates, Place, Question, Reach, Scope
from dmha.stores.beside import STEPS
from dmha.stores.truth import Truth

SOAK = os.environ.get("DMHA_SOAK") == "1"

HERE: dict[str, Any] = {"user_id": "u", "agent_id": "relu"}
START = ManualClock().now.timestamp()
DAY = 86_400.0
ASKER = {"now", "random()", "mood_joy", "mood_aversion"}  # the same for whoever holds the rows
COLUMNS = [name for name, f in FEATURES.items() if f.stage == "coarse" and not f.definition and name not in ASKER]
EVERY = " + ".join(name for name in COLUMNS if name != "created_at") + " + timeliness(created_at, '7d')"


@pytest.fixture
def talk(clock: ManualClock) -> Iterator[Mind]:
    with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=clock) as mind:
        yield mind


def scope_of(mind: Mind) -> Scope:
    with mind._truth.read() as ledger:
        scope = ledger.places.find(Place("u", "relu", "agent:relu"))
    assert scope is not None
    return scope


def file_of(mind: Mind) -> Truth:
    assert isinstance(mind._truth, Truth)
    return mind._truth


def befores(mind: Mind) -> dict[str, str | None]:
    """For the text of each memory that can be recalled that of the one before it, as the truth tells an index."""
    scope = scope_of(mind)
    with mind._truth.read() as ledger:
        _, (rows,) = ledger.feed.tenant(scope.tenant_id)
        states = ledger.reading.states(scope, rows.memory_ids.tolist())
    texts: dict[int, str | None] = {state.memory_id: state.text for state in states}
    return {
        str(texts[id]): texts.get(of) for id, of in zip(rows.memory_ids.tolist(), rows.before.tolist(), strict=True)
    }


def in_step(mind: Mind) -> bool:
    """Whether the mind's index, which was asked before, holds every neighbour as one made anew."""
    return mind._index.differences(scope_of(mind).tenant_id) == []


def say(mind: Mind, *texts: str) -> list[str]:
    """These turns, answered each by an echo that cannot be recalled."""
    for text in texts:
        mind.contextualize(text, turn_id=text, **HERE)
    return [mind.add(Turn(text, id=text), **HERE)[0] for text in texts]


# -- the turn before ---------------------------------------------------------------------------------------------------


def test_an_echo_stands_between_no_turns(talk: Mind) -> None:
    """What a companion merely repeated cannot be recalled: the user's turns follow each other past it."""
    say(talk, "one", "two", "three")
    assert befores(talk) == {"one": None, "two": "one", "three": "two"}


def test_a_deleted_turn_is_stepped_over(talk: Mind) -> None:
    """Whom it stood between follow each other, through echoes too, also in an index that had linked them."""
    ids = dict(zip(("one", "two", "three", "four"), say(talk, "one", "two", "three", "four"), strict=True))
    talk.search("two", **HERE)
    for gone, left in (
        ("two", {"one": None, "three": "one", "four": "three"}),
        ("one", {"three": None, "four": "three"}),
        ("four", {"three": None}),
    ):
        talk.delete(ids[gone], **HERE)
        assert befores(talk) == left
        assert in_step(talk)


def test_a_deleted_fork_is_stepped_over_on_every_branch(talk: Mind) -> None:
    """All that followed a deleted turn follows what stood before it."""
    turns = [Turn("root", id="r"), Turn("fork", id="f"), Turn("left", id="l"), Turn("right", id="x", parent="f")]
    fork = talk.add(turns, **HERE)[1]
    talk.search("fork", **HERE)
    talk.delete(fork, **HERE)
    assert befores(talk) == {"root": None, "left": "root", "right": "root"}
    assert in_step(talk)


@pytest.mark.parametrize("order", [1, -1])
def test_far_back_is_another_topic(talk: Mind, order: int) -> None:
    """Only so many turns are stepped over; behind more that cannot be recalled a turn follows none."""
    texts = [f"turn {n}" for n in range(STEPS + 2)]
    ids = talk.add([Turn(text, id=text) for text in texts], **HERE)
    talk.search("turn", **HERE)
    for place in range(1, STEPS)[::order]:
        talk.delete(ids[place], **HERE)
        assert in_step(talk)
    assert befores(talk)[texts[STEPS]] == texts[0]
    talk.delete(ids[STEPS], **HERE)
    assert befores(talk) == {texts[0]: None, texts[-1]: None}
    assert in_step(talk)


def test_a_wrong_neighbour_is_told(talk: Mind) -> None:
    """A memory whose turn follows another, or was said in another session, than an index holds is named; no other."""
    talk.add([Turn(text) for text in ("one", "two", "three", "four")], session_id="s", **HERE)
    talk.add([Turn("elsewhere")], session_id="t", **HERE)
    talk.search("one", **HERE)
    assert in_step(talk)
    for statement in (
        "UPDATE turns SET parent_id = 1 WHERE id = 3",
        "UPDATE memories SET session_id = 2 WHERE id = 4",
    ):  # past the change log, as damage is
        talk._truth.write(lambda ledger, statement=statement: ledger._connection.exec_driver_sql(statement))  # type: ignore[misc]  # a default binds it
    assert talk._index.differences(scope_of(talk).tenant_id) == [3, 4]
    assert not all(finding.ok for finding in talk.diagnose())
    talk.mend()
    assert in_step(talk)


# -- in step -----------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["osaka", "tea", "cat", "rain", "yesterday", "sea?", "in May 2023", "大阪", "猫が好き"])
TEXTS = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
NUMBER = st.integers(0, 60)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), TEXTS, NUMBER),
        st.tuples(st.just("several"), TEXTS, NUMBER),
        st.tuples(st.just("fork"), TEXTS, NUMBER),
        st.tuples(st.just("secret"), TEXTS, NUMBER),
        st.tuples(st.just("speak"), TEXTS, NUMBER),
        st.tuples(st.just("update"), TEXTS, NUMBER),
        st.tuples(st.just("delete"), st.just(""), NUMBER),
        st.tuples(st.just("replace"), TEXTS, NUMBER),
        st.tuples(st.just("ask"), TEXTS, NUMBER),
    ),
    min_size=1,
    max_size=20,
)


class Life:
    """A talk in three sessions over days, and indexes that are asked now and then while it goes on."""

    def __init__(self, mind: Mind, clock: ManualClock) -> None:
        self.mind, self.clock = mind, clock
        self.turns: list[tuple[str, str]] = []  # (turn, session); a turn may be gone
        self.memories: list[str] = []
        self.indexes = [LocalIndex(file_of(mind).feed, 16, codes_from=codes) for codes in (10**9, 0, 12)]

    def live(self, act: str, text: str, number: int) -> None:
        session = f"s{number % 3}"
        turn = Turn(text, ("aya", "ben")[number % 2], id=f"t{len(self.turns)}", private=act == "secret")
        self.clock.forward(hours=number)
        with suppress(InvalidInput, NotFound):  # the turn or memory that it names is gone
            getattr(self, f"_{act}")(turn, session, number)

    def _add(self, turn: Turn, session: str, number: int) -> None:
        self.turns.append((str(turn.id), session))
        self.memories += self.mind.add(turn, session_id=session, **HERE)

    _secret = _add

    def _several(self, turn: Turn, session: str, number: int) -> None:
        count = 60 if number == 60 else 3  # sixty leave gists behind
        more = [Turn(f"{turn.text} {n}", turn.speaker, private=n == 2) for n in range(count)]
        self.memories += self.mind.add(more, session_id=session, **HERE)

    def _fork(self, turn: Turn, session: str, number: int) -> None:
        if self.turns:
            parent, session = self.turns[number % len(self.turns)]
            self._add(Turn(turn.text, turn.speaker, id=turn.id, parent=parent), session, number)

    def _speak(self, turn: Turn, session: str, number: int) -> None:
        self.turns.append((str(turn.id), session))
        self.mind.contextualize(turn.text, speaker=turn.speaker, turn_id=turn.id, session_id=session, **HERE)

    def _replace(self, turn: Turn, session: str, number: int) -> None:
        if self.turns:
            replaced, session = self.turns[number % len(self.turns)]
            self.mind.contextualize(turn.text, turn_id=turn.id, replaces=replaced, session_id=session, **HERE)
            self.turns.append((str(turn.id), session))

    def _update(self, turn: Turn, session: str, number: int) -> None:
        if self.memories:
            self.mind.update(self.memories[number % len(self.memories)], text=turn.text, **HERE)

    def _delete(self, turn: Turn, session: str, number: int) -> None:
        if self.memories:
            self.mind.delete(self.memories.pop(number % len(self.memories)), **HERE)

    def _ask(self, turn: Turn, session: str, number: int) -> None:
        for index in self.indexes[number % 2 :]:
            self.ask(index, turn.text, Reach())

    def ask(self, index: LocalIndex, text: str, reach: Reach) -> Candidates:
        vector = StubEmbedder().embed([text])[0]
        spans = ((START + DAY, START + 2 * DAY),)
        with file_of(self.mind).feed() as feed:
            return index.nominate(
                feed, 1, Question(text, parse_query(text).weights, vector, spans, asks_when=True), resolve(EVERY),
                reach, now=self.clock.now.timestamp(), seed=7, count=10_000,
                scalars={"mood_joy": 0.0, "mood_aversion": 0.0},
            )  # fmt: skip


REACHES = st.builds(
    Reach,
    present=st.sampled_from([(), (1,), (2,), (1, 2)]),
    allowed=st.none() | st.lists(NUMBER, max_size=40).map(only),
    exclude=st.lists(NUMBER, max_size=6),
    since=st.none() | st.just(START + DAY),
    until=st.none() | st.just(START + 9 * DAY),
    speaker_id=st.none() | st.integers(1, 3),
)


@settings(max_examples=200 if SOAK else 12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts=ACTS, query=TEXTS, reaches=st.lists(REACHES, min_size=1, max_size=3))
def test_an_index_in_step_knows_what_one_made_anew_knows(
    acts: list[tuple[str, str, int]], query: str, reaches: list[Reach]
) -> None:
    """Whatever was said, forked, changed, replaced and forgotten: every column of every reach, exact and coded."""
    clock = ManualClock()
    with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=clock) as mind:
        life = Life(mind, clock)
        for act in acts:
            life.live(*act)
        for index in life.indexes:
            assert index.differences(1) == []
            for reach in (Reach(), *reaches):
                anew = life.ask(LocalIndex(file_of(mind).feed, 16, codes_from=index._codes_from), query, reach)
                assert_same(life.ask(index, query, reach), anew)


def assert_same(left: Candidates, right: Candidates) -> None:
    first, second = np.argsort(left.memory_ids), np.argsort(right.memory_ids)
    np.testing.assert_array_equal(left.memory_ids[first], right.memory_ids[second])
    assert set(left.columns) == set(right.columns) == set(COLUMNS)
    for name in COLUMNS:
        one, other = left.columns[name][first], right.columns[name][second]
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=name)
        assert np.isfinite(one).all()


# -- in private --------------------------------------------------------------------------------------------------------

OPEN = ["The hive was calm.", "Who has the key to the shed?", "Ben has it, I believe.", "Then tea it is."]
SECRETS = ["The key lies under the third oak.", "Swordfish is the word.", "The tea is poisoned."]


@pytest.mark.parametrize("query", ["key oak", "swordfish tea", "Who has the key?", "poisoned hive"])
@pytest.mark.parametrize("others", [["ken"], []])
def test_a_secret_moves_no_score_of_what_is_said_around_it(query: str, others: list[str], clock: ManualClock) -> None:
    """For who may not hear them, every hit scores by its words and meaning as if the private turns had never been."""
    found = []
    for secrets in (SECRETS, []):
        with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=clock) as mind:
            for place, text in enumerate(OPEN):
                mind.add(Turn(text, "ken"), session_id="s", **HERE)
                if secrets and place < 3:
                    mind.add(Turn(secrets[place], "aya", private=True), session_id="s", **HERE)
            hits = mind.search(query, present=others, top_k=10, **HERE)
            found.append({hit.memory.text: (hit.score, hit.confidence, dict(hit.reasons)) for hit in hits})
    told, never = found
    assert told.keys() == never.keys() == set(OPEN)
    for text, (score, confidence, reasons) in told.items():
        assert (score, confidence) == pytest.approx(never[text][:2], abs=1e-7)
        assert reasons == pytest.approx(never[text][2], abs=1e-7)


def test_another_branch_moves_no_score(talk: Mind) -> None:
    """A reply on one branch brings back what it would had the other never been said, with the same scores."""
    talk.add([Turn("The hive was calm.", "ken", id="a"), Turn("Is it warm?", "ken", id="b")], session_id="s", **HERE)
    alone = talk.contextualize("How calm was the hive?", turn_id="c", parent="b", session_id="s", **HERE)
    talk.contextualize("Never mind.", turn_id="d", replaces="c", session_id="s", **HERE)
    talk.add([Turn("A calm hive, a calm day.", "ken", parent="a", id="e"), Turn("Calm hive.", "ken")], session_id="s",
             **HERE)  # fmt: skip
    forked = talk.contextualize("How calm was the hive?", turn_id="f", parent="b", session_id="s", **HERE)
    assert [hit.memory.text for hit in forked.recalled] == [hit.memory.text for hit in alone.recalled]
    assert [hit.score for hit in forked.recalled] == pytest.approx([hit.score for hit in alone.recalled], abs=1e-6)
