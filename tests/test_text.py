"""Segmentation: sentences, words, index terms, scripts, languages and weighted queries in three languages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.characters import fold, language, normalise, scripts, served
from dmha.domain.query import parse_query
from dmha.domain.text import asks, sentences, terms, words
from dmha.errors import InvalidInput

ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(
    "aA1. ,!?'^2猫のハ。「」“”\ud800\x00\u0301\u0344\u200b 　\n"
)

SENTENCES = [
    ("Mr. Smith paid $3.5. Then he left.", ["Mr. Smith paid $3.5.", "Then he left."]),
    ("In the U.S. Army we slept at 5 p.m. He woke.", ["In the U.S. Army we slept at 5 p.m.", "He woke."]),
    ("Bring fruit, e.g. apples. Go!", ["Bring fruit, e.g. apples.", "Go!"]),
    ('"Wow!" she said. "Yes." Then', ['"Wow!" she said.', '"Yes."', "Then"]),
    ("No. I am No. 5... maybe. J. K. Rowling", ["No.", "I am No. 5... maybe.", "J. K. Rowling"]),
    ("i like it. it is good", ["i like it.", "it is good"]),
    ("1. Buy milk\n2. Eat.", ["1. Buy milk", "2. Eat."]),
    ("see example.com or v1.2 now.", ["see example.com or v1.2 now."]),
    ("「おはよう。元気？」と言った。はい。", ["「おはよう。元気？」と言った。", "はい。"]),
    ("「猫だ。」彼は笑った！", ["「猫だ。」", "彼は笑った！"]),
    ("すごい!本当？うん", ["すごい!", "本当？", "うん"]),
    ("えっと…そうですね。３．５だ。", ["えっと…そうですね。", "３．５だ。"]),
    ("「閉じない。次。", ["「閉じない。", "次。"]),
    ("你好。我叫小明！你呢？好……", ["你好。", "我叫小明！", "你呢？", "好……"]),
    ("  \r\n\u2028 ", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    """Abbreviations, decimals, acronyms and quotations stay whole, in English, Japanese and Chinese."""
    assert sentences(text) == expected


@given(ANY_TEXT)
def test_sentences_lose_nothing_but_white_space(text: str) -> None:
    """The sentences put together are the text without its white space."""
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


TERMS = [
    ("I don't like Aya's well-known cafés", ["aya", "known", "cafe"]),
    ("Hey, yeah, what were you doing? Running!", ["run"]),
    ("dont youre THE Ｄｏｇｓ", ["dog"]),
    ("1,000 steps in 2023-05, 3.5 km", ["1000", "step", "2023", "05", "3.5", "km"]),
    ("O'Brien’s rock'n'roll", ["brien", "rock", "roll"]),
    ("猫の名前", ["猫", "名", "前", "猫の", "の名", "名前"]),
    ("ﾊﾝ", ["ハン"]),
    ("の", []),
    ("我2023年", ["我", "2023", "年"]),
    ("좋다 집", ["좋다", "집"]),
    ("Привет, हिन्दी!", ["привет", "हिन्दी"]),
    ("ca\u200bt", ["cat"]),
    ("\x00\ud800🙂", []),
]


@pytest.mark.parametrize(("text", "expected"), TERMS)
def test_terms_are_stems_bigrams_and_numbers(text: str, expected: list[str]) -> None:
    """English is stemmed without stop-words, CJK gives Han characters and bigrams, numbers stay."""
    assert terms(text) == expected


def test_words_keep_what_terms_drop() -> None:
    """Surface words are folded, with stop-words, unstemmed, CJK runs whole."""
    assert words("I DON’T like well-known 東京タワーs") == ["i", "don't", "like", "well", "known", "東京タワー", "s"]


@given(ANY_TEXT)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    """`normalise` is idempotent and terms do not depend on whether it ran before."""
    assert normalise(normalise(text)) == normalise(text)
    assert terms(normalise(text)) == terms(text)


@given(ANY_TEXT)
def test_any_text_is_taken(text: str) -> None:
    """No text makes segmentation fail, and no term is empty or white."""
    assert all(term.strip() for term in terms(text))
    assert all(word in fold(text) for word in words(text))
    assert sum(scripts(text).values()) <= len(normalise(text))
    assert language(text) in {"en", "ja", "zh", "other"}
    assert asks(text) in {True, False}


@pytest.mark.parametrize("unit", ["a", "\u0301\u0316", "「", "Mr. ", "a^", "1,", "猫!", "^2 ", "'a", "\ud800"])
def test_a_long_text_is_taken_in_linear_time(unit: str) -> None:
    """200,000 repetitions of a nasty unit finish: what is quadratic would outlast the test's time limit."""
    text = unit * 200_000
    assert len(normalise(text)) <= len(text)
    assert len(sentences(text)) <= len(text)
    assert len(terms(text)) <= 2 * len(text)
    assert len(parse_query(text).text) <= len(text)


def test_threads_share_no_stemmer() -> None:
    """Many threads stemming at once get what one thread gets."""
    texts = [f"running{n} jumping{n} happily{n} {n}" for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(terms, texts))
    assert found == [terms(text) for text in texts]


def test_scripts_count_letters_alone() -> None:
    """Digits, marks and punctuation are of no script; half-width kana are kana."""
    assert scripts("Aya はﾈ猫! 12 Привет 한 αβ ש") == {
        "Latin": 3,
        "Han": 1,
        "Kana": 2,
        "Hangul": 1,
        "Cyrillic": 6,
        "Greek": 2,
        "Other": 1,
    }
    assert scripts("12 !") == {}


def test_a_text_is_served_when_half_of_its_letters_are() -> None:
    """An embedder of Latin alone serves English and not Japanese; a text without letters is served by all."""
    latin = frozenset({"Latin"})
    assert served("hello 猫", latin)
    assert served("ab猫犬", latin)
    assert not served("a猫犬", latin)
    assert served("123", latin)
    assert served("猫", None)


LANGUAGES = [
    ("I love 寿司 very much indeed", "en"),
    ("ReLUはVTuberです", "ja"),
    ("我喜欢咖啡", "zh"),
    ("Привет", "other"),
    ("12", "other"),
]


@pytest.mark.parametrize(("text", "expected"), LANGUAGES)
def test_language_is_told_by_scripts(text: str, expected: str) -> None:
    """Kana means Japanese, Han alone Chinese, mostly Latin English."""
    assert language(text) == expected


def test_a_query_weighs_its_words() -> None:
    """The word before ^ has the weight in terms and exact words, and the text is without it."""
    query = parse_query("Neurosama^3 how to make")
    assert query.text == "Neurosama how to make"
    assert query.weights == {"neurosama": 3.0, "make": 1.0}
    assert query.words == (("neurosama", 3.0), ("make", 1.0))


QUERY_WORDS = [
    ("猫^3の名前", (("猫", 3.0), ("名前", 1.0))),
    ("猫の名前＾２", (("猫", 2.0), ("名前", 2.0))),
    ("我的猫叫什么名字", (("猫", 1.0), ("名字", 1.0))),
    ("りんごが好きなのはだれですか", (("りんご", 1.0), ("好", 1.0))),
    ("What is Aya's cat called?", (("aya", 1.0), ("cat", 1.0), ("called", 1.0))),
    ("cat cat^2 cat^0.5", (("cat", 2.0),)),
    ("who is Ada^3? or Eve^2.5, then 猫^3、犬^2。", (("ada", 3.0), ("eve", 2.5), ("猫", 3.0), ("犬", 2.0))),
]


@pytest.mark.parametrize(("text", "expected"), QUERY_WORDS)
def test_exact_words_are_cut_where_scripts_change(text: str, expected: tuple[tuple[str, float], ...]) -> None:
    """Function words fall away; a word said twice has its greatest weight."""
    assert parse_query(text).words == expected


@pytest.mark.parametrize("text", ["x^y", "a ^ b", "^2", "a ^2", "x^nan", "^^", "(a^2)"])
def test_another_caret_is_ordinary_text(text: str) -> None:
    """Only a word followed by ^ and a number is weighted."""
    query = parse_query(text)
    assert query.text == text
    assert set(query.weights.values()) <= {1.0}


@pytest.mark.parametrize("weight", ["0", "-1", "101", "1e999", "0.0"])
def test_a_weight_out_of_range_is_refused(weight: str) -> None:
    """A weight is above 0 and at most 100; the error names the query."""
    with pytest.raises(InvalidInput) as refused:
        parse_query(f"cat^{weight} dog")
    assert refused.value.field == "query"
