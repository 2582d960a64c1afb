"""What a thread of a killed process promised: each line that it said, applied to what must then be in the truth.

The thread itself goes by this record too, to choose what to do next. A line begins an operation (`do`) or says that it
was acknowledged (`done`); what was begun and not acknowledged is `pending`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from herd import Line


@dataclass(frozen=True)
class Kept:
    """A memory as it must be: its text's token, in which turn it was said, its version, whether it is pinned."""

    text: str
    turn: str
    session: str
    version: int = 1
    pinned: bool = False


def text_of(token: str) -> str:
    """What is said under this token; `t` asks, and every third of those states a fact."""
    if not token.startswith("t"):
        return f"memory {token} of the sea and the rain"
    return f"what of {token} now?" + (f" fact: {token}.place = osaka" if states(token) else "")


def states(token: str) -> bool:
    return token.startswith("t") and int(token.rpartition("n")[2]) % 3 == 0


@dataclass
class Promises:
    """One thread's part of the truth. Ids are memories', tokens name turns."""

    who: str
    kept: dict[str, Kept] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)  # id -> the turn that it answers
    gone: dict[str, str] = field(default_factory=dict)  # id -> the token of its text, deleted or taken back
    sessions: dict[str, list[str]] = field(default_factory=dict)  # the turns of each, in order
    rejected: dict[str, str] = field(default_factory=dict)  # the token of a text -> the turn that stands in its place
    strengthened: dict[str, list[str]] = field(default_factory=dict)  # by the turn or key that recalled
    pending: Line | None = None
    writes: int = 0

    def hear(self, line: Line) -> None:
        """Take in what the thread said."""
        if "do" in line:
            assert self.pending is None
            self.pending = line
        else:
            assert self.pending is not None
            self.done(self.pending, line)
            self.pending = None

    def done(self, begun: Line, came: Line) -> None:
        """The operation was acknowledged, and came to this."""
        self.writes += len(begun["tokens"]) if begun["do"] == "add" else 1
        getattr(self, "_" + begun["do"])(begun, came)

    @property
    def facts(self) -> set[tuple[str, str, str]]:
        turns = (turn for order in self.sessions.values() for turn in order)
        return {(turn, "place", "osaka") for turn in turns if states(turn)}

    @property
    def rejected_for(self) -> dict[str, set[str]]:
        """The texts that each turn took the place of."""
        found: dict[str, set[str]] = {}
        for token, instead in self.rejected.items():
            found.setdefault(instead, set()).add(text_of(token))
        return found

    def _add(self, begun: Line, came: Line) -> None:
        session = begun["session"]
        for token, id in zip(begun["tokens"], came["ids"], strict=True):
            self.kept[id] = Kept(token, token, session)
            self.sessions.setdefault(session, []).append(token)

    def _turn(self, begun: Line, came: Line) -> None:
        token, session = begun["token"], begun["session"]
        if begun["replaces"] is not None:
            self._take_back(session, begun["replaces"], token)
        heard, reply = came["ids"]
        self.kept[heard], self.replies[reply] = Kept(token, token, session), token
        self.sessions.setdefault(session, []).append(token)
        self.strengthened[token] = came["strengthened"]

    def _take_back(self, session: str, twin: str, instead: str) -> None:
        """The twin and all that followed it on its path are gone; its words and theirs stand as variants."""
        order = self.sessions[session]
        felled = set(order[order.index(twin) :])
        self.sessions[session] = order[: order.index(twin)]
        for token, earlier in self.rejected.items():
            if earlier in felled:
                self.rejected[token] = instead
        for turn in felled:
            self.strengthened.pop(turn, None)
        for id in [id for id, memory in self.kept.items() if memory.turn in felled]:
            memory = self.kept.pop(id)
            self.rejected[memory.text], self.gone[id] = instead, memory.text
        for id in [id for id, turn in self.replies.items() if turn in felled]:
            self.gone[id] = self.replies.pop(id)

    def _recall(self, begun: Line, came: Line) -> None:
        self.strengthened[begun["key"]] = came["strengthened"]

    def _update(self, begun: Line, came: Line) -> None:
        held = self.kept[begun["id"]]
        self.kept[begun["id"]] = replace(
            held, text=begun["token"], version=begun["version"] + 1, pinned=begun["pinned"]
        )

    def _delete(self, begun: Line, came: Line) -> None:
        self.gone[begun["id"]] = self.kept.pop(begun["id"]).text
