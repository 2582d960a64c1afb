"""Upkeep: work on what is remembered already, in units that may be interrupted and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from dmha.domain.segmentation import Segmentation
from dmha.faculties import consolidation
from dmha.faculties.perception import Perception, count
from dmha.protocols import Ledger, Progress, Still, Truth, always
from dmha.records import Counted, Gist, Overtaken, Scope, Tip
from dmha.word_book import Segmentations

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 256  # memories embedded or counted between two commits and two reports of progress


def fold_window(
    truth: Truth, perception: Perception, cut: Segmentation, scope: Scope, session: str, tip: Tip, now: float
) -> int:
    """Summarise the oldest part of a window that is full at the tip; returns how many gists were made."""
    if not consolidation.is_full(tip):
        return 0
    with truth.read() as ledger:
        window = seen = ledger.reading.window(scope, tip.turn_id)
    gists: list[Gist] = []
    folded = 0
    while part := consolidation.oldest_part(window):
        gist = consolidation.gist(part, tip, partial(count, segmentation=cut), perception.embed)
        gists += [] if gist is None else [gist]
        folded, window = part[-1].turn_id, window[len(part) :]

    def unit(ledger: Ledger) -> int:
        if ledger.reading.window(scope, tip.turn_id) != seen:
            return 0  # one of them was marked, said otherwise or deleted meanwhile: the next turn folds what is left
        left = sum(len(turn.text) for turn in window)
        if not ledger.memories.leave_window(tip, folded, left):
            return 0  # another process folds this window, or the talk went on: it is left to that one
        for gist in gists:
            ledger.memories.add_gist(scope, session, gist, tip, ledger.embedder_id, now)
        return len(gists)

    return truth.write(unit) if folded else 0


def recount(
    truth: Truth, segmentations: Segmentations, progress: Progress, wanted: Still = always, *, at_once: int = _AT_ONCE
) -> int:
    """Count the words of what another segmentation counted, or a dictionary's change has overtaken, while it is wanted.

    Interrupted, it goes on where it stopped; what is not counted yet is found by the terms that it had.
    """
    present = segmentations.plain.id
    with truth.read() as ledger:
        total = ledger.dictionaries.stale_count(present)
    done = last = 0
    while done < total and wanted():
        with truth.read() as ledger:
            waiting = ledger.dictionaries.stale(present, at_once, last)
            cut = {tenant: segmentations.of(ledger, tenant) for tenant in {each.tenant_id for each in waiting}}
        if not waiting:
            break
        counted = [(each, count(each.text, cut[each.tenant_id])) for each in waiting]
        truth.write(partial(_recount, counted))
        last, done = waiting[-1].id, done + len(waiting)
        progress(done, max(total, done))
    return done


def _recount(counted: Sequence[tuple[Overtaken, Counted]], ledger: Ledger) -> None:
    ledger.dictionaries.recount(counted)


def reembed(
    truth: Truth, perception: Perception, progress: Progress, wanted: Still = always, *, at_once: int = _AT_ONCE
) -> int:
    """Embed what has no vector of the present embedder, while it is wanted.

    Interrupted, it goes on where it stopped.
    """
    with truth.read() as ledger:
        total = ledger.feed.unembedded_count()
    done = last = 0
    while wanted():
        with truth.read() as ledger:
            waiting = ledger.feed.unembedded(at_once, last)
        if not waiting:
            break
        vectors = perception.embed([(speaker, text) for _, speaker, text in waiting])
        rows = [(memory_id, vector) for (memory_id, _, _), vector in zip(waiting, vectors, strict=True)]
        truth.write(partial(_revector, rows))
        last, done = rows[-1][0], done + len(rows)
        progress(done, max(total, done))
    return done


def _revector(rows: Sequence[tuple[int, NDArray[np.float32] | None]], ledger: Ledger) -> None:
    ledger.memories.revector(rows, ledger.embedder_id)
