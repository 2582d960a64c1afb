"""The functions and operators of rankings: what each takes, what unit it gives, and which arithmetic it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dmha.domain.expressions import arithmetic as total
from dmha.domain.expressions.arithmetic import Value
from dmha.domain.expressions.features import Unit

Compute = Callable[..., Value]

ANY: frozenset[Unit] = frozenset({"number", "ratio", "count", "time", "span"})
A_TIME: frozenset[Unit] = frozenset({"time"})
SECONDS: frozenset[Unit] = frozenset({"span", "number"})
PLAIN: frozenset[Unit] = frozenset({"number"})


@dataclass(frozen=True, slots=True)
class Function:
    """A function. `parameters` pairs each name with the units it takes; `endless` lets the last one repeat."""

    name: str
    parameters: tuple[tuple[str, frozenset[Unit]], ...]
    compute: Compute
    meaning: str
    endless: bool = False
    keeps_unit_from: int | None = None
    """From this argument on, a unit that all share is the result's; None: the result is a number."""
    reads_now: bool = False
    """Takes `now` before its written arguments."""

    @property
    def signature(self) -> str:
        names = [name for name, _ in self.parameters] + ["..."] * self.endless
        return f"{self.name}({', '.join(names)})"

    def accepts(self, count: int) -> bool:
        return count == len(self.parameters) or (self.endless and count > len(self.parameters))

    def unit(self, arguments: Sequence[Unit]) -> Unit:
        return "number" if self.keeps_unit_from is None else common_unit(arguments[self.keeps_unit_from :])


def common_unit(units: Sequence[Unit]) -> Unit:
    """`time` or `span` where every unit is that or a plain number, else `number`."""
    special = {unit for unit in units if unit != "number"}
    return special.pop() if special in ({"time"}, {"span"}) else "number"


def sum_unit(operator: str, left: Unit, right: Unit) -> Unit:
    if left == right == "time":
        return "span" if operator == "-" else "number"
    if left == "time" and right in SECONDS:
        return "time"
    if operator == "+" and left in SECONDS and right == "time":
        return "time"
    return "number" if "time" in (left, right) else common_unit((left, right))


def product_unit(operator: str, left: Unit, right: Unit) -> Unit:
    if left == "span" and right not in ("span", "time"):
        return "span"
    return "span" if operator == "*" and right == "span" and left not in ("span", "time") else "number"


def _truth_unit(operator: str, left: Unit, right: Unit) -> Unit:  # noqa: ARG001 - one shape for all operators
    return "number"


def _compare(compare: np.ufunc) -> Compute:
    return lambda left, right: total.truth(compare(left, right))


@dataclass(frozen=True, slots=True)
class Operator:
    """What stands between two operands."""

    compute: Compute
    unit: Callable[[str, Unit, Unit], Unit]


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "+": Operator(np.add, sum_unit),
        "-": Operator(np.subtract, sum_unit),
        "*": Operator(total.multiply, product_unit),
        "/": Operator(total.divide, product_unit),
        "<": Operator(_compare(np.less), _truth_unit),
        "<=": Operator(_compare(np.less_equal), _truth_unit),
        ">": Operator(_compare(np.greater), _truth_unit),
        ">=": Operator(_compare(np.greater_equal), _truth_unit),
        "==": Operator(_compare(np.equal), _truth_unit),
        "!=": Operator(_compare(np.not_equal), _truth_unit),
        "and": Operator(total.conjunction, _truth_unit),
        "or": Operator(total.disjunction, _truth_unit),
    }
)

_X = (("x", ANY),)
_AB = (("a", ANY), ("b", ANY))

_ALL = (
    Function(
        "timeliness",
        (("t", A_TIME), ("half_life", SECONDS)),
        total.timeliness,
        "`2 ** (-(now - t) / half_life)`, at most 1; the half-life in seconds or quoted",
        reads_now=True,
    ),
    Function(
        "timeliness_ms",
        (("t", A_TIME), ("half_life_ms", PLAIN)),
        total.timeliness_ms,
        "the same, the half-life in milliseconds",
        reads_now=True,
    ),
    Function("exp", _X, total.exponential, "e to the x"),
    Function("ln", _X, total.logarithm, "natural logarithm"),
    Function("log1p", _X, total.logarithm_of_one_more, "`ln(1 + x)`"),
    Function("sqrt", _X, total.root, "square root"),
    Function("abs", _X, np.abs, "x without its sign", keeps_unit_from=0),
    Function("min", _AB, total.least, "the least", endless=True, keeps_unit_from=0),
    Function("max", _AB, total.greatest, "the greatest", endless=True, keeps_unit_from=0),
    Function(
        "clamp",
        (*_X, ("low", ANY), ("high", ANY)),
        total.clamp,
        "x, at least low and at most high; high wins",
        keeps_unit_from=0,
    ),
    Function("pow", (*_X, ("y", ANY)), total.power, "x to the y"),
    Function("ceil", _X, np.ceil, "the next whole number up", keeps_unit_from=0),
    Function("floor", _X, np.floor, "the next whole number down", keeps_unit_from=0),
    Function("if", (("condition", ANY), *_AB), total.choose, "a where the condition holds, else b", keeps_unit_from=1),
)

FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _ALL})
