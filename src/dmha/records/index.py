"""What an index keeps, what it is asked, what it nominates; and the one question that it puts to the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Allowed = Callable[[Sequence[int] | None], Sequence[int]]
"""Those of these memories that the truth lets pass; asked with None, all of the tenant's that it does."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What an index keeps of some memories, as columns of one length.

    `private_to` is -1 where it was told openly, `before` the memory of the turn before this one (-1: none), `sessions`
    -1 where it was not said in any, but made of what was. `terms` are the packed terms of all of them, one after the
    other: `term_counts` says how many are whose. `vectors` has a row for each memory of `embedded`, in their order, and
    for no other: the rest are not embedded.
    """

    memory_ids: NDArray[np.int64]
    versions: NDArray[np.int64]
    at: NDArray[np.float64]
    speaker_ids: NDArray[np.int64]
    private_to: NDArray[np.int64]
    before: NDArray[np.int64]
    sessions: NDArray[np.int64]
    languages: Sequence[str]
    lengths: NDArray[np.int64]
    terms: NDArray[np.void]
    term_counts: NDArray[np.int64]
    embedded: NDArray[np.bool_]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log: a memory was written, or (`deleted`) is gone."""

    seq: int
    tenant_id: int
    memory_id: int
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A query made ready for an index: its terms with weights, its vector where the embedder serves it.

    `spans` are the times that it names, as (from, until); `asks_when` is that it wants to know one. `relative` and
    `dates` are the terms that only name those times, as seen from now (yesterday) or by the calendar (2025); `besides`
    is how many words say what else it is about. `sounds` are terms that only sound like what is asked for: they earn
    in its stead, and nothing is asked for besides.
    """

    text: str
    terms: Mapping[str, float]
    vector: NDArray[np.float32] | None
    spans: tuple[tuple[float, float], ...] = ()
    asks_when: bool = False
    relative: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    besides: int = 0
    sounds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reach:
    """Which memories a question may bring back, as far as an index can tell.

    Private ones only where the id of who told them is in `present`; where `allowed` is not None, only what it lets
    pass; none of `exclude`; only what happened at `since` or later and before `until`, only what this speaker said.
    """

    present: Sequence[int] = ()
    allowed: Allowed | None = None
    exclude: Sequence[int] = ()
    since: float | None = None
    until: float | None = None
    speaker_id: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """How a companion holds some memories, by the ranking language's names; the stand-ins hold for all others."""

    memory_ids: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What an index nominates: memory ids and, aligned with them, the columns that only it knows; all are exact.

    By the ranking language's names; `similarity`, `static_bm25()` and `words_nearby` are always among them.
    """

    memory_ids: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]

    @property
    def similarity(self) -> NDArray[np.float64]:
        return self.columns["similarity"]

    @property
    def static_bm25(self) -> NDArray[np.float64]:
        return self.columns["static_bm25()"]
