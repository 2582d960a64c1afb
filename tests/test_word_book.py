"""The dictionary of a tenant: its own alone, seen at once, and whatever it changes counted again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cutting import HERE, changes, found, open_mind

from dmha import InvalidInput, NotFound, OutOfBounds, Turn
from dmha.domain import dictionary as dictionaries
from dmha.domain.segmentation import Segmentation
from dmha.mind import Mind


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
