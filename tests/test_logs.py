"""The service's log: what went wrong and where, and nothing that anybody said."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from dmha.server import logs

SECRET = "I told nobody that I moved to Osaka"


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """What these tests do to the process's log is undone."""
    log, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    before = log.handlers[:], log.level, access.disabled
    yield
    log.handlers[:], log.level, access.disabled = before


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
