"""Metacognition: whether a draft may stand, what to do about what does not fit, how sure the mind is of its reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dmha.domain.findings import Finding
from dmha.domain.logic import consistency, mend
from dmha.records import FactRow
from dmha.types import Conflict, Hit, Repair

# Below this consistency the mind repairs itself. One conflict of two values (0.8) at confidence 0.4 stays above it:
# hearsay does not unsettle a reply; at 0.5 it does.
THRESHOLD = 0.65

# A draft is mended and written again at most so often: what two rounds do not mend, a third has not been seen to.
MOST_REPAIRS = 2

# What the reply's confidence is when it rests on facts alone, which were told and need no likeness to the question.
_NOTHING_RECALLED = 0.05


@dataclass(frozen=True, slots=True)
class Ending:
    """A fact whose truth is to end, and why: `because` is the told fact that stands against it, where one does."""

    fact_id: int
    valid_to: datetime
    note: str
    because: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How findings are mended: facts to end, which is said once, and corrections for the next draft to keep to."""

    endings: tuple[Ending, ...]
    mended: tuple[str, ...]
    corrections: tuple[str, ...]


def judge(findings: Sequence[Finding]) -> float:
    """The consistency of a draft with these findings."""
    return consistency(finding.conflict for finding in findings)


def plan(findings: Sequence[Finding], now: datetime) -> Plan:
    """What would set the findings right. Facts that clash are ended, never deleted."""
    endings: list[Ending] = []
    mended: list[str] = []
    corrections: list[str] = []
    for finding in findings:
        made = None if finding.clash is None else mend(finding.clash, now)
        if made is None or not made.ids:
            corrections.append(finding.correction)
            continue
        mended.append(finding.correction)
        endings += [Ending(fact_id, made.valid_to, made.reason, made.because) for fact_id in made.ids]
    return Plan(tuple(endings), tuple(dict.fromkeys(mended)), tuple(dict.fromkeys(corrections)))


def apply(endings: Sequence[Ending], facts: Sequence[FactRow]) -> list[FactRow]:
    """The facts as they are once the endings are written."""
    ends = {ending.fact_id: ending.valid_to for ending in endings}
    return [
        replace(row, fact=replace(row.fact, valid_to=ends[row.id]))
        if row.id in ends and (row.fact.valid_to is None or row.fact.valid_to > ends[row.id])
        else row
        for row in facts
    ]


def repairs(findings: Sequence[Finding], left: Sequence[Finding], now: datetime) -> tuple[Repair, ...]:
    """What was done about the findings that are not left, with the reply's consistency before and after."""
    before, after = judge(findings), judge(left)
    remaining = {_pair(finding.conflict) for finding in left}
    return tuple(
        Repair(finding.conflict, _action(finding, now), before, after)
        for finding in findings
        if _pair(finding.conflict) not in remaining
    )


def confidence(hits: Sequence[Hit], consistent: float, facts_known: Sequence[float]) -> float:
    """How sure the reply is: its best ground, a memory or a fact, weighed by how well all fits together."""
    ground = max((*(hit.confidence for hit in hits), *facts_known), default=_NOTHING_RECALLED)
    return ground * consistent


def _pair(conflict: Conflict) -> tuple[str, str]:
    return conflict.left, conflict.right


def _action(finding: Finding, now: datetime) -> str:
    if finding.clash is not None:
        return mend(finding.clash, now).reason
    return f"the reply was written again, keeping to: {finding.correction}"
