"""What every call of a mind stands on: the truth, the index, the models, the clock; where a call is, and when.

Only what several kinds of calls share lives here. What is behind the protocols, `settings` alone decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

from dmha.checks import MOST_NAME, check_name, check_text, check_time
from dmha.domain.segmentation import Segmentation
from dmha.faculties.perception import Perception
from dmha.protocols import Also, ChatModel, Clock, Embedder, Index, Reranker, Truth, Words, nothing_else
from dmha.records import Place
from dmha.word_book import Segmentations

T = TypeVar("T")


class Ground:
    """The parts of one mind. Safe to use from several threads; close it when done."""

    def __init__(
        self, truth: Truth, index: Index, embedder: Embedder, chat: ChatModel, clock: Clock, *, seed: int, zone: str,
        stand_in: ChatModel, reranker: Reranker | None = None, cutters: Sequence[Words] = (),
    ) -> None:  # fmt: skip
        """`stand_in` speaks where the chat model has not said a word by the deadline: it keeps nobody waiting."""
        self._truth = truth
        self._index = index
        self._chat = chat
        self._stand_in = stand_in
        self._clock = clock
        self._seed = seed
        self._zone = zone
        self._reranker = reranker
        self._perception = Perception(embedder)
        self._segmentations = Segmentations(cutters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        self._truth.close()

    @property
    def truth(self) -> Truth:
        """The one source of truth: for doors that keep more in it than memories."""
        return self._truth

    def _place(self, user_id: str, agent_id: str, world: str | None) -> Place:
        check_name("user_id", user_id)
        check_name("agent_id", agent_id)
        named = f"agent:{agent_id}" if world is None else f"world:{check_text('world', world, most=MOST_NAME)}"
        return Place(user_id, agent_id, named)

    def _now(self) -> datetime:
        return check_time("clock", self._clock())

    def _outcome(self, place: Place, operation: str, key: str) -> dict[str, Any] | None:
        """What this keyed request came to before; None for a new one, or one that broke off."""
        with self._truth.read() as ledger:
            scope = ledger.places.find(place)
            return None if scope is None else ledger.life.outcome(scope, operation, key)

    def _unchanged(self, came_to: T, also: Also[T]) -> T:
        """What a call came to that changes nothing itself; what else is written has a transaction of its own."""
        if also is not nothing_else:
            self._truth.write(lambda ledger: also(ledger, came_to))
        return came_to

    def _segmentation(self, place: Place) -> Segmentation:
        """How texts are cut there now."""
        with self._truth.read() as ledger:
            return self._segmentations.at(ledger, place, ledger.places.find(place))
