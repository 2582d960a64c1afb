"""Words by their sound: one spelling for each reading, and found by it where that is asked for."""

from __future__ import annotations

import pytest
from cutting import HERE, WORDS, found

from dmha import InvalidInput
from dmha.domain.dictionary import Dictionary
from dmha.domain.query import parse_query
from dmha.domain.readings import canonical, is_pinyin
from dmha.domain.segmentation import Segmentation
from dmha.mind import Mind


@pytest.mark.parametrize(
    ("reading", "letters"),
    [("ハセガワ", "はせがわ"), ("ﾊｾｶﾞﾜ", "はせがわ"), ("Chóng qìng", "chongqing"), ("chong2qing4", "chongqing"),
     ("Xī'ān", "xian"), ("nǚ", "nv"), ("コーヒー", "こーひー"), ("!?", "")],
)  # fmt: skip
def test_readings_have_one_spelling(reading: str, letters: str) -> None:
    """Kana compare as hiragana, pinyin without tones, marks and spaces."""
    assert canonical(reading) == letters


def test_pinyin_is_told_in_linear_time() -> None:
    """A row of vowels that ends in what no syllable has is told at once."""
    assert not is_pinyin("a" * 100_000 + "?")
    assert is_pinyin("chongqing")


@pytest.mark.parametrize(("said", "asked"), [("コーヒーが好き", "こーひー"), ("らーめんを食べた", "ラーメン")])
def test_either_kana_finds_the_other_where_it_is_asked_for(mind: Mind, said: str, asked: str) -> None:
    """Without a dictionary or an extra, by_reading finds katakana by hiragana and hiragana by katakana."""
    mind.add(said, **HERE)
    assert found(mind, asked) == []
    assert found(mind, asked, by_reading=True) == [said]


def test_a_word_in_kana_may_be_read_otherwise() -> None:
    """An entry's reading counts where it is not what the kana say themselves."""
    cut = Segmentation((), Dictionary([("トーキョー", "とうきょう"), ("ハセガワ", "はせがわ")], 1))
    assert cut.added("トーキョーのハセガワ") == ["トーキョー", "~とうきょう", "ハセガワ"]


@pytest.mark.parametrize("asked", ["ハセガワ", "長谷川"])
def test_a_word_weighs_nearly_as_much_by_its_sound(asked: str) -> None:
    """What sounds like a word weighs nine tenths of the word, whatever weight the query gives that."""
    cut = Segmentation((), WORDS)
    plain, weighed = (cut.widened(parse_query(f"{asked}{by} 見た"), by_reading=True).weights for by in ("", "^3"))
    assert weighed["~はせがわ"] == pytest.approx(3 * plain["~はせがわ"])
    alone = parse_query(asked).weights
    assert plain["~はせがわ"] == pytest.approx(0.9 * sum(alone.values()))


def test_a_written_word_finds_its_sound(mind: Mind) -> None:
    """長谷川 finds what was said in kana where the dictionary tells its reading."""
    mind.add("はせがわさんに会った", **HERE)
    mind.dictionary(**HERE).put("長谷川", "ハセガワ")
    assert found(mind, "長谷川", by_reading=True) == ["はせがわさんに会った"]


def test_by_reading_is_a_choice_of_two(mind: Mind) -> None:
    """Anything but true or false is refused."""
    with pytest.raises(InvalidInput, match="by_reading"):
        mind.search("x", by_reading="yes", **HERE)  # type: ignore[arg-type]  # what a caller may get wrong
