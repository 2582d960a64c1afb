"""From a tree to a checked tree: every name resolved, every count and unit held, ready to be computed.

A checked tree has three kinds of node: constants, columns, and functions applied. Definitions and stand-ins of
features are already put in their place, and what depends on no column is already a number.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dmha.domain.expressions import arithmetic
from dmha.domain.expressions.features import Feature, Stage, Unit
from dmha.domain.expressions.functions import FUNCTIONS, OPERATORS, Function, common_unit
from dmha.domain.expressions.grammar import Binary, Call, Duration, Name, Number, Tree, Unary, parse
from dmha.domain.expressions.source import Source, Span, quoted
from dmha.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Constant:
    value: float


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the caller gives, by its canonical name."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    compute: Callable[..., arithmetic.Value]
    arguments: tuple[Checked, ...]


Checked = Constant | Column | Apply


def known_names(features: Mapping[str, Feature]) -> dict[str, str]:
    """Each name that a ranking may use, without parentheses, to how it is written in full."""
    written = {name: function.signature for name, function in FUNCTIONS.items()}
    return written | {name.partition("(")[0]: name for name in features}


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks trees of one source for one stage."""

    source: Source
    parameters: Mapping[str, float]
    features: Mapping[str, Feature]
    stage: Stage

    def check(self, tree: Tree) -> Checked:
        """The checked tree; raises `InvalidInput` at the place of the first mistake."""
        return self._check(tree)[0]

    def check_term(self, sign: str, tree: Tree) -> Checked:
        """The checked tree of one term of a sum, its sign folded in."""
        checked = self.check(tree)
        return _apply(np.negative, checked) if sign == "-" else checked

    def _check(self, tree: Tree) -> tuple[Checked, Unit]:
        match tree:
            case Number(value):
                return Constant(value), "number"
            case Duration():
                return Constant(tree.seconds), "span"
            case Name(name) if name in self.parameters:
                return Constant(self.parameters[name]), "number"
            case Name() | Call() if feature := self.features.get(str(tree)):
                return self._feature(feature), feature.unit
            case Name():
                raise self._unknown_name(tree)
            case Call():
                return self._call(tree)
            case Unary(operator, operand):
                inner, unit = self._check(operand)
                compute = arithmetic.negation if operator == "not" else np.negative
                return _apply(compute, inner), common_unit([unit]) if operator == "-" else "number"
            case Binary(sign, left, right):
                (one, one_unit), (other, other_unit) = self._check(left), self._check(right)
                operator_ = OPERATORS[sign]
                return _apply(operator_.compute, one, other), operator_.unit(sign, one_unit, other_unit)

    def _feature(self, feature: Feature) -> Checked:
        stand_in = feature.stand_in if feature.stage == "fine" and self.stage == "coarse" else ""
        if meant := feature.definition or stand_in:
            source = Source(meant)
            return Checker(source, {}, self.features, self.stage).check(parse(source))
        return Column(feature.name)

    def _call(self, tree: Call) -> tuple[Checked, Unit]:
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise self._unknown_call(tree)
        if not function.accepts(len(tree.arguments)):
            reason = f"{tree.name} is given {len(tree.arguments)} argument{'s' * (len(tree.arguments) != 1)}"
            raise self.source.mistake(tree.at, reason, f"Write {function.signature}")
        arguments, units = zip(*map(self._check, tree.arguments), strict=True)
        self._hold_units(function, tree, units)
        if function.reads_now:
            self._hold_half_life(tree, arguments[1])
            arguments = (Column("now"), *arguments)
        return _apply(function.compute, *arguments), function.unit(units)

    def _hold_units(self, function: Function, tree: Call, units: tuple[Unit, ...]) -> None:
        for (parameter, accepted), argument, unit in zip(function.parameters, tree.arguments, units, strict=False):
            if unit not in accepted:
                reason = (
                    f"{parameter} of {function.signature} is a {' or '.join(sorted(accepted))}, and this is a {unit}"
                )
                raise self.source.mistake(argument.at, reason, _UNIT_FIX[tree.name, parameter])

    def _hold_half_life(self, tree: Call, half_life: Checked) -> None:
        if isinstance(half_life, Constant) and half_life.value <= 0:
            raise self.source.mistake(tree.arguments[1].at, "a half-life is over 0", "Write a duration, such as '7d'")

    def _unknown_name(self, tree: Name) -> InvalidInput:
        if function := FUNCTIONS.get(tree.name):
            return self.source.mistake(tree.at, f"{tree.name} is a function", f"Write {function.signature}")
        if forms := self._forms(tree.name):
            return self.source.mistake(tree.at, f"{tree.name} takes parentheses", f"Write {forms}")
        return self._unknown(tree)

    def _unknown_call(self, tree: Call) -> InvalidInput:
        if tree.name in self.features or tree.name in self.parameters:
            return self.source.mistake(tree.at, f"{tree.name} takes no parentheses", f"Write {tree.name}")
        if forms := self._forms(tree.name):
            return self.source.mistake(tree.at, f"{tree.name} does not take these arguments", f"Write {forms}")
        return self._unknown(tree)

    def _unknown(self, tree: Name | Call) -> InvalidInput:
        known = {**known_names(self.features), **{name: name for name in self.parameters}}
        near = difflib.get_close_matches(tree.name.lower(), known, n=1)
        fix = f"Did you mean {known[near[0]]}?" if near else f"There are: {', '.join(sorted(known))}"
        at = Span(tree.at.start, tree.at.start + len(tree.name))
        return self.source.mistake(at, f"there is no {quoted(tree.name)}", fix)

    def _forms(self, name: str) -> str:
        """How the features of that name before the parenthesis are written."""
        return " or ".join(feature for feature in self.features if feature.startswith(f"{name}("))


_UNIT_FIX = {
    ("timeliness", "t"): "Give a time, such as created_at",
    ("timeliness", "half_life"): "Give seconds or a quoted duration, such as '7d'",
    ("timeliness_ms", "t"): "Give a time, such as created_at",
    ("timeliness_ms", "half_life_ms"): "Give plain milliseconds, or use timeliness(t, half_life)",
}


def _apply(compute: Callable[..., arithmetic.Value], *arguments: Checked) -> Checked:
    """A function applied, at once where all its arguments are constants."""
    values = [argument.value for argument in arguments if isinstance(argument, Constant)]
    if len(values) < len(arguments):
        return Apply(compute, arguments)
    with np.errstate(all="ignore"):
        return Constant(float(compute(*values)))
