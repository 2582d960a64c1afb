"""The extras that cut words: Sudachi for Japanese, jieba for Chinese."""

from __future__ import annotations

import pytest

from dmha import InvalidInput, MissingExtra
from dmha.domain.dictionary import Dictionary
from dmha.domain.query import parse_query
from dmha.domain.segmentation import Segmentation
from dmha.settings import read_settings
from dmha.wiring import make_words


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
