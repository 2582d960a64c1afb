"""Consolidation: when the working window is full, its oldest part becomes a gist in long-term memory and leaves it.

Nothing verbatim is lost: the turns stay memories, the gist links to them. What was told in private is not summarised,
for a gist has no speaker who could be present.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from dmha.domain import affect
from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.domain.summary import summarise
from dmha.records import Counted, Gist, Tip, Uttered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A window of 40 turns is about 1,500 tokens of chat: under half of the default budget of 4,000.
WINDOW_TURNS = 40
# Long turns fill it sooner: 16,000 characters are at most 4,000 English tokens.
WINDOW_CHARACTERS = 16_000
# What is folded at once: half a window, so that folding is rare and what is left still tells the thread.
FOLDED_TURNS = WINDOW_TURNS // 2
GIST_SENTENCES = 5


def is_full(tip: Tip) -> bool:
    """Whether the window at the tip may hold something to fold."""
    return tip.window_turns > WINDOW_TURNS or tip.window_characters > WINDOW_CHARACTERS


def oldest_part(window: Sequence[Uttered]) -> list[Uttered]:
    """The turns to fold now; none while the window has room. The latest turn always stays."""
    if len(window) > WINDOW_TURNS:
        return list(window[:FOLDED_TURNS])
    held = sum(len(turn.text) for turn in window)
    if held <= WINDOW_CHARACTERS:
        return []
    folded: list[Uttered] = []
    for turn in window[:-1]:
        if held <= WINDOW_CHARACTERS // 2:
            break
        folded.append(turn)
        held -= len(turn.text)
    return folded


def gist(
    turns: Sequence[Uttered],
    tip: Tip,
    count: Callable[[str], Counted],
    embed: Callable[[Sequence[tuple[str, str]]], list[NDArray[np.float32] | None]],
) -> Gist | None:
    """The gist of these turns, made after the turn at the tip; None where all was private or the companion's own."""
    told = [turn for turn in turns if turn.private_to is None]
    heard = [turn for turn in told if turn.source != "assistant"]
    if not heard:
        return None
    text = summarise([(turn.speaker, turn.text) for turn in heard], limit=GIST_SENTENCES)
    felt, counted = affect.appraise(text), count(text)
    uids = (turn.uid for turn in turns)
    return Gist(
        memory_uid="g_" + blake2b("\x1f".join((*uids, tip.uid)).encode(), digest_size=16).hexdigest(),
        text=text,
        at=heard[-1].at,
        vector=embed([("dmha", text)])[0],
        counted=counted,
        affect=felt,
        importance=affect.importance(felt, text, counted.length),
        half_life=DEFAULT_HALF_LIFE,
        sources=tuple(turn.memory_id for turn in told),
    )
