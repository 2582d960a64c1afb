"""schemathesis against a living service: requests that the OpenAPI file allows, and many that it does not.

All its phases (examples, coverage, fuzzing, stateful) with a credential: no server error, no answer that the file does
not tell of, no route that serves who shows no credential. DMHA_SOAK=1 (make fuzz) draws over 20,000 requests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from live import live
from serving import PLENTY

from dmha.wiring import open_access

SOAK = os.environ.get("DMHA_SOAK") == "1"
EACH, CASES = (750, 20_000) if SOAK else (30, 1_500)
HERE = Path(__file__).parent


@pytest.mark.extra("fuzz")
@pytest.mark.timeout(3_600 if SOAK else 300)
def test_no_request_breaks_the_service_or_its_word(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is drawn from the OpenAPI file is answered as the file says, and by nobody without a credential."""
    pytest.importorskip("schemathesis")
    with open_access(database) as access:
        access.add_user("aya")
        key, _ = access.create_key("aya", rights=["read", "write", "operate"])
    with live(database, RATE_FAILURES=PLENTY) as service:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"),
            *(f"{service.url}/openapi.json", "--header", f"Authorization: Bearer {key}"),
            *("--max-examples", str(EACH), "--seed", "1", "--continue-on-failure", "--no-color"),
        ]  # fmt: skip
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(HERE)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=database.parent)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    told = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert told is not None
    assert told[1] == told[2]
    assert int(told[1]) >= CASES
    if SOAK:
        with capsys.disabled():
            sys.stdout.write(f"\nschemathesis: {told[0]}\n")
