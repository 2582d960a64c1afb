"""Appraisal, mood and importance: the sign of a feeling in three languages, and the leaky sum's exact histories."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain import lexicon
from dmha.domain.affect import MOOD_HALF_LIFE, Impulse, appraise, importance, mood
from dmha.domain.text import terms
from dmha.types import Affect

OPPOSITES = [
    ("I am happy", "I am not happy"),
    ("I love this song!", "I hate this song!"),
    ("I like coffee", "I don't like coffee"),
    ("What a wonderful day", "What a horrible day"),
    ("I wasn't sad at all", "I was very sad"),
    ("嬉しいです", "嬉しくない"),
    ("猫が好きです", "猫が好きではありません"),
    ("映画は面白かった", "映画は面白くなかった"),
    ("最高の一日だった", "最悪の一日だった"),
    ("とても楽しい", "とても悲しい"),
    ("开心", "不开心"),
    ("我喜欢咖啡", "我不喜欢咖啡"),
    ("今天很高兴", "今天很难过"),
    ("没有那么讨厌", "没有那么喜欢"),
    ("😊", "😭"),
]


@pytest.mark.parametrize(("sweet", "bitter"), OPPOSITES)
def test_opposite_texts_are_felt_oppositely(sweet: str, bitter: str) -> None:
    """The one gives joy without aversion, the other aversion without joy."""
    assert appraise(sweet).joy > 0.0 == appraise(sweet).aversion
    assert appraise(bitter).aversion > 0.0 == appraise(bitter).joy


@pytest.mark.parametrize(
    "text", ["My father died in an accident", "祖母が事故で亡くなった", "外婆去世了", "He was abused"]
)
def test_harm_is_felt_as_trauma(text: str) -> None:
    """Death, accident and abuse are of a kind of their own."""
    assert appraise(text).trauma > 0.6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The train leaves at nine.",
        "It looks like rain",
        "明日は火曜日です",
        "fact: aya.mood = I hate it",
        "nobody died",
    ],
)
def test_what_shows_no_feeling_is_neutral(text: str) -> None:
    """Plain statements, fact lines and harm denied give nothing."""
    assert appraise(text) == Affect()


def test_weights_add_up_as_the_page_says() -> None:
    """One plain word is 1 - exp(-0.5); tone, strength and negation multiply it."""
    assert appraise("happy").joy == 1 - math.exp(-0.5)
    assert appraise("happy!").joy == 1 - math.exp(-0.5 * 1.15)
    assert appraise("happy?").joy == 1 - math.exp(-0.5 * 0.5)
    assert appraise("very happy").joy == 1 - math.exp(-0.5 * 1.5)
    assert appraise("slightly happy").joy == 1 - math.exp(-0.5 * 0.6)
    assert appraise("not happy").aversion == 1 - math.exp(-0.5 * 0.7)
    assert appraise("amazing").joy == appraise("happy, happy").joy == 1 - math.exp(-1.0)


TEXTS = st.text(st.characters(exclude_categories=())) | st.lists(
    st.sampled_from(
        ["happy", "not", "very", "died", "嬉し", "くない", "不", "开心", "！", "?", ",", "\n", "fact:", "😊"]
    )
).map("".join)


@given(TEXTS)
def test_feelings_and_importance_stay_within_bounds(text: str) -> None:
    """No text is felt, or matters, less than 0 or more than 1."""
    affect = appraise(text)
    assert all(0.0 <= felt <= 1.0 for felt in (affect.joy, affect.aversion, affect.trauma))
    assert 0.0 <= importance(affect, text, len(terms(text))) <= 1.0


LEXICON = [
    word
    for name, table in vars(lexicon).items()
    if name.endswith(("_JOY", "_AVERSION", "_TRAUMA", "_STRONG"))
    for word in sorted(table)
    if word != "like"
]


@pytest.mark.parametrize("around", ["{}", "so 1,000'but'{}?", "“{}” it was; 3.5", "3.5{}", "Well:{},\u200bbut"])
def test_every_word_of_the_lexicon_is_felt(around: str) -> None:
    """No neighbour hides a word of the lexicon, except "like", which needs someone who likes."""
    assert [word for word in LEXICON if appraise(around.format(word)) == Affect()] == []


def test_a_mood_halves_in_six_hours() -> None:
    """One impulse is the mood at its moment; its evidence halves each half-life; what is to come is not felt."""
    impulse = Impulse(1000.0, Affect(joy=0.75))
    assert mood([impulse], 1000.0).joy == pytest.approx(0.75, abs=1e-12)
    assert mood([impulse], 1000.0 + MOOD_HALF_LIFE).joy == pytest.approx(0.5, abs=1e-12)
    assert mood([impulse, impulse], 1000.0 + MOOD_HALF_LIFE).joy == pytest.approx(0.75, abs=1e-12)
    assert mood([impulse], 999.0) == Affect()
    assert mood([], 0.0) == Affect()


UNIT = st.floats(0.0, 1.0)
IMPULSES = st.lists(st.builds(Impulse, st.floats(0.0, 1e6), st.builds(Affect, UNIT, UNIT, UNIT)), max_size=12)


@given(IMPULSES, st.randoms())
def test_a_mood_is_bounded_and_free_of_order(impulses: list[Impulse], order: Random) -> None:
    """Each part stays in 0..1, and shuffled impulses give exactly the same mood."""
    felt = mood(impulses, 1e6)
    assert all(0.0 <= part <= 1.0 for part in (felt.joy, felt.aversion, felt.trauma))
    shuffled = list(impulses)
    order.shuffle(shuffled)
    assert mood(shuffled, 1e6) == felt


def evidence(felt: float) -> float:
    return -math.log1p(-felt)


@given(IMPULSES, st.floats(0.0, 0.9))
def test_an_impulse_adds_its_own_part_and_no_more(others: list[Impulse], joy: float) -> None:
    """The sum is linear: taking an impulse away takes its decayed evidence, and leaves the others' as it was."""
    calm = [Impulse(other.at, Affect(joy=other.affect.joy / 2)) for other in others]
    struck = mood([*calm, Impulse(1e6 - MOOD_HALF_LIFE, Affect(joy=joy))], 1e6)
    assert evidence(struck.joy) - evidence(joy) / 2 == pytest.approx(evidence(mood(calm, 1e6).joy), abs=1e-9)
    assert struck.aversion == struck.trauma == 0.0


def test_a_calm_mood_stays_far_from_overflow() -> None:
    """An impulse of a thousand years ago is gone, and a full one does not fill the mood for ever."""
    assert mood([Impulse(0.0, Affect(joy=1.0))], 3e10) == Affect()
    assert mood([Impulse(0.0, Affect(joy=1.0))], 4 * MOOD_HALF_LIFE).joy < 0.4


def test_importance_is_the_sum_that_the_page_gives() -> None:
    """Feelings, statements, specifics, length and wishes each add; a bare word has the least."""

    def matters(affect: Affect, text: str) -> float:
        return importance(affect, text, len(terms(text)))

    assert matters(Affect(), "") == 0.1
    assert matters(Affect(joy=0.5, aversion=0.5), "") == pytest.approx(0.1 + 0.35 * 0.75)
    assert matters(Affect(), "fact: a.b = c") > matters(Affect(), "a.b = c") + 0.19
    assert matters(Affect(), "We met Naomi on 5 May") > matters(Affect(), "we met someone then")
    assert matters(Affect(), "いつか大阪に行きたいです") > matters(Affect(), "大阪に行きます") + 0.05
