"""Logs: a line of JSON an event (at a terminal, one to be read), without a word of what anybody said."""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType

import structlog

_MOST_CAUSES = 5  # of one error: a chain may be a ring
_Info = tuple[type[BaseException], BaseException, TracebackType | None]


def set_up(level: str, *, text: bool = False) -> None:
    """Let this process log to stderr, a JSON object a line; the library's own lines too. `text`: errors in full."""
    seen = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_colours,
        structlog.processors.ExceptionRenderer(_whole if text else _without_words),
    ]
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    last = plain if seen else structlog.processors.JSONRenderer(ensure_ascii=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True  # the gate tells each request
    logging.getLogger("alembic").setLevel(logging.WARNING)  # an upgrade is told by whoever asks for it


def _without_colours(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """uvicorn gives each of its lines twice."""
    event.pop("color_message", None)
    return event


def _whole(exc_info: _Info) -> str:
    """An error in full. Its words may be somebody's; the variables of its frames would be, and are never told."""
    return "".join(traceback.format_exception(exc_info[1]))


def _without_words(exc_info: _Info) -> str:
    """An error as its kind and where it came from, its causes' after it: no word that somebody may have said."""
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(told) < _MOST_CAUSES:
        frames = traceback.extract_tb(error.__traceback__)
        told.append("\n".join([type(error).__qualname__, *(f"  {at.filename}:{at.lineno} {at.name}" for at in frames)]))
        error = error.__cause__ or error.__context__
    return "\n".join(told)
