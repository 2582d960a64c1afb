"""Numbers as times are counted in: digits, English words and Han numerals."""

from __future__ import annotations

HAN_DIGITS = "〇零一二三四五六七八九十百两"
_HAN = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100}

CARDINALS = {
    word: number
    for number, word in enumerate(
        (
            *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        ),
        start=1,
    )
}
_ENGLISH_TENS = {
    word: 10 * number
    for number, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
CARDINALS |= _ENGLISH_TENS | {
    f"{ten}-{one}": _ENGLISH_TENS[ten] + CARDINALS[one] for ten in _ENGLISH_TENS for one in list(CARDINALS)[:9]
}
CARDINALS |= {"a": 1, "an": 1}

ORDINALS = {
    word: number
    for number, word in enumerate(
        (
            *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
            *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
            *("eighteenth", "nineteenth", "twentieth", "twenty-first", "twenty-second", "twenty-third"),
            *("twenty-fourth", "twenty-fifth", "twenty-sixth", "twenty-seventh", "twenty-eighth", "twenty-ninth"),
            *("thirtieth", "thirty-first"),
        ),
        start=1,
    )
}

_CENTURY_TURN = 70  # 5/5/69 is 2069, 5/5/70 is 1970


def han_number(written: str) -> int:
    """12, 十二, 百二十 or digit by digit 二〇二三."""
    if written.isdecimal():
        return int(written)
    if not any(sign in _TENS for sign in written):
        return int("".join(str(_HAN[sign]) for sign in written))
    total, digit = 0, -1
    for sign in written:
        if sign in _TENS:
            total += (1 if digit < 0 else digit) * _TENS[sign]
            digit = -1
        else:
            digit = _HAN[sign]
    return total + max(digit, 0)


def full_year(written: str) -> int:
    """2023, 二〇二三, or two figures of it: 23."""
    number = han_number(written)
    return number if len(written) > 2 else number + (1900 if number >= _CENTURY_TURN else 2000)
