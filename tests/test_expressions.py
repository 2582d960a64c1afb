"""The ranking language: what reads, what it means, what it refuses, and that it never breaks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dmha.domain.expressions import FEATURES, Feature, compile_ranking
from dmha.domain.expressions.functions import FUNCTIONS, OPERATORS
from dmha.domain.expressions.grammar import Binary, Call, Duration, Name, Number, Tree, Unary, parse
from dmha.domain.expressions.source import Source
from dmha.domain.presets import PRESETS
from dmha.errors import InvalidInput, OutOfBounds

DAY = 86_400.0
NOW = 1_780_000_000.0

CANDIDATES: Mapping[str, Any] = {
    "now": NOW,
    "similarity": np.array([0.9, 0.5, 0.1]),
    "static_bm25()": np.array([0.0, 0.5, 1.0]),
    "random()": np.array([0.25, 0.5, 0.75]),
    "exact_match_boost(text)": np.array([0.0, 3.0, 1.0]),
    "created_at": NOW - np.array([0.0, 7.0, 14.0]) * DAY,
    "last_recalled_at": NOW - np.array([0.0, 7.0, 7.0]) * DAY,
    "half_life": np.array([7.0, 7.0, 14.0]) * DAY,
    "recalls": np.array([0.0, 5.0, 40.0]),
    "importance": np.array([0.2, 0.4, 0.6]),
    "joy": np.array([0.0, 1.0, 0.5]),
    "aversion": np.array([0.5, 0.0, 1.0]),
    "trauma": np.array([0.0, 0.0, 1.0]),
    "score0": np.array([0.1, 0.2, 0.3]),
    "mood_joy": 0.5,
    "mood_aversion": 0.25,
}


def fine(expression: str, columns: Mapping[str, Any] = CANDIDATES) -> list[float]:
    values: list[float] = compile_ranking(expression).fine(columns, 3).total.tolist()
    return values


def value(expression: str) -> float:
    """What an expression without columns comes to."""
    return float(compile_ranking(expression).fine({"now": NOW}, 1).total[0])


# What an expression means


def test_the_ranking_of_the_design_scores_as_written() -> None:
    """The design's own example gives similarity, timeliness and boost their weights."""
    scores = fine("1.2 * similarity + 0.2 * timeliness(created_at, '7d') + exact_match_boost(text)")
    assert scores == pytest.approx([1.08 + 0.2, 0.6 + 0.1 + 3.0, 0.12 + 0.05 + 1.0])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("8 - 2 - 1", 5),
        ("8 / 2 / 2", 2),
        ("-2 * -3", 6),
        ("2 - -3", 5),
        ("1 + 2 == 3", 1),
        ("not 1 < 2", 0),
        ("not 0 and not 0", 1),
        ("1 or 0 and 0", 1),
        ("0 and 0 or 1", 1),
        ("2 and -1", 1),
        ("1 != 1", 0),
        ("2 >= 2", 1),
        ("2 <= 1", 0),
        ("1e-3 + .5 + 2.", 2.501),
        ("if(2 > 1, 10, 20)", 10),
        ("if(0, 10, 20)", 20),
        ("min(3, 1, 2)", 1),
        ("max(3, 1, 2, 5)", 5),
        ("clamp(5, 0, 1)", 1),
        ("clamp(-5, 0, 1)", 0),
        ("clamp(5, 2, 1)", 1),
        ("pow(2, 10)", 1024),
        ("ceil(1.2) - floor(1.8)", 1),
        ("abs(-3)", 3),
        ("sqrt(9)", 3),
        ("ln(exp(2))", 2),
        ("log1p(0)", 0),
        ("'7d' / '1d'", 7),
        ("'2w' - '14d'", 0),
        ("'1y'", 365 * 86_400),
        ('"90m" / "1.5h"', 1),
        ("'30s'", 30),
    ],
)
def test_operators_and_functions_mean_what_they_say(expression: str, expected: float) -> None:
    """Precedence, association and every function come out as arithmetic has them."""
    assert value(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 / 0", 0),
        ("0 / 0", 0),
        ("ln(0)", math.log(1e-12)),
        ("ln(-5)", math.log(1e-12)),
        ("log1p(-1)", math.log(1e-12)),
        ("log1p(-9)", math.log(1e-12)),
        ("sqrt(-4)", 0),
        ("pow(-8, 0.5)", 0),
        ("pow(0, -1)", 0),
        ("pow(0, 0)", 1),
        ("exp(1e12)", 1e12),
        ("pow(-10, 999)", -1e12),
        ("-1e12 * 1e12", -1e12),
        ("1 / 1e-300", 1e12),
        ("exp(-1e12)", 0),
    ],
)
def test_arithmetic_always_has_an_answer(expression: str, expected: float) -> None:
    """Where arithmetic has no number, or too large a one, the law of the page gives one."""
    assert value(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("age / '7d'", [0, 1, 2]),
        ("since / '7d'", [0, 1, 1]),
        ("retention", [1, 0.5, 2**-0.5]),
        ("timeliness(last_recalled_at, half_life) - retention", [0, 0, 0]),
        ("timeliness(created_at, 2 * half_life)", [1, 2**-0.5, 2**-0.5]),
        ("timeliness(now + '1y', '7d')", [1, 1, 1]),
        ("timeliness(max(created_at, last_recalled_at), '7d')", [1, 0.5, 0.5]),
        ("mood_joy * joy", [0, 0.5, 0.25]),
    ],
)
def test_names_are_derived_from_the_columns(expression: str, expected: list[float]) -> None:
    """Ages and retention come from raw times, one definition each."""
    assert fine(expression) == pytest.approx(expected)


def test_milliseconds_are_never_taken_for_seconds() -> None:
    """A week in milliseconds is one in `timeliness_ms`, nineteen years in `timeliness`, and a span is neither."""
    week = fine("timeliness(created_at, '7d')")
    assert fine("timeliness(created_at, 604800)") == week == [1.0, 0.5, 0.25]
    assert fine("timeliness_ms(created_at, 604800000)") == week
    assert fine("timeliness(created_at, 604800000)") == pytest.approx([1, 1, 1], abs=2e-3)
    assert fine("timeliness_ms(created_at, 604800)") == pytest.approx([1, 0, 0], abs=1e-9)
    with pytest.raises(InvalidInput, match="plain milliseconds"):
        compile_ranking("timeliness_ms(created_at, '7d')")


# Terms and stages


def test_terms_are_the_written_summands_with_their_signs() -> None:
    """The outermost sum is split, signs folded in, everything else kept as typed."""
    ranking = compile_ranking("0.5*similarity - 0.1 * aversion\n  + (joy - trauma) * 2 - (recalls + 1)")
    assert ranking.terms == ("0.5*similarity", "- 0.1 * aversion", "(joy - trauma) * 2", "- (recalls + 1)")


def test_terms_add_up_to_the_total() -> None:
    """Each term is what it gave, and in order they sum to the score exactly."""
    scores = compile_ranking("0.5 * similarity - 0.1 * aversion + 2").fine(CANDIDATES, 3)
    assert scores.terms["- 0.1 * aversion"].tolist() == pytest.approx([-0.05, 0, -0.1])
    assert scores.terms["2"].tolist() == [2, 2, 2]
    assert sum(scores.terms.values()).tolist() == scores.total.tolist()  # type: ignore[union-attr]  # sum's 0 start


def test_a_term_written_twice_counts_as_one() -> None:
    """Two summands of the same text share one reason, and nothing is lost."""
    scores = compile_ranking("joy + joy").fine(CANDIDATES, 3)
    assert {term: given.tolist() for term, given in scores.terms.items()} == {"joy": [0, 2, 1]}
    assert scores.total.tolist() == [0, 2, 1]


def test_needs_are_the_raw_columns() -> None:
    """A ranking says which columns it reads, derived names by what they are derived from."""
    ranking = compile_ranking(
        "static_bm25() + random() + retention + exact_match_boost(speaker) + timeliness(now, '1d')"
    )
    assert ranking.needs == {
        "static_bm25()",
        "random()",
        "now",
        "last_recalled_at",
        "half_life",
        "exact_match_boost(speaker)",
    }
    assert ranking.coarse_needs == {"static_bm25()", "random()", "now", "created_at"}


def test_coarse_ranking_puts_stand_ins_in_place() -> None:
    """Coarse scores need only what an index has, and equal the expression with each stand-in written out."""
    whole = "similarity + retention + since / '7d' + half_life / '7d' + recalls + importance + exact_match_boost(text)"
    stood_in = "similarity + timeliness(created_at, '7d') + age / '7d' + 1 + 0 + 0.5 + static_bm25()"
    known = {name: CANDIDATES[name] for name in ("now", "similarity", "created_at", "static_bm25()")}
    coarse = compile_ranking(whole).coarse(known, 3)
    assert coarse.tolist() == fine(stood_in)


@pytest.mark.parametrize("feature", FEATURES.values(), ids=lambda feature: feature.name)
def test_every_feature_declares_its_true_stage(feature: Feature) -> None:
    """A fine feature reads a fine column, a coarse one none; and coarse ranking never reads any."""
    ranking = compile_ranking(feature.name)
    stages = {FEATURES[name].stage for name in ranking.needs}
    assert ("fine" in stages) == (feature.stage == "fine")
    assert all(FEATURES[name].stage == "coarse" for name in ranking.coarse_needs)


def test_a_faculty_adds_features_by_name() -> None:
    """A registered feature ranks like any other, and the table it was added to does not change."""
    echo = Feature("echo(joy)", "ratio", "fine", "an echo", stand_in="0.25 * similarity")
    ranking = compile_ranking("2 * echo(joy)", features=FEATURES | {echo.name: echo})
    assert ranking.needs == {"echo(joy)"}
    assert ranking.fine({"echo(joy)": [1.0, 0.5]}, 2).total.tolist() == [2, 1]
    assert ranking.coarse({"similarity": [1.0, 0.5]}, 2).tolist() == [0.5, 0.25]
    assert "echo(joy)" not in FEATURES


def test_a_fine_feature_without_a_stand_in_is_refused() -> None:
    """Coarse ranking must know what to take, so a feature that does not say is an error."""
    with pytest.raises(InvalidInput) as raised:
        Feature("echo", "ratio", "fine", "an echo")
    assert raised.value.field == "stand_in"


def test_parameters_stand_for_numbers() -> None:
    """A preset's parameters are names in its expression, whether numbers or half-lives."""
    ranking = compile_ranking("weight * timeliness(created_at, fade)", {"weight": 4, "fade": 7 * DAY})
    assert ranking.fine(CANDIDATES, 3).total.tolist() == [4, 2, 1]


@pytest.mark.parametrize(
    "parameters", [{"similarity": 1}, {"exp": 1}, {"random": 1}, {"not": 1}, {"é": 1}, {"a b": 1}, {"x": math.nan}]
)
def test_parameters_that_cannot_be_are_refused(parameters: dict[str, float]) -> None:
    """A parameter takes no name of the language, and is a finite number."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking("1", parameters)
    assert raised.value.field == "ranking"


# Mistakes


def test_a_mistake_shows_the_line_and_a_caret_under_the_spot() -> None:
    """The message is exactly what the page shows."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking("1.2 * similarty + 0.2 * timeliness(created_at, '7d')")
    assert str(raised.value) == (
        "ranking: line 1, column 7, there is no 'similarty'. Did you mean similarity?\n"
        "    1.2 * similarty + 0.2 * timeliness(created_at, '7d')\n"
        "          ^^^^^^^^^"
    )
    assert str(raised.value) in page()


def test_the_caret_stands_under_wide_characters_of_a_later_line() -> None:
    """Only the line at fault is shown, and a wide character takes two columns."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking("similarity\n + '七日'")
    assert str(raised.value).splitlines()[1:] == ["     + '七日'", "       ^^^^^^"]
    assert "line 2, column 4" in raised.value.reason


@pytest.mark.parametrize(
    ("expression", "place", "fix"),
    [
        ("", 1, "Give an expression"),
        ("1 +", 4, "Complete it"),
        ("1 2", 3, "take out"),
        ("(1", 1, "Close it"),
        ("1)", 2, "take out"),
        ("min(1, 2", 4, "Close it"),
        ("min(1)", 1, "min(a, b, ...)"),
        ("exp(1, 2)", 1, "exp(x)"),
        ("7d", 1, "'7d'"),
        ("age / '7 days'", 7, "'36h'"),
        ("'7d", 1, "Close it"),
        ("age / ‘7d’", 7, "straight quote"),
        ("2 ** 3", 3, "pow(x, y)"),
        ("joy = 1", 5, "=="),
        ("joy && 1", 5, "and"),
        ("1 < 2 < 3", 7, "a < b and b < c"),
        ("1 * not 2", 5, "(not x)"),
        ("2e999", 1, "1e+12"),
        ("'99999999y'", 1, "1e+12"),
        ("joy（1）", 4, "half-width: ("),
        ("joy + 思い出", 7, "A ranking has"),
        ("sim\u200bilarity", 4, "A ranking has"),
        ("joy + \ud800", 7, "A ranking has"),
        ("random", 1, "random()"),
        ("similarity()", 1, "Write similarity"),
        ("1 + exp", 5, "exp(x)"),
        ("exact_match_boost(title)", 1, "exact_match_boost(session)"),
        ("1 + Retention", 5, "Did you mean retention?"),
        ("1 + zzzz", 5, "There are: abs, age"),
        ("timeliness(similarity, '7d')", 12, "created_at"),
        ("timeliness(age, '7d')", 12, "created_at"),
        ("timeliness(created_at, recalls)", 24, "quoted duration"),
        ("timeliness(created_at, now)", 24, "quoted duration"),
        ("timeliness(created_at, 1 - 1)", 24, "'7d'"),
        ("timeliness_ms(created_at, half_life)", 27, "plain milliseconds"),
    ],
)
def test_each_mistake_points_at_its_place_and_says_what_to_write(expression: str, place: int, fix: str) -> None:
    """Whatever is wrong, the error names the column and the remedy."""
    with pytest.raises(InvalidInput) as raised:
        compile_ranking(expression)
    assert raised.value.field == "ranking"
    assert f", column {place}, " in raised.value.reason
    assert fix in raised.value.fix


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        (" " * 2_049, 2_048),
        ("1" * 5_000_000, 2_048),
        ("+".join(["1"] * 129), 256),
        ("(" * 33 + "1" + ")" * 33, 32),
        ("-" * 2_000 + "1", 32),
        ("not " * 500 + "1", 32),
        ("exp(" * 500, 32),
    ],
)
def test_limits_are_told(expression: str, limit: int) -> None:
    """Too long, too many parts and too deep are each refused with the limit."""
    with pytest.raises(OutOfBounds) as raised:
        compile_ranking(expression)
    assert (raised.value.field, raised.value.limit) == ("ranking", limit)


@pytest.mark.parametrize("operator", ["+", "*", "and"])
def test_the_largest_allowed_expressions_work(operator: str) -> None:
    """128 operands in a row, and 32 levels deep, still compute."""
    assert value(f" {operator} ".join(["1"] * 128)) == (128 if operator == "+" else 1)
    assert value("(" * 32 + "1" + ")" * 32) == 1


def test_what_is_no_text_is_refused() -> None:
    """A number given as a ranking is the caller's mistake, said so."""
    with pytest.raises(InvalidInput, match="it is int, not text"):
        compile_ranking(3)  # type: ignore[arg-type]  # the mistake under test


# What always holds

LEAVES = st.one_of(
    st.floats(0, 1e12).map(Number),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]).map(Number),
    st.builds("{}{}".format, st.integers(0, 400), st.sampled_from("smhdwy")).map(Duration),
    st.sampled_from([Name(name) for name in FEATURES if "(" not in name]),
    st.sampled_from(["random", "static_bm25"]).map(lambda name: Call(name, ())),
    st.just(Call("exact_match_boost", (Name("text"),))),
)


def grown(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Trees one level above others; the half-lives are such as pass the check."""
    time = st.sampled_from([Name("created_at"), Name("last_recalled_at"), Name("now")])

    def call(name: str, count: int) -> st.SearchStrategy[Tree]:
        return st.tuples(*[inner] * count).map(lambda arguments: Call(name, arguments))

    fixed = [call(name, len(f.parameters)) for name, f in FUNCTIONS.items() if not f.reads_now]
    return st.one_of(
        st.builds(Unary, st.sampled_from(["-", "not"]), inner),
        st.builds(Binary, st.sampled_from(list(OPERATORS)), inner, inner),
        st.one_of(fixed),
        st.sampled_from(["min", "max"]).flatmap(lambda name: call(name, 4)),
        time.map(lambda t: Call("timeliness", (t, Name("half_life")))),
        time.map(lambda t: Call("timeliness_ms", (t, Number(86_400_000.0)))),
    )


TREES: st.SearchStrategy[Tree] = st.recursive(LEAVES, grown, max_leaves=12)
WILD = st.one_of(st.floats(), st.floats(0, 1), st.floats(0, 2e9), st.sampled_from([0.0, 1e300, -1e13]))
COLUMNS = sorted({name for feature in FEATURES for name in compile_ranking(feature).needs})


@given(TREES)
def test_a_printed_tree_reads_back_the_same(tree: Tree) -> None:
    """`str` of a tree parses to the tree, with no more parentheses than the limits allow."""
    assert parse(Source(str(tree))) == tree


@given(TREES, st.lists(st.tuples(*[WILD] * len(COLUMNS)), min_size=1, max_size=4))
@settings(max_examples=200)
def test_an_expression_equals_a_plain_scalar_reading(tree: Tree, rows: list[tuple[float, ...]]) -> None:
    """NumPy over whole columns gives, row by row, what a simple interpreter of the tree gives; always finite."""
    columns = {name: np.array([row[at] for row in rows]) for at, name in enumerate(COLUMNS)}
    total = compile_ranking(str(tree)).fine(columns, len(rows)).total
    expected = [reading(tree, dict(zip(COLUMNS, map(tamed, row), strict=True))) for row in rows]
    assert np.isfinite(total).all()
    np.testing.assert_allclose(total, expected, rtol=1e-9, atol=1e-9)


@given(TREES, st.lists(st.tuples(*[WILD] * len(COLUMNS)), min_size=1, max_size=4))
@settings(max_examples=50)
def test_terms_always_sum_to_the_total(tree: Tree, rows: list[tuple[float, ...]]) -> None:
    """For any expression over any data, terms of their own text add up to the score, and coarse scores are finite."""
    columns = {name: np.array([row[at] for row in rows]) for at, name in enumerate(COLUMNS)}
    ranking = compile_ranking(str(tree))
    scores = ranking.fine(columns, len(rows))
    size = sum(np.abs(term) for term in scores.terms.values())
    assert (np.abs(sum(scores.terms.values()) - scores.total) <= 1e-12 * size).all()
    assert np.isfinite(ranking.coarse(columns, len(rows))).all()


PIECES = [
    "1",
    "'7d'",
    "similarity",
    "exp",
    "timeliness",
    "created_at",
    "random",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "<",
    "not",
    "and",
    " ",
    "\n",
    "'",
    "．",
    "\ud83d",
    "\x00",
    "1e",
    "==",
]


@given(
    st.one_of(
        st.text(st.characters(exclude_categories=[]), max_size=200),
        st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    )
)
@example("\u202esimilarity")
@example("a" * 2_048)
@example("1" * 2_048)
@example("'" * 2_048)
@example("\u0301" * 2_048)
@settings(max_examples=300)
def test_any_text_is_a_ranking_or_a_clear_mistake(text: str) -> None:
    """No text of any kind raises anything else, and every message can be printed as UTF-8."""
    mistake = mistake_in(text)
    if mistake is not None:
        assert mistake.field == "ranking"
        assert "\n    " in str(mistake)
        assert str(mistake).encode("utf-8")


def mistake_in(text: str) -> InvalidInput | OutOfBounds | None:
    try:
        compile_ranking(text)
    except (InvalidInput, OutOfBounds) as mistake:
        return mistake
    return None


def tamed(x: float) -> float:
    return 0.0 if math.isnan(x) else min(max(x, -1e12), 1e12)


def reading(tree: Tree, row: Mapping[str, float]) -> float:
    """The plain interpreter: one row, one number at a time."""
    match tree:
        case Number(number):
            return number
        case Duration(text):
            return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}[text[-1]]
        case Name("age"):
            return row["now"] - row["created_at"]
        case Name("since"):
            return row["now"] - row["last_recalled_at"]
        case Name("retention"):
            return left_after(row["now"] - row["last_recalled_at"], row["half_life"])
        case Name() | Call("random" | "static_bm25" | "exact_match_boost"):
            return row[str(tree)]
        case Unary("-", operand):
            return -reading(operand, row)
        case Unary(_, operand):
            return float(reading(operand, row) == 0)
        case Binary(operator, left, right):
            return between(operator, reading(left, row), reading(right, row))
        case Call(name, arguments):
            return called(name, [reading(argument, row) for argument in arguments], row["now"])


def between(operator: str, x: float, y: float) -> float:
    match operator:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return tamed(x * y)
        case "/":
            return tamed(x / y) if y else 0.0
        case "and":
            return float(x != 0 and y != 0)
        case "or":
            return float(x != 0 or y != 0)
    orders = {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}
    return float(orders[operator])


def called(name: str, given: list[float], now: float) -> float:
    match name, given:
        case "timeliness", [time, half_life]:
            return left_after(now - time, half_life)
        case "timeliness_ms", [time, half_life]:
            return left_after(now - time, half_life / 1000)
        case "exp", [x]:
            return by_numpy(np.exp, min(x, 100.0), most=1e12)
        case "ln", [x]:
            return by_numpy(np.log, max(x, 1e-12))
        case "log1p", [x]:
            return by_numpy(np.log1p, max(x, 1e-12 - 1))
        case "sqrt", [x]:
            return math.sqrt(x) if x > 0 else 0.0
        case "clamp", [x, low, high]:
            return min(max(x, low), high)
        case "pow", [x, y]:
            unreal = (x < 0 and y != math.floor(y)) or (x == 0 and y < 0)
            return 0.0 if unreal else by_numpy(np.power, x, y, most=1e12)
        case "if", [condition, a, b]:
            return a if condition else b
    plain: dict[str, Callable[..., float]] = {
        "abs": abs,
        "min": min,
        "max": max,
        "ceil": math.ceil,
        "floor": math.floor,
    }
    return float(plain[name](*given))


def left_after(since: float, half_life: float) -> float:
    return by_numpy(np.exp2, -max(since, 0.0) / max(half_life, 0.001))


def by_numpy(function: np.ufunc, *arguments: float, most: float = math.inf) -> float:
    """The last digit of a transcendental function is the library's own; steps such as floor would magnify it."""
    with np.errstate(all="ignore"):
        return float(np.clip(function(*(np.array([argument]) for argument in arguments))[0], -most, most))


# The page


def page() -> str:
    return (Path(__file__).parent.parent / "docs" / "ranking.md").read_text(encoding="utf-8")


def table(columns: int) -> list[list[str]]:
    """The rows, from the page, that begin with code and have so many columns."""
    rows = [line[1:-1].split("|") for line in page().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows if len(row) == columns]


def test_the_page_lists_every_feature() -> None:
    """Name, unit, stage and meaning of the page's table are those of the code, in order."""
    features = [[f"`{feature.name}`", feature.unit, feature.stage, feature.meaning] for feature in FEATURES.values()]
    assert [row[:4] for row in table(5)] == features


@pytest.mark.parametrize(("name", "stand_in"), [(row[0].strip("`"), row[4].strip("`")) for row in table(5) if row[4]])
def test_the_page_tells_the_true_stand_in(name: str, stand_in: str) -> None:
    """What the page says coarse ranking takes is what it takes."""
    known = {name: CANDIDATES[name] for name in ("now", "created_at", "static_bm25()")}
    assert compile_ranking(name).coarse(known, 3).tolist() == fine(stand_in)


def test_the_page_lists_every_function() -> None:
    """Signature and meaning of the page's table are those of the code."""
    functions = [[f"`{function.signature}`", function.meaning] for function in FUNCTIONS.values()]
    assert table(2) == functions


def test_the_page_lists_every_preset() -> None:
    """Expression, parameters and purpose of the page's table are those of the code."""
    listed = {row[0].strip("`"): (row[1], row[2]) for row in table(3)}
    assert listed.keys() == PRESETS.keys()
    for name, (expression, purpose) in listed.items():
        preset = PRESETS[name]
        given = ", ".join(f"`{parameter}` = {number:g}" for parameter, number in preset.parameters.items())
        assert expression == f"`{preset.expression}`" + (f" with {given}" if given else "")
        assert purpose == preset.purpose
