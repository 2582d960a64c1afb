"""Reading one statement's signs, half-width or full-width, left to right: names, values, quotes, options.

The scanner knows spelling only; what a fact or a rule is made of is told in `statements`.
"""

from __future__ import annotations

import re
from typing import NoReturn

from dmha.domain.logic.forms import Operator, Variable
from dmha.domain.logic.vocabulary import fold
from dmha.errors import InvalidInput

EXAMPLE = "Write it like: fact: aya.city = Osaka (conf=0.9)"
LONGEST = 1_024  # characters of one statement; it also bounds the work that a hostile text can cause


def any_width(word: str) -> str:
    """A pattern for an ASCII word in either case and either width."""
    return "".join(f"[{c}{c.upper()}{chr(ord(c) + 0xFEE0)}{chr(ord(c.upper()) + 0xFEE0)}]" for c in word)


_LINE_END = "\r\n\u2028\u2029"
_SPACE = re.compile(r"[ \t\u3000\u00a0]*")
_QUOTED = r"(?:\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|＂(?:[^＂]|＂＂)*＂|「[^」]*」|『[^』]*』|“[^”]*”)"
_QUOTES = frozenset("\"'＂「『“")
_NAME_SIGN = rf"[^.．=＝<>＜＞≠≤≥≦≧!！()（）;；?？\"＂「」『』“”{_LINE_END}]"
_NAME = rf"{_NAME_SIGN}+"
_VARIABLE = r"[?？][A-Za-z_][A-Za-z0-9_]{0,63}"
_DOT = r"[.．]"
_SIGN = r"[!！<>＜＞]?[=＝]|[<>＜＞≠≤≥≦≧]"
_OPERATORS: dict[str, Operator] = {
    "=": "=", "!=": "!=", "≠": "!=", "<": "<", ">": ">",
    "<=": "<=", "≤": "<=", "≦": "<=", ">=": ">=", "≥": ">=", "≧": ">=",
}  # fmt: skip
_NARROW = str.maketrans("＝＜＞！", "=<>!")
NOT = rf"(?:{any_width('not')}|否定|否认)[ \t\u3000]+"

_FACT, _DENY, _RULE = any_width("fact"), any_width("deny"), any_width("rule")
_HEAD = re.compile(
    r"(?<![^\s.．。!！?？,，、;；:：…])"
    rf"(?:(?P<fact>{_FACT}|事実|事实)|(?P<deny>{_DENY}|否定|否认)|(?P<rule>{_RULE}|規則|规则))[ \t\u3000]{{0,8}}[:：]"
)
_COLON = re.compile("[:：]")  # no head without one, and most that is said has none

# A word joins clauses only where a clause follows, so that values such as "Salt and Pepper" and かつ丼 stay whole.
_WORDS = [any_width("and"), any_width("then")]
_JOINT = rf"\s(?:{'|'.join(_WORDS)})\s|かつ|并且|而且|且|ならば|那么"
_ENTITY = rf"(?:{_VARIABLE}\s*|{_QUOTED}\s*|(?:(?!{_JOINT}){_NAME_SIGN})+)"
_CLAUSE = rf"(?=[\s、,，]*(?:{NOT})?{_ENTITY}{_DOT}\s*(?:{_QUOTED}\s*|{_NAME})(?:{_SIGN}))"
_ALONE = r"(?<![^\s,，、])"
AND = rf"(?:{_ALONE}{_WORDS[0]}(?=\s)|かつ|并且|而且|且){_CLAUSE}"
THEN = rf"(?:{_ALONE}{_WORDS[1]}(?=\s)|ならば|那么){_CLAUSE}"

_KEY = r"[^\W\d_]+"
_OPTIONS = rf"[(（](?=\s*{_KEY}\s*[=＝])"
# Where an unquoted value may end. 。！？ never stand inside a value; . ! ? do (St. Louis), see `_ends_sentence`.
_END = rf"(?P<hard>[{_LINE_END};；。！？])|(?P<soft>[.!?]+(?=[ \t\u3000]+\S))|{_HEAD.pattern}|(?P<open>{_OPTIONS})"
_VALUE_END = re.compile(_END)
_CONDITION_END = re.compile(rf"{_END}|{AND}|{THEN}")
_TRAILING = ".。!！．,，、 \t\u3000\u00a0"
# After these a full stop ends no sentence. A closed list of the usual English ones; a quoted value needs none of it.
_ABBREVIATIONS = re.compile(
    "mr|mrs|ms|dr|st|mt|ft|jr|sr|prof|capt|sgt|lt|col|gen|rev|hon|inc|ltd|co|corp|vs|no|vol|ave", re.IGNORECASE
)


def find_head(text: str, at: int) -> re.Match[str] | None:
    """The next keyword and colon that opens a statement; one inside a web address does not."""
    if not _COLON.search(text, at):
        return None
    for head in _HEAD.finditer(text, at):
        before = text[max(0, head.start() - 256) : head.start()]
        if not before or before[-1].isspace() or "://" not in before.split()[-1]:
            return head
    return None


class Scanner:
    """A place in a text from which one statement is read; each method takes what it names or raises `InvalidInput`."""

    def __init__(self, text: str, start: int, at: int) -> None:
        self.text = text
        self.start = start
        self.at = at
        self.end = min(len(text), start + LONGEST)

    def fail(self, reason: str, fix: str = EXAMPLE) -> NoReturn:
        if self.at >= self.end < len(self.text):
            reason = f"it runs past {LONGEST:,} characters"
        excerpt = self.text[self.start : self.start + 60]
        raise InvalidInput("statement", f"{reason}, at character {self.at + 1}, in {excerpt!r}", fix)

    def take(self, pattern: str) -> str | None:
        """What the pattern matches here, spaces before it left out; None, and no step, when it does not."""
        self.at = self._after_space()
        match = re.compile(pattern).match(self.text, self.at, self.end)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def name(self, what: str) -> str:
        """An entity, attribute or scope, folded."""
        quoted = self._quoted()
        name = fold(quoted if quoted is not None else self.take(_NAME) or "")
        return name or self.fail(f"the {what} is missing")

    def variable(self) -> Variable | None:
        name = self.take(_VARIABLE)
        return Variable(name[1:]) if name else None

    def dot(self, what: str) -> None:
        if self.take(_DOT) is None:
            self.fail(f"a '.' is missing after the {what}")

    def operator(self) -> Operator:
        sign = self.take(_SIGN)
        return _OPERATORS[sign.translate(_NARROW)] if sign else self.fail("a '=' is missing after the attribute")

    def value(self, *, in_condition: bool = False) -> str:
        """A quoted value as it stands; an unquoted one up to the end of the statement, sentence or condition."""
        quoted = self._quoted()
        if quoted is None:
            value = self._unquoted_value(_CONDITION_END if in_condition else _VALUE_END)
        elif (
            not in_condition
            and self.at < len(self.text)
            and self.text[self.at] not in _TRAILING + _LINE_END + ";；?？(（"
        ):
            self.fail("text goes on right after the closing quote", "Put a space after the quote, or quote all of it.")
        else:
            value = quoted
        return value if fold(value) else self.fail("the value is missing")

    def options(self) -> dict[str, str]:
        """`(conf=0.9, scope=work)` by folded key; empty when there are none."""
        if self.take(_OPTIONS) is None:
            return {}
        found: dict[str, str] = {}
        while True:
            key = fold(self.take(_KEY) or "")
            if not key or self.take("[=＝]") is None or key in found:
                self.fail(
                    f"the option {key!r} is given twice" if key in found else "an option is not of the form key=value"
                )
            quoted = self._quoted()
            found[key] = quoted if quoted is not None else (self.take(r"[^,，、;；()（）=＝]+") or "").strip()
            if self.take("[)）]") is not None:
                return found
            if self.take("[,，、]") is None:
                self.fail("the options are not closed with ')'")

    def finish(self) -> None:
        """Take the punctuation that closes the statement."""
        self.take("[.。!！．,，、]*[;；]?")

    def _after_space(self) -> int:
        match = _SPACE.match(self.text, self.at, self.end)
        return match.end() if match else self.at

    def _quoted(self) -> str | None:
        self.at = self._after_space()
        if self.at >= self.end or self.text[self.at] not in _QUOTES:
            return None
        quoted = self.take(_QUOTED)
        if quoted is None:
            within = f" within {LONGEST:,} characters" if self.end < len(self.text) else ""
            self.fail(
                f"the quote {self.text[self.at]} does not close{within}",
                "Close it, and write it twice to have it inside.",
            )
        mark = quoted[0]
        return quoted[1:-1].replace(mark * 2, mark) if mark == quoted[-1] else quoted[1:-1]

    def _unquoted_value(self, end: re.Pattern[str]) -> str:
        begin = self.at
        for stop in end.finditer(self.text, begin, self.end):
            if not self._goes_on(stop):
                self.at = (
                    stop.end() if stop["soft"] or (stop["hard"] and stop["hard"] not in _LINE_END) else stop.start()
                )
                return self._trimmed(self.text[begin : stop.start()])
        self.at = self.end
        if self.end < len(self.text):
            self.fail("the value does not end")
        return self._trimmed(self.text[begin : self.end])

    def _goes_on(self, stop: re.Match[str]) -> bool:
        """Whether the value goes on over what looks like its end."""
        if stop["soft"]:
            return not _ends_sentence(self.text, stop)
        if stop["fact"] or stop["deny"] or stop["rule"]:
            head = find_head(self.text, stop.start())
            return head is None or head.start() != stop.start()
        return False

    @staticmethod
    def _trimmed(value: str) -> str:
        return " ".join(value.rstrip(_TRAILING).split())


def _ends_sentence(text: str, stop: re.Match[str]) -> bool:
    following = _SPACE.match(text, stop.end())
    at = following.end() if following else stop.end()
    if text[at].islower() or text[at].isdigit() or re.compile(_OPTIONS).match(text, at):
        return False
    word = re.search(r"[^\W\d_]*$", text[max(0, stop.start() - 20) : stop.start()])
    last = word.group() if word else ""
    initial = len(last) == 1 and last.isascii()
    return stop["soft"] != "." or not (initial or _ABBREVIATIONS.fullmatch(last))
