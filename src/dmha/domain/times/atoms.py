"""Atoms: the smallest pieces that tell a time, and how two that stand together become one.

An atom is anchored (last year, 2022, yesterday) or floats (May, Friday, evening, 3 p.m.): a floating one is placed
inside what it stands beside ("Friday last week", 去年の5月), or, alone, in the cycle it recurs in, on the side of now
that the text speaks of. A date that does not exist is a ValueError, one beyond the calendar an OverflowError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from dmha.domain.times.calendar import SECONDS, Calendar, Period, Span, Unit, dates, shifted

Which = Literal["near", "last", "this", "next"]
Found = Period | Span
Place = Callable[[Calendar, Period | None], Found]
Make = Callable[[Calendar, Period], Period]


@dataclass(frozen=True, slots=True)
class Atom:
    """A piece that tells a time. `fits`: the units it can stand inside; none if it is anchored.

    `holds`: the unit it is for what stands inside it. `free`: it may stand alone. `exact`: named by the calendar.
    """

    place: Place
    holds: Unit
    fits: frozenset[Unit] = frozenset()
    free: bool = True
    exact: bool = False
    begin: int = 0
    end: int = 0

    def at(self, begin: int, end: int) -> Atom:
        """The same, where it stands in a text."""
        return Atom(self.place, self.holds, self.fits, self.free, self.exact, begin, end)


def joined(left: Atom, right: Atom) -> Atom | None:
    """Two neighbours as one, if either fits into the other."""
    if left.holds in right.fits:
        whole = inside(left, right)
    elif right.holds in left.fits:
        whole = inside(right, left)
    else:
        return None
    return whole.at(left.begin, right.end)


def told_twice(left: Atom, right: Atom) -> Atom | None:
    """A weekday and a date beside it as that date: Friday, 5 May; 5月3日（水曜日）."""
    dated, other = (left, right) if left.exact else (right, left)
    if dated.exact and dated.holds == "day" and "week" in other.fits:
        return dated.at(left.begin, right.end)
    return None


def inside(outer: Atom, inner: Atom) -> Atom:
    """The inner atom placed inside the outer one."""

    def place(calendar: Calendar, within: Period | None) -> Found:
        period = outer.place(calendar, within)
        return inner.place(calendar, period) if isinstance(period, Period) else period

    exact = outer.exact and (inner.exact or inner.holds in ("part", "hour", "season"))
    return Atom(place, inner.holds, outer.fits, outer.free or not inner.fits - {"part", "day"}, exact)


# --- anchored --------------------------------------------------------------------------------------------------------


def relative(unit: Unit, offset: int) -> Atom:
    """yesterday, this week, next year."""
    return Atom(lambda calendar, _: calendar.unit(unit, offset), unit)


def year(number: int) -> Atom:
    """A year of the calendar."""
    return Atom(lambda calendar, _: calendar.holding("year", date(number, 1, 1)), "year", exact=True)


def decade(number: int) -> Atom:
    """1990 for the nineties; 90 for the last nineties that have begun."""

    def place(calendar: Calendar, _: Period | None) -> Found:
        first = number
        if number < 100:
            century = calendar.today.year // 100 * 100
            first = century + number if century + number <= calendar.today.year else century - 100 + number
        return calendar.holding("decade", date(first, 1, 1))

    return Atom(place, "decade", exact=True)


def ago(unit: Unit, count: float) -> Atom:
    """The time so many units from now (before it, if negative), as wide as one unit about that day or moment."""

    def place(calendar: Calendar, _: Period | None) -> Found:
        if unit in SECONDS:
            centre = calendar.moment + count * SECONDS[unit]
            return Span(centre - SECONDS[unit] / 2, centre + SECONDS[unit] / 2)
        whole = int(count)
        day = shifted(calendar.today, unit, whole)
        if unit == "day":
            return calendar.lived(day)
        if unit in ("week", "month"):
            wide = 3 if unit == "week" else 15
            return calendar.lived(day - timedelta(days=wide), 2 * wide + 1)
        half = 6 if unit == "year" else 60
        return dates(shifted(day, "month", -half), shifted(day, "month", half))

    return Atom(place, "day" if unit == "day" else "minute")


def some_ago(unit: Unit, least: int, most: int) -> Atom:
    """From `most` to `least` units ago: a few days ago."""

    def place(calendar: Calendar, _: Period | None) -> Found:
        if unit in SECONDS:
            return Span(calendar.moment - most * SECONDS[unit], calendar.moment - least * SECONDS[unit])
        first, last = shifted(calendar.today, unit, -most), shifted(calendar.today, unit, -least)
        return Period(calendar.lived(first).start, calendar.lived(last).end)

    return Atom(place, "minute")


def lately(unit: Unit, count: int) -> Atom:
    """The past so many units, up to now; the coming ones if negative."""

    def place(calendar: Calendar, _: Period | None) -> Found:
        if unit in SECONDS:
            other = calendar.moment - count * SECONDS[unit]
        else:
            day = calendar.lived(shifted(calendar.today, unit, -count))
            other = calendar.epoch(day.start if count > 0 else day.end)
        return Span(min(other, calendar.moment), max(other, calendar.moment))

    return Atom(place, "minute")


# --- floating --------------------------------------------------------------------------------------------------------

_YEARLY: frozenset[Unit] = frozenset(("year",))
_WHOLES: frozenset[Unit] = frozenset(("month", "season", "year", "decade"))  # what has an early and a late part


def month(number: int, which: Which = "near") -> Atom:
    """A month of the year."""

    def make(_: Calendar, year: Period) -> Period:
        first = date(year.start.year, number, 1)
        return dates(first, shifted(first, "month", 1))

    return Atom(_recurring("year", make, which), "month", _YEARLY, exact=which == "near")


def date_of(month: int, day: int, which: Which = "near") -> Atom:
    """A day of the year."""

    def make(_: Calendar, year: Period) -> Period:
        first = date(year.start.year, month, day)
        return dates(first, first + timedelta(days=1))

    return Atom(_recurring("year", make, which), "day", _YEARLY, exact=which == "near")


def day_of_month(day: int, *, free: bool) -> Atom:
    """A day of the month."""

    def make(_: Calendar, month: Period) -> Period:
        first = month.start.date().replace(day=day)
        return dates(first, first + timedelta(days=1))

    return Atom(_recurring("month", make, "near"), "day", frozenset(("month",)), free, exact=True)


SPRING, SUMMER, AUTUMN, WINTER = 3, 6, 9, 12


def season(first_month: int, which: Which = "near", *, free: bool = True) -> Atom:
    """Three months as they fall in the northern hemisphere; winter belongs to the year of its December.

    Until May, though, this year's winter is the one that began in the December before.
    """

    def make(_: Calendar, year: Period) -> Period:
        first = date(year.start.year, first_month, 1)
        return dates(first, shifted(first, "month", 3))

    cycle = _recurring("year", make, which)

    def place(calendar: Calendar, within: Period | None) -> Found:
        if within is None and which == "this":
            within = calendar.unit("year", 0)
        if within and first_month == WINTER and calendar.today.month <= 5 and within == calendar.unit("year", 0):
            within = calendar.unit("year", -1)
        return cycle(calendar, within)

    return Atom(place, "season", _YEARLY, free, exact=False)


def weekday(number: int, which: Which = "near") -> Atom:
    """A day of the week, Monday 0; alone it is never today, which would be called so."""
    return Atom(_recurring("week", _days_of_week(number, 1), which), "day", frozenset(("week",)))


def weekend(which: Which = "near") -> Atom:
    """Saturday and Sunday."""
    return Atom(_recurring("week", _days_of_week(5, 2), which), "day", frozenset(("week",)))


def _days_of_week(number: int, count: int) -> Make:
    return lambda calendar, week: calendar.lived(week.start.date() + timedelta(days=number), count)


def part_of_day(begin: int, end: int) -> Atom:
    """Hours of a day; an end of 24 stands for the end of the lived day."""

    def make(calendar: Calendar, day: Period) -> Period:
        return _hours(day, begin, calendar.day_begins + 24 if end == 24 else end)

    return Atom(_recurring("day", make, "near"), "part", frozenset(("day",)), free=False)


def clock(hour: int, minute: int | None = None, *, free: bool, twelve: bool = False) -> Atom | None:
    """An hour, or a minute of it, if a clock can show it. Up to 29 is the night after; `twelve`: or twelve later."""
    if hour > 29 or (minute or 0) > 59:
        return None
    length = timedelta(hours=1) if minute is None else timedelta(minutes=1)

    def make(_: Calendar, day: Period) -> Period:
        midnight = datetime.combine(day.start.date(), time(minute=minute or 0))
        hours = (hour, hour + 12, hour + 24) if twelve and hour <= 12 else (hour, hour + 24)
        starts = [midnight + timedelta(hours=each) for each in hours]
        start = (
            next((each for each in starts if day.start <= each < day.end), starts[0]) if _is_part(day) else starts[0]
        )
        return Period(start, start + length)

    return Atom(_recurring("day", make, "near"), "hour", frozenset(("day", "part")), free)


def share(index: int, count: int, *, cycle: Unit = "year", free: bool = False) -> Atom:
    """The first, second... of so many equal parts: late May, 下半年. Thirds of a month are its tens of days."""

    def make(_: Calendar, whole: Period) -> Period:
        days = (whole.end - whole.start).days
        cuts = [days * cut // count for cut in range(count + 1)]
        if count == 3 and 28 <= days <= 31:
            cuts = [0, 10, 20, days]
        return Period(whole.start + timedelta(days=cuts[index]), whole.start + timedelta(days=cuts[index + 1]))

    fits = _WHOLES if cycle == "year" else frozenset[Unit](("month",))
    return Atom(_recurring(cycle, make, "near"), "share", fits, free, exact=not free)


def _is_part(period: Period) -> bool:
    return period.end - period.start < timedelta(hours=24)


def _hours(day: Period, begin: int, end: int) -> Period:
    midnight = datetime.combine(day.start.date(), time())
    return Period(midnight + timedelta(hours=begin), midnight + timedelta(hours=end))


_LEAP_YEARS_APART = 8  # no more years lie between two days of 29 February


def _recurring(cycle: Unit, make: Make, which: Which) -> Place:
    def place(calendar: Calendar, within: Period | None) -> Found:
        if within is not None:
            return make(calendar, within)
        if which == "this":
            return make(calendar, calendar.unit(cycle, 0))
        forward = which == "next" or (which == "near" and calendar.future)
        steps = range(-1, _LEAP_YEARS_APART + 1) if forward else range(1, -_LEAP_YEARS_APART - 2, -1)
        for step in steps:
            try:
                period = make(calendar, calendar.unit(cycle, step))
            except ValueError:  # 29 February of a common year
                continue
            if _suits(calendar, period, cycle, which, forward=forward):
                return period
        raise ValueError(cycle)

    return place


def _suits(calendar: Calendar, period: Period, cycle: Unit, which: Which, *, forward: bool) -> bool:
    today = calendar.lived(calendar.today)
    if forward:
        return period.start > calendar.now and (cycle != "week" or period.start >= today.end)
    if which == "last" or cycle == "week":
        return period.end <= max(today.start, datetime.combine(calendar.today, time()))
    return period.start <= calendar.now
