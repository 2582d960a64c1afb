"""Replies that are under way, as background work sees them: they come first, and leave it a small share of the time.

Asked by the one thread that works; replies begin and end on any.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dmha.domain.jobs import BESIDE, Share


class Replies:
    """Those under way in this process, and what work may take beside them."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._under_way = 0
        self._last = monotonic()
        self._share = Share()
        self._step = self._last  # when this step of the scheduler began
        self._met = False  # a reply was under way in it
        self._working: float | None = None  # since when its slice works

    @contextmanager
    def reply(self) -> Iterator[None]:
        """Around work that somebody waits for."""
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._last = self._monotonic()

    @property
    def pause(self) -> float:
        """Seconds since the last one; none while one is under way."""
        return 0.0 if self._under_way else self._monotonic() - self._last

    def begin(self) -> bool:
        """Whether a step may begin."""
        self._step, self._met, self._working = self._monotonic(), False, None
        return not self._first(self._step)

    def goes_on(self) -> bool:
        """Whether a slice may go on: beside replies for so long from its first look, whatever it took to get there."""
        at = self._monotonic()
        if self._first(at):
            return False
        self._working = at if self._working is None else self._working
        return True

    def end(self, *, worked: bool) -> None:
        """What was taken beside replies is rested for; where there were none, or no work, patience begins anew."""
        if not (self._met and worked):
            self._share = Share()
        elif self._share.may_begin(ended := self._monotonic()):
            self._share = self._share.worked(self._step, ended)

    def rest(self, most: float) -> float:
        """Seconds until work that is kept waiting may go on, `most` at most."""
        return most if self._share.due is None else min(most, self._share.due - self._monotonic())

    def _first(self, at: float) -> bool:
        """Whether a reply comes first."""
        if not self._under_way:
            return False
        self._met, self._share = True, self._share.held_back(at)
        enough = self._working is not None and at - self._working >= BESIDE
        return enough or not self._share.may_begin(at)
