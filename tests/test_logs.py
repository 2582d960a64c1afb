"""The service's log: what went wrong and where, and nothing that anybody said."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from dmha.server import logs

SECRET = "I told nobody that I moved to Osaka"


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """What these tests do to the process's log is undone."""
    log, access, server = map(logging.getLogger, ("", "uvicorn.access", "uvicorn.error"))
    before = log.handlers[:], log.level, access.disabled, server.level
    yield
    log.handlers[:], log.level, access.disabled, server.level = before


def logged(capsys: pytest.CaptureFixture[str], *, text: bool) -> dict[str, str]:
    """The line about an error in whose words, cause and variables somebody's words stand."""
    logs.set_up("info", text=text)
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            said = {"text": SECRET}
            raise ValueError(f"cannot read {said}") from error
    except ValueError:
        logging.getLogger("dmha.server").exception("a defect", extra={"trace_id": "t1"})
    line: dict[str, str] = json.loads(capsys.readouterr().err)
    return line


def test_an_error_is_logged_without_a_word_of_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Its kind, its causes' and their places: neither messages nor the frames' variables."""
    line = logged(capsys, text=False)
    assert (line["event"], line["level"], line["trace_id"]) == ("a defect", "error", "t1")
    assert line["exception"].startswith("ValueError\n")
    assert "\nKeyError\n" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert SECRET not in json.dumps(line)


def test_an_error_is_logged_in_full_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """With DMHA_LOG_TEXT its own words stand there too."""
    assert SECRET in logged(capsys, text=True)["exception"]


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, message: str, **told: object) -> str:
    """What a terminal is shown of that event, without colours and the time."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    logs.set_up("info")
    logging.getLogger("dmha.server").info(message, extra=told)
    return re.sub(r"\x1b\[\d+m", "", terminal.getvalue()).partition(" ")[2].rstrip("\n")


def test_a_terminal_is_shown_a_request_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, method, route and time come first; the trace id stands where something went wrong, and there alone."""
    told = {"method": "POST", "route": "/v1/search", "ms": 7.0, "trace_id": "t1"}
    assert shown(monkeypatch, "request", status=200, **told) == "200 POST /v1/search 7.0 ms"
    assert shown(monkeypatch, "request", status=422, **told) == "422 POST /v1/search 7.0 ms trace_id=t1"
    assert shown(monkeypatch, "request", status=0, **told) == "--- POST /v1/search 7.0 ms trace_id=t1"


def test_a_terminal_is_given_no_commands_of_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be printed is shown as it is written."""
    assert shown(monkeypatch, "odd", field="\x1b[2J") == r"odd field='\x1b[2J'"


def test_a_terminal_s_line_ends_between_two_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trace stands last, whole, and what went wrong before it."""
    monkeypatch.setenv("COLUMNS", "80")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    told = {"method": "POST", "route": "/v1/contextualize", "status": 422, "ms": 7.0, "trace_id": trace}
    assert shown(monkeypatch, "refused", trace_id="t1", problem="malformed") == "refused problem=malformed trace_id=t1"
    lines = shown(monkeypatch, "request", **told, problem="invalid", fields=["turns.0.text"]).splitlines()
    assert lines == [
        "422 POST /v1/contextualize 7.0 ms problem=invalid",
        "    fields=['turns.0.text'] trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    ]
