"""Chinese words by jieba and their readings by pypinyin (the extra `zh`)."""

from __future__ import annotations

import logging
import re
import warnings
from importlib.metadata import version
from typing import Literal

from dmha.domain.characters import HAN
from dmha.errors import MissingExtra

_HAN = re.compile(f"[{HAN}]+")


class Jieba:
    """Words with pinyin, tones marked: a word at a time, so that 重 is chóng in 重庆 and zhòng in 重要."""

    name: Literal["jieba"] = "jieba"
    languages = frozenset({"zh"})

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what jieba 0.42 does that Python deprecates
                import jieba
            import pypinyin
        except ImportError as error:
            raise MissingExtra("zh", "the segmenter 'jieba'") from error
        jieba.setLogLevel(logging.WARNING)
        self._jieba, self._pypinyin = jieba.Tokenizer(), pypinyin
        # Its own way keeps the counts by `marshal` in the folder of temporary files, where anybody may put others.
        self._jieba.FREQ, self._jieba.total = self._jieba.gen_pfdict(self._jieba.get_dict_file())
        self._jieba.initialized = True
        self.id = f"jieba-{version('jieba')}-{version('pypinyin')}"

    def cut(self, run: str, /) -> list[tuple[str, str | None]]:
        """The words of the run, read in pinyin."""
        return [(word, self._reading(word)) for word in self._jieba.cut(run)]

    def _reading(self, word: str) -> str | None:
        if not _HAN.fullmatch(word):
            return None
        read = self._pypinyin.lazy_pinyin(word, style=self._pypinyin.Style.TONE, errors="ignore")
        return "".join(read) or None
