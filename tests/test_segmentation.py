"""The pipeline from a text to its terms: every step shown, own words, readings, and what is counted again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, MissingExtra, NotFound, OutOfBounds, Turn
from dmha.domain import dictionary as dictionaries
from dmha.domain.dictionary import Dictionary
from dmha.domain.query import parse_query
from dmha.domain.readings import canonical, is_pinyin
from dmha.domain.segmentation import RULES, Segmentation
from dmha.domain.text import terms
from dmha.mind import Mind
from dmha.settings import read_settings
from dmha.types import WordSource
from dmha.wiring import make_words

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
WORDS = Dictionary(
    [("東京スカイツリー", None), ("New York", None), ("ReLU", "れる"), ("重庆", "chóngqìng"), ("長谷川", "はせがわ")], 5
)
MIXED = st.text(st.sampled_from("aZ n'é1,.。！？「」 \n東京猫のスカーツー한글重庆ﾊﾝｶｸ\u200b́"), max_size=60)


class Halves:
    """A cutter of words for tests: pieces of three characters, each read as ことば."""

    name: WordSource = "sudachi"
    languages = frozenset({"ja"})

    def __init__(self, id: str = "halves-1") -> None:
        self.id = id

    def cut(self, run: str, /) -> list[tuple[str, str | None]]:
        return [(run[at : at + 3], "コトバ") for at in range(0, len(run), 3)]


def open_mind(path: Path, *cutters: Halves) -> Mind:
    return dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=ManualClock(), words=cutters)


def found(mind: Mind, query: str, *, by_reading: bool = False) -> list[str]:
    """The texts that words alone find."""
    hits = mind.search(query, ranking="static_bm25()", by_reading=by_reading, **HERE)
    return [hit.memory.text for hit in hits if hit.score > 0]


# --- the pipeline ----------------------------------------------------------------------------------------------------


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


# --- the dictionary of a tenant --------------------------------------------------------------------------------------


def test_a_word_changes_what_holds_it_and_nothing_else(mind: Mind) -> None:
    """The memories whose text holds the surface, folded, are indexed again, in an index that is loaded already."""
    mind.add([Turn("長谷川さんに会った"), Turn("谷川に行った"), Turn("ＮＥＷ York"), Turn("a new yorker")], **HERE)
    assert found(mind, "はせがわ", by_reading=True) == []
    before = changes(mind)
    words = mind.dictionary(**HERE)
    words.put("長谷川", "はせがわ")
    assert len(changes(mind)) == len(before) + 1
    words.put("New York")
    assert len(changes(mind)) == len(before) + 2
    assert found(mind, "はせがわ", by_reading=True) == ["長谷川さんに会った"]
    assert found(mind, "はせがわ") == []
    assert found(mind, "New York")[0] == "ＮＥＷ York"
    assert (words.version, words.entries()) == (2, [("長谷川", "はせがわ"), ("New York", None)])


def test_a_removed_word_is_gone_and_its_parts_stay(mind: Mind) -> None:
    """After `remove` the reading finds nothing, the characters what they found before; the version grows on."""
    mind.add("長谷川さんに会った", **HERE)
    words = mind.dictionary(**HERE)
    words.put("長谷川", "はせがわ")
    words.remove("長谷川")
    assert (words.version, words.entries()) == (2, [])
    assert found(mind, "はせがわ", by_reading=True) == []
    assert found(mind, "長谷川") == ["長谷川さんに会った"]
    with pytest.raises(NotFound, match="word '長谷川'"):
        words.remove("長谷川")


def test_the_same_entry_again_changes_nothing(mind: Mind) -> None:
    """An entry that is there is no new version; another reading of the surface is."""
    words = mind.dictionary(**HERE)
    words.put("重庆", "chóngqìng")
    words.put("重庆", "chóngqìng")
    assert words.version == 1
    words.put("重庆", "zhòngqìng")
    assert (words.version, words.entries()) == (2, [("重庆", "zhòngqìng")])


def test_what_is_said_later_is_cut_by_the_dictionary_too(mind: Mind) -> None:
    """Turns, replies and changed words are counted by the dictionary that is there when they come."""
    mind.dictionary(**HERE).put("重庆", "chóngqìng")
    (id,) = mind.add("我在重庆吃火锅。", **HERE)
    mind.contextualize("重庆", turn_id="t", **HERE)
    assert found(mind, "chong qing", by_reading=True)[0] in ("我在重庆吃火锅。", "重庆")
    mind.update(id, text="我不在重庆。", **HERE)
    assert "我不在重庆。" in found(mind, "CHONGQING", by_reading=True)
    assert mind.recount() == 0


def test_another_process_sees_a_change_at_its_next_call(database: Path) -> None:
    """Two minds on one file: what the one puts in, the other searches and remembers by."""
    with open_mind(database) as one, open_mind(database) as other:
        one.add("長谷川さんに会った", **HERE)
        assert found(other, "はせがわ", by_reading=True) == []
        one.dictionary(**HERE).put("長谷川", "はせがわ")
        assert found(other, "はせがわ", by_reading=True) == ["長谷川さんに会った"]
        other.add("長谷川が来た", **HERE)
        assert len(found(one, "ハセガワ", by_reading=True)) == 2


def test_turns_and_their_gist_are_cut_by_a_dictionary_that_changed_since_the_last_add(database: Path) -> None:
    """What another process put in meanwhile is seen in the transaction that keeps them: none waits to be counted."""
    with open_mind(database) as one, open_mind(database) as other:
        other.add("Hello.", **HERE)
        one.dictionary(**HERE).put("長谷川", "はせがわ")
        other.add([Turn(f"長谷川さんは{number}回来た。") for number in range(60)], **HERE)
        assert len(found(one, "ハセガワ", by_reading=True)) == 10
        assert one.search("長谷川", kind="summary", **HERE)
        assert one.recount() == 0
        one.dictionary(**HERE).remove("長谷川")
        other.add("長谷川が帰った", **HERE)
        assert other.recount() == 0
        assert found(other, "はせがわ", by_reading=True) == []


def test_a_change_that_is_broken_off_is_finished_by_the_next_opening(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry and its marks are one; until the marked are counted their characters find them, then the reading."""
    with open_mind(database) as mind:
        mind.add("長谷川さんに会った", **HERE)
        with monkeypatch.context() as patch:
            patch.setattr("dmha.keeping.recount", lambda *_: 0)
            mind.dictionary(**HERE).put("長谷川", "はせがわ")
        assert found(mind, "長谷川") == ["長谷川さんに会った"]
        assert [one.subject for one in mind.diagnose() if not one.ok] == ["words"]
    with open_mind(database) as mind:
        assert found(mind, "はせがわ", by_reading=True) == ["長谷川さんに会った"]
        assert all(one.ok for one in mind.diagnose())


def test_words_counted_by_an_overtaken_dictionary_are_counted_again(
    mind: Mind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that was made ready before the dictionary changed, and kept after, waits for the next count."""
    (id,) = mind.add("Hello.", **HERE)
    monkeypatch.setattr(Mind, "_segmentation", lambda self, place: Segmentation())
    mind.dictionary(**HERE).put("長谷川", "はせがわ")
    mind.update(id, text="長谷川さんに会った", **HERE)
    assert mind.recount() == 1
    assert found(mind, "はせがわ", by_reading=True) == ["長谷川さんに会った"]


def test_a_dictionary_is_of_its_tenant_alone(mind: Mind) -> None:
    """Another companion, account or world reads as it did."""
    mind.dictionary(**HERE).put("長谷川", "はせがわ")
    for place in ({"user_id": "ben"}, {"user_id": "aya", "agent_id": "neuro"}, {**HERE, "world": "scene"}):
        assert mind.dictionary(**place).entries() == []
        assert mind.analyze("長谷川", **place).sentences[0].words[0].source == "rule"
    assert mind.analyze("長谷川", **HERE).sentences[0].words[0].source == "dictionary"
    assert mind.analyze("長谷川").sentences[0].words[0].source == "rule"


def test_a_dictionary_goes_with_its_world_and_no_version_comes_back(mind: Mind, database: Path) -> None:
    """After delete_all there is no word and no reading in the file; the next version is none that there was."""
    words = mind.dictionary(**HERE)
    words.put("長谷川", "はせがわ")
    mind.delete_all(**HERE)
    assert (words.entries(), words.version) == ([], 2)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT surface, reading FROM words").fetchall() == [("", None)]
    words.put("川", "かわ")
    assert (words.entries(), words.version) == ([("川", "かわ")], 3)


def test_an_import_is_cut_by_the_dictionary_that_it_brings(mind: Mind, tmp_path: Path) -> None:
    """Words travel with their versions, and what they find is found where they arrive."""
    mind.add("長谷川さんに会った", **HERE)
    words = mind.dictionary(**HERE)
    words.put("x1")
    words.put("長谷川", "はせがわ")
    words.remove("x1")
    mind.export(tmp_path / "life.jsonl", **HERE)
    with open_mind(tmp_path / "other.db") as other:
        other.import_(tmp_path / "life.jsonl", **HERE)
        assert (other.dictionary(**HERE).entries(), other.dictionary(**HERE).version) == ([("長谷川", "はせがわ")], 3)
        assert found(other, "はせがわ", by_reading=True) == ["長谷川さんに会った"]


@pytest.mark.parametrize("reading", ["漢字", "はせ川", "wrong!!", "wrong", "12", "!"])
def test_what_is_neither_kana_nor_pinyin_is_no_reading(mind: Mind, reading: str) -> None:
    """By such a reading nothing would ever be found."""
    with pytest.raises(InvalidInput, match="reading: "):
        mind.dictionary(**HERE).put("東京", reading)
    assert mind.dictionary(**HERE).entries() == []


@pytest.mark.parametrize(
    ("surface", "reading", "error"),
    [("", None, InvalidInput), ("!?", None, InvalidInput), ("a\nb", None, InvalidInput), ("長" * 65, None, OutOfBounds),
     ("長谷川", "", InvalidInput), ("長谷川", "123", InvalidInput), ("\ud800", None, InvalidInput)],
)  # fmt: skip
def test_what_is_no_word_or_reading_is_refused(
    mind: Mind, surface: str, reading: str | None, error: type[Exception]
) -> None:
    """An entry has letters, stands on one line and is no longer than a name; nothing is written of another."""
    with pytest.raises(error):
        mind.dictionary(**HERE).put(surface, reading)
    assert mind.dictionary(**HERE).version == 0


def test_a_dictionary_has_its_bound(mind: Mind, monkeypatch: pytest.MonkeyPatch) -> None:
    """One word over the limit is refused; another reading of one that is there is not."""
    monkeypatch.setattr("dmha.word_book.MOST_ENTRIES", 2)
    words = mind.dictionary(**HERE)
    words.put("a1")
    words.put("b1")
    with pytest.raises(OutOfBounds, match="limit of 2"):
        words.put("c1")
    words.put("B1", "びー")
    assert dictionaries.MOST_ENTRIES == 10_000
    assert words.entries() == [("a1", None), ("B1", "びー")]


# --- readings --------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("cutters", [(), (Halves(),)])
def test_queries_of_one_and_two_characters_work(tmp_path: Path, cutters: tuple[Halves, ...]) -> None:
    """猫 and 東京 find what holds them, with a cutter of words and without."""
    with open_mind(tmp_path / "a.db", *cutters) as mind:
        mind.add([Turn("うちの猫は元気"), Turn("昨日東京都へ行った")], **HERE)
        assert found(mind, "猫") == ["うちの猫は元気"]
        assert found(mind, "東京") == ["昨日東京都へ行った"]


# --- what counted what -----------------------------------------------------------------------------------------------


def test_memories_are_counted_again_for_other_cutters(database: Path) -> None:
    """Opened with another cutter, or a newer one, or none, the file's rows are what that one counts."""
    with open_mind(database) as mind:
        mind.add("東京都へいく", **HERE)
    bare = terms_rows(database)
    assert [row[-1] for row in bare] == [RULES]
    with open_mind(database, Halves()) as mind:
        assert found(mind, "ことば", by_reading=True) == ["東京都へいく"]
    assert [row[-1] for row in terms_rows(database)] == [f"{RULES}+halves-1"]
    with open_mind(database, Halves("halves-2")):
        assert [row[-1] for row in terms_rows(database)] == [f"{RULES}+halves-2"]
    with open_mind(database):
        assert terms_rows(database) == bare


def test_an_upgraded_file_is_counted_again_where_the_rules_are_others(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of revision 0002 are the first rules': under those, opening logs no change; under later ones, one each."""
    with open_mind(database) as mind:
        mind.add("東京都へいく", **HERE)
        logged = changes(mind)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "DROP TABLE words; DROP INDEX ix_terms_segmentation; ALTER TABLE terms DROP COLUMN segmentation;"
            "DROP TABLE keys; DROP TABLE users; DROP TABLE audits; DROP TABLE request_memories; DROP TABLE requests;"
            "DROP TABLE jobs; ALTER TABLE memory_versions DROP COLUMN wrong;"
            "ALTER TABLE memory_versions DROP COLUMN private;"
            "DROP INDEX ix_perspectives_companion_id_raised; ALTER TABLE perspectives DROP COLUMN raised;"
            "ALTER TABLE memories DROP COLUMN wrong;"
            "UPDATE alembic_version SET version_num = '0002'"
        )
    with monkeypatch.context() as patch:
        patch.setattr("dmha.domain.segmentation.RULES", "1")
        with open_mind(database) as mind:
            assert changes(mind) == logged
    with open_mind(database) as mind:
        assert len(changes(mind)) == len(logged) + (RULES != "1")
        assert found(mind, "東京都") == ["東京都へいく"]
        assert all(one.ok for one in mind.diagnose())


# --- the extras ------------------------------------------------------------------------------------------------------


@pytest.mark.extra("ja")
def test_sudachi_cuts_japanese_and_reads_it() -> None:
    """Words and readings of Japanese; a text longer than Sudachi takes is cut in parts."""
    pytest.importorskip("sudachipy")
    (sudachi,) = make_words(read_settings({"DMHA_WORDS": "sudachi"}))
    assert sudachi.cut("長谷川に会った")[:2] == [("長谷川", "ハセガワ"), ("に", "ニ")]
    assert "".join(surface for surface, _ in sudachi.cut("長谷川" * 10_000)) == "長谷川" * 10_000
    analysis = Segmentation((sudachi,)).analyze("スカイツリーで長谷川に会った")
    assert {"スカイツリー", "長谷川", "~はせがわ"} <= set(analysis.terms)


@pytest.mark.extra("zh")
def test_jieba_cuts_chinese_and_reads_it_by_the_word() -> None:
    """重 is chóng in 重庆 and zhòng in 重要; what the dictionary says outweighs both."""
    pytest.importorskip("jieba")
    (jieba,) = make_words(read_settings({"DMHA_WORDS": "jieba"}))
    assert jieba.cut("重庆很重要")[0] == ("重庆", "chóngqìng")
    assert dict(jieba.cut("这件事重要"))["重要"] == "zhòngyào"
    analysis = Segmentation((jieba,), Dictionary([("朝阳", "zhāoyáng")])).analyze("我在重庆看朝阳")
    assert {"~chongqing", "~zhaoyang"} <= set(analysis.terms)
    query = Segmentation((jieba,)).widened(parse_query("chong qing"), by_reading=True)
    assert "~chongqing" in query.weights


@pytest.mark.parametrize(("name", "extra", "module"), [("sudachi", "ja", "sudachipy"), ("jieba", "zh", "jieba")])
def test_a_missing_extra_is_named(name: str, extra: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segmenter that is not installed is told with the line that brings it."""
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtra, match=rf"pip install '\.\[{extra}\]'"):
        make_words(read_settings({"DMHA_WORDS": name}))


def test_an_unknown_segmenter_is_refused() -> None:
    """A name that names none is told with those that do."""
    with pytest.raises(InvalidInput, match="sudachi, jieba"):
        make_words(read_settings({"DMHA_WORDS": "mecab"}))


def changes(mind: Mind) -> list[tuple[int, ...]]:
    """The change log."""
    return raw(mind._truth.path, "SELECT seq, memory_id FROM changes")  # type: ignore[attr-defined]  # it is on a file


def terms_rows(path: Path) -> list[tuple[Any, ...]]:
    return raw(path, "SELECT * FROM terms")


def raw(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
