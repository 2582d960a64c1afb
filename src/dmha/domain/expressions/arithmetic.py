"""Arithmetic that always has an answer: every operation of a ranking, total over finite numbers, on NumPy arrays.

The law: x/0 = 0; ln of what is not positive is ln(1e-12); the root of a negative is 0, and so is every power without
a real value; products, quotients, exponentials and powers stay within ±1e12. So no ranking, whatever its
data, yields NaN or infinity. Truth is 1, falsehood 0, and whatever is not 0 counts as true.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dmha.domain.forgetting import retention

Value = NDArray[np.float64]

LIMIT = 1e12  # beyond every epoch second (the year 9999 is 2.5e11); its square and 256 sums of it stay finite
SMALLEST = 1e-12  # what logarithms take in place of zero and less


def finite(column: ArrayLike) -> Value:
    """A column as the law wants it: NaN is 0, and nothing lies beyond the limit."""
    values = np.asarray(column, dtype=np.float64)
    # One dot product tells that no value is NaN, infinite or too large, 10x sooner than looking at each.
    if np.vdot(values, values) <= LIMIT * LIMIT:
        return values
    return bounded(np.nan_to_num(values, nan=0.0, posinf=LIMIT, neginf=-LIMIT))


def bounded(x: Value) -> Value:
    return np.minimum(np.maximum(x, -LIMIT), LIMIT)


def multiply(x: Value, y: Value) -> Value:
    product = np.multiply(x, y)
    # What lies within the limit stays there when a weight of at most 1 scales it: most products of a ranking.
    return product if _scales_down(x) or _scales_down(y) else bounded(product)


def _scales_down(x: Value) -> bool:
    return np.ndim(x) == 0 and bool(-1.0 <= x <= 1.0)


def divide(x: Value, y: Value) -> Value:
    nothing = np.equal(y, 0.0)
    return bounded(np.where(nothing, 0.0, np.divide(x, np.where(nothing, 1.0, y))))


def power(x: Value, y: Value) -> Value:
    raised = np.power(x, y)
    unreal = np.isnan(raised) | (np.equal(x, 0.0) & np.less(y, 0.0))
    return bounded(np.where(unreal, 0.0, raised))


def exponential(x: Value) -> Value:
    return bounded(np.exp(x))


def logarithm(x: Value) -> Value:
    return np.log(np.maximum(x, SMALLEST))


def logarithm_of_one_more(x: Value) -> Value:
    return np.log1p(np.maximum(x, SMALLEST - 1.0))


def root(x: Value) -> Value:
    return np.sqrt(np.maximum(x, 0.0))


def least(*values: Value) -> Value:
    return reduce(np.minimum, values)


def greatest(*values: Value) -> Value:
    return reduce(np.maximum, values)


def clamp(x: Value, low: Value, high: Value) -> Value:
    return np.minimum(np.maximum(x, low), high)


def choose(condition: Value, then: Value, otherwise: Value) -> Value:
    return np.where(np.not_equal(condition, 0.0), then, otherwise)


def timeliness(now: Value, time: Value, half_life: Value) -> Value:
    return retention(now - time, half_life)


def timeliness_ms(now: Value, time: Value, half_life_ms: Value) -> Value:
    return retention(now - time, half_life_ms / 1000.0)


def truth(x: ArrayLike) -> Value:
    """Booleans as 1 and 0."""
    return np.asarray(x, dtype=np.float64)


def negation(x: Value) -> Value:
    return truth(np.equal(x, 0.0))


def conjunction(x: Value, y: Value) -> Value:
    return truth(np.logical_and(x, y))


def disjunction(x: Value, y: Value) -> Value:
    return truth(np.logical_or(x, y))
