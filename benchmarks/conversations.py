"""What `ablation` and `tuning` share: conversations told once and asked many times, and the preset's weights, as read.

The data is LoCoMo's, by its path; what is told and asked goes through the same calls as everybody's.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dmha.bench import locomo
from dmha.bench.dataset import Question
from dmha.domain.ranking import resolve
from dmha.mind import Mind
from dmha.types import Hit
from dmha.wiring import open_mind

DATA = Path(os.environ.get("DMHA_DATA", "../shared/data")) / "locomo" / "locomo_dev.json"

_USER = "bench"
_TERM = re.compile(r"(?P<sign>- )?(?:(?P<weight>[\d.]+) \* )?(?P<feature>[a-z_0-9]+(?:\(\w*\))?)")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One tenant, all of it told; its questions are asked a minute after the last turn."""

    id: str
    questions: Sequence[Question]
    mind: Mind

    def search(self, question: Question, ranking: str, top_k: int) -> list[Hit]:
        return self.mind.search(question.text, user_id=_USER, agent_id=self.id, ranking=ranking, top_k=top_k)

    def recall(self, question: Question) -> list[Hit]:
        return self.mind.recall(question.text, user_id=_USER, agent_id=self.id)


def conversations(data: Path) -> Iterator[Conversation]:
    """The conversations of a file, each told when its turn comes."""
    now = datetime.fromtimestamp(0, UTC)
    with (
        tempfile.TemporaryDirectory(prefix="dmha-conversations-") as folder,
        open_mind(Path(folder) / "bench.db", clock=lambda: now) as mind,
    ):
        for tenant in locomo.load(data):
            for act in tenant.told:
                now = act.at
                mind.add(act.turns, user_id=_USER, agent_id=tenant.id, session_id=act.session, kind=act.kind)
            now = tenant.questions[0].at
            yield Conversation(tenant.id, tenant.questions, mind)


def preset_weights() -> dict[str, float]:
    """The features that the preset `default` adds up, each with its weight."""
    found: dict[str, float] = {}
    for term in resolve("default").terms:
        parts = _TERM.fullmatch(term)
        if parts is None:
            raise ValueError(f"the term {term!r} of the preset is no feature with a weight")
        found[parts["feature"]] = float(parts["weight"] or 1.0) * (-1.0 if parts["sign"] else 1.0)
    return found


def expression(weights: Mapping[str, float]) -> str:
    """The ranking that adds up these features with these weights."""
    signed = (f"{'-' if weight < 0.0 else '+'} {abs(weight):g} * {feature}" for feature, weight in weights.items())
    return " ".join(signed).removeprefix("+ ")


def data_of(description: str | None) -> Path:
    """The file that the command line names."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="PATH", type=Path, nargs="?", default=DATA, help=f"default: {DATA}")
    return Path(parser.parse_args().data)
