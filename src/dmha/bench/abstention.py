"""Does the mind know that it does not know? LoCoMo's questions, each asked of its own conversation and of another one.

The other conversation is the next of the file, and its speakers' names stand in the question for those of its own, so
that no name gives away that the question is in the wrong place. Judged is the confidence of the first hit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dmha.bench import locomo
from dmha.bench.dataset import DataSet, Question, Tenant
from dmha.bench.metrics import auroc, mean, percentile
from dmha.errors import InvalidInput

if TYPE_CHECKING:
    from dmha.bench.report import Judged

OWN, ANOTHER = "asked of its own", "asked of another"

_SHORTEST_NAME = 3  # letters: "Mel" is Melanie, "Me" nobody


def load(data: Path) -> list[Tenant]:
    """The conversations of a LoCoMo file, each asked its own questions and those of the one before it."""
    conversations = locomo.load(data)
    if len(conversations) < 2:
        fix = "Give a file of two conversations or more."
        raise InvalidInput("data", f"{data} holds {len(conversations)} conversations", fix)
    return [_asked(one, stranger) for stranger, one in pairwise([conversations[-1], *conversations])]


def _asked(tenant: Tenant, stranger: Tenant) -> Tenant:
    names = dict(zip(_speakers(stranger), _speakers(tenant), strict=False))
    at = max(told.at for told in tenant.told) + timedelta(minutes=1)
    own = [replace(question, category=OWN) for question in _answerable(tenant)]
    nothing: frozenset[str] = frozenset()
    strange = [
        Question(exchanged(question.text, names), ANOTHER, nothing, nothing, at) for question in _answerable(stranger)
    ]
    return replace(tenant, acts=(*tenant.told, *own, *strange))


def exchanged(text: str, names: Mapping[str, str]) -> str:
    """The text with each name, or its beginning as a short form, put in another's place; all at once."""
    forms = {
        first[:end]: other
        for name, other in names.items()
        for first in name.split()[:1]
        for end in range(_SHORTEST_NAME, len(first) + 1)
    } | dict(names)
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.sub(rf"\b(?:{either})\b", lambda found: forms[found[0]], text) if forms else text


def _answerable(tenant: Tenant) -> list[Question]:
    return [question for question in tenant.questions if question.category != locomo.APART]


def _speakers(tenant: Tenant) -> list[str]:
    return list(dict.fromkeys(turn.speaker for told in tenant.told for turn in told.turns))


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    """How well the confidence of the first hit tells the two apart, and how far it is from 1 and from 0."""
    own = [one.confidence for one in judged if one.category == OWN]
    another = [one.confidence for one in judged if one.category == ANOTHER]
    return {
        "AUROC": auroc(own, another),
        "Brier": mean([*((1.0 - sure) ** 2 for sure in own), *(sure**2 for sure in another)]),
        f"median confidence, {OWN}": percentile(own, 0.5),
        f"median confidence, {ANOTHER}": percentile(another, 0.5),
    }


DATA_SET = DataSet("abstention", load, headline=OWN, apart=frozenset({ANOTHER}), figures=figures)
