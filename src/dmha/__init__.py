"""DMHA: the memory that companions and agents keep for years.

    with dmha.open("companion.db") as mind:
        mind.add("I moved to Osaka.", user_id="aya", agent_id="relu", session_id="s1")

What stands here is the public interface; heavy parts are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dmha.errors import (
    Abandoned,
    AnswerGone,
    DmhaError,
    InvalidInput,
    MissingExtra,
    NoRoom,
    NotFound,
    OutOfBounds,
    Stale,
    Taken,
    Unavailable,
)
from dmha.types import (
    Affect,
    Analysis,
    Answer,
    Conflict,
    Fact,
    Feelings,
    Hit,
    Memory,
    Page,
    Repair,
    Reply,
    Sentence,
    Step,
    Turn,
    Word,
)

if TYPE_CHECKING:
    from dmha.mind import Mind
    from dmha.wiring import open_mind as open
    from dmha.wiring import restore_file as restore

__version__ = "0.1.0"

__all__ = [
    "Abandoned",
    "Affect",
    "Analysis",
    "Answer",
    "AnswerGone",
    "Conflict",
    "DmhaError",
    "Fact",
    "Feelings",
    "Hit",
    "InvalidInput",
    "Memory",
    "Mind",
    "MissingExtra",
    "NoRoom",
    "NotFound",
    "OutOfBounds",
    "Page",
    "Repair",
    "Reply",
    "Sentence",
    "Stale",
    "Step",
    "Taken",
    "Turn",
    "Unavailable",
    "Word",
    "__version__",
    "open",
    "restore",
]


def __getattr__(name: str) -> Any:
    """What brings NumPy and SQLAlchemy is imported when it is asked for, so that `import dmha` is light."""
    if name == "open":
        from dmha.wiring import open_mind

        return open_mind
    if name == "restore":
        from dmha.wiring import restore_file

        return restore_file
    if name == "Mind":
        from dmha.mind import Mind

        return Mind
    raise AttributeError(f"module 'dmha' has no attribute {name!r}")
