"""The rankings that have a name: data, one entry each. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Preset:
    """A named ranking: its expression, the parameters that stand in it, and what it is for."""

    name: str
    expression: str
    purpose: str
    parameters: Mapping[str, float] = field(default_factory=dict)


# `default`, on LoCoMo's five development conversations: recall@10 is flat from 1 to 2 for the words' weight
# (.690-.693), and .666 at 0.5; the speaker gives .025; retention at 0.2 would cost .025. Left-out conversations agree
# (docs/benchmarks.md). The same question asked before is no answer: from 0.6 on it stands behind one in three languages
# (tests/test_same_question.py), at 2 it is not found among hundreds of its kind by its own words (tests/test_crash.py).
_ALL = (
    Preset(
        "default",
        "words_nearby + 0.3 * words_of_session + 0.35 * similarity + 0.12 * similarity_nearby"
        " + 0.25 * time_match + told_then + 0.12 * when_match + 0.11 * exact_match_boost(speaker)"
        " + 0.08 * wordiness - 0.06 * asks - 0.7 * same_question - 0.5 * gist + 0.02 * retention + 0.02 * importance",
        "Wording and meaning, of the turn and around it; when it was and who said it; what only asks and gists behind.",
    ),
    # The weights that DESIGN gives as AIRI's example; the others lean on it and are ours.
    Preset(
        "airi",
        "1.2 * similarity + 0.2 * timeliness(created_at, '7d')",
        "Project AIRI's ranking: meaning first, newer slightly ahead.",
    ),
    Preset(
        "airi-decay",
        "1.2 * similarity + 0.2 * max(retention, 1 - pow(forgetful, recalls / practice))",
        "As airi, but a memory fades by its own half-life, and not below what practice has kept.",
        {"forgetful": 0.3, "practice": 5},
    ),
    Preset(
        "airi-emotional",
        "1.2 * similarity + 0.2 * retention + 0.2 * joy * mood_joy + 0.2 * aversion * mood_aversion"
        " - 0.1 * aversion - damping * trauma",
        "As airi, with memories of the present mood ahead, what hurt less willing, and trauma held back.",
        {"damping": 0.6},
    ),
    Preset(
        "recency", "timeliness(created_at, '1d') + 0.1 * similarity", "What happened last, for picking up a thread."
    ),
    Preset("semantic", "similarity", "Meaning alone, as a plain vector search ranks."),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
