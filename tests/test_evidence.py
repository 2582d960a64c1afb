"""What a question's words say of turns, to the number; and the columns beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from said import Said, rows

from dmha.domain.expressions import FEATURES
from dmha.domain.marks import ASKS, TELLS_TIME, marks
from dmha.domain.query import parse_query
from dmha.domain.ranking import resolve, time_match
from dmha.domain.terms import K1, PRIOR_DOCUMENTS, idf
from dmha.domain.text import terms
from dmha.index.arrays import TenantArrays
from dmha.index.evidence import AFTER, BEFORE, STRETCH_B, STRETCH_HALF, USUAL_STRETCH, Words
from dmha.index.table import Asked, Table
from dmha.records import Question, Reach

DAY = 86_400.0
ONCE = 1 / K1  # a word said once in a usual utterance, in units of what half saturates
NOWHERE = "unheard"


def held(*said: Said) -> TenantArrays:
    return TenantArrays(4, len(said), [rows(*said)])


def asked(arrays: TenantArrays, *words: str, reach: Reach = Reach(), **weights: float) -> Words:  # noqa: B008 - frozen
    return arrays.words(dict.fromkeys(words, 1.0) | weights, arrays.audible(reach), reach.exclude)


def saturated(count: float) -> float:
    return count / (count + 1)


# -- words -----------------------------------------------------------------------------------------------------------


def test_words_of_neighbours_are_counted_together_before_they_saturate() -> None:
    """One word in the middle of three: its own count, and a part of it before and after."""
    arrays = held(Said(1), Said(2, 1, {"tea": 1}), Said(3, 2), Said(4, 3))
    expected = [saturated(AFTER * ONCE), saturated(ONCE), saturated(BEFORE * ONCE), 0]
    assert asked(arrays, "tea").nearby() == pytest.approx(expected, rel=1e-6)


def test_a_word_said_around_too_adds_up() -> None:
    """Counts of the turn, of the one before and of the one after are one count."""
    arrays = held(Said(1, -1, {"tea": 2}), Said(2, 1, {"tea": 1}), Said(3, 2, {"tea": 3}))
    counts = [2 + AFTER * 1, 1 + BEFORE * 2 + AFTER * 3, 3 + BEFORE * 1]
    assert asked(arrays, "tea").nearby() == pytest.approx([saturated(count * ONCE) for count in counts], rel=1e-6)


def test_a_fork_lends_its_words_to_every_branch_and_borrows_the_first_one_s() -> None:
    """What was said before counts for each turn that followed it; after it comes the first said alone."""
    arrays = held(Said(1, -1, {"sea": 1}), Said(2, 1, {"tea": 1}), Said(3, 1, {"tea": 1, "rain": 1}), Said(4, 3))
    once, before = saturated(ONCE), saturated(BEFORE * ONCE)
    assert asked(arrays, "sea").nearby() == pytest.approx([once, before, before, 0], rel=1e-6)
    assert asked(arrays, "tea").nearby() == pytest.approx([saturated(AFTER * ONCE), once, once, before], rel=1e-6)
    assert asked(arrays, "rain").nearby() == pytest.approx([0, 0, once, before], rel=1e-6)


def test_a_score_is_a_share_of_the_most_that_the_question_could_earn() -> None:
    """Each term is worth its weight and its rarity; what nobody ever said is worth the most, and is missed."""
    arrays = held(Said(1, -1, {"tea": 1, "cat": 1}), Said(2, -1, {"tea": 4}), Said(3, -1, {}))
    documents = 3 + PRIOR_DOCUMENTS
    tea, cat, nowhere = 3 * idf(documents, 2), idf(documents, 1), idf(documents, 0)
    words, most = asked(arrays, "cat", NOWHERE, tea=3.0), tea + cat + nowhere
    alone = [(tea + cat) * saturated(ONCE) / most, tea * saturated(4 * ONCE) / most, 0]
    assert words.alone() == pytest.approx(alone, rel=1e-6)
    assert words.nearby() == pytest.approx(alone, rel=1e-6)
    half = STRETCH_HALF * (1 - STRETCH_B + STRETCH_B * 3 / USUAL_STRETCH)
    stretch = (tea * 5 * ONCE / (5 * ONCE + half) + cat * ONCE / (ONCE + half)) / most
    assert words.stretch() == pytest.approx([stretch] * 3, rel=1e-6)


def test_a_stretch_lends_to_its_own_and_gists_get_none() -> None:
    """The same session on another day, another session, and what was made of them do not know of it."""
    said = [Said(1, -1, {"tea": 1}), Said(2), Said(3, at=DAY), Said(4, session=2), Said(5, -1, {"tea": 1}, session=-1)]
    stretch = asked(held(*said), "tea").stretch()
    assert stretch[0] == stretch[1] > 0
    assert stretch[2:].tolist() == [0, 0, 0]


def test_a_long_stretch_is_worth_less_for_the_same_words() -> None:
    """A word in ten usual stretches' length stands for less than one in a usual stretch."""
    said = [Said(1, -1, {"tea": 1}, length=300), Said(2, -1, {"tea": 1}, session=2, length=10), Said(3, session=2)]
    said.append(Said(4, session=2, length=2_990))
    arrays = held(*said)
    stretch = asked(arrays, "tea").stretch()
    counts = [1 / (K1 * (0.9 + 0.1 * length / 10)) for length in (300, 10)]
    halves = [1 - STRETCH_B + STRETCH_B * size / USUAL_STRETCH for size in (30, 301)]
    expected = [count / (count + STRETCH_HALF * half) for count, half in zip(counts, halves, strict=True)]
    assert stretch[:2] == pytest.approx(expected, rel=1e-6)


# -- what is not heard -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", [Reach(), Reach(present=[7]), Reach(exclude=[2, 4, 6]), Reach(exclude=[2, 99])])
def test_the_unheard_move_no_score(reach: Reach) -> None:
    """By every score the heard stand as in a tenant where nothing else was ever said: links, rarity and lengths too."""
    said = [
        Said(1, -1, {"tea": 1}), Said(2, 1, {"tea": 2, "secret": 1}, private_to=7), Said(3, 2, {"sea": 1}),
        Said(4, 3, {"secret": 1}, private_to=8), Said(5, 4, {"tea": 1}), Said(6, 3, {"sea": 2}, length=40),
    ]  # fmt: skip
    arrays = held(*said)
    heard = arrays.audible(reach)
    assert heard is not None
    rows_heard = np.flatnonzero(heard)
    kept = [said[row] for row in rows_heard]
    ids = {turn.id: turn.before for turn in said}

    def nearest(id: int) -> int:
        return id if id < 0 or any(turn.id == id for turn in kept) else nearest(ids[id])

    without = held(*(Said(t.id, nearest(t.before), t.words, private_to=t.private_to, length=t.length) for t in kept))
    words = ("tea", "sea", "secret", NOWHERE)
    told, never = asked(arrays, *words, reach=reach), asked(without, *words, reach=Reach(present=[7, 8]))
    for score in (Words.alone, Words.nearby, Words.stretch):
        np.testing.assert_array_equal(score(told)[rows_heard], score(never))


# -- the columns beside them -------------------------------------------------------------------------------------------


def column(arrays: TenantArrays, name: str, question: Question, reach: Reach = Reach()) -> list[float]:  # noqa: B008 - frozen
    """One column of all rows, as a ranking that reads it alone gets it."""
    table = Table(arrays, Asked(question, resolve(name), {"now": 0.0}, 7), reach)
    return [float(value) for value in table.found(np.arange(arrays.count)).columns[name]]


def test_marks_are_columns() -> None:
    """What asks is told from what does not; what tells a time counts where the question asks for one."""
    arrays = held(Said(1, -1, {ASKS: 1}), Said(2, 1, {TELLS_TIME: 1, "tea": 1}), Said(3, 2))
    when = Question("when", {}, None, asks_when=True)
    assert column(arrays, "asks", when) == [1, 0, 0]
    assert column(arrays, "when_match", when) == [0, 1, 0]
    assert column(arrays, "when_match", Question("what", {}, None)) == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Shall we go?", [ASKS]),
        ("Shall we? No.", []),
        ("We went in May 2023.", [TELLS_TIME]),
        ("昨日行った？", [ASKS, TELLS_TIME]),
        ("", []),
        ("?", [ASKS]),
        ("\x00asks \x00tells time", []),
    ],
)
def test_a_text_bears_its_marks(text: str, expected: list[str]) -> None:
    """A last sentence that asks, a time that is told; nobody can say a mark."""
    assert [mark for mark in marks(text) if mark in {ASKS, TELLS_TIME}] == expected
    assert not {ASKS, TELLS_TIME} & {*terms(text), *parse_query(text).weights}


def test_wordiness_is_full_from_two_usual_utterances_on() -> None:
    """A turn's length in usual ones, halved, at most 1."""
    arrays = held(*(Said(id, length=length) for id, length in enumerate((0, 5, 20, 21, 10**6), 1)))
    assert column(arrays, "wordiness", Question("", {}, None)) == [0, 0.25, 1, 1, 1]


def test_a_moment_is_near_a_time_by_halves() -> None:
    """1 within, half at five days before and at ten days after, a quarter at twice as far; the nearest span counts."""
    at = np.array([0, 10, 20, -5, -10, 30, 40]) * DAY
    expected = [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert time_match(at, [(0.0, 10 * DAY)]) == pytest.approx(expected)
    assert time_match(at, [(0.0, 10 * DAY), (40 * DAY, 40 * DAY)]).tolist()[-2:] == [0.25, 1]
    assert time_match(at, []).tolist() == [0] * 7


def test_a_time_may_be_open_at_either_end() -> None:
    """Since then, until then, and whenever; a moment of ever after or never is as near as it is."""
    at = np.array([-5 * DAY, 0.0, 10 * DAY])
    assert time_match(at, [(0.0, math.inf)]).tolist() == [0.5, 1, 1]
    assert time_match(at, [(-math.inf, 0.0)]).tolist() == [1, 1, 0.5]
    assert time_match(at, [(-math.inf, math.inf)]).tolist() == [1, 1, 1]
    assert time_match(at, [(math.inf, math.inf), (-math.inf, -math.inf)]).tolist() == [0, 0, 0]
    assert time_match(np.array([-1e18, 1e18]), [(0.0, 1.0)]).tolist() == [0, 0]


# -- always a number ---------------------------------------------------------------------------------------------------

# Every name of the language that an index gives as a column of its own.
COLUMNS = [name for name, feature in FEATURES.items() if feature.stage == "coarse" and not feature.definition]
ROW_COLUMNS = [name for name in COLUMNS if name not in {"now", "random()", "mood_joy", "mood_aversion"}]


@pytest.mark.parametrize("query", ["", "the of and", "のが", "的了", "tea^1e-300", "tea^100", "\x00asks", "tea " * 500])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_every_column_is_a_number_whatever_is_asked(query: str, count: int) -> None:
    """Of an empty tenant, of stop-words alone, of the least and the greatest weight: finite, a ratio within 0..1."""
    arrays = held(*(Said(id, id - 1, {"tea": 65_535, "cat": 1}, length=65_536) for id in range(1, count + 1)))
    question = Question(query, parse_query(query).weights, None, ((-math.inf, math.inf),), asks_when=True)
    for name in ROW_COLUMNS:
        values = np.array(column(arrays, name, question))
        assert len(values) == count
        assert np.isfinite(values).all()
        assert FEATURES[name].unit != "ratio" or ((values >= 0) & (values <= 1)).all()
