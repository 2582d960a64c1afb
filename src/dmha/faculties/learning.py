"""Learning: what a mended reply teaches is put down as a lesson. Training on lessons is another part's work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmha.types import Repair


@dataclass(frozen=True, slots=True)
class Lesson:
    """What should be answered when this is asked, and why it was learned."""

    question: str
    answer: str
    reason: str


def lesson_of(question: str, answer: str, repairs: Sequence[Repair]) -> Lesson | None:
    """The lesson of a reply that had to be mended; none where nothing was."""
    if not repairs:
        return None
    return Lesson(question, answer, "; ".join(repair.action for repair in repairs))
