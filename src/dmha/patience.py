"""How long whoever asked waits for a call, and whether they are still there to hear what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from dmha.checks import check_deadline
from dmha.errors import Abandoned, Unavailable
from dmha.protocols import Still, always

Model = TypeVar("Model")


class Patience:
    """The patience of one call, which begins now. Without a deadline it never ends."""

    def __init__(self, deadline_ms: int | None = None, still: Still = always) -> None:
        self._end = None if deadline_ms is None else monotonic() + check_deadline(deadline_ms) / 1_000
        self._still = still

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self._end is not None and monotonic() >= self._end

    def ask(self) -> None:
        """Raise `Abandoned` where nobody waits any more."""
        if not self._still():
            raise Abandoned("whoever asked has left")

    def within(self, model: Model) -> Model:
        """The model, to give up at the deadline where it knows how to (see `protocols.ChatModel`).

        Raises `Unavailable` where the deadline has passed.
        """
        if self._end is None:
            return model
        left = self._end - monotonic()
        if left <= 0.0:
            named = str(getattr(model, "id", "model")).rpartition("#")[2]  # without the address of its server
            raise Unavailable(named, "the deadline has passed", "Give a later deadline_ms.")
        bounded: Callable[[float], Model] | None = getattr(model, "within", None)
        return model if bounded is None else bounded(left)
