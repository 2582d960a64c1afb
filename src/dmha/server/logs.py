"""Logs: a line of JSON an event (at a terminal, one to be read), without a word of what anybody said.

At a terminal a request is told as `13:08:24 422 POST /v1/search 7 ms`, its trace id only where it went wrong.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from http import HTTPStatus
from shutil import get_terminal_size
from types import TracebackType
from typing import Any

import structlog
from rich.cells import cell_len
from structlog.dev import Column, KeyValueColumnFormatter

_MOST_CAUSES = 5  # of one error: a chain may be a ring
_Info = tuple[type[BaseException], BaseException, TracebackType | None]


def set_up(level: str, *, text: bool = False) -> None:
    """Let this process log to stderr, a JSON object a line; the library's own lines too. `text`: errors in full."""
    seen = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if seen else "iso", utc=not seen),
        _without_colours,
        structlog.processors.ExceptionRenderer(_whole if text else _without_words),
    ]
    told: list[structlog.typing.Processor] = (
        [_briefly, _Lines(columns=_COLUMNS, sort_keys=False)]
        if seen
        else [structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *told]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True  # the gate tells each request
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # that it begins and ends is told by the server itself
    logging.getLogger("alembic").setLevel(logging.WARNING)  # an upgrade is told by whoever asks for it


def _briefly(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What whoever sits at the terminal wants of it."""
    del event["logger"]
    if event["level"] == "info":
        del event["level"]
    well = False
    if event["event"] == "request":
        del event["event"]
        well = 0 < event["status"] < HTTPStatus.BAD_REQUEST
    trace = event.pop("trace_id", None)
    return event if trace is None or well else {**event, "trace_id": trace}  # behind what went wrong


class _Lines(structlog.dev.ConsoleRenderer):
    """Lines that end between two words, where a terminal would break one."""

    def __call__(self, logger: Any, name: str, event: structlog.typing.EventDict) -> str:
        line, end, below = super().__call__(logger, name, event).partition("\n")
        return _folded(line, get_terminal_size().columns) + end + below


def _folded(line: str, width: int) -> str:
    """The line in lines of so many columns, those after the first set in; what is longer than one stays whole."""
    lines = [""]
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1].strip() and cell_len(_COLOUR.sub("", longer)) > width:
            longer = _SET_IN + word
            lines.append("")
        lines[-1] = longer
    return "\n".join(lines)


def _status(key: str, value: object) -> str:  # noqa: ARG001 - as structlog calls it
    """A status in its colour; 0, where nobody was there any more to be answered, as a dash."""
    status = int(str(value))
    colour = (
        _GREEN
        if 0 < status < HTTPStatus.BAD_REQUEST
        else _RED
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR
        else _YELLOW
    )
    return f"{colour}{status or '---'}{_RESET}"


def _readable(value: object) -> str:
    """A value as a terminal may be shown it: what a stranger sent may hold its commands."""
    said = str(value)
    return said if said.isprintable() else ascii(value)


def _plain(style: str = "", postfix: str = "") -> KeyValueColumnFormatter:
    return KeyValueColumnFormatter(None, style, _RESET, _readable, postfix=postfix)


_COLOUR, _SET_IN = re.compile("\x1b\\[\\d+m"), "    "
_RESET, _DIM, _BOLD, _RED, _GREEN, _YELLOW = "\033[0m", "\033[2m", "\033[1m", "\033[31m", "\033[32m", "\033[33m"
_COLUMNS = [
    Column("timestamp", _plain(_DIM)),
    Column("level", _plain(_YELLOW)),
    Column("event", _plain(_BOLD)),
    Column("status", _status),
    Column("method", _plain()),
    Column("route", _plain(_BOLD)),
    Column("ms", _plain(_DIM, f"{_DIM} ms")),
    Column("", KeyValueColumnFormatter(_DIM, "", _RESET, _readable)),
]


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
