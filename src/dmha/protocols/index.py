"""An index, what it is fed from, and the ranking that it nominates by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dmha.records import Candidates, Change, Held, Question, Reach, Rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEIGHBOURHOOD = 8
"""How many an index tells as the nearest: a remark and its variants, or what a dream joins; more would be a topic."""


class RankingLike(Protocol):
    """A compiled ranking, as an index needs it: the leaves it reads and its coarse stage over `n` rows of columns."""

    @property
    def needs(self) -> frozenset[str]: ...

    def coarse(self, columns: Mapping[str, Any], n: int, /) -> NDArray[np.float64]: ...


class Index(Protocol):
    """Nominates candidates of one tenant; holds nothing that the truth does not.

    `nominate` answers from a state that includes every write acknowledged before `feed`'s snapshot was opened; what it
    reads of the truth it reads there, so that its answer and the caller's other reads belong to one moment. It gives at
    most `count` memories within `reach`, best first by the ranking's coarse stage. An index that holds approximations
    may miss one of the best, but the columns that it gives are exact. `scalars` are columns equal for all rows, `held`
    those that only the truth knows and that the ranking's coarse stage reads nevertheless.
    """

    def nominate(
        self,
        feed: Feed,
        tenant_id: int,
        question: Question,
        ranking: RankingLike,
        reach: Reach,
        *,
        now: float,
        seed: int,
        count: int,
        scalars: Mapping[str, float],
        held: Held | None = None,
    ) -> Candidates: ...

    def nearest(self, feed: Feed, tenant_id: int, memory_ids: Sequence[int], /) -> list[Mapping[int, float]]:
        """For each memory the `NEIGHBOURHOOD` most like it of the tenant's, by id, with their cosines, best first.

        From the same state as `nominate`. Cosines are exact and above 0; where vectors are approximations, one of the
        nearest may be missed. Empty for a memory without a vector, and for an unknown one. No reach is kept to: who
        asks compares memories that it may see.
        """
        ...

    def likeness(self, feed: Feed, these: Sequence[int], those: Sequence[int], /) -> float:
        """The greatest cosine between any of these memories and any of those in the snapshot; 0 without vectors."""

    def behind(self) -> Mapping[int, int]:
        """Of the tenants that it holds, those whose log goes on, and by how many changes."""
        ...

    def follow(self, tenant_id: int, /) -> None:
        """Bring a tenant in step that it holds, so that the next question finds it so; of another it does nothing."""
        ...

    def size(self, tenant_id: int, /) -> tuple[int, int]:
        """How many memories the tenant's index holds, and its bytes."""
        ...

    def held(self) -> tuple[int, int]:
        """How many tenants are held now, and the bytes of them all."""
        ...

    def differences(self, tenant_id: int, /) -> list[int]:
        """The ids of the memories that the index holds otherwise than the truth does now; empty when all is well.

        Compared are which memories there are, and of each its version, time, speaker, who it is private to, its
        weighted terms and its vector as the index keeps it. Reads the whole tenant: for a doctor, not for every day.
        """
        ...

    def drop(self) -> None:
        """Forget all that is derived; the next question rebuilds it from the truth."""
        ...


class Feed(Protocol):
    """The change log in commit order, and the rows it tells of. All reads of one snapshot belong to one moment.

    Rows are of memories that an index has to hold; vectors are those of the present embedder, others are as if absent.
    `since` gives one tenant's changes. `tenant` tells how many rows a tenant has at most and gives them in ascending
    order of ids, some at a time. `vectors` gives one row for each id, in the order asked, all zero where there is none.
    """

    def head(self) -> int: ...
    def since(self, seq: int, tenant_id: int, /) -> list[Change]: ...
    def rows(self, memory_ids: Sequence[int], /) -> Rows: ...
    def tenant(self, tenant_id: int, /) -> tuple[int, Iterator[Rows]]: ...
    def vectors(self, memory_ids: Sequence[int], dimension: int, /) -> NDArray[np.float32]: ...
    def unembedded(self, limit: int, after: int = 0, user_id: str | None = None, /) -> list[tuple[int, str, str]]: ...
    def unembedded_count(self, user_id: str | None = None, /) -> int: ...
    def tenant_counts(self) -> dict[int, int]: ...
    def latest_texts(self, limit: int, /) -> list[str]: ...
