"""The preset `default`: what it takes as evidence, in three languages, and that time buries nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import Hit, Turn
from dmha.domain.ranking import resolve
from dmha.mind import Mind

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
TODAY = datetime(2026, 2, 10, 12, tzinfo=UTC)
MOST_THAT_LIFE_MOVES = 0.05  # of a score in which every word of a question is worth 1


def open_mind(path: Path, clock: ManualClock) -> Mind:
    return dmha.open(path, embedder=StubEmbedder(dimension=256), chat="extractive", clock=clock)


def gave(hit: Hit, feature: str) -> float:
    """What a feature of the preset gave a hit."""
    return next(given for term, given in hit.reasons.items() if term.split(" * ")[-1].lstrip("- ") == feature)


# -- three years -------------------------------------------------------------------------------------------------------

# Days ago, who, what; what is asked today; what was said today in some of its words. Retention at 0.2 instead of 0.02
# would put one of the latter first, at 0.5 all of them.
FACTS = (
    (1090, "mika", "We adopted a grey cat from the shelter and named her Pepper.",
     "What is the name of the grey cat from the shelter?", "A grey cat walked past the shelter."),
    (1000, "tom", "My grandfather built violins in Cremona.",
     "Who built violins in Cremona?", "They built a concert hall for violins, I love it!"),
    (880, "mika", "I broke my left wrist when I fell off a horse near Lyon.",
     "Which wrist broke when Mika fell off a horse?", "My wrist is sore, I almost fell off my bicycle."),
    (760, "tom", "I won the chess tournament in Bergen against a girl of eleven.",
     "Who won the chess tournament in Bergen?", "We won the chess tournament of our street, I am so happy!"),
    (640, "mika", "The doctor says that I am allergic to walnuts.",
     "What does the doctor say that Mika is allergic to?", "The doctor is allergic to Mondays, that is what it is."),
    (500, "tom", "I lost my wedding ring while diving in the lake.",
     "How was the wedding ring lost?", "I lost the ring binder, it makes me so angry!"),
    (410, "mika", "I signed the lease of the bakery on Elm Road.",
     "Where is the bakery of which Mika signed the lease?", "I signed for the parcel at the bakery."),
)  # fmt: skip
_DID = ("watered", "painted", "photographed", "cleaned", "described", "carried", "measured", "forgot")
_WHAT = ("the balcony", "an old map", "the bicycle", "a lantern", "the cupboard", "my coat", "the radio")
_HOW = ("before breakfast", "with my neighbour", "in the rain", "once more", "for the third time")


def three_years() -> list[tuple[str, list[Turn]]]:
    """Sessions of six turns, one every 37 days, each ending with what was told by then; the last is today's."""
    sessions = []
    waiting = list(FACTS)
    for number in range(30):
        ago = 1096 - 37 * number
        at = TODAY - timedelta(days=ago)
        said = [f"I {_DID[n % 8]} {_WHAT[n % 7]} {_HOW[n % 5]}." for n in range(6 * number, 6 * number + 6)]
        turns = [Turn(text, ("mika", "tom")[n % 2], at + timedelta(minutes=n)) for n, text in enumerate(said)]
        while waiting and waiting[0][0] >= ago - 36:
            days, who, fact, _, _ = waiting.pop(0)
            turns.append(Turn(fact, who, TODAY - timedelta(days=days)))
        sessions.append((f"session {number}", turns))
    chatter = [Turn(text, who, TODAY - timedelta(hours=1)) for _, who, _, _, text in FACTS]
    return [*sessions, ("today", chatter)]


@pytest.fixture(params=["added", "imported"])
def remembered(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Mind, ManualClock]]:
    """Three years of talk, all of it remembered today."""
    clock = ManualClock(TODAY)
    with open_mind(tmp_path / "companion.db", clock) as mind:
        for session, turns in three_years():
            mind.add(turns, session_id=session, **HERE)
        if request.param == "added":
            yield mind, clock
            return
        mind.export(tmp_path / "three years.jsonl", user_id="aya")
    with open_mind(tmp_path / "another.db", clock) as other:
        other.import_(tmp_path / "three years.jsonl", user_id="aya")
        yield other, clock


def firsts(mind: Mind) -> list[str]:
    return [mind.search(question, **HERE)[0].memory.text for _, _, _, question, _ in FACTS]


def test_a_three_year_history_imported_today_is_not_buried(remembered: tuple[Mind, ManualClock]) -> None:
    """What was told years ago comes first when it is asked for, before what shares its words and was said today."""
    mind, _ = remembered
    assert firsts(mind) == [fact for _, _, fact, _, _ in FACTS]


def test_weeks_of_recalling_other_things_bury_nothing(remembered: tuple[Mind, ManualClock]) -> None:
    """What was recalled fourteen times in four weeks does not come before an old answer that nobody recalled."""
    mind, clock = remembered
    for _ in range(14):
        clock.forward(days=2)
        for _, _, _, _, chatter in FACTS:
            mind.recall(chatter, top_k=1, **HERE)
    assert mind.search(FACTS[0][4], top_k=1, **HERE)[0].memory.recall_count == 14
    assert firsts(mind) == [fact for _, _, fact, _, _ in FACTS]


# -- how far a life may move what evidence says ----------------------------------------------------------------------

COLUMNS = sorted(resolve("default").needs)
LIFE = {term for term in resolve("default").terms if term.endswith(("retention", "importance"))}


def test_forgetting_and_feelings_weigh_little_in_the_preset() -> None:
    """Retention and importance at their most differ from their least by 0.05 or less together."""
    ranking = resolve("default")
    worn, fresh = np.array([0.0, 1.0]), np.zeros(2)
    columns = dict.fromkeys(ranking.needs, fresh) | {"importance": worn, "half_life": np.full(2, 60.0)}
    columns |= {"now": np.full(2, 1e9), "last_recalled_at": np.array([0.0, 1e9])}
    least, most = ranking.fine(columns, 2).total
    assert 0.0 < most - least <= MOST_THAT_LIFE_MOVES


ratios = st.floats(0.0, 1.0)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, ratios)), min_size=2, max_size=8))
def test_evidence_that_differs_by_more_keeps_its_order(rows: list[dict[str, float]]) -> None:
    """Whatever was recalled or felt, of two memories the one with 0.05 more in evidence stands before the other."""
    columns = {name: np.array([row[name] for row in rows]) for name in COLUMNS}
    scores = resolve("default").fine(columns, len(rows))
    evidence = sum(given for term, given in scores.terms.items() if term not in LIFE)
    ahead = np.subtract.outer(evidence, evidence) > MOST_THAT_LIFE_MOVES
    assert (np.subtract.outer(scores.total, scores.total)[ahead] > 0.0).all()


# -- evidence ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tongue:
    """The same talk in one language; of each pair that evidence parts, the one it favours first."""

    ben: str
    mika: str
    asked_and_answered: tuple[str, str]
    where: str
    outing: tuple[str, str, str, str]
    elsewhere: str
    soup_of_the_outing: str
    pet: str
    mikas_pet: str
    concert: str
    last_summer: str
    jazz: tuple[str, str]
    who_likes_jazz: str
    opened: tuple[str, str]
    when_opened: str
    where_opened: str


ENGLISH = Tongue(
    ben="ben", mika="mika",
    asked_and_answered=("Ben, where did you spend your holiday?", "On a small island, in a blue house."),
    where="Where did Ben spend his holiday?",
    outing=("Today was the marathon.", "The sun was out.", "So many people came.", "Then I made soup."),
    elsewhere="Today was the library.", soup_of_the_outing="The soup after the marathon",
    pet="I have a dog.", mikas_pet="Which dog does Mika have?",
    concert="We heard the concert by the sea.", last_summer="Which concert was it last summer?",
    jazz=("I really like jazz.", "Do you really like jazz?"), who_likes_jazz="who likes jazz",
    opened=("The shop opened in May.", "The shop opened in style."),
    when_opened="When was the shop opened?", where_opened="Where was the shop opened?",
)  # fmt: skip
JAPANESE = Tongue(
    ben="健", mika="美香",
    asked_and_answered=("健、夏休みはどこですごしたの？", "小さな島の青い家だよ。"),
    where="健は夏休みをどこですごした？",
    outing=("今日はマラソンだった。", "よく晴れていた。", "人が多かった。", "それからスープを作った。"),
    elsewhere="今日は図書館だった。", soup_of_the_outing="マラソンのときのスープ",
    pet="犬を飼っている。", mikas_pet="美香が飼っている犬は？",
    concert="海辺でコンサートを聴いた。", last_summer="去年の夏のコンサートは？",
    jazz=("ジャズは好きだよ。", "ジャズは好きかい？"), who_likes_jazz="ジャズが好きなのは？",
    opened=("店は五月に開いた。", "店は静かに開いた。"),
    when_opened="店はいつ開いた？", where_opened="店はどこに開いた？",
)  # fmt: skip
CHINESE = Tongue(
    ben="小健", mika="小美",
    asked_and_answered=("小健，你在哪里过的暑假？", "那座海岛，住蓝房子。"),
    where="小健在哪里过的暑假？",
    outing=("今天是马拉松。", "太阳很好。", "来了很多人。", "后来我煮了汤。"),
    elsewhere="今天去图书馆。", soup_of_the_outing="马拉松那天煮的汤",
    pet="我养了一只狗。", mikas_pet="小美的狗叫什么？",
    concert="我们在海边听了音乐会。", last_summer="去年夏天的音乐会怎么样？",
    jazz=("我很喜欢爵士乐。", "你喜欢爵士乐吗？"), who_likes_jazz="谁喜欢爵士乐？",
    opened=("商店五月开门了。", "商店悄悄开门了。"),
    when_opened="商店什么时候开门的？", where_opened="商店在哪里开门的？",
)  # fmt: skip

in_each_language = pytest.mark.parametrize("said", [ENGLISH, JAPANESE, CHINESE], ids=["en", "ja", "zh"])


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Mind]:
    with open_mind(tmp_path / "companion.db", ManualClock(TODAY)) as opened:
        yield opened


def tell(mind: Mind, session: str, turns: Sequence[str], speaker: str, at: datetime = TODAY) -> list[str]:
    return mind.add([Turn(text, speaker, at) for text in turns], session_id=session, **HERE)


def order(mind: Mind, query: str, ids: Sequence[str], ranking: str = "default") -> list[Hit]:
    """The hits among these memories, best first."""
    found = [hit for hit in mind.search(query, top_k=100, ranking=ranking, **HERE) if hit.memory.id in ids]
    assert len(found) == len(ids)
    return found


@in_each_language
def test_an_answer_is_found_by_the_words_of_the_question_before_it(library: Mind, said: Tongue) -> None:
    """An answer that shares no word with what is asked stands before all of its session but the turn it answers."""
    question, answer = said.asked_and_answered
    tell(library, "a", said.outing, said.ben)
    (asked,) = tell(library, "a", [question], said.mika)
    (right,) = tell(library, "a", [answer], said.ben)
    tell(library, "a", [said.pet, said.concert], said.ben)
    assert order(library, said.where, [right], ranking="static_bm25()")[0].score == 0.0
    first, second, *_ = (hit for hit in library.search(said.where, **HERE) if hit.memory.id != asked)
    assert first.memory.id == right
    assert gave(first, "words_nearby") > gave(second, "words_nearby")


@in_each_language
def test_what_was_said_in_the_session_asked_about_comes_first(library: Mind, said: Tongue) -> None:
    """Of two turns alike, the one in whose session the rest of the question's words were said is ahead."""
    right = tell(library, "a", said.outing, said.ben)[-1]
    wrong = tell(library, "b", [said.elsewhere, *said.outing[1:]], said.mika)[-1]
    first, second = order(library, said.soup_of_the_outing, [right, wrong])
    assert first.memory.id == right
    assert gave(first, "words_of_session") > gave(second, "words_of_session")


@in_each_language
def test_who_is_asked_about_is_heard_first(library: Mind, said: Tongue) -> None:
    """Of two turns alike, the one that the named speaker said is ahead."""
    (right,) = tell(library, "a", [said.pet], said.mika)
    (wrong,) = tell(library, "b", [said.pet], said.ben)
    first, second = order(library, said.mikas_pet, [right, wrong])
    assert first.memory.id == right
    assert gave(first, "exact_match_boost(speaker)") > gave(second, "exact_match_boost(speaker)") == 0.0


@in_each_language
def test_last_summer_is_last_summer(library: Mind, said: Tongue) -> None:
    """Of turns alike, the one said at the time that the question names is ahead of an earlier year's and of today's."""
    times = [datetime(year, month, 15, tzinfo=UTC) for year, month in ((2025, 7), (2024, 7), (2025, 12))]
    speakers = (said.ben, said.mika, "user")  # who says the same twice comes back once
    ids = [tell(library, who, [said.concert], who, at)[0] for who, at in zip(speakers, times, strict=True)]
    found = order(library, said.last_summer, ids)
    assert found[0].memory.id == ids[0]
    assert gave(found[0], "time_match") > max(gave(hit, "time_match") for hit in found[1:])


@in_each_language
def test_a_turn_that_only_asks_stands_behind_the_one_that_tells(library: Mind, said: Tongue) -> None:
    """Of two turns that say the same, the one that ends with a question is behind."""
    ids = [tell(library, session, [text], said.ben)[0] for session, text in zip("ab", said.jazz, strict=True)]
    tells, only_asks = order(library, said.who_likes_jazz, ids)
    assert [tells.memory.id, only_asks.memory.id] == ids
    assert gave(tells, "asks") == 0.0 > gave(only_asks, "asks")


@in_each_language
def test_when_prefers_the_turn_that_tells_a_time(library: Mind, said: Tongue) -> None:
    """Asked when, the turn that tells a time is ahead; asked where, telling a time gives nothing."""
    ids = [tell(library, session, [text], said.ben)[0] for session, text in zip("ab", said.opened, strict=True)]
    timely, other = order(library, said.when_opened, ids)
    assert timely.memory.id == ids[0]
    assert gave(timely, "when_match") > gave(other, "when_match") == 0.0
    assert all(gave(hit, "when_match") == 0.0 for hit in order(library, said.where_opened, ids))
