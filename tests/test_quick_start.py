"""The README's HTTP quick start, typed word for word: a server in one terminal, requests in another."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parent.parent
PORT = "8181"


def blocks() -> list[str]:
    """The two blocks of shell lines of the section."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    section = page.partition("## Over HTTP\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder as a checkout is after `make` set it up: the Makefile, and the program in .venv."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    program = tmp_path / ".venv" / "bin" / "dmha"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m dmha.cli.app "$@"\n')
    program.chmod(0o755)
    (program.parent / "python").symlink_to(sys.executable)
    for made in ("ready", "serve"):
        (tmp_path / ".venv" / made).touch()
    return tmp_path


@pytest.fixture
def typed() -> dict[str, str]:
    """The environment of both terminals: nobody's settings, and another port where the usual one is taken."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DMHA_")}
    kept |= {name: os.environ[name] for name in ("DMHA_CACHE",) if name in os.environ}
    with socket.socket() as probe, socket.socket() as other:
        if probe.connect_ex(("127.0.0.1", int(PORT))) == 0:
            other.bind(("127.0.0.1", 0))
            kept["DMHA_PORT"] = str(other.getsockname()[1])
    return kept


def test_the_quick_start_works_from_a_second_terminal(checkout: Path, typed: dict[str, str]) -> None:
    """`make serve`, then what stands in the second block: the last line answers with what the one before it told."""
    first, second = blocks()
    port = typed.get("DMHA_PORT", PORT)
    server = subprocess.Popen(
        ["bash", "-c", f"exec {first.strip()}"],
        cwd=checkout,
        env=typed,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", server)
        told = subprocess.run(
            ["bash", "-ec", second.replace(f":{PORT}/", f":{port}/")], cwd=checkout, env=typed, capture_output=True,
            text=True, timeout=60, check=True,
        ).stdout  # fmt: skip
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    answers = [json.loads(line) for line in re.findall(r"\{.*?\}(?=\{|$)", told, re.DOTALL)[-1:]]
    assert "I moved to Osaka." in answers[-1]["text"]
    assert re.fullmatch("I remember, .*, aya: “I moved to Osaka.”", answers[-1]["text"])


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            with urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")
