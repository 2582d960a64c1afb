"""A process made to be killed: threads that add, answer, swipe, recall, change, delete and read back, and say so.

Before an operation a thread says what it begins, once it returned what was acknowledged. Everything is under ids and
keys of its own, so that whoever finds the thread dead can do what was pending once more.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from herd import Line, Tell, in_threads
from promises import Promises, text_of
from stubs import StubEmbedder

import dmha
from dmha import NotFound, Turn
from dmha.mind import Mind
from dmha.scene import EVIDENCE_CONFIDENCE

BATCH = 30  # the ids of more would not fit into one line
LATEST = 15  # operations in one session


def live(tell: Tell, path: str, here: dict[str, Any], life: int, threads: int) -> None:
    """Open the file and work on it until killed."""
    mind = dmha.open(path, embedder=StubEmbedder(), chat="extractive")
    in_threads(tell, [Thread(tell, mind, here, f"p{life}x{number}").work for number in range(threads)])


def perform(mind: Mind, here: dict[str, Any], who: str, begun: Line) -> Line:
    """Do what was begun, or do it again; what it came to."""
    match begun["do"]:
        case "add":
            turns = [Turn(text_of(token), who, id=token) for token in begun["tokens"]]
            return {"ids": mind.add(turns, session_id=begun["session"], **here)}
        case "turn":
            token = begun["token"]
            reply = mind.contextualize(
                text_of(token), speaker=who, turn_id=token, replaces=begun["replaces"], session_id=begun["session"],
                **here,
            )  # fmt: skip
            sure = [hit.memory.id for hit in reply.recalled if hit.confidence >= EVIDENCE_CONFIDENCE]
            return {"ids": list(reply.remembered), "strengthened": sure}
        case "recall":
            hits = mind.recall(begun["query"], key=begun["key"], top_k=5, **here)
            return {"strengthened": [hit.memory.id for hit in hits]}
        case "update":
            token = begun["token"]
            mind.update(
                begun["id"], text=text_of(token), metadata={"token": token}, pinned=begun["pinned"],
                version=begun["version"], **here,
            )  # fmt: skip
            return {}
        case _:
            mind.delete(begun["id"], **here)
            return {}


class Thread:
    """One thread's life: it draws what to do from what it knows to be there."""

    def __init__(self, tell: Tell, mind: Mind, here: dict[str, Any], who: str) -> None:
        self._tell, self._mind, self._here, self._who = tell, mind, here, who
        self._draw = random.Random(who)
        self._own = Promises(who)
        self._number = 0

    def work(self) -> None:
        choices: dict[Callable[[], None], int] = {
            self._add: 30, self._batch: 12, self._turn: 15, self._swipe: 8, self._recall: 10, self._update: 10,
            self._delete: 6, self._read: 9,
        }  # fmt: skip
        while True:
            self._number += 1
            self._draw.choices(list(choices), list(choices.values()))[0]()

    def _add(self) -> None:
        token = self._token("m")
        (id,) = self._do("add", tokens=[token], session=self._session)["ids"]
        if self._draw.random() < 0.5:
            assert id in self._found(token)

    def _batch(self) -> None:
        tokens = [f"{self._token('b')}k{place}" for place in range(self._draw.randint(2, BATCH))]
        ids = self._do("add", tokens=tokens, session=self._session)["ids"]
        assert ids[-1] in self._found(tokens[-1])

    def _turn(self) -> None:
        token = self._token("t")
        heard, reply = self._do("turn", token=token, session=self._session, replaces=None)["ids"]
        assert heard in self._found(token)
        assert self._mind.get(reply, **self._here).source == "assistant"

    def _swipe(self) -> None:
        said = [turn for turn in self._own.sessions.get(self._session, ()) if turn.startswith("t")]
        if not said:
            return
        twin, token = self._draw.choice(said[-3:]), self._token("t")
        (id,) = (id for id, memory in self._own.kept.items() if memory.turn == twin)
        heard, _ = self._do("turn", token=token, session=self._session, replaces=twin)["ids"]
        assert heard in self._found(token)
        assert id not in self._found(twin)

    def _recall(self) -> None:
        about = f"memory {self._one()}" if self._own.kept and self._draw.random() < 0.7 else "the rain"
        self._do("recall", query=about, key=self._token("k"))

    def _update(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        token = self._token("u")
        self._do(
            "update", id=chosen, token=token, pinned=self._draw.random() < 0.5, version=self._own.kept[chosen].version
        )
        assert chosen in self._found(token)

    def _delete(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        token = self._own.kept[chosen].text
        self._do("delete", id=chosen)
        assert chosen not in self._found(token)
        with pytest.raises(NotFound):
            self._mind.get(chosen, **self._here)

    def _read(self) -> None:
        if self._own.kept:
            id, memory = self._draw.choice(list(self._own.kept.items()))
            found = self._mind.get(id, **self._here)
            assert (found.text, found.version, found.pinned) == (text_of(memory.text), memory.version, memory.pinned)

    def _do(self, operation: str, **what: Any) -> Line:
        begun: Line = {"who": self._who, "do": operation, **what}
        self._tell(begun)
        self._own.hear(begun)
        done: Line = {"who": self._who, "done": operation, **perform(self._mind, self._here, self._who, begun)}
        self._tell(done)
        self._own.hear(done)
        return done

    def _found(self, token: str) -> list[str]:
        return [hit.memory.id for hit in self._mind.search(text_of(token), top_k=3, **self._here)]

    def _chosen(self) -> str | None:
        """A memory that was added, not answered: a turn that may be said again stays as it is."""
        added = [id for id, memory in self._own.kept.items() if not memory.turn.startswith("t")]
        return self._draw.choice(added) if added else None

    def _one(self) -> str:
        return self._draw.choice(list(self._own.kept.values())).text

    def _token(self, kind: str) -> str:
        return f"{kind}{self._who}n{self._number}"

    @property
    def _session(self) -> str:
        return f"{self._who}s{self._number // LATEST}"
