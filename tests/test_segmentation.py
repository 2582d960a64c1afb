"""The pipeline from a text to its terms: every step shown, and nothing taken away by what is added."""

from __future__ import annotations

from pathlib import Path

import pytest
from cutting import HERE, WORDS, Halves, found, open_mind
from hypothesis import given
from hypothesis import strategies as st

from dmha import Turn
from dmha.domain.dictionary import Dictionary
from dmha.domain.query import parse_query
from dmha.domain.segmentation import Segmentation
from dmha.domain.text import terms

MIXED = st.text(st.sampled_from("aZ n'é1,.。！？「」 \n東京猫のスカーツー한글重庆ﾊﾝｶｸ\u200b́"), max_size=60)


@given(MIXED)
def test_rules_alone_give_the_terms_that_they_gave(text: str) -> None:
    """Without a dictionary and a cutter, the words' terms together are the text's, and nothing is added."""
    analysis = Segmentation().analyze(text)
    assert analysis.terms == tuple(terms(text))
    of_words = [term for sentence in analysis.sentences for word in sentence.words for term in word.terms]
    assert of_words == terms("\n".join(sentence.text for sentence in analysis.sentences))


@given(MIXED)
def test_what_is_added_takes_nothing_away(text: str) -> None:
    """With a dictionary and a cutter the terms begin with those of the rules, and a query keeps its own."""
    both = Segmentation((Halves(),), WORDS)
    assert both.analyze(text).terms[: len(terms(text))] == tuple(terms(text))
    query = parse_query(text)
    assert query.weights.items() <= both.widened(query, by_reading=True).weights.items()


def test_every_step_is_shown() -> None:
    """Sentences as they were written, words with readings and sources, and the terms that each gives."""
    analysis = Segmentation((), WORDS).analyze("I met ReLU. 長谷川さんと東京へ。")
    assert analysis.language == "ja"
    assert [sentence.text for sentence in analysis.sentences] == ["I met ReLU.", "長谷川さんと東京へ。"]
    (*_, relu), (hasegawa, rest) = (sentence.words for sentence in analysis.sentences)
    assert (relu.surface, relu.reading, relu.source, relu.terms) == ("relu", "れる", "dictionary", ("relu", "~れる"))
    assert hasegawa.terms == ("長", "谷", "川", "長谷", "谷川", "長谷川", "~はせがわ")
    assert (rest.surface, rest.source) == ("さんと東京へ", "rule")


def test_the_longest_word_of_a_dictionary_wins_and_stands_apart() -> None:
    """Of two that begin at one place the longer is found, through any white space; none inside another spaced word."""
    words = Dictionary([("New York", None), ("New York City", None), ("ann", None), ("猫", None)])
    assert words.found("ＮＥＷ\n york  City, annual Ann's 子猫") == ["new york city", "ann", "猫"]


def test_a_dictionary_reads_a_word_without_end_once() -> None:
    """200,000 letters in a row are passed over where words of every length might have begun inside them."""
    assert Dictionary([("a" * length, None) for length in range(1, 65)]).found("a" * 200_000) == []


def test_a_cutter_adds_words_and_readings() -> None:
    """A word longer than a bigram is a term, and so is a reading that the word does not show."""
    analysis = Segmentation((Halves(),)).analyze("東京都へいく")
    assert analysis.terms[len(terms("東京都へいく")) :] == ("東京都", "~ことば", "へいく")


def test_a_dictionarys_word_is_matched_whole() -> None:
    """In a query the whole weighs what its parts weighed, and the parts no longer match as they stand."""
    query = Segmentation((), WORDS).widened(parse_query("New York^3 trip"), by_reading=False)
    assert (query.weights["new york"], dict(query.words)) == (3.0, {"trip": 1.0, "new york": 3.0})


@pytest.mark.parametrize("cutters", [(), (Halves(),)])
def test_queries_of_one_and_two_characters_work(tmp_path: Path, cutters: tuple[Halves, ...]) -> None:
    """猫 and 東京 find what holds them, with a cutter of words and without."""
    with open_mind(tmp_path / "a.db", *cutters) as mind:
        mind.add([Turn("うちの猫は元気"), Turn("昨日東京都へ行った")], **HERE)
        assert found(mind, "猫") == ["うちの猫は元気"]
        assert found(mind, "東京") == ["昨日東京都へ行った"]
