"""Statements inside chat turns: what is understood, what is reported, what is left as ordinary words."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.logic import (
    FactStatement,
    Pattern,
    RuleStatement,
    Variable,
    format_fact,
    parse_statement,
    parse_statements,
    plain,
)
from dmha.domain.logic.forms import format_rule
from dmha.domain.logic.vocabulary import fold, single_valued, value_key
from dmha.errors import InvalidInput

X, Y = Variable("x"), Variable("y")
OSAKA = FactStatement("aya", "city", "Osaka")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fact: aya.city = Osaka", OSAKA),
        ("FACT : Aya . City=Osaka.", OSAKA),
        ("aya.city = Osaka", OSAKA),
        ("ｆａｃｔ： ａｙａ．ｃｉｔｙ ＝ Osaka", OSAKA),
        ('fact: "aya".\'city\' = “Osaka”', OSAKA),
        ("fact: aya.city = New York!", FactStatement("aya", "city", "New York")),
        ("fact: aya.city = St. Louis", FactStatement("aya", "city", "St. Louis")),
        ("fact: aya.city = Osaka (the big one)", FactStatement("aya", "city", "Osaka (the big one)")),
        ("fact: Aya  Tanaka.home  city = Kobe", FactStatement("aya tanaka", "home city", "Kobe")),
        ("fact: O'Brien.height = 5'7\"", FactStatement("o'brien", "height", "5'7\"")),
        ("deny: aya.city = Osaka", FactStatement("aya", "city", "Osaka", negated=True)),
        ("fact: not aya.city = Osaka", FactStatement("aya", "city", "Osaka", negated=True)),
        ("事実：彩.都市＝大阪。", FactStatement("彩", "都市", "大阪")),
        ("否定：彩．都市 ＝ 「東京」", FactStatement("彩", "都市", "東京", negated=True)),
        ("事实：小雅.城市＝上海（conf＝０．５）", FactStatement("小雅", "城市", "上海", confidence=0.5)),
        ("否认：小雅.城市＝北京", FactStatement("小雅", "城市", "北京", negated=True)),
        ('fact: "a.b"."c = d" = "e; f (g) ""h"""', FactStatement("a.b", "c = d", 'e; f (g) "h"')),
        ('fact: aya.motto = "two\nlines"', FactStatement("aya", "motto", "two\nlines")),
        ("fact: aya.site = https://x.org/a?fact:b.c=d", FactStatement("aya", "site", "https://x.org/a?fact:b.c=d")),
        (
            "fact: aya.city = Osaka (confidence=1e-3, scope=Work, from=2024-09-02, until=2024-09-03T09:00+09:00)",
            FactStatement(
                "aya", "city", "Osaka", False, 0.001, "work",
                datetime(2024, 9, 2, tzinfo=UTC), datetime(2024, 9, 3, tzinfo=UTC),
            ),
        ),
    ],
)  # fmt: skip
def test_a_fact_is_read_in_every_spelling(text: str, expected: FactStatement) -> None:
    """Keywords, signs and quotes of English, Japanese and Chinese, in both widths, give the same fact."""
    assert parse_statement(text) == expected


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (
            "rule: if ?x.city = Osaka and ?x.job = nurse then ?x.region = Kansai (conf=0.8)",
            "rule: if ?x.city = Osaka and ?x.job = nurse then ?x.region = Kansai (conf=0.8)",
        ),
        (
            "規則：もし？x.都市＝大阪かつ？x.職業＝看護師ならば、？x.地域＝関西。",
            "rule: if ?x.都市 = 大阪 and ?x.職業 = 看護師 then ?x.地域 = 関西",
        ),
        (
            "规则：如果 ?x.城市＝上海 并且 ?x.年龄≧18 那么 ?x.成年＝是",
            "rule: if ?x.城市 = 上海 and ?x.年龄 >= 18 then ?x.成年 = 是",
        ),
        (
            "rule: if ?x.a != 1, and ?x.b ＜＝ 2 then not ?x.c = ?x",
            "rule: if ?x.a != 1 and ?x.b <= 2 then not ?x.c = ?x",
        ),
        (
            "rule: if ?x.band = Salt and Pepper and aya.age > 3 then ?x.meal = かつ丼",
            'rule: if ?x.band = "Salt and Pepper" and aya.age > 3 then ?x.meal = "かつ丼"',
        ),
        ("rule: if not 'Ken then'.a = b then ken.c = d", 'rule: if not "ken then".a = b then ken.c = d'),
    ],
)
def test_a_rule_has_one_canonical_text(text: str, canonical: str) -> None:
    """A rule in any spelling gives its canonical text, which parses to the same rule."""
    rule = parse_statement(text)
    assert isinstance(rule, RuleStatement)
    assert rule.text == canonical
    assert parse_statement(canonical) == rule


def test_a_rule_is_conditions_and_a_conclusion() -> None:
    """Variables, operators and negation stand where they were written."""
    rule = parse_statement("rule: if ?x.age >= 18 and not ?x.parent = ?y then ?y.free = yes (conf=0.5)")
    assert isinstance(rule, RuleStatement)
    assert rule.conditions == (Pattern(X, "age", ">=", "18"), Pattern(X, "parent", "=", Y, negated=True))
    assert (rule.conclusion, rule.confidence) == (Pattern(Y, "free", "=", "yes"), 0.5)


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        ("I moved. fact: aya.city = Osaka. Where should I eat?", ["Osaka"], "I moved. Where should I eat?"),
        ("fact: a.b = x; fact: c.d = y fact: e.f = z", ["x", "y", "z"], ""),
        ("fact: a.b = x\ndeny: c.d = y\nBye", ["x", "y"], "Bye"),
        ("覚えて。事実：彩.都市＝大阪。今夜はどこ？", ["大阪"], "覚えて。 今夜はどこ？"),
        ("事実：彩.都市＝大阪；否定：彩.都市＝東京", ["大阪", "東京"], ""),
        ('fact: a.b = "x; y" and so on', ["x; y"], "and so on"),
        ("fact: a.b = x (conf=0.5) I think", ["x"], "I think"),
        ("fact: a.b = Mr. Bean is 3.5 years old! Yes", ["Mr. Bean is 3.5 years old"], "Yes"),
        ("artifact: a.b = c", [], "artifact: a.b = c"),
        ("see https://x.org/?fact:a.b=c", [], "see https://x.org/?fact:a.b=c"),
        ("(fact: a.b = c)", [], "(fact: a.b = c)"),
        ("  just words  ", [], "just words"),
        ("", [], ""),
    ],
)
def test_a_turn_keeps_its_ordinary_words(text: str, values: list[str], words: str) -> None:
    """Statements are found between words, and the words around them stay."""
    parsed = parse_statements(text)
    assert [s.value for s in parsed.statements if isinstance(s, FactStatement)] == values
    assert parsed.problems == ()
    assert plain(text) == words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fact: octopuses have three hearts", "a '.' is missing after the entity, at character 34"),
        ("fact: .city = Osaka", "the entity is missing, at character 7"),
        ("fact: aya. = Osaka", "the attribute is missing"),
        ("fact: aya.city Osaka", "a '=' is missing after the attribute"),
        ("fact: a.b.c = d", "a '=' is missing after the attribute"),
        ("fact: aya.city =", "the value is missing"),
        ("fact: aya.city = '\u200b'", "the value is missing"),
        ("fact: aya.city != Osaka", "a fact says '=', not '!='"),
        ("fact: ?x.city = Osaka", "a fact names no variables"),
        ("deny: not aya.city = Osaka", "it is denied twice"),
        ('fact: aya.city = "Osaka', 'the quote " does not close'),
        ('fact: aya.city = "Osaka"s', "text goes on right after the closing quote"),
        ("fact: a.b = c (conf=1.1)", "the confidence '1.1' is not a number from 0 to 1"),
        ("fact: a.b = c (conf=nan)", "the confidence 'nan' is not a number"),
        ("fact: a.b = c (conf=-0.1)", "the confidence '-0.1' is not a number"),
        ("fact: a.b = c (conf=)", "the confidence '' is not a number"),
        ("fact: a.b = c (conf=1, conf=1)", "the option 'conf' is given twice"),
        ("fact: a.b = c (conf=1, confidence=1)", "the confidence is given twice"),
        ("fact: a.b = c (conf=1, 2)", "an option is not of the form key=value"),
        ("fact: a.b = c (conf=1", "the options are not closed with ')'"),
        ("fact: a.b = c (colour=red)", "the option 'colour' is not known here"),
        ("fact: a.b = c (from=yesterday)", "from='YESTERDAY' is not an ISO date"),
        ("fact: a.b = c (from=0001-01-01T00:00+01:00)", "is not an ISO date"),
        ("fact: a.b = c (from=2024-09-02T10:00)", "has no zone"),
        ("fact: a.b = c (from=2024-09-02, until=2024-09-02)", "'until' is not after 'from'"),
        ("fact: a.b = c\x00d", "it holds a control character"),
        ("fact: a.b = c\ud800d", "it holds a control character or half of a surrogate pair"),
        ("rule: ?x.a = b then ?x.c = d", "a rule opens with 'if'"),
        ("rule: if ?x.a = b", "'and' or 'then' and a clause are expected"),
        ("rule: if ?x.a = b then ?x.c != d", "a rule concludes '=', not '!='"),
        ("rule: if ?x.a = b then ?y.c = d", "the conditions do not say what ?y is"),
        ("rule: if ?x.a < ?y then ?x.c = d", "the conditions do not say what ?y is"),
        ("rule: if ?x.a = b then ?x.c = d (scope=work)", "the option 'scope' is not known here"),
        ("rule: if " + " and ".join(f"?x.a{i} = b" for i in range(9)) + " then ?x.c = d", "at most 8 conditions"),
        ("fact: a.b = " + "c" * 2_000, "it runs past 1,024 characters"),
        ("fact: a.b = '" + "c" * 2_000 + "'", "the quote ' does not close within 1,024 characters"),
    ],
)
def test_a_malformed_statement_is_reported_and_stays_in_the_words(text: str, reason: str) -> None:
    """What is wrong is said with its place; the turn goes on, and the sentence beside it is still understood."""
    parsed = parse_statements(f"{text}\nfact: aya.city = Osaka")
    assert [problem.field for problem in parsed.problems] == ["statement"]
    assert reason in parsed.problems[0].reason
    assert "at character" in parsed.problems[0].reason
    assert parsed.statements == (OSAKA,)
    assert plain(f"{text}\nfact: aya.city = Osaka") == text


@pytest.mark.parametrize(
    "text", ["", "hello", "fact:", "fact: a.b = c; fact: d.e = f", "fact: a.b = Live. Love.", "x" * 1_025]
)
def test_telling_takes_exactly_one_statement(text: str) -> None:
    """None, several, or more text after it are refused with the way to write it."""
    with pytest.raises(InvalidInput) as error:
        parse_statement(text)
    assert error.value.field == "statement"
    assert error.value.fix


def test_a_paste_is_cut_at_32_statements() -> None:
    """The 33rd statement is reported, not read, and stays in the words."""
    lines = [f"fact: a.b{i} = c" for i in range(40)]
    parsed = parse_statements("\n".join(lines))
    assert len(parsed.statements) == 32
    assert [problem.reason[:26] for problem in parsed.problems] == ["the text has more than 32;"]
    assert plain("\n".join(lines)).startswith("fact: a.b32")


@pytest.mark.parametrize(
    "text",
    [
        "fact:" * 1_000_000,
        "fact: a.b=" + "x" * 5_000_000,
        "x://" + "?fact:" * 800_000,
        "fact" + " " * 5_000_000,
        "rule: if ?x.a = " + " and a" * 800_000,
        "rule: if ?x.a = " + 'and "' * 800_000,
        "\u0301" * 100_000 + "fact: a.b = \udc00",
    ],
    ids=range(7),
)
def test_a_hostile_text_is_answered(text: str) -> None:
    """Megabytes of almost-statements give no statement and a bounded number of problems."""
    parsed = parse_statements(text)
    assert parsed.statements == ()
    assert len(parsed.problems) <= 33


KEEPABLE = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n")
NAMES = st.text(KEEPABLE, min_size=1, max_size=20).map(fold).filter(bool) | st.sampled_from(
    ["not x", "?x", "a and b.c"]
)
VALUES = (
    st.text(KEEPABLE, min_size=1, max_size=40).filter(fold)
    | st.text("ab .。;；=()（\"'「」,!?かつ:\n", min_size=1, max_size=20).filter(fold)
    | st.sampled_from(["x and y", "a then b.c = d", "fact: a.b = c", "3.5", "-1", "(conf=1)", "とんかつ"])
)
NEW_YEAR = datetime(2024, 1, 1)  # noqa: DTZ001 - hypothesis takes bounds without a zone
TIMES = st.none() | st.datetimes(max_value=NEW_YEAR, timezones=st.just(UTC))
LATER = st.none() | st.datetimes(min_value=NEW_YEAR.replace(day=2), timezones=st.just(UTC))
FACTS = st.builds(
    FactStatement, NAMES, NAMES, VALUES, st.booleans(), st.floats(0, 1), st.just("") | NAMES, TIMES, LATER
)


@given(FACTS)
def test_the_canonical_text_of_a_fact_gives_the_fact_back(fact: FactStatement) -> None:
    """Whatever the names and the value hold, formatting and parsing lose nothing."""
    assert parse_statement(format_fact(fact)) == fact


@given(
    st.lists(st.builds(Pattern, NAMES | st.just(X), NAMES, st.sampled_from(["=", "<"]), VALUES), min_size=1, max_size=3)
)
def test_the_canonical_text_of_a_rule_gives_the_rule_back(conditions: list[Pattern]) -> None:
    """Whatever the names and the values hold, a rule's text parses to that rule."""
    conclusion = Pattern("aya", "then b", "=", "c and d")
    text = format_rule(tuple(conditions), conclusion, 0.25)
    assert parse_statement(text) == RuleStatement(tuple(conditions), conclusion, 0.25, text)


@given(st.text() | st.text("fact: deny rule if and then?x.y=z;\"'()（「」かつならば。\n\ud800", max_size=200))
def test_any_text_is_answered(text: str) -> None:
    """A turn never fails; a statement is understood or refused as InvalidInput."""
    parse_statements(text)
    assert plain(text) == plain(text).strip()
    with suppress(InvalidInput):
        parse_statement(text)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded name is its own identity."""
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Osaka", "ＯＳＡＫＡ", True),
        ("30", "30.0", True),
        ("-0", "0", True),
        ("007", "7", False),
        ("100", "1", False),
        ("New  York", "new york", True),
        ("a\u200bya", "aya", True),
        ("é", "e", False),
    ],
)
def test_values_compare_by_what_they_say(left: str, right: str, same: bool) -> None:
    """Width, case, spacing, invisible signs and trailing zeros do not count; anything else does."""
    assert (value_key(left) == value_key(right)) is same


@pytest.mark.parametrize(("attribute", "single"), [("city", True), ("likes", False), ("友達", False), ("爱好", False)])
def test_attributes_have_one_value_unless_named(attribute: str, single: bool) -> None:
    """Only the attributes of the table have several values at a time."""
    assert single_valued(fold(attribute)) is single
