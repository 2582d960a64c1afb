"""Which memories say the same, and what becomes of those that are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Hit, Mind, Turn
from dmha.domain.sameness import ALIKE, MANNER, Told, collapse, without_manner, wording
from dmha.domain.words import MODALS, NEGATORS, NUMERALS, STOPWORDS

UTC = ZoneInfo("UTC")
DAY = 86_400.0
HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}


def told(text: str, *, speaker: str = "aya", kind: str = "episode", at: float = 0.0) -> Told:
    return Told(text, speaker, kind, at, (0.5,))


def groups(*texts: str | Told, most: int = 10, alike: bool = True) -> list[list[int]]:
    given = [text if isinstance(text, Told) else told(text) for text in texts]
    return collapse(given, most, UTC, lambda these, those: alike)


# -- the rule --------------------------------------------------------------------------------------------------------

SAME = [
    ("I live in Osaka.", "i live in OSAKA!!"),
    ("I live in Osaka", "“I live in Osaka…”"),
    ("Where is it?", "where is it ???"),
    ("犬が好きです。", "犬が好きです！"),
    ("我喜欢猫。", "我喜欢猫～"),
    ("It's 10:30, isn't it?", "it’s 10:30 isn’t it?"),
    ("I live (in Osaka): now", "I live in Osaka; now"),
    ("!!!", "!!!"),
    ("好！我去。", "好，我去"),
    ('"I live in Osaka," he said', "I live in Osaka – he said"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_case_and_punctuation_make_no_other_memory(one: str, other: str) -> None:
    """The same words say the same however they are written, whatever the vectors tell."""
    assert groups(one, other, alike=False) == [[0, 1]]


MANNERED = [
    ("I love sushi.", "I really love sushi!"),
    ("Yeah, I work at a bank.", "I work at a bank"),
    ("I do not like coffee", "I don't like the coffee."),
    ("I am allergic to peanuts", "Oh, I'm allergic to peanuts."),
    ("We cannot go", "we can't go"),
    ("I won't go", "I will not go"),
]


@pytest.mark.parametrize(("one", "other"), MANNERED)
def test_manner_makes_no_other_memory_where_the_vectors_agree(one: str, other: str) -> None:
    """Fillers, articles and short forms are let go of, but only with a vector that says the same."""
    assert groups(one, other) == [[0, 1]]
    assert groups(one, other, alike=False) == [[0], [1]]


OTHER = [
    ("I live in Osaka.", "I live in Tokyo."), ("I like coffee.", "I do not like coffee."),
    ("I can swim", "I can't swim"), ("I have two cats", "I have three cats"), ("It was -5", "It was 5"),
    ("It is 1.5 m", "It is 15 m"), ("It is .5 m", "It is 5 m"), ("The meeting is at 10:30", "The meeting is at 11:30"),
    ("Ben hit Aya.", "Aya hit Ben."), ("I prefer tea to coffee", "I prefer coffee to tea"),
    ("I lent him money", "He lent me money"), ("I work at a bank", "I worked at a bank"),
    ("I take it before dinner", "I take it after dinner"), ("The light is on", "The light is off"),
    ("I might quit", "I quit"), ("All of them came", "Some of them came"), ("I go with Ben", "I go without Ben"),
    ("You live in Osaka?", "You live in Osaka."), ("I never drink", "I drink"), ("His sister", "Her sister"),
    ("犬が好きです", "犬が好きではないです"), ("猫を2匹飼っている", "猫を3匹飼っている"), ("我喜欢猫", "我不喜欢猫"),
    ("不，可以", "不可以"), ("I love it 😍", "I love it 😡"), ("...", "!!!"),
    ("I passed :)", "I passed :("), ("I passed :-)", "I passed :-("), ("I passed =)", "I passed =("),
    ("I got it :D", "I got it D:"), ("x != 0", "x = 0"), ("It was –5 degrees", "It was 5 degrees"),
    ("It is - 5", "It is 5"), ("a 6' pole", 'a 6" pole'), ("I was there 2019–2021", "I was there 2019, 2021"),
    ("My grade is A-", "My grade is A"), ("I am O-", "I am O"), ("call a_b", "call a b"), ("x[1]", "x 1"),
    ("see example.com", "see example com"), ("I am not very hungry", "I am not hungry"),
    ("I don't really hate him", "I don't hate him"), ("She is in the ER", "She is in the"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_fact_never_collapses(one: str, other: str) -> None:
    """Names, numbers, negation, order, tense, person, what asks: where one differs both stay, vectors or not."""
    assert groups(one, other) == [[0], [1]]


def test_only_one_speaker_and_one_kind_repeat_themselves() -> None:
    """What another says, or what is remembered as something else, is another memory."""
    assert groups("hi there", told("hi there", speaker="ben"), told("hi there", kind="lore")) == [[0], [1], [2]]


def test_a_relative_time_is_meant_from_when_it_was_said() -> None:
    """ "Today" is the same on the same day alone; a dated event is the same whenever it is told."""
    gym = "I go to the gym today."
    assert groups(told(gym), told(gym, at=3_600.0), told(gym, at=2 * DAY)) == [[0, 1], [2]]
    born = "I was born on 3 May 1990."
    assert groups(told(born, at=12_000 * DAY), told(born, at=13_000 * DAY)) == [[0, 1]]


@pytest.mark.parametrize("at", [-62_135_596_800.0, 253_402_300_799.0])
def test_what_has_no_date_but_the_first_or_the_last_is_told_apart_by_its_moment(at: float) -> None:
    """0001-01-01 and 9999-12-31, as importers write that know no date, lie outside the calendar of some zone."""
    gym = told("I go to the gym today.", at=at)
    for zone in ("America/New_York", "Asia/Tokyo"):
        said = collapse([gym, gym, told(gym.text, at=DAY)], 10, ZoneInfo(zone), lambda these, those: True)
        assert said == [[0, 1], [2]]


def test_places_are_filled_with_what_comes_next() -> None:
    """As many that say something of their own as are wanted, each with all that repeat it, also from behind."""
    said = ["tea", "Tea!", "rain", "sea", "tea.", "rain"]
    assert groups(*said, most=2) == [[0, 1, 4], [2, 5]]
    assert groups(*said, most=3) == [[0, 1, 4], [2, 5], [3]]
    assert groups(most=3) == []


def test_words_of_manner_are_no_words_of_meaning() -> None:
    """None denies, counts or conditions; all are stop-words, so that texts without them earn what others do."""
    assert MANNER <= STOPWORDS
    assert not MANNER & (NEGATORS | MODALS | NUMERALS.keys())


@given(st.text())
def test_any_text_has_a_wording(text: str) -> None:
    """Whatever the text, it says the same as itself, and only an empty one has no words left."""
    words = without_manner(wording(text))
    assert bool(words) == bool(wording(text))
    assert groups(text, text, alike=False) == ([[0, 1]] if wording(text) else [[0], [1]])


# -- through the mind ------------------------------------------------------------------------------------------------


class Likes(StubEmbedder):
    """Any two texts of one speaker are as alike as told."""

    def __init__(self, cosine: float, scripts: frozenset[str] | None = None) -> None:
        super().__init__(4, f"likes {cosine}")
        self._angle = float(np.arccos(cosine))
        if scripts is not None:
            self.scripts = scripts

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        turned = [self._angle * (text.startswith("aya: ") and "really" in text) for text in texts]
        return np.array([[np.cos(angle), np.sin(angle), 0.0, 0.0] for angle in turned], np.float32)


def remembering(path: Path, embedder: StubEmbedder, *texts: str) -> tuple[Mind, list[str]]:
    mind = dmha.open(path, embedder=embedder, chat="extractive", clock=ManualClock())
    return mind, mind.add([Turn(text, "aya") for text in texts], **HERE)


def named(hits: list[Hit]) -> list[set[str]]:
    return [{hit.memory.id, *hit.also} for hit in hits]


@pytest.mark.parametrize(("cosine", "collapsed"), [(ALIKE + 0.01, True), (ALIKE - 0.01, False)])
def test_variants_collapse_from_a_cosine_on(database: Path, cosine: float, collapsed: bool) -> None:
    """Words that agree but for manner are one hit where the vectors are alike enough, else two."""
    mind, ids = remembering(database, Likes(cosine), "I love sushi", "I really love sushi", "I love rain")
    with mind:
        found = named(mind.search("sushi", **HERE))
    assert ({ids[0], ids[1]} in found) == collapsed
    assert {ids[2]} in found


def test_without_vectors_the_words_tell(database: Path) -> None:
    """Where the embedder does not serve the script, the same words are one hit, and no others."""
    mind, ids = remembering(database, Likes(1.0, frozenset({"Latin"})), "犬が好き。", "犬が好き！", "猫が好き")
    with mind:
        assert named(mind.search("犬", **HERE)) == [{ids[0], ids[1]}, {ids[2]}]


def test_hits_are_filled_up_past_repeats(database: Path) -> None:
    """Twelve times the same takes one of the places asked for."""
    texts = ["I love tea", "I drink tea at noon", "My tea is green"]
    mind, ids = remembering(database, StubEmbedder(), *[texts[0]] * 12, *texts[1:])
    with mind:
        hits = mind.search("tea", top_k=3, **HERE)
        assert sorted(len(hit.also) for hit in hits) == [0, 0, 11]
        assert set().union(*named(hits)) == set(ids)
        assert [hit.memory.text for hit in mind.search("tea", top_k=1, **HERE)] == [hits[0].memory.text]


def test_recall_strengthens_the_one_brought_back_alone(database: Path) -> None:
    """Those that were left out stay as they were."""
    mind, ids = remembering(database, StubEmbedder(), "I love tea", "I love tea!")
    with mind:
        (hit,) = mind.recall("tea", **HERE)
        counts = {id: mind.get(id, **HERE).recall_count for id in ids}
    assert counts == {hit.memory.id: 1, hit.also[0]: 0}


def test_a_keyed_recall_tells_again_what_was_left_out(database: Path) -> None:
    """The same key gives the same `also`, without what was deleted since."""
    mind, _ = remembering(database, StubEmbedder(), "I love tea", "I love tea!", "i love tea")
    with mind:
        (first,) = mind.recall("tea", key="k", **HERE)
        (again,) = mind.recall("tea", key="k", **HERE)
        assert len(first.also) == 2
        assert again.also == first.also
        mind.delete(first.also[0], **HERE)
        (last,) = mind.recall("tea", key="k", **HERE)
        assert last.also == first.also[1:]


def test_a_secret_names_no_repeat_to_those_not_present(database: Path) -> None:
    """`also` has only what the asker may hear."""
    mind, _ = remembering(database, StubEmbedder(), "I love tea")
    with mind:
        (secret,) = mind.add(Turn("I love tea!", "aya", private=True), **HERE)
        assert [hit.also for hit in mind.search("tea", **HERE)] == [()]
        (hit,) = mind.search("tea", present=["aya"], **HERE)
        assert secret in {hit.memory.id, *hit.also}


def test_repeats_crowd_nothing_out(database: Path, clock: ManualClock) -> None:
    """What was said a hundred times leaves room for all that was not, and names each of its repeats."""
    with dmha.open(database, embedder=StubEmbedder(), clock=clock) as mind:
        mind.add([Turn("good morning", "aya") for _ in range(100)], **HERE)
        mind.add([Turn(f"the garden has rose number {i}", "aya") for i in range(30)], **HERE)
        hits = mind.search("good morning", top_k=10, **HERE)
    assert len(hits) == 10
    assert [len(hit.also) for hit in hits] == [99] + 9 * [0]


def test_what_was_told_in_private_decides_no_repeat(tmp_path: Path, clock: ManualClock) -> None:
    """Two sayings are one for those who hear no secret, however many secrets are like them."""

    class Careless(StubEmbedder):
        def embed(self, texts: list[str]) -> NDArray[np.float32]:
            return super().embed([text.replace("really ", "") for text in texts])

    def told_beside(secrets: int) -> list[tuple[str, int]]:
        with dmha.open(tmp_path / f"{secrets}.db", embedder=Careless(), clock=clock) as mind:
            mind.add([Turn(text, "aya") for text in ("I love sushi", "something else", "I really love sushi")], **HERE)
            mind.add([Turn("I love sushi", "aya", private=True) for _ in range(secrets)], **HERE, session_id="apart")
            return [(hit.memory.text, len(hit.also)) for hit in mind.search("do I love sushi?", **HERE)]

    assert told_beside(9) == told_beside(0)


def test_a_keyed_recall_is_the_same_however_it_is_written(database: Path, clock: ManualClock) -> None:
    """A retry may name who is there, and what it asks of metadata, in any order, and say the defaults."""
    with dmha.open(database, embedder=StubEmbedder(), clock=clock) as mind:
        mind.add(Turn("I like tea", "aya", metadata={"a": 1, "b": 2}), **HERE)
        first = mind.recall("tea", key="k", present={"aya", "ben"}, metadata={"a": 1, "b": 2}, **HERE)
        again = mind.recall(
            "tea", key="k", present=(name for name in ("ben", "aya")), metadata={"b": 2, "a": 1}, top_k=10, **HERE
        )
    assert [hit.memory.id for hit in again] == [hit.memory.id for hit in first] != []
