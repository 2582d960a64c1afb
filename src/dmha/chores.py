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
from dmha.upkeep import recount_some, reembed_some, uncounted, unembedded
from dmha.word_book import Segmentations

# Memories between two looks at who waits. MiniLM embeds eight of twenty words in 22 ms, of sixty in 66 ms, of two
# hundred in 270 ms; more at once gain nothing (2.7 and 2.6 ms a text of twenty words, eight or thirty-two at a time).
_AT_ONCE = 8

# What waits for a vector or is to be counted again is asked for over all memories: of a hundred thousand in 0.3 ms
# where nothing does, and in 40 ms where something does, which is once a job.
_COUNTED_EVERY = 60.0

# Changes that a question has to take in before it is answered: a turn's two take 0.8 ms, five hundred 4.4 ms, the two
# thousand of an import 42 ms. To look takes 0.9 ms with ten tenants fifty changes behind each.
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
    embed, count = partial(reembed_some, truth, perception), partial(recount_some, truth, segmentations)
    no_vector, other_words = partial(unembedded, truth), partial(uncounted, truth, segmentations)
    return [
        JobKind(
            "index", partial(_follow, index), Pressure(_BEHIND, _LOOKED_EVERY),
            lambda: max(index.behind().values(), default=0), priority=30, own=True,
        ),
        JobKind(
            "recount", partial(_in_steps, other_words, count), Pressure(1, _COUNTED_EVERY), other_words, priority=20
        ),
        JobKind("reembed", partial(_in_steps, no_vector, embed), Pressure(1, _COUNTED_EVERY), no_vector, priority=10),
        JobKind("sweep", partial(_sweep, truth, clock), Interval(_HOUR)),
    ]  # fmt: skip


def _in_steps(count: Callable[[], int], some: Callable[[int, int], tuple[int, int]], task: Task) -> bool:
    """Work along the ids of memories. The job keeps where it is: to find that anew costs each slice a pass over all."""
    if not task.total:
        task.progress(0, count())
    while task.total and task.wanted():
        more, task.result["after"] = some(_AT_ONCE, task.result.get("after", 0))
        if not more:
            return False
        task.progress(task.done + more, max(task.total, task.done + more))
    return bool(task.total)


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
