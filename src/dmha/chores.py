"""The kinds of background work that every memory needs: vectors, counted words, an index in step, what may be dropped.

Each is a function of a task that does a little, looks whether it is still wanted, and goes on. SQLite copies its log
into the file by itself, at every thousandth page, so no chore does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dmha.domain.jobs import Interval, Pressure
from dmha.faculties.perception import Perception
from dmha.protocols import Clock, Index, Ledger, Truth
from dmha.tasks import JobKind, Task
from dmha.upkeep import recount, reembed
from dmha.word_book import Segmentations

_AT_ONCE = 32  # memories between two looks at who waits: MiniLM embeds as many in a fifth of a second
_COUNTED_EVERY = 60.0  # what waits for a vector is counted over all memories, in 50 ms of a hundred thousand

# Changes that a question has to take in before it is answered: a turn leaves two, taken in within a millisecond; an
# import leaves thousands.
_BEHIND = 500
_LOOKED_EVERY = 10.0

_HOUR, _DAY = 3_600.0, 86_400.0
REQUESTS_KEPT = _DAY  # a client that comes again with its key does so within the day
JOBS_KEPT = 7 * _DAY
_SWEPT_AT_ONCE = 200  # a hundredth of a second of the writer's, with what kept answers tell of


def chores(
    truth: Truth, index: Index, perception: Perception, segmentations: Segmentations, clock: Clock
) -> list[JobKind]:
    """The kinds, over these parts. What people find by comes first, what nobody sees last."""

    def unembedded() -> int:
        with truth.read() as ledger:
            return ledger.feed.unembedded_count()

    def uncounted() -> int:
        with truth.read() as ledger:
            return ledger.dictionaries.stale_count(segmentations.plain.id)

    embed, count = partial(reembed, truth, perception), partial(recount, truth, segmentations)
    return [
        JobKind(
            "index", partial(_follow, index), Pressure(_BEHIND, _LOOKED_EVERY),
            lambda: max(index.behind().values(), default=0), priority=30, own=True,
        ),
        JobKind("recount", partial(_in_slices, count), Pressure(1, _COUNTED_EVERY), uncounted, priority=20),
        JobKind("reembed", partial(_in_slices, embed), Pressure(1, _COUNTED_EVERY), unembedded, priority=10),
        JobKind("sweep", partial(_sweep, truth, clock), Interval(_HOUR)),
    ]  # fmt: skip


def _in_slices(work: Callable[..., int], task: Task) -> bool:
    """Work that counts what is left each time it begins, as a part of one long job."""
    before = task.done

    def progress(done: int, total: int) -> None:
        task.progress(before + done, before + total)

    work(progress, task.wanted, at_once=_AT_ONCE)
    return not task.wanted()


def _follow(index: Index, task: Task) -> bool:
    for tenant_id in index.behind():
        if not task.wanted():
            return True
        index.follow(tenant_id)
    return False


def _sweep(truth: Truth, clock: Clock, task: Task) -> bool:
    now = clock().timestamp()

    def unit(ledger: Ledger) -> int:
        requests = ledger.requests.sweep(now - REQUESTS_KEPT, _SWEPT_AT_ONCE)
        return requests + ledger.jobs.sweep(now - JOBS_KEPT, now, _SWEPT_AT_ONCE)

    while task.wanted():
        if not (swept := truth.write(unit)):
            return False
        task.progress(task.done + swept, task.done + swept)
    return True
