"""Upkeep: work on what is remembered already, in units that may be interrupted and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dmha.domain.segmentation import Segmentation
from dmha.faculties import consolidation
from dmha.faculties.perception import Perception, count
from dmha.protocols import Ledger, Progress, Truth
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


def recount(truth: Truth, segmentations: Segmentations, progress: Progress, user_id: str | None = None) -> int:
    """Count the words of what another segmentation counted, or a dictionary's change has overtaken: the account's own,
    or all.

    Interrupted, it goes on where it stopped; what is not counted yet is found by the terms that it had.
    """
    some = partial(recount_some, truth, segmentations, user_id=user_id)
    return _all(some, uncounted(truth, segmentations, user_id), progress)


def reembed(truth: Truth, perception: Perception, progress: Progress, user_id: str | None = None) -> int:
    """Embed what has no vector of the present embedder, of the account or of all. Interrupted, it goes on where it
    stopped."""
    return _all(partial(reembed_some, truth, perception, user_id=user_id), unembedded(truth, user_id), progress)


def uncounted(truth: Truth, segmentations: Segmentations, user_id: str | None = None) -> int:
    """How many memories wait for their words to be counted."""
    with truth.read() as ledger:
        return ledger.dictionaries.stale_count(segmentations.plain.id, user_id)


def unembedded(truth: Truth, user_id: str | None = None) -> int:
    """How many memories wait for a vector of the present embedder."""
    with truth.read() as ledger:
        return ledger.feed.unembedded_count(user_id)


def recount_some(
    truth: Truth, segmentations: Segmentations, limit: int, after: int, user_id: str | None = None
) -> tuple[int, int]:
    """Count the words of so many that wait past that id; how many it was, and the last one's id."""
    with truth.read() as ledger:
        waiting = ledger.dictionaries.stale(segmentations.plain.id, limit, after, user_id)
        cut = {tenant: segmentations.of(ledger, tenant) for tenant in {each.tenant_id for each in waiting}}
    counted = [(each, count(each.text, cut[each.tenant_id])) for each in waiting]
    if counted:
        truth.write(partial(_recount, counted))
    return len(counted), max((each.id for each, _ in counted), default=after)


def reembed_some(
    truth: Truth, perception: Perception, limit: int, after: int, user_id: str | None = None
) -> tuple[int, int]:
    """Embed so many that wait past that id; how many it was, and the last one's id."""
    with truth.read() as ledger:
        waiting = ledger.feed.unembedded(limit, after, user_id)
    vectors = perception.embed([(speaker, text) for _, speaker, text in waiting]) if waiting else []
    rows = [(memory_id, vector) for (memory_id, _, _), vector in zip(waiting, vectors, strict=True)]
    if rows:
        truth.write(partial(_revector, rows))
    return len(rows), max((memory_id for memory_id, _ in rows), default=after)


def _all(some: Callable[[int, int], tuple[int, int]], total: int, progress: Progress) -> int:
    done = last = 0
    while done < total:
        more, last = some(_AT_ONCE, last)
        if not more:
            break
        done += more
        progress(done, max(total, done))
    return done


def _recount(counted: Sequence[tuple[Overtaken, Counted]], ledger: Ledger) -> None:
    ledger.dictionaries.recount(counted)


def _revector(rows: Sequence[tuple[int, NDArray[np.float32] | None]], ledger: Ledger) -> None:
    ledger.memories.revector(rows, ledger.embedder_id)
