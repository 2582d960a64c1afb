"""A pytest plugin for `make test-all`: every skip is named with its reason and counted, and one not expected fails.

Use: pytest -p tests.skips
"""

from __future__ import annotations

import pytest

# Reasons that may stand, as they begin. What a machine can bring is installed by the Makefile; only data may be absent,
# and root's rights.
EXPECTED = ("no evaluation data", "no right to mount")

_skipped: list[tuple[str, str]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each skip with its reason."""
    if report.skipped and isinstance(report.longrepr, tuple):
        _skipped.append((report.nodeid, report.longrepr[2].removeprefix("Skipped: ")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name and count the skips."""
    terminalreporter.section(f"{len(_skipped)} skipped")
    for node, reason in _skipped:
        terminalreporter.line(f"{node}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip that nobody expects is a failure."""
    if any(not reason.startswith(EXPECTED) for _, reason in _skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
