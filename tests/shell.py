"""`dmha ...` in the process, and what the shell sees of it."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from dmha.cli.app import app

runner = CliRunner()


def run(*typed: str, stdin: str | bytes | None = None) -> Result:
    """What the shell sees of `dmha ...`; anything but a clean exit is a defect."""
    result = runner.invoke(app, typed, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*typed: str, stdin: str | bytes | None = None) -> Any:
    """The JSON that `dmha ... --json` printed."""
    result = run(*typed, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
