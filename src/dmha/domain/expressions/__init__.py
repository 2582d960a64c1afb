"""The ranking expression language: text such as `1.2 * similarity + 0.2 * timeliness(created_at, '7d')` to scores.

The way of a text: `tokens` -> `grammar` (a tree) -> `check` (names, counts, units) -> `evaluate` (NumPy). Nothing is
ever given to `eval` or to a database. docs/ranking.md tells the language to those who write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dmha.domain.expressions.arithmetic import LIMIT
from dmha.domain.expressions.check import Checker, known_names
from dmha.domain.expressions.evaluate import Columns, Program
from dmha.domain.expressions.features import FEATURES, Feature
from dmha.domain.expressions.grammar import Binary, Name, Number, Tree, additive_terms, parse
from dmha.domain.expressions.source import FIELD, Source, Span, quoted, ranking_text
from dmha.domain.expressions.tokens import KEYWORDS
from dmha.errors import InvalidInput

__all__ = ["FEATURES", "Columns", "Feature", "Ranking", "Scores", "compile_ranking"]

# A term of so little weight settles who of the nominees comes first, and nominates nobody: `default` gives .02 to what
# is left of a memory and to what it matters. To read these of 100,000 memories would take five times its search.
_SLIGHT = 0.05


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of n candidates, and what each term gave; the terms, added in order, are the total."""

    total: NDArray[np.float64]
    terms: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Ranking:
    """A compiled ranking. `terms` are the texts of what it adds up, with their signs; `needs` the columns of `fine`.

    `held` are those of `needs` that tell how the companion holds its memories, and weigh enough to nominate by.
    """

    source: str
    terms: tuple[str, ...]
    held: frozenset[str]
    _coarse: Program
    _fine: Program
    _informed: Program
    _labels: tuple[str, ...]

    @property
    def needs(self) -> frozenset[str]:
        """The columns that `fine` reads."""
        return self._fine.needs

    @property
    def coarse_needs(self) -> frozenset[str]:
        """The columns that `coarse` reads: stand-ins in place of what an index does not know."""
        return self._coarse.needs

    @property
    def informed(self) -> Ranking:
        """The same ranking, whose coarse stage reads the columns that are `held` in place of their stand-ins."""
        return replace(self, _coarse=self._informed)

    def coarse(self, columns: Columns, n: int) -> NDArray[np.float64]:
        """The scores of n rows from what an index knows."""
        total = np.zeros(n)
        for value in self._coarse.run(columns):
            total += value
        return total

    def fine(self, columns: Columns, n: int) -> Scores:
        """The scores of n candidates from their true state. Terms of the same text count as one.

        Columns are float arrays of length n, or single numbers: times in epoch seconds, spans in seconds. One that
        is needed and not given is a `KeyError`.
        """
        total, terms = np.zeros(n), {term: np.zeros(n) for term in self.terms}
        for label, value in zip(self._labels, self._fine.run(columns), strict=True):
            total += value
            terms[label] += value
        return Scores(total, terms)


def compile_ranking(
    source: str, parameters: Mapping[str, float] | None = None, features: Mapping[str, Feature] = FEATURES
) -> Ranking:
    """The ranking that a text says; a mistake raises `InvalidInput` or `OutOfBounds` on the field `ranking`."""
    checked = tuple(sorted(_checked_parameters(parameters or {}, features).items()))
    return _compiled(ranking_text(source), checked, tuple(features.values()))


@lru_cache(maxsize=256)
def _compiled(text: str, parameters: tuple[tuple[str, float], ...], features: tuple[Feature, ...]) -> Ranking:
    source, named = Source(text), {feature.name: feature for feature in features}
    fine = Checker(source, dict(parameters), named, "fine")
    coarse = Checker(source, dict(parameters), named, "coarse")
    told = {name: replace(feature, stage="coarse") if feature.held else feature for name, feature in named.items()}
    informed = Checker(source, dict(parameters), told, "coarse")
    terms = additive_terms(parse(source))
    weighing = Program([(coarse if _slight(term, named) else informed).check_term(sign, term) for sign, term in terms])
    labels = tuple(_label(text, sign, term.at) for sign, term in terms)
    return Ranking(
        source=text,
        terms=tuple(dict.fromkeys(labels)),
        _fine=Program([fine.check_term(sign, term) for sign, term in terms]),
        _coarse=Program([coarse.check_term(sign, term) for sign, term in terms]),
        _informed=weighing,
        held=frozenset(name for name in weighing.needs if named[name].held),
        _labels=labels,
    )


def _slight(term: Tree, features: Mapping[str, Feature]) -> bool:
    """Whether it is a ratio of so little weight that nothing is nominated by it."""
    match term:
        case Binary("*", Number(weight), Name(name)):
            return weight <= _SLIGHT and name in features and features[name].unit == "ratio"
        case _:
            return False


def _label(text: str, sign: str, at: Span) -> str:
    """A term as written, on one line, a minus folded in."""
    written = " ".join(text[at.start : at.end].split())
    return f"- {written}" if sign == "-" else written


def _checked_parameters(parameters: Mapping[str, float], features: Mapping[str, Feature]) -> dict[str, float]:
    taken = known_names(features).keys() | KEYWORDS if parameters else KEYWORDS
    for name, value in parameters.items():
        if not (name.isascii() and name.isidentifier()) or name in taken:
            fix = "Choose a name of letters, digits and _ that the language does not have yet"
            raise InvalidInput(FIELD, f"no parameter can be called {quoted(name)}", fix)
        if not abs(value) <= LIMIT:  # so that NaN fails too
            fix = f"Give a number between -{LIMIT:g} and {LIMIT:g}"
            raise InvalidInput(FIELD, f"the parameter {quoted(name)} is {value!r}", fix)
    return {name: float(value) for name, value in parameters.items()}
