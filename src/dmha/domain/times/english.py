"""Times as they are written in English, and the dates and clocks that are written in figures in every language.

Words that are something else as well (may, march, fall, second, June...) count only where the words beside them say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from dmha.domain.times import atoms
from dmha.domain.times.atoms import Atom, Which
from dmha.domain.times.calendar import Unit
from dmha.domain.times.numbers import CARDINALS, ORDINALS

_MONTHS = {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(), start=1
    )
}
_SHORT_MONTHS = {name[:3]: number for name, number in _MONTHS.items() if name != "may"} | {"sept": 9}
_ALL_MONTHS = _MONTHS | _SHORT_MONTHS
_VERBS = frozenset(("may", "march"))  # a month where a capital or a sure preposition says so
_NAMES = frozenset(("april", "june", "august"))  # a month after any preposition
_WEEKDAYS = {
    name: number for number, name in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())
}
_SHORT_WEEKDAYS = {
    "mon": 0,
    "tue": 1,
    "tues": 1,
    "wed": 2,
    "thu": 3,
    "thur": 3,
    "thurs": 3,
    "fri": 4,
    "sat": 5,
    "sun": 6,
}
_SEASONS = {
    "spring": atoms.SPRING,
    "summer": atoms.SUMMER,
    "autumn": atoms.AUTUMN,
    "fall": atoms.AUTUMN,
    "winter": atoms.WINTER,
}
_FEASTS = {
    "christmas eve": (12, 24),
    "christmas": (12, 25),
    "new year's eve": (12, 31),
    "new year's day": (1, 1),
    "halloween": (10, 31),
    "valentine's day": (2, 14),
}
# Hours of the day; 24 is the end of the lived day.
_PARTS = {
    "early morning": (4, 8),
    "morning": (5, 12),
    "noon": (11, 14),
    "lunchtime": (11, 14),
    "afternoon": (12, 18),
    "evening": (17, 22),
    "late night": (22, 24),
    "night": (18, 24),
}
_DECADES = {"fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90}
_DAYS = {
    "today": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "day before yesterday": -2,
    "day after tomorrow": 2,
}
_WHICH: dict[str, Which] = {
    "last": "last",
    "past": "last",
    "previous": "last",
    "this past": "last",
    "this": "this",
    "next": "next",
    "coming": "next",
    "this coming": "next",
    "upcoming": "next",
}
_OFFSETS = {"last": -1, "this": 0, "next": 1}
_FEW = (2, 6)  # a few, several
_COUPLE = (1, 3)
_OTHER_DAY = (1, 10)
_CENTURY_TURN = 70  # 5/5/69 is 2069, 5/5/70 is 1970, as POSIX reads two digits (there 69 is 1969)

# What makes the noun after it a time.
_PREPOSITION = re.compile(
    r"\b(?:in|on|since|until|till|from|during|before|after|around|by|of|to|and|between|through|throughout|over|early"
    r"|mid|late|about|for)(?: the)?[ -]{1,3}$"
)
_SURE = re.compile(r"\b(?:in|since|until|till|during|early|mid|late|around|last|next|of)[ -]{1,3}$")
_HABIT = re.compile(r"\b(?:every|each|any|on most) {1,3}$")
_NO_YEAR = re.compile(
    r" (?:people|words|steps|dollars|yen|yuan|euros|pounds|miles|km|meters|metres|calories|pieces|points|times|years"
    r"|days|hours|minutes|men|women|units|copies|users|members|kg|grams|bytes)\b"
)
_NOUN_AFTER = re.compile(r" ?[a-z0-9%]")


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH = f"(?:{_any(_ALL_MONTHS)})"
_DAY = f"(?:[0-9]{{1,2}}(?:st|nd|rd|th)?|{_any(ORDINALS)})"
_YEAR = "(?:1[0-9]|20)[0-9]{2}"
_COUNT = f"(?:[0-9]{{1,3}}|{_any(CARDINALS)})"
_VAGUE = "(?:a |the )?(?:few|couple(?: of)?|several)"
_SPAN = "(?:minute|min|hour|hr|day|week|month|year|decade)s?"
_TO_MONTH = re.compile(rf"(?: to | through | until |-){_MONTH}\b")
_SHARES = {
    "early": (0, 3), "mid": (1, 3), "middle of": (1, 3), "late": (2, 3),
    "beginning of": (0, 6), "start of": (0, 6), "end of": (5, 6),
}  # fmt: skip

Reader = Callable[[re.Match[str], str], Atom | None]


def _written_month(match: re.Match[str], text: str, name: str) -> bool:
    """Whether the name of a month is meant as one, by the words before it and its capital."""
    word, begin = match[name], match.start(name)
    before = match.string[max(0, begin - 24) : begin]
    if word in _VERBS:
        said = _PREPOSITION.search(before) or _TO_MONTH.match(match.string, match.end())
        return bool(_SURE.search(before)) or (text[begin].isupper() and bool(said))
    return word not in _NAMES or bool(_PREPOSITION.search(before)) or bool(_TO_MONTH.match(match.string, match.end()))


def _day_number(written: str) -> int:
    return ORDINALS.get(written) or int(written.rstrip("stndrh"))


def _full_year(written: str) -> int:
    if len(written) == 4:
        return int(written)
    return int(written) + (1900 if int(written) >= _CENTURY_TURN else 2000)


def _dated(month: int, day: int, year: str | None) -> Atom:
    date = atoms.date_of(month, day)
    return atoms.inside(atoms.year(_full_year(year)), date) if year else date


def _iso(match: re.Match[str], text: str) -> Atom | None:
    month = atoms.inside(atoms.year(int(match["iso_year"])), atoms.month(int(match["iso_month"])))
    return atoms.inside(month, atoms.day_of_month(int(match["iso_day"]), free=True)) if match["iso_day"] else month


def _slashed(match: re.Match[str], text: str) -> Atom | None:
    """5/4 is ambiguous: the month first, unless that cannot be; with dots the day first, as such dates are written."""
    first, second = int(match["first"]), int(match["other"])
    if match["sign"] == "." and not match["slash_year"]:
        return None
    month, day = (second, first) if match["sign"] == "." or first > 12 else (first, second)
    if month > 12 or day > 31:
        return None
    before, after = (
        match.string[max(0, match.start() - 24) : match.start()],
        match.string[match.end() : match.end() + 1],
    )
    if not match["slash_year"] and not (_PREPOSITION.search(before) or after in tuple("にのはか(（")):
        return None  # a fraction or a score
    return _dated(month, day, match["slash_year"])


def _day_month(match: re.Match[str], text: str) -> Atom | None:
    if _only_a_verb(match, text, "dm_month", match["dm_day"], match["dm_year"]):
        return None
    return _dated(_ALL_MONTHS[match["dm_month"]], _day_number(match["dm_day"]), match["dm_year"])


def _month_day(match: re.Match[str], text: str) -> Atom | None:
    if _only_a_verb(match, text, "md_month", match["md_day"], match["md_year"]):
        return None
    return _dated(_ALL_MONTHS[match["md_month"]], _day_number(match["md_day"]), match["md_year"])


def _only_a_verb(match: re.Match[str], text: str, month: str, day: str, year: str | None) -> bool:
    """may 5 people, I may second that: no year, no capital, no preposition, and the sentence goes on."""
    if match[month] not in _VERBS or year or text[match.start(month)].isupper():
        return False
    if _PREPOSITION.search(match.string[max(0, match.start() - 24) : match.start()]):
        return False
    return day in ORDINALS or bool(_NOUN_AFTER.match(match.string, match.end()))


def _month_year(match: re.Match[str], text: str) -> Atom | None:
    return atoms.inside(atoms.year(int(match["my_year"])), atoms.month(_ALL_MONTHS[match["my_month"]]))


def _which(match: re.Match[str], text: str) -> Atom | None:
    """last May, this Friday, next year; "this may" is a verb."""
    which, what = _WHICH[match["which"]], match["what"]
    if what in _ALL_MONTHS:
        if what in _VERBS and which == "this" and not text[match.start("what")].isupper():
            return None
        return atoms.month(_ALL_MONTHS[what], which)
    if what in _SEASONS:
        return atoms.season(_SEASONS[what], which)
    if what in _FEASTS:
        return atoms.date_of(*_FEASTS[what], which)
    if what in _WEEKDAYS or what in _SHORT_WEEKDAYS:
        return atoms.weekday((_WEEKDAYS | _SHORT_WEEKDAYS)[what], which)
    if what in _PARTS:
        return atoms.inside(atoms.relative("day", _OFFSETS[which]), atoms.part_of_day(*_PARTS[what]))
    if what == "weekend":
        return atoms.weekend(which)
    return _unit_about(match["which"], what)


def _unit_about(which: str, unit: str) -> Atom:
    known: dict[str, Unit] = {"week": "week", "month": "month", "year": "year", "decade": "decade"}
    if which == "past":  # the past week is not the last one of the calendar
        return atoms.lately(known[unit], 1)
    return atoms.relative(known[unit], _OFFSETS[_WHICH[which]])


def _before_last(match: re.Match[str], text: str) -> Atom | None:
    what, offset = match["bl_what"], -2 if match["bl_side"] == "before last" else 2
    if what in _WEEKDAYS:
        return atoms.inside(atoms.relative("week", offset), atoms.weekday(_WEEKDAYS[what]))
    if what == "night":
        return atoms.inside(atoms.relative("day", offset), atoms.part_of_day(*_PARTS["night"]))
    if what == "weekend":
        return atoms.inside(atoms.relative("week", offset), atoms.weekend())
    return _unit(what, offset)


def _unit(what: str, offset: int) -> Atom:
    unit = _unit_named(what)
    return atoms.relative(unit, offset)


def _unit_named(written: str) -> Unit:
    named: dict[str, Unit] = {
        "minute": "minute",
        "min": "minute",
        "hour": "hour",
        "hr": "hour",
        "day": "day",
        "week": "week",
        "month": "month",
        "year": "year",
        "decade": "decade",
    }
    return named[written.removesuffix("s")]


def _count(written: str) -> int:
    return CARDINALS.get(written) or int(written)


def _ago(match: re.Match[str], text: str) -> Atom | None:
    unit, sign = _unit_named(match["ago_unit"]), 1 if match["ago_side"].startswith("from") else -1
    return atoms.ago(unit, sign * _count(match["ago_count"]))


def _half_ago(match: re.Match[str], text: str) -> Atom | None:
    return atoms.ago("month", -6) if match["half_unit"] == "year" else atoms.ago("minute", -30)


def _vaguely_ago(match: re.Match[str], text: str) -> Atom | None:
    return atoms.some_ago(_unit_named(match["some_unit"]), *(_COUPLE if "couple" in match["some"] else _FEW))


def _lately(match: re.Match[str], text: str) -> Atom | None:
    written, unit = match["lately_count"], _unit_named(match["lately_unit"])
    count = (
        (_COUPLE if "couple" in written else _FEW)[1] if re.search("few|couple|several", written) else _count(written)
    )
    return atoms.lately(unit, -count if match["lately"] in ("next", "coming") else count)


def _month_alone(match: re.Match[str], text: str) -> Atom | None:
    return atoms.month(_MONTHS[match["month"]]) if _written_month(match, text, "month") else None


def _weekday_alone(match: re.Match[str], text: str) -> Atom | None:
    before = match.string[max(0, match.start() - 12) : match.start()]
    if _HABIT.search(before) or (match["weekday"] in _SHORT_WEEKDAYS and not before.endswith("on ")):
        return None
    return atoms.weekday((_WEEKDAYS | _SHORT_WEEKDAYS)[match["weekday"]])


def _season_alone(match: re.Match[str], text: str) -> Atom | None:
    before, after = (
        match.string[max(0, match.start() - 24) : match.start()],
        match.string[match.end() : match.end() + 12],
    )
    dated = re.match(rf" (?:of )?(?:{_YEAR}|last|this|next)\b", after)
    fall = match["season"] in ("fall", "spring")
    if (
        fall
        and not dated
        and not re.search(r"\b(?:(?:in|during|over|since|until|by|of) the|early|mid|late)[ -]$", before)
    ):
        return None
    free = bool(_PREPOSITION.search(before)) and not before.endswith(("of ", "for ", "about ", "to ", "and "))
    return atoms.season(_SEASONS[match["season"]], free=free)


def _year_alone(match: re.Match[str], text: str) -> Atom | None:
    before = match.string[max(0, match.start() - 24) : match.start()]
    if _NO_YEAR.match(match.string, match.end()):
        return None
    said = _PREPOSITION.search(before) or before.endswith(
        ("year ", "summer ", "winter ", "spring ", "fall ", "autumn ")
    )
    if not said and _NOUN_AFTER.match(match.string, match.end()):
        return None
    return atoms.year(int(match["year"]))


def _decade(match: re.Match[str], text: str) -> Atom | None:
    written = match["decade"]
    return atoms.decade(_DECADES[written] if written in _DECADES else int(written))


def _clock(match: re.Match[str], text: str) -> Atom | None:
    hour = int(match["hour"] or match["only_hour"] or match["plain_hour"])
    minute = int(match["minute"]) if match["minute"] else None
    if half := match["half"] or match["only_half"]:
        return atoms.clock(hour % 12 + (12 if half == "p" else 0), minute, free=True) if 1 <= hour <= 12 else None
    before, after = (
        match.string[max(0, match.start() - 12) : match.start()],
        match.string[match.end() : match.end() + 1],
    )
    free = bool(match["plain_hour"]) or hour >= 13 or bool(re.search(r"\b(?:at|by|until|around|from) $", before))
    return atoms.clock(hour, minute, free=free or after in tuple("にのか"), twelve=True)


def _noon(match: re.Match[str], text: str) -> Atom | None:
    return atoms.clock(24 if match["noon"] == "midnight" else 12, free=False)


# In the order they are tried at one place of the text.
_FORMS: tuple[tuple[str, str, Reader], ...] = (
    (
        "iso",
        rf"(?<![\w./-])(?P<iso_year>{_YEAR})[-/.](?P<iso_month>0?[1-9]|1[0-2])(?:[-/.](?P<iso_day>[0-9]{{1,2}}))?(?![0-9])(?![-/.][0-9])",
        _iso,
    ),
    (
        "slashed",
        r"(?<![\w./-])(?P<first>[0-9]{1,2})(?P<sign>[/.])(?P<other>[0-9]{1,2})(?:(?P=sign)(?P<slash_year>[0-9]{4}|[0-9]{2}))?(?![0-9])(?![/.][0-9])",
        _slashed,
    ),
    (
        "day_month",
        rf"\b(?P<dm_day>{_DAY})(?: of)? (?P<dm_month>{_MONTH})\b\.?(?:,? (?P<dm_year>{_YEAR})\b)?",
        _day_month,
    ),
    (
        "month_day",
        rf"\b(?P<md_month>{_MONTH})\.? (?:the )?(?P<md_day>{_DAY})(?![\w:%])(?:,? (?P<md_year>{_YEAR})\b)?",
        _month_day,
    ),
    ("month_year", rf"\b(?P<my_month>{_MONTH})\b\.?,?(?: of)? (?P<my_year>{_YEAR})\b(?![-/.][0-9])", _month_year),
    (
        "clock_time",
        r"(?<![0-9:.,$])(?:(?P<hour>[0-2]?[0-9]):(?P<minute>[0-5][0-9])(?::[0-5][0-9])?(?![0-9:])(?:\x20?(?P<half>[ap])\.?m\b)?"
        r"|(?P<only_hour>[0-9]{1,2}) ?(?P<only_half>[ap])\.?m\b|(?P<plain_hour>[0-9]{1,2}) o'clock\b)\.?",
        _clock,
    ),
    ("noon_time", r"\b(?P<noon>noon|midnight)\b", _noon),
    (
        "before_last",
        rf"\b(?P<bl_what>week|month|year|weekend|night|{_any(_WEEKDAYS)}) (?P<bl_side>before last|after next)\b",
        _before_last,
    ),
    (
        "days",
        rf"\b(?P<day>{_any(_DAYS)})\b",
        lambda match, _: atoms.relative("day", _DAYS[match["day"]]),
    ),
    (
        "tonight",
        r"\btonight\b",
        lambda *_: atoms.inside(atoms.relative("day", 0), atoms.part_of_day(*_PARTS["night"])),
    ),
    ("other_day", r"(?<=the\x20)other (?:day|night|week)\b", lambda *_: atoms.some_ago("day", *_OTHER_DAY)),
    ("half_ago", r"\bhalf an? (?P<half_unit>year|hour) ago\b", _half_ago),
    ("vaguely_ago", rf"\b(?P<some>{_VAGUE}) (?P<some_unit>{_SPAN}) (?:ago|back)\b", _vaguely_ago),
    ("ago", rf"\b(?P<ago_count>{_COUNT}) (?P<ago_unit>{_SPAN}) (?P<ago_side>ago|back|from now)\b", _ago),
    (
        "lately_forms",
        rf"\b(?P<lately>last|past|previous|next|coming) (?P<lately_count>{_COUNT}|{_VAGUE}) (?P<lately_unit>{_SPAN})\b",
        _lately,
    ),
    (
        "which_forms",
        rf"\b(?P<which>{_any(_WHICH)}) (?P<what>{_any([*_ALL_MONTHS, *_WEEKDAYS, *_SHORT_WEEKDAYS, *_SEASONS, *_FEASTS, 'morning', 'afternoon', 'evening', 'night', 'weekend', 'week', 'month', 'year', 'decade'])})\b",
        _which,
    ),
    ("feast", rf"\b(?P<feasts>{_any(_FEASTS)})\b", lambda match, _: atoms.date_of(*_FEASTS[match["feasts"]])),
    ("months", rf"\b(?P<month>{_any(_MONTHS)})\b", _month_alone),
    ("weekend", r"(?<=the\x20)weekend\b", lambda *_: atoms.weekend()),
    ("weekdays", rf"\b(?P<weekday>{_any([*_WEEKDAYS, *_SHORT_WEEKDAYS])})\b", _weekday_alone),
    ("seasons", rf"\b(?P<season>{_any(_SEASONS)})\b", _season_alone),
    (
        "decades",
        rf"(?:\b(?P<decade>(?:1[0-9]|20)[0-9]0(?='?s\b)|(?:(?<=the )|(?<=early )|(?<=late )|(?<=mid ))(?:[0-9]0(?='?s\b)|{_any(_DECADES)}))(?:'?s)?\b)",
        _decade,
    ),
    ("years", rf"(?<![\w.,$€£¥#/:+-])(?P<year>{_YEAR})\b(?![%:/年月日-])(?![.,][0-9])", _year_alone),
    ("parts", rf"\b(?P<part>{_any(_PARTS)})\b", lambda match, _: atoms.part_of_day(*_PARTS[match["part"]])),
    ("shares", rf"\b(?P<share>{_any(_SHARES)})\b", lambda match, _: atoms.share(*_SHARES[match["share"]])),
)
_READERS = {name: reader for name, _, reader in _FORMS}
# Only ASCII counts as a letter beside a word: 昨日3pm has a boundary before its 3.
# Only ASCII counts as a letter beside a word: 昨日3pm has a beginning before its 3.
_PATTERN = re.compile("(?<![a-z0-9_])(?:" + "|".join(f"(?P<{name}>{form})" for name, form, _ in _FORMS) + ")", re.ASCII)
_WORD = re.compile("[a-z]+|[0-9]+")
_FIRST_WORDS = frozenset(
    re.split("[ '-]", phrase)[0]
    for phrases in (
        *(_ALL_MONTHS, ORDINALS, CARDINALS, _WEEKDAYS, _SHORT_WEEKDAYS, _SEASONS, _FEASTS, _PARTS, _DECADES, _DAYS),
        *(_WHICH, _SHARES, "tonight other half few couple several noon midnight week month year weekend night".split()),
    )
    for phrase in phrases
)
# Every time in English has one of these words or a figure.
_CUES = frozenset(
    word
    for phrases in (_ALL_MONTHS, _WEEKDAYS, _SHORT_WEEKDAYS, _SEASONS, _PARTS, _DECADES, _DAYS)
    for phrase in phrases
    for word in phrase.split()[-1:]
) | frozenset(
    "week weeks weekend month months year years decade decades days hours minutes mins hrs ago back other tonight midnight"
    " christmas new valentine halloween".split()
)
GLUE = re.compile(r" ?(?:(?:of|in|on|at|during|from) )?(?:the )?|'s |t|-")


def read(folded: str, text: str) -> Iterator[Atom]:
    """The atoms in the order of the text."""
    if not _may_tell(folded):
        return
    end = 0
    for word in _WORD.finditer(folded):
        begin = word.start()
        if begin < end or not (word[0] in _FIRST_WORDS or word[0].isdecimal()):
            continue
        if match := _PATTERN.match(folded, begin):
            end = match.end()
            if (atom := _READERS[match.lastgroup or ""](match, text)) is not None:
                yield atom.at(begin, end)


def _may_tell(folded: str) -> bool:
    """A quick no for most texts that tell no time."""
    words = _WORD.findall(folded)
    return not _CUES.isdisjoint(words) or any(map(str.isdecimal, words))
