"""Upkeep: work on what is remembered already, in units that may be interrupted and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from dmha.faculties import consolidation
from dmha.faculties.perception import Perception, count
from dmha.protocols import Ledger, Progress, Truth
from dmha.records import Gist, Scope, Uttered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 256  # memories embedded between two commits and two reports of progress


class _OvertakenError(Exception):
    """Somebody else did it meanwhile."""


def fold_window(truth: Truth, perception: Perception, scope: Scope, session: str, now: float) -> int:
    """Summarise the oldest part of a full window into long-term memory; returns how many gists were made."""
    with truth.read() as ledger:
        window = ledger.reading.window(scope, session)
    folds: list[tuple[list[Uttered], Gist | None]] = []
    while part := consolidation.oldest_part(window):
        folds.append((part, consolidation.gist(part, count, perception.embed)))
        window = window[len(part) :]

    def unit(ledger: Ledger) -> None:
        for part, gist in folds:
            if ledger.memories.leave_window([turn.turn_id for turn in part]) < len(part):
                raise _OvertakenError  # another process folds this window: undo, and leave it to that one
            if gist is not None:
                ledger.memories.add_gist(scope, session, gist, ledger.embedder_id, now)

    try:
        if folds:
            truth.write(unit)
    except _OvertakenError:
        return 0
    return len(folds)


def reembed(truth: Truth, perception: Perception, progress: Progress) -> int:
    """Embed what has no vector of the present embedder; interrupted, it goes on where it stopped."""
    with truth.read() as ledger:
        total = ledger.feed.unembedded_count()
    done = last = 0
    while True:
        with truth.read() as ledger:
            waiting = ledger.feed.unembedded(_AT_ONCE, last)
        if not waiting:
            return done
        vectors = perception.embed([(speaker, text) for _, speaker, text in waiting])
        rows = [(memory_id, vector) for (memory_id, _, _), vector in zip(waiting, vectors, strict=True)]
        truth.write(partial(_revector, rows))
        last, done = rows[-1][0], done + len(rows)
        progress(done, max(total, done))


def _revector(rows: Sequence[tuple[int, NDArray[np.float32] | None]], ledger: Ledger) -> None:
    ledger.memories.revector(rows, ledger.embedder_id)
