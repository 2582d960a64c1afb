"""What a caller brings to any call: the time, who is told how far it is, whether anybody still waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Returns the time now as an aware datetime in UTC."""

Progress = Callable[[int, int], None]
"""Called with (done, total) during long work."""

Still = Callable[[], bool]
"""Asked between two steps: whether whoever asked is still there, and the work to go on."""


def always() -> bool:
    """What is told where nobody leaves, and nothing comes first."""
    return True


def no_progress(done: int, total: int) -> None:
    """The progress of callers that show none."""
