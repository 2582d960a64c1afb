"""The English words that tell a time, and what each stands for. Only tables live here; `english` reads by them."""

from __future__ import annotations

from dmha.domain.times import atoms
from dmha.domain.times.atoms import Which
from dmha.domain.times.calendar import Unit

MONTHS = {
    name: number
    for number, name in enumerate(
        (
            *("january", "february", "march", "april", "may", "june"),
            *("july", "august", "september", "october", "november", "december"),
        ),
        start=1,
    )
}
SHORT_MONTHS = {name[:3]: number for name, number in MONTHS.items() if name != "may"} | {"sept": 9}
ALL_MONTHS = MONTHS | SHORT_MONTHS
VERBS = frozenset(("may", "march"))  # a month where a capital or a sure preposition says so
NAMES = frozenset(("april", "june", "august"))  # a month after any preposition
WEEKDAYS = {
    name: number
    for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}
SHORT_WEEKDAYS = {
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
SEASONS = {
    "spring": atoms.SPRING,
    "summer": atoms.SUMMER,
    "autumn": atoms.AUTUMN,
    "fall": atoms.AUTUMN,
    "winter": atoms.WINTER,
}
FEASTS = {
    "christmas eve": (12, 24),
    "christmas": (12, 25),
    "new year's eve": (12, 31),
    "new year's day": (1, 1),
    "halloween": (10, 31),
    "valentine's day": (2, 14),
}
# Hours of the day; 24 is the end of the lived day.
PARTS = {
    "early morning": (4, 8),
    "morning": (5, 12),
    "noon": (11, 14),
    "lunchtime": (11, 14),
    "afternoon": (12, 18),
    "evening": (17, 22),
    "late night": (22, 24),
    "night": (18, 24),
}
DECADES = {"fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90}
DAYS = {
    "today": 0,
    "yesterday": -1,
    "tomorrow": 1,
    "day before yesterday": -2,
    "day after tomorrow": 2,
}
WHICH: dict[str, Which] = {
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
OFFSETS = {"last": -1, "this": 0, "next": 1}
FEW = (2, 6)  # a few, several
COUPLE = (1, 3)
OTHER_DAY = (1, 10)
SHARES = {
    "early": (0, 3), "mid": (1, 3), "middle of": (1, 3), "late": (2, 3),
    "beginning of": (0, 6), "start of": (0, 6), "end of": (5, 6),
}  # fmt: skip
UNITS: dict[str, Unit] = {
    "minute": "minute", "min": "minute", "hour": "hour", "hr": "hour", "day": "day", "week": "week", "month": "month",
    "year": "year", "decade": "decade",
}  # fmt: skip
# Words that begin a time without being in a table, and words one of which every time in English has, if no figure.
BEGINNINGS = ("tonight", "other", "half", "few", "couple", "several", "noon", "midnight", *UNITS, "weekend", "night")
CUES = (
    *("week", "weeks", "weekend", "month", "months", "year", "years", "decade", "decades", "days", "hours", "minutes"),
    *("mins", "hrs", "ago", "back", "other", "tonight", "midnight", "christmas", "new", "valentine", "halloween"),
)
# What last, this and next stand before.
AFTER_WHICH = (
    *(*ALL_MONTHS, *WEEKDAYS, *SHORT_WEEKDAYS, *SEASONS, *FEASTS, "morning", "afternoon", "evening", "night"),
    *("weekend", "week", "month", "year", "decade"),
)
