"""Months, which both languages write as a number and 月 (moon), as English names them."""

from __future__ import annotations

import re

_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_HAN = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_NAME = dict(zip(_HAN, _NAMES, strict=True)) | {str(n): name for n, name in enumerate(_NAMES, start=1)}
_MONTH = re.compile(
    r"(?<![0-9〇一二三四五六七八九十百千万])(1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月(?!間|间|々)"
)


def named(text: str) -> str:
    """The text with its months in English: 十一月, 3月."""
    return _MONTH.sub(lambda month: f" {_NAME[month[1]]} ", text)
