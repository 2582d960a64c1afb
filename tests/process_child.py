"""One of several processes that share a file and go on together: it counts, recalls, pins, tells and reads back.

It says each thing once it was acknowledged, and tells its neighbour of every memory, who then looks for it.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from herd import Tell, in_threads
from stubs import StubEmbedder

import dmha
from dmha import NotFound, Stale, Turn
from dmha.mind import Mind

COUNTER = "the counter of us all"
SHARED = ("apples in a bowl", "bicycles at dawn", "candles for mother", "drums behind walls")


def share(
    tell: Tell, path: str, here: dict[str, Any], name: int, ids: list[str], inbox: Connection, outbox: Connection,
    seconds: float,
) -> None:  # fmt: skip
    """Work on the file for that long, beside a thread that looks for what the neighbour says it added."""
    mind = dmha.open(path, embedder=StubEmbedder(), chat="extractive")
    one = Process(tell, mind, here, name, ids, outbox)
    in_threads(tell, [lambda: one.work(seconds), lambda: look(tell, mind, here, inbox)])
    mind.close()


def look(tell: Tell, mind: Mind, here: dict[str, Any], inbox: Connection) -> None:
    """Find at once, and first, what another process was acknowledged; its end is the neighbour's."""
    found = 0
    while True:
        try:
            id, text = inbox.recv()
        except EOFError:
            tell({"did": "look", "found": found})
            return
        assert mind.search(text, top_k=1, **here)[0].memory.id == id
        found += 1


class Process:
    """What one process does, in an order drawn."""

    def __init__(
        self, tell: Tell, mind: Mind, here: dict[str, Any], name: int, ids: list[str], outbox: Connection
    ) -> None:
        self._tell, self._mind, self._here, self._name, self._outbox = tell, mind, here, name, outbox
        self._counter, *self._shared = ids
        self._draw = random.Random(name)
        self._number = 0
        self._last: tuple[str, str] | None = None
        self._recalled: Counter[str] = Counter()

    def work(self, seconds: float) -> None:
        """Everything once, then whatever comes until the time is over."""
        does: list[Callable[[], None]] = [
            self._increment, self._add, self._batch, self._answer, self._recall, self._pin, self._state, self._delete
        ]  # fmt: skip
        weights = [6, 6, 2, 2, 6, 4, 2, 1]
        end = time.monotonic() + seconds
        for do in does:
            do()
        while time.monotonic() < end:
            self._draw.choices(does, weights)[0]()
        self._outbox.close()

    def _increment(self) -> None:
        """Read, add one, write if nobody wrote meanwhile; else again."""
        stale = -1
        written = False
        while not written:
            stale += 1
            read = self._mind.get(self._counter, **self._here)
            try:
                self._mind.update(
                    self._counter, metadata={"n": read.metadata.get("n", 0) + 1}, version=read.version, **self._here
                )
                written = True
            except Stale:
                continue
        self._tell({"did": "increment", "stale": stale})

    def _add(self) -> None:
        text = f"memory {self._token('m')} of mine"
        (id,) = self._mind.add(Turn(text, self._who), session_id=f"{self._who}/{self._number // 20}", **self._here)
        assert self._mind.search(text, top_k=1, **self._here)[0].memory.id == id
        self._last = id, text
        self._outbox.send((id, text))
        self._tell({"did": "add", "ids": [id], "texts": [text]})

    def _batch(self) -> None:
        texts = [f"memory {self._token('b')}k{number} among many" for number in range(20)]
        ids = self._mind.add([Turn(text, self._who) for text in texts], session_id=self._token("s"), **self._here)
        assert self._mind.search(texts[-1], top_k=1, **self._here)[0].memory.id == ids[-1]
        self._outbox.send((ids[0], texts[0]))
        self._tell({"did": "add", "ids": ids, "texts": texts})

    def _answer(self) -> None:
        text = f"what of {self._token('t')} now?"
        reply = self._mind.contextualize(text, speaker=self._who, session_id=self._token("s"), **self._here)
        assert self._mind.get(reply.remembered[0], **self._here).text == text
        self._tell({"did": "add", "ids": [reply.remembered[0]], "texts": [text]})

    def _recall(self) -> None:
        place = self._draw.randrange(len(SHARED))
        (hit,) = self._mind.recall(SHARED[place], top_k=1, key=self._token("k"), **self._here)
        id = hit.memory.id
        self._recalled[id] += 1
        assert id == self._shared[place]
        assert self._mind.get(id, **self._here).recall_count >= self._recalled[id]
        self._tell({"did": "recall", "id": id})

    def _pin(self) -> None:
        """Everybody recalls this memory; only this process pins it."""
        own, pinned = self._shared[self._name], self._draw.random() < 0.5
        assert self._mind.update(own, pinned=pinned, **self._here).pinned is pinned
        self._tell({"did": "pin", "id": own, "pinned": pinned})

    def _state(self) -> None:
        knowledge, token = self._mind.knowledge(**self._here), self._token("f")
        knowledge.tell(f"fact: {token}.place = osaka")
        assert knowledge.ask(token, "place").value == "osaka"
        self._tell({"did": "state", "entity": token})

    def _delete(self) -> None:
        id, text = f"{self._token('d')}", f"memory {self._token('d')} for a while"
        (made,) = self._mind.add(Turn(text, self._who, id=id), session_id=self._token("s"), **self._here)
        self._mind.delete(made, **self._here)
        assert all(hit.memory.id != made for hit in self._mind.search(text, top_k=3, **self._here))
        try:
            self._mind.get(made, **self._here)
        except NotFound:
            self._tell({"did": "delete", "id": made})
        else:
            raise AssertionError("a deleted memory is there")

    def _token(self, kind: str) -> str:
        self._number += 1
        return f"{kind}p{self._name}n{self._number}"

    @property
    def _who(self) -> str:
        return f"process{self._name}"
