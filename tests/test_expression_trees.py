"""Any expression, however grown, reads back as printed and means what a plain interpreter of it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dmha.domain.expressions import FEATURES, compile_ranking
from dmha.domain.expressions.functions import FUNCTIONS, OPERATORS
from dmha.domain.expressions.grammar import Binary, Call, Duration, Name, Number, Tree, Unary, parse
from dmha.domain.expressions.source import Source

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
