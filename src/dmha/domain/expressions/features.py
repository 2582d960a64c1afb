"""The names a ranking may read: each with its unit, its stage, and what stands in for it where it is not yet known.

Faculties add names of their own with `FEATURES | {feature.name: feature}`; nothing here changes while running.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from dmha.errors import InvalidInput

Unit = Literal["number", "ratio", "count", "time", "span"]
"""`ratio` is 0..1, `time` an epoch second, `span` seconds; `number` is none of these."""

Stage = Literal["coarse", "fine"]
"""`coarse`: an index knows it. `fine`: only the truth does, so coarse ranking takes its stand-in."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One name, spelt as in a ranking: `similarity`, `random()`, `exact_match_boost(text)`.

    With a `definition` it is computed from other features; without one it is a column that the caller gives. One that
    is `held` belongs to how a companion holds its memories: the truth can tell it of all of them beforehand.
    """

    name: str
    unit: Unit
    stage: Stage
    meaning: str
    definition: str = ""
    stand_in: str = ""
    held: bool = False

    def __post_init__(self) -> None:
        if self.stage == "fine" and not (self.definition or self.stand_in):
            raise InvalidInput("stand_in", f"{self.name} is fine and has none", "Say what coarse ranking takes instead")


_ALL = (
    Feature("similarity", "ratio", "coarse", "cosine between the query and the memory"),
    Feature("static_bm25()", "ratio", "coarse", "how well the query's words match, on a fixed scale"),
    Feature("similarity_nearby", "ratio", "coarse", "mean cosine between the query and the turns before and after"),
    Feature("words_nearby", "ratio", "coarse", "as static_bm25(), with the words of the turns before and after"),
    Feature("words_of_session", "ratio", "coarse", "how many of the query's words its session holds, that day"),
    Feature("time_match", "ratio", "coarse", "how near it lies to the time that the query names; 0 if it names none"),
    Feature("told_then", "ratio", "coarse", "1 if told at the time that the query asks of, if it asks of little else"),
    Feature("when_match", "ratio", "coarse", "1 if the query asks when and the memory tells a time, else 0"),
    Feature("asks", "ratio", "coarse", "1 if it ends with a question, else 0"),
    Feature("wordiness", "ratio", "coarse", "its length: 1 from two usual utterances on"),
    Feature("created_at", "time", "coarse", "when it happened"),
    Feature("now", "time", "coarse", "the time of asking"),
    Feature("age", "span", "coarse", "time since it happened", definition="now - created_at"),
    Feature("random()", "ratio", "coarse", "chance, the same for the same seed, query and memory"),
    Feature("mood_joy", "ratio", "coarse", "the companion's joy now"),
    Feature("mood_aversion", "ratio", "coarse", "the companion's aversion now"),
    Feature(
        "exact_match_boost(text)",
        "number",
        "fine",
        "greatest weight of a query term in the text",
        stand_in="static_bm25()",
    ),
    Feature("exact_match_boost(speaker)", "number", "fine", "the same in the speaker's name", stand_in="0"),
    Feature("exact_match_boost(session)", "number", "fine", "the same in the session's id", stand_in="0"),
    Feature("last_recalled_at", "time", "fine", "when it was last recalled", stand_in="created_at", held=True),
    Feature("half_life", "span", "fine", "its own speed of forgetting", stand_in="'7d'", held=True),
    Feature("since", "span", "fine", "time since the last recall", definition="now - last_recalled_at"),
    Feature(
        "retention", "ratio", "fine", "how much is left of it", definition="timeliness(last_recalled_at, half_life)"
    ),
    Feature("recalls", "count", "fine", "how often it was recalled", stand_in="0", held=True),
    Feature("importance", "ratio", "fine", "how much it matters", stand_in="0.5", held=True),
    Feature("joy", "ratio", "fine", "how sweet it is", stand_in="0", held=True),
    Feature("aversion", "ratio", "fine", "how much it hurts", stand_in="0", held=True),
    Feature("trauma", "ratio", "fine", "how deeply it wounds", stand_in="0", held=True),
    Feature(
        "same_question", "ratio", "fine", "1 if it does but ask what the query asks, in the same words", stand_in="0"
    ),
    Feature("gist", "ratio", "fine", "1 for a summary of other memories, else 0", stand_in="0"),
    Feature("score0", "ratio", "fine", "the score given at birth", stand_in="0"),
)

FEATURES: MappingProxyType[str, Feature] = MappingProxyType({feature.name: feature for feature in _ALL})
