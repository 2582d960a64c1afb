"""Times as they are written in Japanese and Chinese, which share most of their words.

The tables hold the words as they are written; forms and patterns are folded before they are compiled (see `folding`).
日 in 日本 or 夜 in 夜叉 are no times: what may be a part of another word counts only beside something that is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from dmha.domain.characters import HAN
from dmha.domain.times import atoms
from dmha.domain.times import han_words as words
from dmha.domain.times.atoms import Atom
from dmha.domain.times.calendar import Unit
from dmha.domain.times.folding import folded as _folded
from dmha.domain.times.folding import folded_pattern
from dmha.domain.times.numbers import HAN_DIGITS, full_year, han_number


def _any(phrases: Iterable[str]) -> str:
    return "|".join(sorted(phrases, key=len, reverse=True))


_NUMBER = f"(?:[0-9]{{1,3}}|[{HAN_DIGITS}]{{1,5}})"
_SMALL = f"(?:[0-9]{{1,2}}|[{HAN_DIGITS}]{{1,3}})(?![0-9])"
_QUANTITY = f"(?:{_NUMBER}|好几|几|数|半)"
# Months are counted with a counter (三ヶ月, 三个月), so that 3月前 stays "before March".
_SPAN = "(?:[ヶケヵか箇カ个]月间?|个?(?:半)?(?:小时|星期|礼拜|钟头)|分钟?|时间|周间?|日间?|天|年间?)"
_NO_NUMBER = f"(?<![0-9{HAN_DIGITS}])"

Reader = Callable[[re.Match[str]], Atom | None]


def _table(unit: Unit, offsets: dict[str, int], group: str) -> tuple[str, str, Reader]:
    read = {_folded(word): offset for word, offset in offsets.items()}
    return group, f"(?:{_any(offsets)})(?![香菜])", lambda match: atoms.relative(unit, read[match[group]])


_PARTS_READ = {_folded(word): hours for word, hours in words.PARTS.items()}
_DAY_PARTS_READ = {_folded(word): known for word, known in words.DAY_PARTS.items()}
_SHARES_READ = {_folded(word): known for word, known in words.SHARES.items()}
_WHICH_READ = {_folded(word): which for word, which in words.WHICH.items()}
_WEEKS_READ = {_folded(word): offset for word, offset in words.WEEKS.items()}


def _year(match: re.Match[str]) -> Atom | None:
    number = full_year(match["y"])
    return atoms.year(number) if 1000 <= number <= 2999 else None


def _era(match: re.Match[str]) -> Atom | None:
    number = 1 if match["era_year"] == "元" else han_number(match["era_year"])
    return atoms.year(words.ERAS[match["era_name"]] + number)


def _decade(match: re.Match[str]) -> Atom | None:
    return atoms.decade(han_number(match["decade_of"]))


def _month(match: re.Match[str]) -> Atom | None:
    number = han_number(match["m"])
    which = _WHICH_READ.get(match["m_which"] or "", "near")
    return atoms.month(number, which) if 1 <= number <= 12 else None


def _month_day(match: re.Match[str]) -> Atom | None:
    month, day = han_number(match["md_m"]), han_number(match["md_d"])
    return atoms.date_of(month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _day(match: re.Match[str]) -> Atom | None:
    number = han_number(match["d"])
    return atoms.day_of_month(number, free=bool(match["d_free"] is not None)) if 1 <= number <= 31 else None


def _weekday(match: re.Match[str]) -> Atom | None:
    sign = match["ja_weekday"] or match["zh_weekday"]
    which = _WHICH_READ.get(match["weekday_which"] or "", "near")
    return atoms.weekend(which) if sign == "末" else atoms.weekday(words.WEEKDAYS[sign], which)


def _week(match: re.Match[str]) -> Atom | None:
    """先週, 上周五, 先週末."""
    week = atoms.relative("week", _WEEKS_READ[match["week"]])
    sign = match["week_day"]
    if sign is None:
        return week
    return atoms.inside(week, atoms.weekend() if sign == "末" else atoms.weekday(words.WEEKDAYS[sign]))


def _season(match: re.Match[str]) -> Atom | None:
    first = words.SEASONS[match["season"]]
    if match["season_year"]:
        return atoms.inside(atoms.relative("year", {"今": 0, "昨": -1}[match["season_year"]]), atoms.season(first))
    which = _WHICH_READ.get(match["season_which"] or "")
    return atoms.season(first, which or "near", free=which is not None)


def _unit(written: str) -> Unit:
    return next(words.UNITS[word] for word in sorted(words.UNITS, key=len, reverse=True) if word in written)


def _ago(match: re.Match[str]) -> Atom | None:
    sign = 1 if match["ago_side"] == "后" else -1
    unit, written = _unit(match["ago_unit"]), match["ago_count"]
    if written == "半":
        return _half(unit, sign)
    if some := _some(written):
        return atoms.some_ago(unit, *(some if sign < 0 else (-some[1], -some[0])))
    return atoms.ago(unit, sign * han_number(written))


def _some(written: str) -> tuple[int, int] | None:
    """About how many: 几, 数; 两三 is two or three, not 23."""
    if written in ("几", "数", "好几"):
        return words.FEW
    few, more = map(han_number, written) if len(written) == 2 and not written.isdecimal() else (0, 0)
    return (few, more) if 0 < few == more - 1 and more < 10 else None


def _half(unit: Unit, sign: int) -> Atom | None:
    halves: dict[Unit, tuple[Unit, int]] = {"hour": ("minute", 30), "day": ("hour", 12), "month": ("day", 15)}
    if unit == "year":
        return atoms.ago("month", 6 * sign)
    if unit not in halves:
        return None
    smaller, count = halves[unit]
    return atoms.ago(smaller, count * sign)


def _lately(match: re.Match[str]) -> Atom | None:
    written, unit = match["lately_count"], _unit(match["lately_unit"])
    sign = -1 if match["lately_side"] in ("今后", "接下来", "未来") else 1
    if written == "半":
        return atoms.lately("month", 6 * sign) if unit == "year" else None
    some = _some(written)
    return atoms.lately(unit, sign * (some[1] if some else han_number(written)))


def _clock(match: re.Match[str]) -> Atom | None:
    hour, sign = han_number(match["h"]), match["h_sign"]
    minute = 30 if match["h_half"] else han_number(match["h_minute"]) if match["h_minute"] else None
    free = sign == "时" or minute is not None or match["h_whole"] is not None
    return atoms.clock(hour, minute, free=free, twelve=True)


def _part_of_named_day(match: re.Match[str]) -> Atom | None:
    offset, part = _DAY_PARTS_READ[match["day_parts"]]
    return atoms.inside(atoms.relative("day", offset), atoms.part_of_day(*words.PARTS[part]))


_FORMS: tuple[tuple[str, str, Reader], ...] = (
    (
        "agos",
        f"(?<![几何数]){_NO_NUMBER}(?P<ago_count>{_QUANTITY})(?P<ago_unit>{_SPAN})(?:ぐらい|くらい|ほど|多|左右)?(?:[之以])?(?P<ago_side>前|后)(?!半|期)",
        _ago,
    ),
    (
        "latelies",
        f"(?P<lately_side>この|ここ|過去|过去|最近の?|最近的?|近|这|今後|接下来的?|未来)(?P<lately_count>{_QUANTITY})(?P<lately_unit>{_SPAN})(?![前后])",
        _lately,
    ),
    (
        "other_days",
        "先日|この前(?!の)|この間(?!の)|こないだ(?!の)|前几天|前些天|前两天|前阵子",
        lambda _: atoms.some_ago("day", *words.OTHER_DAY),
    ),
    ("day_parts", f"(?:{_any(words.DAY_PARTS)})(?![鮮鲜])", _part_of_named_day),
    _table("day", words.DAYS, "days"),
    ("weeks", f"(?P<week>{_any(words.WEEKS)})(?P<week_day>[一二三四五六日天末](?!本))?", _week),
    _table("month", words.MONTHS, "months"),
    _table("year", words.YEARS, "years"),
    ("eras", f"(?P<era_name>{_any(words.ERAS)}) ?(?P<era_year>元|{_NUMBER})年(?!间|度|代)", _era),
    ("decades", "(?<![0-9])(?P<decade_of>(?:1[0-9]|20)?[0-9]0|[二三四五六七八九]十)年代", _decade),
    (
        "year",
        f"{_NO_NUMBER}(?P<y>[0-9]{{4}}|[〇零一二三四五六七八九]{{4}}|[0-9]{{2}}(?=年{_SMALL}月))年(?![间代度]|ぶり)",
        _year,
    ),
    ("month_day", f"{_NO_NUMBER}(?P<md_m>{_SMALL})月(?P<md_d>{_SMALL})[日号]", _month_day),
    (
        "month",
        f"(?P<m_which>{_any(words.WHICH)})?{_NO_NUMBER}(?P<m>{_SMALL})月(?!间|号|[一二两三四五六七八九十几]{{1,2}}[次回])",
        _month,
    ),
    (
        "day",
        f"{_NO_NUMBER}(?P<d>{_SMALL})[日号](?![间目前后以分本线楼码]|ぶり|ほど|ぐらい|くらい|中)(?P<d_free>(?=[にの晚夜早上下]))?",
        _day,
    ),
    (
        "weekdays",
        f"(?<![每毎])(?<!每周)(?<!毎周)(?P<weekday_which>{_any(words.WHICH)})?(?:(?P<ja_weekday>[月火水木金土日])曜日?|(?<![每毎隔两])(?<![0-9{HAN_DIGITS}])(?:周|星期|礼拜)(?P<zh_weekday>[一二三四五六日天末])(?![回でに次本]))",
        _weekday,
    ),
    (
        "seasons",
        f"(?:(?P<season_which>{_any(words.WHICH)})|(?P<season_year>[今昨]))?(?P<season>[春夏秋冬])(?:天|季|(?=休)|(?![{HAN}])|(?=[初末頭]))",
        _season,
    ),
    (
        "edges",
        "(?P<edge_of>[年月])(?P<edge>[初末底])",
        lambda match: atoms.share(
            *words.SHARES[match["edge"]], cycle="year" if match["edge_of"] == "年" else "month", free=True
        ),
    ),
    (
        "part",
        f"(?P<part_name>{_any(words.PARTS)})(?![鮮鲜会叉])",
        lambda match: atoms.part_of_day(*_PARTS_READ[match["part_name"]]),
    ),
    (
        "clock",
        f"{_NO_NUMBER}(?P<h>{_SMALL})(?P<h_sign>[时点])(?:(?P<h_half>半)|(?P<h_minute>{_SMALL})分|(?P<h_whole>钟))?(?![间代期候刻差给計计々常速数])",
        _clock,
    ),
    ("share", f"(?P<share_name>{_any(words.SHARES)})", lambda match: atoms.share(*_SHARES_READ[match["share_name"]])),
)
_READERS = {name: reader for name, _, reader in _FORMS}
_WORDS = (
    words.DAYS,
    words.WEEKS,
    words.MONTHS,
    words.YEARS,
    words.PARTS,
    words.DAY_PARTS,
    words.SEASONS,
    words.ERAS,
    words.SHARES,
    words.WHICH,
)
_FIRST = (
    "".join(sorted({word[0] for words in _WORDS for word in words}))
    + HAN_DIGITS
    + "0-9好几数半こ過过最近这今接未先前月火水木金土日周星礼年"
)
# One look at a first character spares trying every form at every one.
_PATTERN = re.compile(
    folded_pattern(f"(?=[{_FIRST}])(?:" + "|".join(f"(?P<{name}>{form})" for name, form, _ in _FORMS) + ")")
)
# Every time in Japanese and Chinese has one of these.
_CUE = re.compile(
    folded_pattern(
        "[年月日天周星礼曜朝昼早晨夜晚夕時点前后後春夏秋冬間]|きょう|きのう|おととい|あした|あさって|けさ|ゆうべ|ことし|こないだ|ここ|今後|接下|未来|过去|過去|最近|近|这"
    )
)
GLUE = re.compile("[のに的 ]?")


def read(folded: str) -> Iterator[Atom]:
    """The atoms in the order of the text."""
    if folded.isascii() or not _CUE.search(folded):
        return
    for match in _PATTERN.finditer(folded):
        atom = _READERS[match.lastgroup or ""](match)
        if atom is not None:
            yield atom.at(match.start(), match.end())
