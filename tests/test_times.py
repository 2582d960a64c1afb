"""Times in texts: what dates and spans mean to whoever speaks, in three languages and several zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from math import inf, isinf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.times import asks_when, mentions, tells_time
from dmha.errors import InvalidInput

TOKYO, NEW_YORK, SHANGHAI = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Shanghai")
NOW = datetime(2023, 11, 22, 15, 30, tzinfo=TOKYO)  # a Wednesday afternoon
DAY = "%Y-%m-%d"


def told(text: str, now: datetime = NOW) -> list[tuple[str, str, str]]:
    """Each mention with the wall-clock times it runs between; a midnight is written as its date."""
    return [(text[m.begin : m.end], _wall(m.span.start, now), _wall(m.span.end, now)) for m in mentions(text, now=now)]


def _wall(seconds: float, now: datetime) -> str:
    if isinf(seconds):
        return "open"
    wall = datetime.fromtimestamp(seconds, now.tzinfo)
    return wall.strftime(DAY if wall.hour == wall.minute == 0 else f"{DAY} %H:%M")


DATES = [
    ("on 5 May 2023", "5 May 2023", "2023-05-05", "2023-05-06"),
    ("May 5th", "May 5th", "2023-05-05", "2023-05-06"),
    ("Dec 25", "Dec 25", "2022-12-25", "2022-12-26"),
    ("the third of May 2021", "third of May 2021", "2021-05-03", "2021-05-04"),
    ("2023-05-05", "2023-05-05", "2023-05-05", "2023-05-06"),
    ("on 5/4", "5/4", "2023-05-04", "2023-05-05"),
    ("on 13/5", "13/5", "2023-05-13", "2023-05-14"),
    ("13/5/22", "13/5/22", "2022-05-13", "2022-05-14"),
    ("5.4.2023", "5.4.2023", "2023-04-05", "2023-04-06"),
    ("29 February", "29 February", "2020-02-29", "2020-03-01"),
    ("2月29日", "2月29日", "2020-02-29", "2020-03-01"),
    ("May 2023", "May 2023", "2023-05-01", "2023-06-01"),
    ("in May", "May", "2023-05-01", "2023-06-01"),
    ("in December", "December", "2022-12-01", "2023-01-01"),
    ("I will go in May", "May", "2024-05-01", "2024-06-01"),
    ("What happened in 2022?", "2022", "2022-01-01", "2023-01-01"),
    ("the 90s", "90s", "1990-01-01", "2000-01-01"),
    ("90年代", "90年代", "1990-01-01", "2000-01-01"),
    ("2023年5月", "2023年5月", "2023-05-01", "2023-06-01"),
    ("21年5月", "21年5月", "2021-05-01", "2021-06-01"),
    ("99年12月3日", "99年12月3日", "1999-12-03", "1999-12-04"),
    ("２０２３年５月５日", "２０２３年５月５日", "2023-05-05", "2023-05-06"),
    ("二〇二三年五月十五日", "二〇二三年五月十五日", "2023-05-15", "2023-05-16"),
    ("令和5年5月", "令和5年5月", "2023-05-01", "2023-06-01"),
    ("平成 23年5月", "平成 23年5月", "2011-05-01", "2011-06-01"),
    ("平成元年", "平成元年", "1989-01-01", "1990-01-01"),
    ("民國112年", "民國112年", "2023-01-01", "2024-01-01"),
    ("Friday, 5 May 2023", "Friday, 5 May 2023", "2023-05-05", "2023-05-06"),
    ("5月上旬", "5月上旬", "2023-05-01", "2023-05-11"),
    ("in late May", "late May", "2023-05-21", "2023-06-01"),
    ("去年末", "去年末", "2022-11-01", "2023-01-01"),
    ("下半年2022年", "下半年2022年", "2022-07-02", "2023-01-01"),
]
SEASONS = [
    ("last summer", "2023-06-01", "2023-09-01"),
    ("summer 2022", "2022-06-01", "2022-09-01"),
    ("this winter", "2023-12-01", "2024-03-01"),
    ("last winter", "2022-12-01", "2023-03-01"),
    ("fall of 2021", "2021-09-01", "2021-12-01"),
    ("去年の夏", "2022-06-01", "2022-09-01"),
    ("今年の春", "2023-03-01", "2023-06-01"),
    ("去年夏天", "2022-06-01", "2022-09-01"),
    ("last month", "2023-10-01", "2023-11-01"),
    ("next year", "2024-01-01", "2025-01-01"),
    ("last May", "2023-05-01", "2023-06-01"),
    ("先月", "2023-10-01", "2023-11-01"),
    ("一昨年", "2021-01-01", "2022-01-01"),
    ("上個月", "2023-10-01", "2023-11-01"),
    ("去年の5月", "2022-05-01", "2022-06-01"),
    ("先月の15日", "2023-10-15", "2023-10-16"),
]
LIVED = [
    ("today", "22", "23"),
    ("yesterday", "21", "22"),
    ("the day before yesterday", "20", "21"),
    ("tomorrow", "23", "24"),
    ("last week", "13", "20"),
    ("this week", "20", "27"),
    ("the week before last", "06", "13"),
    ("last Friday", "17", "18"),
    ("on Friday", "17", "18"),
    ("on Wednesday", "15", "16"),
    ("this Friday", "24", "25"),
    ("next Friday", "24", "25"),
    ("last weekend", "18", "20"),
    ("two weeks ago", "05", "12"),
    ("a few days ago", "16", "21"),
    ("3 days ago", "19", "20"),
    ("twenty days ago", "02", "03"),
    ("twenty-one days ago", "01", "02"),
    ("今日", "22", "23"),
    ("昨日", "21", "22"),
    ("一昨日", "20", "21"),
    ("先週", "13", "20"),
    ("先々週", "06", "13"),
    ("先週の金曜日", "17", "18"),
    ("この前の金曜", "17", "18"),
    ("先週末", "18", "20"),
    ("三日前", "19", "20"),
    ("３日前", "19", "20"),
    ("二週間前", "05", "12"),
    ("数日前", "16", "21"),
    ("今天", "22", "23"),
    ("前天", "20", "21"),
    ("上星期", "13", "20"),
    ("上週五", "17", "18"),
    ("周五", "17", "18"),
    ("三天前", "19", "20"),
    ("两三天前", "19", "21"),
    ("二三日前", "19", "21"),
    ("两周前", "05", "12"),
    ("几天前", "16", "21"),
]
HOURS = [
    ("last night", "2023-11-21 18:00", "2023-11-22 04:00"),
    ("this morning", "2023-11-22 05:00", "2023-11-22 12:00"),
    ("昨夜", "2023-11-21 18:00", "2023-11-22 04:00"),
    ("今朝", "2023-11-22 05:00", "2023-11-22 12:00"),
    ("昨晚", "2023-11-21 18:00", "2023-11-22 04:00"),
    ("今天早上", "2023-11-22 05:00", "2023-11-22 12:00"),
    ("3pm yesterday", "2023-11-21 15:00", "2023-11-21 16:00"),
    ("Friday at 3:30 pm", "2023-11-17 15:30", "2023-11-17 15:31"),
    ("昨日の25時", "2023-11-22 01:00", "2023-11-22 02:00"),
    ("昨日の25:30", "2023-11-22 01:30", "2023-11-22 01:31"),
    ("25:30", "2023-11-22 01:30", "2023-11-22 01:31"),
    ("昨日の夜9時", "2023-11-21 21:00", "2023-11-21 22:00"),
    ("昨夜の1時", "2023-11-22 01:00", "2023-11-22 02:00"),
    ("昨天晚上八点", "2023-11-21 20:00", "2023-11-21 21:00"),
    ("去年の5月3日の夜9時半", "2022-05-03 21:30", "2022-05-03 21:31"),
    ("an hour ago", "2023-11-22 14:00", "2023-11-22 15:00"),
    ("past three weeks", "2023-11-01 04:00", "2023-11-22 15:30"),
    ("最近三天", "2023-11-19 04:00", "2023-11-22 15:30"),
    ("half a year ago", "2023-05-07 04:00", "2023-06-07 04:00"),
    ("半年前", "2023-05-07 04:00", "2023-06-07 04:00"),
]
RANGES = [
    ("since March", "2023-03-01", "2023-11-22 15:30"),
    ("before May", "open", "2023-05-01"),
    ("after 2021", "2022-01-01", "open"),
    ("until next Friday", "open", "2023-11-25 04:00"),
    ("between March and May", "2023-03-01", "2023-06-01"),
    ("week before June 9", "2023-06-02", "2023-06-09"),
    ("day after Christmas", "2022-12-26", "2022-12-27"),
    ("week of 3 May 2023", "2023-05-01 04:00", "2023-05-08 04:00"),
    ("from December to January", "2022-12-01", "2023-02-01"),
    ("from June 2022 to March", "2022-06-01", "2023-04-01"),
    ("from March to May 2020", "2020-03-01", "2020-06-01"),
    ("from Monday to Thursday", "2023-11-13 04:00", "2023-11-17 04:00"),
    ("5月から7月まで", "2023-05-01", "2023-08-01"),
    ("5月3日から5日まで", "2023-05-03", "2023-05-06"),
    ("去年5月以来", "2022-05-01", "2023-11-22 15:30"),
    ("2022年以前", "open", "2022-01-01"),
    ("从3月到5月", "2023-03-01", "2023-06-01"),
]


@pytest.mark.parametrize(("text", "written", "start", "end"), DATES)
def test_calendar_dates_run_from_midnight_to_midnight(text: str, written: str, start: str, end: str) -> None:
    """A date of the calendar is read in every usual spelling; without a year it is the latest past one."""
    assert told(text) == [(written, start, end)]


@pytest.mark.parametrize(("text", "start", "end"), SEASONS)
def test_months_seasons_and_years_are_told_from_now(text: str, start: str, end: str) -> None:
    """Relative months, northern seasons and years are those of the calendar."""
    assert told(text) == [(text, start, end)]


@pytest.mark.parametrize(("text", "first", "after"), LIVED)
def test_relative_days_begin_when_the_speakers_day_does(text: str, first: str, after: str) -> None:
    """Days, weekdays and weeks from Monday run from four in the morning to four in the morning."""
    (found,) = told(text)
    assert found[0] in (text, text.removeprefix("the ").removeprefix("on "))
    assert found[1:] == (f"2023-11-{first} 04:00", f"2023-11-{after} 04:00")


@pytest.mark.parametrize(("text", "start", "end"), HOURS + RANGES)
def test_hours_and_ranges_are_exact(text: str, start: str, end: str) -> None:
    """Times of day, hours past midnight, spans up to now, and ranges with two ends or one."""
    assert told(text) == [(text, start, end)]


NO_TIMES = [
    "I may go. May I come in? this may be it, they may 5 times, I may second that",
    "march on, we march 5 miles",
    "fall down, the fall of Rome, spring water, I love summer",
    "My friend June told April",
    "the sun, I sat there, we wed, just a second",
    "3/4 cup, $2022, I ran 2022 steps, 192.168.1.1, at a ratio of 3:2",
    "every Friday, Fridays, 毎週金曜, 每周五",
    "good morning, good night, おはよう、夜",
    "日本に行った、二日酔い、三時間、10年間、二人、夜叉、朝日新聞、今朝鮮では",
    "周杰伦、一周、第三点、两个月",
    "13月, 31/31, on 31/31",
    "99 o'clock, 3時75分, 三点九十九分, 百時",
    "几十年前, 何十年前, 数十年前, 1,000 years ago, 2.5 years ago, t years ago",
    "",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_words_that_are_something_else_are_no_times(text: str) -> None:
    """Verbs, names, fractions, habits and durations are left alone, by both readers."""
    assert (told(text), tells_time(text)) == ([], False)


@pytest.mark.parametrize("text", ["30 February", "2月30日", "31 April 2023", "9000 years ago"])
def test_a_date_that_no_calendar_has_is_no_mention(text: str) -> None:
    """What cannot be placed is left out rather than moved to another day."""
    assert told(text) == []


def test_one_in_the_morning_is_still_the_evenings_day() -> None:
    """A late-night talker's today and yesterday are those of the day that has not ended; the cutoff can be moved."""
    now = datetime(2023, 11, 23, 1, 0, tzinfo=TOKYO)
    assert told("今日", now) == [("今日", "2023-11-22 04:00", "2023-11-23 04:00")]
    assert told("last night", now) == [("last night", "2023-11-21 18:00", "2023-11-22 04:00")]
    (at_midnight,) = mentions("today", now=now, day_begins=0)
    assert _wall(at_midnight.span.start, now) == "2023-11-23"


@pytest.mark.parametrize(
    ("now", "text", "hours"),
    [
        (datetime(2024, 3, 10, 12, tzinfo=NEW_YORK), "yesterday", 23),  # the clocks go forward in its last hours
        (datetime(2024, 11, 3, 12, tzinfo=NEW_YORK), "yesterday", 25),
        (datetime(2024, 3, 20, 12, tzinfo=NEW_YORK), "on 3/10/2024", 23),
        (datetime(2024, 3, 20, 12, tzinfo=NEW_YORK), "last week", 168),
        (datetime(2024, 3, 13, 12, tzinfo=NEW_YORK), "last week", 167),
        (datetime(2024, 3, 10, 3, 30, tzinfo=NEW_YORK), "an hour ago", 1),
        (datetime(2024, 3, 20, 12, tzinfo=NEW_YORK), "March 10, 2024 at 2:00 pm", 1 / 60),
        (datetime(2024, 3, 20, 12, tzinfo=NEW_YORK), "March 10, 2024 at 2am", 1),  # an hour that was leapt over
        (datetime(2024, 3, 20, 12, tzinfo=SHANGHAI), "昨天", 24),
    ],
)
def test_days_have_the_hours_that_the_clocks_give_them(now: datetime, text: str, hours: float) -> None:
    """Across a change of the clocks a day has 23 or 25 hours, and no span is empty."""
    (mention,) = mentions(text, now=now)
    assert mention.span.end - mention.span.start == pytest.approx(hours * 3600)


def test_the_same_word_is_another_span_in_another_zone() -> None:
    """Today is the day of the zone of whoever speaks."""
    moment = datetime(2023, 11, 22, 20, 0, tzinfo=UTC)
    starts = [mentions("today", now=moment.astimezone(zone))[0].span.start for zone in (TOKYO, NEW_YORK, SHANGHAI)]
    assert starts == [
        datetime(2023, 11, 23, 4, tzinfo=TOKYO).timestamp(),
        datetime(2023, 11, 22, 4, tzinfo=NEW_YORK).timestamp(),
        datetime(2023, 11, 23, 4, tzinfo=SHANGHAI).timestamp(),
    ]


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        *[("5 May 2023", True), ("in May", True), ("2022年", True), ("5月5日の夜", True), ("since March", True)],
        *[("yesterday", False), ("last May", False), ("去年の5月", False), ("on Friday", False), ("先週", False)],
    ],
)
def test_what_the_calendar_names_is_exact(text: str, exact: bool) -> None:
    """An explicit date, month or year is exact; what is told from now is not."""
    assert [mention.exact for mention in mentions(text, now=NOW)] == [exact]


def test_several_times_stand_in_one_text() -> None:
    """Languages mix freely, and each mention lies where it was written."""
    assert [text for text, *_ in told("Last year 先週の金曜 和 上个月，then 5 May 2023.")] == [
        "Last year",
        "先週の金曜",
        "上个月",
        "5 May 2023",
    ]


@pytest.mark.parametrize(
    "text", ["When did we meet?", "what date was it", "how long ago was that", "Tell me when it was?"]
)
@pytest.mark.parametrize("more", ["", "いつ会った？", "何月だった？", "什么时候去的？", "是哪天？", "何时"])
def test_a_question_after_a_time_is_known(text: str, more: str) -> None:
    """When, what date, how long ago, いつ, 何月, 什么时候, 哪天, 何时 ask for a time."""
    assert asks_when(text)
    assert asks_when(more) is bool(more)


@pytest.mark.parametrize(
    "text",
    ["I cried when I saw it.", "whenever you like", "いつもの店", "いつまでも", "いつか行きたい", "何日も待った", ""],
)
def test_when_that_asks_nothing_is_no_question_after_a_time(text: str) -> None:
    """A conjunction, always and some day do not ask."""
    assert not asks_when(text)


@pytest.mark.parametrize("text", ["yesterday", "last week", "昨日", "先週の金曜", "上个月", "in 2022", "June 5"])
def test_a_turn_that_tells_a_time_is_known(text: str) -> None:
    """Dated and relative expressions are told from text that has none."""
    assert tells_time(f"We met {text}.")
    assert not tells_time("We met there, and 猫 was 好き.")


def test_a_time_without_a_zone_is_refused() -> None:
    """A naive now, or a day that begins at no hour, is the caller's mistake."""
    with pytest.raises(InvalidInput, match="now"):
        mentions("today", now=NOW.replace(tzinfo=None))
    with pytest.raises(InvalidInput, match="day_begins"):
        mentions("today", now=NOW, day_begins=24)


PIECES = st.sampled_from(
    [
        *[
            "last",
            "next",
            "this",
            "yesterday",
            "May",
            "march",
            "5",
            "2023",
            ",",
            "from",
            "to",
            "since",
            "before",
            "ago",
        ],
        *["two", "a", "few", "weeks", "3pm", "of", "the", "Friday", "12:30", "13/5", "winter", "end", "99999"],
        *["week", "day before", "year after", "week of", "后", "天", "間"],
        *[
            "去年",
            "の",
            "5月",
            "三",
            "日",
            "前",
            "から",
            "まで",
            "上",
            "周",
            "五",
            "25時",
            "夜",
            "半",
            "年",
            "令和",
            "〇",
            "３",
        ],
        *["冬", "末", "\ud800", "\x00", "\u200b", "İ"],
    ]
)
ODD = st.text(st.characters(exclude_categories=())) | st.lists(PIECES).map(" ".join) | st.lists(PIECES).map("".join)
ZONES = st.sampled_from([TOKYO, NEW_YORK, SHANGHAI, UTC, timezone(timedelta(hours=-12))])
MOMENTS = st.builds(datetime.combine, st.dates(date(1, 1, 3), date(9999, 12, 28)), st.times(), ZONES)


@given(ODD, MOMENTS, st.integers(0, 23))
def test_any_text_at_any_time_gives_spans_that_lie_in_it(text: str, now: datetime, day_begins: int) -> None:
    """Nothing raises; spans are not empty; mentions are in order, apart, and inside the text; both readers agree."""
    found = mentions(text, now=now, day_begins=day_begins)
    edges = [edge for mention in found for edge in (mention.begin, mention.end)]
    assert edges == sorted(edges)
    assert all(0 <= mention.begin < mention.end <= len(text) for mention in found)
    assert all(mention.span.start < mention.span.end for mention in found)
    assert tells_time(text) or not found
    assert asks_when(text) in (True, False)


@pytest.mark.parametrize(
    "piece",
    ["May ", "5", "1/", "一", "三月", "去年の", "the day ", "when ", "いつ", "12:", "2023-", " ", "a few ", "から"],
)
def test_hostile_repetition_ends(piece: str) -> None:
    """200,000 characters of one piece are read to their end (in seconds: quadratic time would take hours)."""
    text = (piece * 200_000)[:200_000]
    for mention in mentions(text, now=NOW):
        assert -inf <= mention.span.start < mention.span.end
    assert asks_when(text) in (True, False)
