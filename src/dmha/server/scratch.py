"""Folders for files on their way in or out. They go with their request; what a killed process left, the next removes.

Each is locked while its process lives, and so tells by itself that it is somebody's: of this service or of another one
on the machine. Nobody but the service's own user reads them.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

if sys.platform != "win32":
    import fcntl

_PREFIX = "dmha-scratch-"
_log = logging.getLogger("dmha.server")


class Scratch:
    """A folder of this process, until it is removed."""

    def __init__(self) -> None:
        lock = -1
        while lock < 0:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))  # 0700
            lock = _locked(self.path)  # nobody's: another process found it before it was ours, and removes it
        self._locks = [lock]

    def remove(self) -> None:
        """Let it go, with all that is in it; once, whoever asks again and from whatever thread."""
        try:
            lock = self._locks.pop()
        except IndexError:
            return  # its number is another file's by now
        rmtree(self.path, ignore_errors=True)
        if lock > 0:
            os.close(lock)


def remove_left() -> None:
    """Remove what processes left that are gone: folders that nobody holds."""
    if sys.platform == "win32":
        return  # it locks no folder
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another's, or removed by another meanwhile
            if path.lstat().st_uid == os.getuid() and (lock := _locked(path)) >= 0:
                _log.warning("removing %s, which a process left that was killed", path)
                rmtree(path, ignore_errors=True)
                os.close(lock)


def _locked(path: Path) -> int:
    """The lock on that folder, which ends with this process at the latest; below 0 where it cannot be had."""
    if sys.platform == "win32":
        return 0
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return -1
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), path.lstat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return -1
