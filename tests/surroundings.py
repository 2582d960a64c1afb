"""What may befall a file, done for real: a disk without room, a user without rights, a page of other bytes."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

from stubs import StubEmbedder

import dmha

NOBODY = 65_534


@contextmanager
def room_for(most: int) -> Iterator[None]:
    """No file can be written past that many bytes: the kernel refuses it, as a disk does that fails to write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))  # Python ignores the signal that goes with it
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def as_nobody(case: Callable[..., None], *given: object) -> None:
    """Call a test module's function in a process without root's rights, for which file modes mean nothing."""
    command = [sys.executable, __file__, case.__module__, case.__name__, *map(str, given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


TABLE, INDEX = 13, 10  # the first byte of a page that holds rows, or an index's entries


def pages_with(file: Path, words: str, kind: int = TABLE) -> list[int]:
    """The numbers of the pages of that kind in which these words stand."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    held = file.read_bytes()
    pages = {start // size + 1: held[start : start + size] for start in range(0, len(held), size)}
    return [number for number, page in pages.items() if page[0] == kind and words.encode() in page]


def damage(file: Path, page: int) -> None:
    """Turn every bit of that page round."""
    with closing(sqlite3.connect(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        held = opened.read(size)
        opened.seek((page - 1) * size)
        opened.write(bytes(byte ^ 0xFF for byte in held))


if __name__ == "__main__":
    function = getattr(import_module(sys.argv[1]), sys.argv[2])
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:  # what is imported late may lie where only root reads
        mind.contextualize("Hello.", user_id="aya")
        mind.recall("hello", user_id="aya")
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    function(*sys.argv[3:])
