"""From checked trees to numbers: each tree becomes nested closures over NumPy, made once and run over whole columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import ArrayLike

from dmha.domain.expressions.arithmetic import Value, finite
from dmha.domain.expressions.check import Apply, Checked, Column, Constant

Columns = Mapping[str, ArrayLike]
Closure = Callable[[Mapping[str, Value]], Value]


class Program:
    """Several checked trees over the same columns; `needs` names the columns they read."""

    def __init__(self, trees: Sequence[Checked]) -> None:
        self.needs = frozenset(name for tree in trees for name in _columns(tree))
        self._closures = [_closure(tree) for tree in trees]

    def run(self, columns: Columns) -> list[Value]:
        """What each tree gives: an array, or a single value where it reads no array."""
        values = {name: finite(columns[name]) for name in self.needs}
        with np.errstate(all="ignore"):  # every operation answers for its own overflow and zeros
            return [closure(values) for closure in self._closures]


def _columns(tree: Checked) -> set[str]:
    match tree:
        case Column(name):
            return {name}
        case Apply(_, arguments):
            return set().union(*map(_columns, arguments))
        case _:
            return set()


def _closure(tree: Checked) -> Closure:
    match tree:
        case Constant(value):
            constant = np.asarray(value)
            return lambda _: constant
        case Column(name):
            return itemgetter(name)
        case Apply(compute, (one,)):
            only = _closure(one)
            return lambda values: compute(only(values))
        case Apply(compute, (one, other)):
            left, right = _closure(one), _closure(other)
            return lambda values: compute(left(values), right(values))
        case Apply(compute, arguments):
            closures = [_closure(argument) for argument in arguments]
            return lambda values: compute(*[closure(values) for closure in closures])
