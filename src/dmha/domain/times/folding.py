"""Folding, one character to one, so that what is found stands in the text where it was found.

Letters to lower case, full width to half, white space to a space, and the Japanese and traditional forms of the
characters that times are written with to the simplified ones: 先週 and 先周 are read by one pattern.
"""

from __future__ import annotations

_FORMS = dict(
    zip(
        "週個兩幾數時間後點號這過禮從來來節當內將計劃準備晝気歲麼晩國剛現際",
        "周个两几数时间后点号这过礼从来来节当内将计划准备昼气岁么晚国刚现际",
        strict=True,
    )
)
_FOLDED = (
    {ord(form): simple for form, simple in _FORMS.items()}
    | {full: chr(full - 0xFEE0).lower() for full in range(0xFF01, 0xFF5F)}
    | {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    | dict.fromkeys(map(ord, "\t\n\r\x0b\x0c\u3000\xa0"), " ")
    | {ord("’"): "'", ord("〜"): "~", ord("～"): "~", ord("–"): "-", ord("—"): "-"}
)


def folded(text: str) -> str:
    """The text as times are read in it, of the same length."""
    return text.translate(_FOLDED)


def folded_pattern(form: str) -> str:
    """A regular expression folded in what is not its own syntax."""
    return "".join(sign if sign.isascii() else folded(sign) for sign in form)
