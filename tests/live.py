"""The service as its keeper runs it: `dmha serve` in a process of its own, on a port that it finds and says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from serving import PLENTY, SECRET

from dmha.wiring import open_access

_LISTENS = re.compile(r"(http://127\.0\.0\.1:\d+)")
_PATIENCE = 60.0  # seconds to start in, on a machine that has much else to do


class Live:
    """One `dmha serve`; what it says on stderr is in `said`."""

    def __init__(self, database: Path, **settings: str) -> None:
        given = {"DATABASE": str(database), "SECRET": SECRET, "RATE": PLENTY, "RATE_ADDRESS": PLENTY, **settings}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DMHA_")}
        if "DMHA_CACHE" in os.environ:
            kept["DMHA_CACHE"] = os.environ["DMHA_CACHE"]
        self.said: list[str] = []
        self.url = ""
        self._listens = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dmha.cli.app", "serve", "--port", "0"], stderr=subprocess.PIPE, text=True,
            env=kept | {name if name == "TMPDIR" else f"DMHA_{name}": value for name, value in given.items()},
        )  # fmt: skip
        self._ear = threading.Thread(target=self._hear)
        self._ear.start()

    def client(self, headers: dict[str, str]) -> httpx2.Client:
        """A client of it; nothing of this machine's proxies is between."""
        return httpx2.Client(base_url=self.url, headers=headers, timeout=_PATIENCE, trust_env=False)

    def listen(self) -> None:
        """Return once it serves."""
        assert self._listens.wait(_PATIENCE), self.said
        assert self.url, self.said

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        assert self.wait() == -9

    def wait(self) -> int:
        """Its exit code, once it is over and all it said is heard."""
        code = self.process.wait(_PATIENCE)
        self._ear.join()
        return code

    def _hear(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr:
            for line in self.process.stderr:
                self.said.append(line)
                if not self.url and (found := _LISTENS.search(line)):
                    self.url = found[1]
                    self._listens.set()
        self._listens.set()


@contextmanager
def live(database: Path, **settings: str) -> Iterator[Live]:
    """A service that serves, and that is ended with the block whatever becomes of the test."""
    service = Live(database, **settings)
    try:
        service.listen()
        yield service
    finally:
        service.process.kill()
        service.wait()
    assert not [line for line in service.said if '"level": "error"' in line]


def key_to(database: Path, user: str) -> dict[str, str]:
    """The header of a new key to a new account of the file."""
    with open_access(database) as access:
        access.add_user(user)
        text, _ = access.create_key(user)
    return {"Authorization": f"Bearer {text}"}
