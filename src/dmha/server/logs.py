"""Logs: a line of JSON an event (at a terminal, one to be read), without a word of what anybody said."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(level: str) -> None:
    """Let this process log to stderr, a JSON object a line; the library's own lines too."""
    seen = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_colours,
        *([] if seen else [structlog.processors.dict_tracebacks]),
    ]
    last = structlog.dev.ConsoleRenderer() if seen else structlog.processors.JSONRenderer(ensure_ascii=False)
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


def _without_colours(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """uvicorn gives each of its lines twice."""
    event.pop("color_message", None)
    return event
