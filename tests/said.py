"""Turns as an index takes them, made by hand: what a test says of each, and nothing of a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dmha.domain.terms import TERM_DTYPE, term_id
from dmha.records import Rows


@dataclass(frozen=True)
class Said:
    """One turn: a memory's id, the one before it, and how often it says each word. A usual utterance has 10 words."""

    id: int
    before: int = -1
    words: Mapping[str, int] = field(default_factory=dict)
    session: int = 1
    at: float = 0.0
    private_to: int = -1
    length: int = 10
    version: int = 1


def rows(*said: Said) -> Rows:
    """These turns as columns, without vectors."""
    terms = [(term_id(word), count) for turn in said for word, count in turn.words.items()]
    return Rows(
        memory_ids=np.array([turn.id for turn in said], np.int64),
        versions=np.array([turn.version for turn in said], np.int64),
        at=np.array([turn.at for turn in said], np.float64),
        speaker_ids=np.ones(len(said), np.int64),
        private_to=np.array([turn.private_to for turn in said], np.int64),
        before=np.array([turn.before for turn in said], np.int64),
        sessions=np.array([turn.session for turn in said], np.int64),
        languages=["en"] * len(said),
        lengths=np.array([turn.length for turn in said], np.int64),
        terms=np.array(terms, TERM_DTYPE),
        term_counts=np.array([len(turn.words) for turn in said], np.int64),
        embedded=np.zeros(len(said), np.bool_),
        vectors=np.zeros((0, 0), np.float32),
    )
