"""A process made to be killed: it adds memories from several threads and says each id once `add` has returned.

Usage: python writing_child.py FILE LIFE WRITERS. Each writer retries its last life's first turn, so that a retry across
a crash is proven too. A line is `life/writer/number`.
"""

from __future__ import annotations

import os
import sys
import threading
from itertools import count

from stubs import StubEmbedder

import dmha
from dmha import Turn
from dmha.mind import Mind


def main(path: str, life: str, writers: int) -> None:
    mind = dmha.open(path, embedder=StubEmbedder(), chat="extractive")
    for writer in range(writers):
        threading.Thread(target=write, args=(mind, life, writer)).start()


def write(mind: Mind, life: str, writer: int) -> None:
    for number in count():
        turn = f"{life}/{writer}/{number}"
        mind.add(
            Turn(f"memory {turn}", f"speaker{writer}", id=turn),
            user_id="aya",
            agent_id="relu",
            session_id=f"session {life}/{writer}/{number // 30}",  # below a full window: no gists among the memories
        )
        os.write(1, f"{turn}\n".encode())  # one system call: no half lines, nothing left in a buffer


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
