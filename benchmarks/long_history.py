"""A history of a million tokens, then `contextualize` with a budget of 4,000: never over budget, and how fast.

Usage: python -m benchmarks.long_history [--tokens 1000000] [--questions 100]
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import dmha
from dmha import Turn
from dmha.models.extractive import Extractive

BUDGET = 4_000
_WHO = ("aya", "kenji", "mika", "tom")
_WHAT = (
    "the concert", "a new job", "my sister", "the garden", "that old camera", "our trip", "a strange dream",
    "the train", "dinner", "the exam", "a letter", "the market", "an umbrella", "the piano", "my knee",
)  # fmt: skip
_WHERE = ("Osaka", "the library", "Sapporo", "the office", "a café by the river", "Kyoto", "the harbour", "home")
_FELT = ("I was so happy", "it made me sad", "I am not sure what to think", "it was fine", "I want to go again")


class Measured(Extractive):
    """The default chat model, noting what each prompt costs by its own count."""

    def __init__(self) -> None:
        self.spent: list[int] = []

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        self.spent.append(sum(self.count_tokens(message["content"]) for message in messages))
        return super().reply(messages, max_tokens=max_tokens)


def sentence(draw: random.Random) -> str:
    return (
        f"Yesterday I talked about {draw.choice(_WHAT)} with {draw.choice(_WHO)} in {draw.choice(_WHERE)}, "
        f"around {draw.randrange(1, 12)} o'clock, and {draw.choice(_FELT)}; number {draw.randrange(10_000)} of my list "
        f"says that {draw.choice(_WHAT)} comes before {draw.choice(_WHAT)}."
    )


@dataclass(frozen=True)
class Lived:
    """What a history cost: how long it is, how fast it was remembered, what each answer took and spent."""

    tokens: int
    turns: int
    remembered_s: float
    answered_ms: list[float]
    spent: list[int]


def main(tokens: int, questions: int) -> None:
    lived = live(tokens, questions)
    speed = lived.turns / lived.remembered_s
    print(f"history: {lived.tokens:,} tokens in {lived.turns:,} turns, {speed:.0f} turns/s with embedding")
    answered = sorted(lived.answered_ms[1:])
    print(f"first contextualize (loads the index): {lived.answered_ms[0]:.0f} ms")
    print(f"contextualize: p50 {median(answered):.1f} ms, p95 {answered[int(0.95 * len(answered))]:.1f} ms")
    most = max(lived.spent)
    print(f"prompt tokens by the model's count: most {most:,} of {BUDGET:,}, drafts {len(lived.spent)}")


def live(tokens: int, questions: int) -> Lived:
    """Remember a history of so many tokens, then answer so many questions about it."""
    draw, chat = random.Random(7), Measured()
    start = datetime(2024, 1, 1, tzinfo=UTC)
    turns: list[Turn] = []
    held = 0
    while held < tokens:
        turns.append(Turn(sentence(draw), draw.choice(_WHO), at=start + timedelta(minutes=30 * len(turns))))
        held += chat.count_tokens(turns[-1].text)
    now = [turns[-1].at or start]
    with (
        tempfile.TemporaryDirectory() as folder,
        dmha.open(Path(folder) / "long.db", chat=chat, clock=lambda: now[0]) as mind,
    ):
        mind.search("warm", user_id="bench")  # the embedder's model is loaded, and not measured here
        began = perf_counter()
        mind.add(turns, user_id="bench", agent_id="relu", session_id="life")
        taken = perf_counter() - began
        answered = []
        for number in range(questions):
            now[0] += timedelta(minutes=5)
            asked = f"What did I say about {draw.choice(_WHAT)} and {draw.choice(_WHO)} in {draw.choice(_WHERE)}?"
            began = perf_counter()
            mind.contextualize(
                asked, user_id="bench", agent_id="relu", session_id="life", turn_id=f"q{number}", token_budget=BUDGET
            )
            answered.append((perf_counter() - began) * 1_000)
    return Lived(held, len(turns), taken, answered, chat.spent)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=100)
    given = parser.parse_args()
    main(given.tokens, given.questions)
