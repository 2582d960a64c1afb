"""`make serve`: how it ends, with a stand-in for the service."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVICE = """#!{python}
import os, signal, sys, time

def finish(*_):
    os.write(1, b"finished\\n")
    os._exit(130)

signal.signal(signal.SIGINT, finish)
print("serving", flush=True)
time.sleep({seconds})
sys.exit({code})
"""

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("make") is None, reason="a Makefile and its signals are POSIX's"
)


def made(folder: Path, *, seconds: float = 0, code: int = 0) -> subprocess.Popen[str]:
    """`make serve` of that service, in a group of its own as a terminal's."""
    service = folder / "dmha"
    service.write_text(SERVICE.format(python=sys.executable, seconds=seconds, code=code))
    service.chmod(0o700)
    typed = ["make", "--no-print-directory", "-o", ".venv/serve", f"BIN={folder}", "serve"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(typed, cwd=ROOT, start_new_session=True, **pipes)  # type: ignore[call-overload, no-any-return]


def test_ctrl_c_is_no_error(tmp_path: Path) -> None:
    """The service finishes what it does, and make calls it no error."""
    with made(tmp_path, seconds=60) as make:
        assert make.stdout is not None
        assert make.stdout.readline() == "serving\n"
        os.killpg(make.pid, signal.SIGINT)
        shown = make.stdout.read()
    # Some versions of make lose count of their children where the signal meets a wait, and say that: it is not ours.
    assert shown.strip().startswith("finished")
    assert "Error" not in shown


@pytest.mark.parametrize(("code", "ends", "said"), [(0, 0, ""), (130, 0, ""), (3, 2, "Error 3")])
def test_what_failed_is_told(tmp_path: Path, code: int, ends: int, said: str) -> None:
    """With the number that the service ended with; what ended by itself or by Ctrl-C did not fail."""
    with made(tmp_path, code=code) as make:
        assert make.stdout is not None
        shown = make.stdout.read()
        assert make.wait() == ends
    assert ("Error" in shown) == bool(said)
    assert said in shown
