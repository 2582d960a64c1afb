"""Chinese cut into the words of CC-CEDICT and said in English from it."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from dmha.domain.characters import HAN
from dmha.models.gloss.cedict import CCCedict
from dmha.models.gloss.english import Word, ways

_RUNS = re.compile(f"([{HAN}]+)")
_MARKS = str.maketrans({"。": ". ", "、": ", ", "“": '"', "”": '"', "《": '"', "》": '"', "—": "-"})
_EMPTY = frozenset("的地得了着著过過吗嗎呢吧啊嘛呀哦喔啦哈个個位只隻把被就才也都还還又是在有很那这這")
_NUMBERS = frozenset("一二两兩三四五六七八九十百千万萬几幾半每这這那哪")
_NOT = {
    "不": "not", "没": "not", "沒": "not", "没有": "not", "沒有": "not", "别": "do not", "別": "do not",
    "不要": "do not", "不想": "not want to", "不是": "not", "不会": "will not", "不會": "will not",
}  # fmt: skip
"""Said first of all: CC-CEDICT knows 不想 as "unexpectedly" alone."""
_WAYS = 3
"""CC-CEDICT's senses stand in no order of use: the mean of three glossings ranks better than the first (DRCD's
questions to sentences, the project's dialogue), of four no better."""


class Chinese:
    """Texts with Han in them and no kana."""

    def __init__(self, cedict: CCCedict) -> None:
        self._cedict = cedict
        self._ways = lru_cache(maxsize=20_000)(self._looked_up)

    def words(self, text: str) -> list[Word]:
        """The text's words in their order."""
        said: list[Word] = []
        for place, run in enumerate(_RUNS.split(text)):
            if place % 2:
                words = self._cedict.cut(run)
                said += [way for before, word in pairwise(["", *words]) if (way := self._said(before, word))]
            elif run:
                said.append((run.translate(_MARKS),))
        return said

    def _said(self, before: str, word: str) -> Word:
        return () if before[-1:] in _NUMBERS and self._cedict.counts(word) else self._ways(word)

    def foreign(self, text: str) -> bool:
        """Whether a sign of the text is one that only Japanese writes: 気, 駅, 働."""
        return not all(map(self._cedict.chinese, set("".join(_RUNS.findall(text)))))

    def _looked_up(self, word: str) -> Word:
        if word in _EMPTY:
            return ()
        if word in _NOT:
            return (_NOT[word],)
        return ways(self._cedict.senses(word), _WAYS)
