"""Reranking: a model that reads the question beside each of the best memories has the last word on their order.

Only the order changes here: what was found is handed in, and the same memories come back. The model is slow or far
away, so the caller asks for this inside no snapshot and no transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dmha.domain.prompt import local
from dmha.errors import Unavailable
from dmha.protocols import Reranker
from dmha.records import State
from dmha.types import Hit

# How many of the best are read, each a run of the model. On LoCoMo the ranking's first 10 hold .70 of the evidence, 30
# hold .80, 50 .84 and 100 .87; a CrossEncoder of six small layers reads 30 short turns in half a second on one core.
RERANKED = 30

# What is read of one memory, in characters: most rerankers cut at 512 tokens, which is about this much English.
_READ = 2_000


def rerank(
    reranker: Reranker, query: str, found: Sequence[tuple[State, Hit]], top_k: int, zone: ZoneInfo
) -> list[tuple[State, Hit]]:
    """The best `top_k` of what was found best first: by relevance alone, ties as they were, what was not read behind.

    A hit's score becomes its relevance, told among its reasons beside what the ranking gave. Its confidence stays: it
    is calibrated, and nobody knows a reranker's scale.
    """
    read, unread = found[:RERANKED], found[RERANKED:]
    relevance = _relevance(reranker, query, [_shown(state, zone) for state, _ in read])
    order = np.argsort(-relevance, kind="stable")
    judged = [_judged(read[place], float(relevance[place])) for place in order.tolist()]
    return [*judged, *unread][:top_k]


def _relevance(reranker: Reranker, query: str, texts: list[str]) -> NDArray[np.float32]:
    given = reranker.rerank(query, texts) if texts else np.empty(0, np.float32)
    try:
        with np.errstate(over="ignore"):  # an endless one is refused below
            relevance = np.asarray(given, np.float32)
    except (TypeError, ValueError, OverflowError):  # no numbers, or not one each
        relevance = np.empty(0, np.float32)
    if relevance.shape != (len(texts),) or not np.isfinite(relevance).all():
        reason = f"it did not give one finite number for each of {len(texts)} texts"
        fix = "Choose another in DMHA_RERANKER, or none."
        raise Unavailable(f"reranker {reranker.id!r}", reason, fix, role="reranker")
    return relevance


def _shown(state: State, zone: ZoneInfo) -> str:
    """Who said it, on which day there, and the words.

    Relevance replaces the score that brought a memory here, so all that it stood on must be read again: without its
    speaker and its day, what answers "what did Aya do in May?" is as good as any other.
    """
    day = local(datetime.fromtimestamp(state.at, UTC), zone)[:10]
    return f"{state.speaker} ({day}): {state.text[:_READ]}"


def _judged(item: tuple[State, Hit], relevance: float) -> tuple[State, Hit]:
    state, hit = item
    return state, replace(hit, score=relevance, reasons={**hit.reasons, "reranker": relevance})
