"""Times as they are written in English, and the dates and clocks that are written in figures in every language.

Words that are something else as well (may, march, fall, second, June...) count only where the words beside them say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dmha.domain.times import atoms
from dmha.domain.times import english_words as words
from dmha.domain.times.atoms import Atom
from dmha.domain.times.calendar import Unit
from dmha.domain.times.numbers import CARDINALS, ORDINALS, full_year

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
_THE_SEASON = re.compile(r"\b(?:(?:in|during|over|since|until|by) the|early|mid|late)[ -]$")
_YEAR_SAID = re.compile(r"\b(?:year|spring|summer|autumn|fall|winter) $")
_AT = re.compile(r"\b(?:at|by|until|around|from) $")
_PARTICLE = re.compile("[にのはか(]")
_NOUN_AFTER = re.compile(r" ?[a-z0-9%]")


def _any(phrases: Iterable[str]) -> str:
    return "|".join(sorted(phrases, key=len, reverse=True))


_MONTH = f"(?:{_any(words.ALL_MONTHS)})"
_DAY = f"(?:[0-9]{{1,2}}(?:st|nd|rd|th)?|{_any(ORDINALS)})"
_YEAR = "(?:1[0-9]|20)[0-9]{2}"
_COUNT = f"(?:[0-9]{{1,3}}|{_any(CARDINALS)})"
_VAGUE = "(?:a |the )?(?:few|couple(?: of)?|several)"
_SPAN = "(?:minute|min|hour|hr|day|week|month|year|decade)s?"
_OF_A_YEAR = re.compile(rf" (?:of )?(?:{_YEAR}|last|this|next)\b")
_TO_MONTH = re.compile(rf"(?: to | through | until |-){_MONTH}\b")


@dataclass(frozen=True, slots=True)
class Seen:
    """A form found in the folded text, and what stands about it."""

    match: re.Match[str]
    text: str

    def __getitem__(self, group: str) -> str:
        return self.match[group] or ""

    def before(self, group: str | int = 0) -> str:
        """As much of the text before as the longest preposition takes."""
        return self.match.string[max(0, self.match.start(group) - 24) : self.match.start(group)]

    def after(self, pattern: re.Pattern[str]) -> bool:
        """Whether the text goes on so."""
        return pattern.match(self.match.string, self.match.end()) is not None

    def capital(self, group: str) -> bool:
        """Whether the group is written with a capital."""
        return self.text[self.match.start(group)].isupper()


Reader = Callable[[Seen], Atom | None]


def _written_month(seen: Seen, name: str) -> bool:
    """Whether the name of a month is meant as one, by the words before it and its capital."""
    said = bool(_PREPOSITION.search(seen.before())) or seen.after(_TO_MONTH)
    if seen[name] in words.VERBS:
        return bool(_SURE.search(seen.before())) or (said and seen.capital(name))
    return said or seen[name] not in words.NAMES


def _day_number(written: str) -> int:
    return ORDINALS.get(written) or int(written.rstrip("stndrh"))


def _dated(month: int, day: int, year: str | None) -> Atom:
    date = atoms.date_of(month, day)
    return atoms.inside(atoms.year(full_year(year)), date) if year else date


def _iso(seen: Seen) -> Atom | None:
    month = atoms.inside(atoms.year(int(seen["iso_year"])), atoms.month(int(seen["iso_month"])))
    return atoms.inside(month, atoms.day_of_month(int(seen["iso_day"]), free=True)) if seen["iso_day"] else month


def _slashed(seen: Seen) -> Atom | None:
    """5/4 is ambiguous: the month first, unless that cannot be; with dots the day first, as such dates are written."""
    first, second = int(seen["first"]), int(seen["other"])
    if seen["sign"] == "." and not seen["slash_year"]:
        return None
    month, day = (second, first) if seen["sign"] == "." or first > 12 else (first, second)
    if month > 12 or day > 31:
        return None
    if not seen["slash_year"] and not (_PREPOSITION.search(seen.before()) or seen.after(_PARTICLE)):
        return None  # a fraction or a score
    return _dated(month, day, seen["slash_year"])


def _day_month(seen: Seen) -> Atom | None:
    if _only_a_verb(seen, "dm_month", seen["dm_day"], seen["dm_year"]):
        return None
    return _dated(words.ALL_MONTHS[seen["dm_month"]], _day_number(seen["dm_day"]), seen["dm_year"])


def _month_day(seen: Seen) -> Atom | None:
    if _only_a_verb(seen, "md_month", seen["md_day"], seen["md_year"]):
        return None
    return _dated(words.ALL_MONTHS[seen["md_month"]], _day_number(seen["md_day"]), seen["md_year"])


def _only_a_verb(seen: Seen, month: str, day: str, year: str | None) -> bool:
    """may 5 people, I may second that: no year, no capital, no preposition, and the sentence goes on."""
    if seen[month] not in words.VERBS or year or seen.capital(month):
        return False
    return not _PREPOSITION.search(seen.before()) and (day in ORDINALS or seen.after(_NOUN_AFTER))


def _month_year(seen: Seen) -> Atom | None:
    return atoms.inside(atoms.year(int(seen["my_year"])), atoms.month(words.ALL_MONTHS[seen["my_month"]]))


def _which(seen: Seen) -> Atom | None:
    """last May, this Friday, next year; "this may" is a verb."""
    which, what = words.WHICH[seen["which"]], seen["what"]
    if what in words.ALL_MONTHS:
        if what in words.VERBS and which == "this" and not seen.capital("what"):
            return None
        return atoms.month(words.ALL_MONTHS[what], which)
    if what in words.SEASONS:
        return atoms.season(words.SEASONS[what], which)
    if what in words.FEASTS:
        return atoms.date_of(*words.FEASTS[what], which)
    if what in words.WEEKDAYS or what in words.SHORT_WEEKDAYS:
        return atoms.weekday((words.WEEKDAYS | words.SHORT_WEEKDAYS)[what], which)
    if what in words.PARTS:
        return atoms.inside(atoms.relative("day", words.OFFSETS[which]), atoms.part_of_day(*words.PARTS[what]))
    if what == "weekend":
        return atoms.weekend(which)
    return _unit_about(seen["which"], what)


def _unit_about(which: str, unit: str) -> Atom:
    if which == "past":  # the past week is not the last one of the calendar
        return atoms.lately(words.UNITS[unit], 1)
    return atoms.relative(words.UNITS[unit], words.OFFSETS[words.WHICH[which]])


def _before_last(seen: Seen) -> Atom | None:
    what, offset = seen["bl_what"], -2 if seen["bl_side"] == "before last" else 2
    if what in words.WEEKDAYS:
        return atoms.inside(atoms.relative("week", offset), atoms.weekday(words.WEEKDAYS[what]))
    if what == "night":
        return atoms.inside(atoms.relative("day", offset), atoms.part_of_day(*words.PARTS["night"]))
    if what == "weekend":
        return atoms.inside(atoms.relative("week", offset), atoms.weekend())
    return atoms.relative(words.UNITS[what], offset)


def _unit_named(written: str) -> Unit:
    return words.UNITS[written.removesuffix("s")]


def _count(written: str) -> int:
    return CARDINALS.get(written) or int(written)


def _ago(seen: Seen) -> Atom | None:
    unit, sign = _unit_named(seen["ago_unit"]), 1 if seen["ago_side"].startswith("from") else -1
    return atoms.ago(unit, sign * _count(seen["ago_count"]))


def _half_ago(seen: Seen) -> Atom | None:
    return atoms.ago("month", -6) if seen["half_unit"] == "year" else atoms.ago("minute", -30)


def _vaguely_ago(seen: Seen) -> Atom | None:
    return atoms.some_ago(_unit_named(seen["some_unit"]), *(words.COUPLE if "couple" in seen["some"] else words.FEW))


def _lately(seen: Seen) -> Atom | None:
    written, unit = seen["lately_count"], _unit_named(seen["lately_unit"])
    if "couple" in written:
        count = words.COUPLE[1]
    else:
        count = words.FEW[1] if "few" in written or "several" in written else _count(written)
    return atoms.lately(unit, -count if seen["lately"] in ("next", "coming") else count)


def _month_alone(seen: Seen) -> Atom | None:
    return atoms.month(words.MONTHS[seen["month"]]) if _written_month(seen, "month") else None


def _weekday_alone(seen: Seen) -> Atom | None:
    before = seen.before()
    if _HABIT.search(before) or (seen["weekday"] in words.SHORT_WEEKDAYS and not before.endswith("on ")):
        return None
    return atoms.weekday((words.WEEKDAYS | words.SHORT_WEEKDAYS)[seen["weekday"]])


def _season_alone(seen: Seen) -> Atom | None:
    before = seen.before()
    if seen["season"] in ("fall", "spring") and not (seen.after(_OF_A_YEAR) or _THE_SEASON.search(before)):
        return None
    free = bool(_PREPOSITION.search(before)) and not before.endswith(("of ", "for ", "about ", "to ", "and "))
    return atoms.season(words.SEASONS[seen["season"]], free=free)


def _year_alone(seen: Seen) -> Atom | None:
    """A year after a preposition or at the end of a clause; 2022 steps are none."""
    said = _PREPOSITION.search(seen.before()) or _YEAR_SAID.search(seen.before())
    if seen.after(_NO_YEAR) or not (said or not seen.after(_NOUN_AFTER)):
        return None
    return atoms.year(int(seen["year"]))


def _decade(seen: Seen) -> Atom | None:
    written = seen["decade"]
    return atoms.decade(words.DECADES[written] if written in words.DECADES else int(written))


def _clock(seen: Seen) -> Atom | None:
    hour = int(seen["hour"] or seen["only_hour"] or seen["plain_hour"])
    minute = int(seen["minute"]) if seen["minute"] else None
    if half := seen["half"] or seen["only_half"]:
        return atoms.clock(hour % 12 + (12 if half == "p" else 0), minute, free=True) if 1 <= hour <= 12 else None
    free = bool(seen["plain_hour"]) or hour >= 13 or bool(_AT.search(seen.before())) or seen.after(_PARTICLE)
    return atoms.clock(hour, minute, free=free, twelve=True)


def _noon(seen: Seen) -> Atom | None:
    return atoms.clock(24 if seen["noon"] == "midnight" else 12, free=False)


# In the order they are tried at one place of the text.
_FORMS: tuple[tuple[str, str, Reader], ...] = (
    (
        "iso",
        rf"(?<![\w./-])(?P<iso_year>{_YEAR})[-/.](?P<iso_month>0?[1-9]|1[0-2])"
        r"(?:[-/.](?P<iso_day>[0-9]{1,2}))?(?![0-9])(?![-/.][0-9])",
        _iso,
    ),
    (
        "slashed",
        r"(?<![\w./-])(?P<first>[0-9]{1,2})(?P<sign>[/.])(?P<other>[0-9]{1,2})"
        r"(?:(?P=sign)(?P<slash_year>[0-9]{4}|[0-9]{2}))?(?![0-9])(?![/.][0-9])",
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
        r"(?<![0-9:.,$])(?:(?P<hour>[0-2]?[0-9]):(?P<minute>[0-5][0-9])(?::[0-5][0-9])?(?![0-9:])"
        r"(?: ?(?P<half>[ap])\.?m\b)?"
        r"|(?P<only_hour>[0-9]{1,2}) ?(?P<only_half>[ap])\.?m\b|(?P<plain_hour>[0-9]{1,2}) o'clock\b)\.?",
        _clock,
    ),
    ("noon_time", r"\b(?P<noon>noon|midnight)\b", _noon),
    (
        "before_last",
        rf"\b(?P<bl_what>week|month|year|weekend|night|{_any(words.WEEKDAYS)}) (?P<bl_side>before last|after next)\b",
        _before_last,
    ),
    (
        "days",
        rf"\b(?P<day>{_any(words.DAYS)})\b",
        lambda seen: atoms.relative("day", words.DAYS[seen["day"]]),
    ),
    (
        "tonight",
        r"\btonight\b",
        lambda _: atoms.inside(atoms.relative("day", 0), atoms.part_of_day(*words.PARTS["night"])),
    ),
    ("other_day", r"(?<=the\x20)other (?:day|night|week)\b", lambda _: atoms.some_ago("day", *words.OTHER_DAY)),
    ("half_ago", r"\bhalf an? (?P<half_unit>year|hour) ago\b", _half_ago),
    ("vaguely_ago", rf"\b(?P<some>{_VAGUE}) (?P<some_unit>{_SPAN}) (?:ago|back)\b", _vaguely_ago),
    ("ago", rf"(?<![0-9][,.])\b(?P<ago_count>{_COUNT}) (?P<ago_unit>{_SPAN}) (?P<ago_side>ago|back|from now)\b", _ago),
    (
        "lately_forms",
        rf"\b(?P<lately>last|past|previous|next|coming) (?P<lately_count>{_COUNT}|{_VAGUE}) (?P<lately_unit>{_SPAN})\b",
        _lately,
    ),
    (
        "which_forms",
        rf"\b(?P<which>{_any(words.WHICH)}) (?P<what>{_any(words.AFTER_WHICH)})\b",
        _which,
    ),
    ("feast", rf"\b(?P<feasts>{_any(words.FEASTS)})\b", lambda seen: atoms.date_of(*words.FEASTS[seen["feasts"]])),
    ("months", rf"\b(?P<month>{_any(words.MONTHS)})\b", _month_alone),
    ("weekend", r"(?<=the\x20)weekend\b", lambda _: atoms.weekend()),
    ("weekdays", rf"\b(?P<weekday>{_any([*words.WEEKDAYS, *words.SHORT_WEEKDAYS])})\b", _weekday_alone),
    ("seasons", rf"\b(?P<season>{_any(words.SEASONS)})\b", _season_alone),
    (
        "decades",
        rf"(?:\b(?P<decade>(?:1[0-9]|20)[0-9]0(?='?s\b)"
        rf"|(?:(?<=the )|(?<=early )|(?<=late )|(?<=mid ))(?:[0-9]0(?='?s\b)|{_any(words.DECADES)}))(?:'?s)?\b)",
        _decade,
    ),
    ("years", rf"(?<![\w.,$€£¥#/:+-])(?P<year>{_YEAR})\b(?![%:/年月日-])(?![.,][0-9])", _year_alone),
    ("parts", rf"\b(?P<part>{_any(words.PARTS)})\b", lambda seen: atoms.part_of_day(*words.PARTS[seen["part"]])),
    ("shares", rf"\b(?P<share>{_any(words.SHARES)})\b", lambda seen: atoms.share(*words.SHARES[seen["share"]])),
)
_READERS = {name: reader for name, _, reader in _FORMS}
# Only ASCII counts as a letter beside a word: 昨日3pm has a beginning before its 3.
_PATTERN = re.compile("(?<![a-z0-9_])(?:" + "|".join(f"(?P<{name}>{form})" for name, form, _ in _FORMS) + ")", re.ASCII)
_WORD = re.compile("[a-z]+|[0-9]+")
_FIRST_WORDS = frozenset(
    re.split("[ '-]", phrase)[0]
    for phrases in (
        *(ORDINALS, CARDINALS, words.ALL_MONTHS, words.WEEKDAYS, words.SHORT_WEEKDAYS, words.SEASONS, words.FEASTS),
        *(words.PARTS, words.DECADES, words.DAYS),
        *(words.WHICH, words.SHARES, words.BEGINNINGS),
    )
    for phrase in phrases
)
# Every time in English has one of these words or a figure.
_CUES = frozenset(
    word
    for phrases in (
        *(words.ALL_MONTHS, words.WEEKDAYS, words.SHORT_WEEKDAYS, words.SEASONS),
        *(words.PARTS, words.DECADES, words.DAYS),
    )
    for phrase in phrases
    for word in phrase.split()[-1:]
) | frozenset(words.CUES)
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
            if (atom := _READERS[match.lastgroup or ""](Seen(match, text))) is not None:
                yield atom.at(begin, end)


def _may_tell(folded: str) -> bool:
    """A quick no for most texts that tell no time."""
    found = _WORD.findall(folded)
    return not _CUES.isdisjoint(found) or any(map(str.isdecimal, found))
