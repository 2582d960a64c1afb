"""The calendar around a speaker: days, weeks, months and years about `now`, and from wall-clock time to epoch seconds.

All arithmetic is done on the wall clock of the speaker's zone and turned into epoch seconds last, so that a day across
a change of the clocks has its 23 or 25 hours. Lived days (today, Friday, last week) begin at `day_begins` o'clock:
at one in the morning "today" is still the evening's day. Calendar dates run from midnight to midnight.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from dmha.errors import InvalidInput

Unit = Literal["minute", "hour", "part", "day", "week", "month", "season", "year", "decade", "share"]

SECONDS = {"minute": 60.0, "hour": 3600.0}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12, "decade": 120}


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time in epoch seconds, its end excluded. An open side is infinite."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Period:
    """A span on the wall clock, its end excluded."""

    start: datetime
    end: datetime


class Calendar:
    """What a speaker's `now` makes of days and dates. `future`: the text speaks of what is to come."""

    def __init__(self, now: datetime, day_begins: int, *, future: bool) -> None:
        if now.tzinfo is None or now.utcoffset() is None:
            raise InvalidInput("now", "the time has no zone", "Give an aware datetime in the speaker's zone.")
        if not 0 <= day_begins <= 23:
            raise InvalidInput("day_begins", f"{day_begins!r} is no hour of the day", "Give an hour from 0 to 23.")
        self.moment = now.timestamp()
        self.now = now.replace(tzinfo=None, fold=0)
        self.today = (self.now - timedelta(hours=day_begins)).date()
        self.day_begins = day_begins
        self.future = future
        self._zone = now.tzinfo

    def epoch(self, wall: datetime) -> float:
        """Epoch seconds of a wall-clock time; one that the clocks leap over counts from before the leap."""
        return (wall.replace(tzinfo=self._zone) - _EPOCH).total_seconds()

    def span(self, found: Period | Span) -> Span:
        """The period in epoch seconds; one inside an hour that the clocks leap over keeps its length."""
        if isinstance(found, Span):
            return found
        start, end = self.epoch(found.start), self.epoch(found.end)
        return Span(start, end if start < end else start + (found.end - found.start).total_seconds())

    def lived(self, first: date, days: int = 1) -> Period:
        """Days as they are lived, from `day_begins` o'clock."""
        start = datetime.combine(first, time(self.day_begins))
        return Period(start, start + timedelta(days=days))

    def holding(self, unit: Unit, day: date) -> Period:
        """The day, week (from Monday), month, year or decade that a date lies in."""
        if unit == "day":
            return self.lived(day)
        if unit == "week":
            return self.lived(day - timedelta(days=day.weekday()), 7)
        first = day.replace(day=1)
        if unit != "month":
            first = first.replace(month=1)
        if unit == "decade":
            first = first.replace(year=first.year - first.year % 10)
        return dates(first, shifted(first, unit, 1))

    def unit(self, unit: Unit, offset: int) -> Period:
        """The unit so many from the present one: `("week", -1)` is last week."""
        return self.holding(unit, shifted(self.today, unit, offset))


_EPOCH = datetime.combine(date(1970, 1, 1), time(), UTC)


def dates(first: date, after: date) -> Period:
    """Calendar dates, midnight to midnight, `after` excluded."""
    return Period(datetime.combine(first, time()), datetime.combine(after, time()))


def shifted(day: date, unit: Unit, count: int) -> date:
    """The date so many units away; a month too short for the day ends with its last."""
    if unit in _DAYS:
        return day + timedelta(days=_DAYS[unit] * count)
    months = day.year * 12 + day.month - 1 + _MONTHS[unit] * count
    year, month = divmod(months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(year)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
