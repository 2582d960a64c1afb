"""Random talks with replaced turns, and what would have been said had the rejected variants never been."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from stubs import ManualClock

from dmha import InvalidInput, NotFound, Turn
from dmha.faculties.perception import memory_uid
from dmha.mind import Mind
from dmha.outcomes import reply_uid

SPEAKERS = ("aya", "ben", "kei")
WORDS = (
    "osaka tea", "the cat sleeps", "大阪で猫を見た", "fact: aya.city = Osaka", "fact: aya.city = Sapporo",
    "I hate rain, it is terrible!", "I love tea, what a joy!", "rule: if aya.city = Osaka then aya.region = Kansai",
    "deny: aya.city = Osaka", "where does aya live?", "what about tea and rain?",
)  # fmt: skip
PLACES: tuple[dict[str, Any], ...] = (
    {"agent_id": "relu"}, {"agent_id": "relu", "world": "scene"}, {"agent_id": "neuro", "world": "scene"},
)  # fmt: skip
# Kind, and four numbers that choose among whatever is there when the step comes.
STEPS = st.lists(st.tuples(st.sampled_from("aaccckdwrvvvf"), *[st.integers(0, 1_000)] * 4), min_size=3, max_size=14)
EVERYBODY = list(SPEAKERS)


@dataclass
class Node:
    """A turn as the script knows it."""

    uid: str
    parent: str | None
    world: str
    session: str
    place: dict[str, Any]


@dataclass
class Op:
    """One call that succeeded: `turns` are the turns that it made, `of` the turn that it is about."""

    run: Callable[[Mind], Any]
    at: float
    turns: tuple[str, ...] = ()
    of: str | None = None


@dataclass
class Script:
    """Runs steps on a mind, and keeps the ones that would have happened had no rejected variant ever been."""

    mind: Mind
    clock: ManualClock
    user: str
    ops: list[Op] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    open: str | None = None  # the turn that will be replaced: until then only what does not depend on it may happen
    made: int = 0
    replaced: int = 0

    def step(self, kind: str, a: int, b: int, c: int, d: int) -> None:
        self.clock.forward(hours=a % 50)
        place = self.place(b)
        session = f"s{c % 2}"
        match kind:
            case "a" | "f":
                self.add(place, session, a, d, self._some(place, c) if kind == "f" else None)
            case "c":
                self.say(place, session, d, parent=self._some(place, a) if d % 4 == 0 else None)
            case "v" if self.open is None:
                self.open = self.say(place, session, d, parent=None)
            case "v":
                self.replace(d)
            case "k":
                self.recall(place, key=f"k{self._next()}" if c % 2 else None)
            case "d":
                self.delete(a)
            case "r":
                self.retry(a)
            case "w":
                texts = [f"On day {n} the lamp {n} was lit." for n in range(15 + a % 30)]
                self._add(place, session, texts, SPEAKERS[d % 3], False, None)

    def place(self, choice: int) -> dict[str, Any]:
        return PLACES[choice % 3] | {"user_id": self.user}

    def add(self, place: dict[str, Any], session: str, a: int, d: int, parent: str | None) -> None:
        texts = [WORDS[(a + n) % len(WORDS)] for n in range(1 + a % 3)]
        self._add(place, session, texts, SPEAKERS[d % 3], d % 5 == 0, parent)

    def _add(
        self, place: dict[str, Any], session: str, texts: list[str], speaker: str, private: bool, parent: str | None
    ) -> None:
        turns = [Turn(text, speaker, id=f"t{self._next()}", private=private) for text in texts]
        before = parent or self._last(place, session)
        for turn in turns:
            before = self._node(turn.id or "", before, place, session)
        self._run(
            lambda mind: mind.add(turns, session_id=session, parent=parent, **place), turns=[t.id or "" for t in turns]
        )

    def say(self, place: dict[str, Any], session: str, d: int, *, parent: str | None) -> str | None:
        before = parent or self._last(place, session)
        if self.open is not None and not self._follows(before):
            return None  # its reply may speak of the turn that will be taken back
        uid, asked = f"t{self._next()}", self._asked(place, session, d)
        self._node(f"r{uid}", self._node(uid, before, place, session), place, session)
        self._run(lambda mind: mind.contextualize(turn_id=uid, parent=parent, **asked), turns=(uid, f"r{uid}"))
        return uid

    def _asked(self, place: dict[str, Any], session: str, d: int) -> dict[str, Any]:
        return place | {
            "text": WORDS[d % len(WORDS)], "speaker": SPEAKERS[d % 3], "session_id": session, "private": d % 7 == 0,
        }  # fmt: skip

    def replace(self, d: int) -> None:
        """Say the open turn again: on this mind by `replaces`, in the script as if for the first time."""
        twin = self.nodes[self.open or ""]
        fallen = {uid for uid in self.nodes if self._follows(uid)}
        left = [node for uid, node in self.nodes.items() if uid not in fallen and self._beside(node, twin)]
        if twin.parent is None and left:
            return  # a call without `replaces` could not begin this session again
        uid, asked, parent = f"t{self._next()}", self._asked(twin.place, twin.session, d), twin.parent
        after = parent
        if parent is not None and parent.startswith("r"):
            after = reply_uid(parent[1:], self.nodes[parent].place["agent_id"])
        self.mind.contextualize(turn_id=uid, replaces=twin.uid, **asked)
        self.ops = [op for op in self.ops if not fallen & {*op.turns, op.of}]
        self.ops.append(
            Op(lambda mind: mind.contextualize(turn_id=uid, parent=after, **asked), self._now, (uid, f"r{uid}"))
        )
        self.nodes = {uid: node for uid, node in self.nodes.items() if uid not in fallen}
        self._node(f"r{uid}", self._node(uid, parent, twin.place, twin.session), twin.place, twin.session)
        self.open = None
        self.replaced += 1

    def recall(self, place: dict[str, Any], key: str | None) -> None:
        """Recall everything there is, by what depends neither on how many memories there are nor on earlier recalls."""
        self._run(
            lambda mind: mind.recall(
                "zzz", key=key, top_k=1_000, ranking="created_at / 1000000000", present=EVERYBODY, **place
            )
        )

    def delete(self, a: int) -> None:
        known = [uid for uid in self.nodes if not uid.startswith("r")]
        if known:
            node = self.nodes[known[a % len(known)]]
            id = memory_uid(self.user, node.world, node.uid)
            try:
                self._run(lambda mind: mind.delete(id, **node.place), of=node.uid)
            except NotFound:
                return  # it was deleted before

    def retry(self, a: int) -> None:
        """Do again what was done; it changes nothing, so the script need not know."""
        said = [op for op in self.ops if op.turns]
        if said:
            try:
                said[a % len(said)].run(self.mind)
            except InvalidInput as refused:
                assert "deleted" in str(refused) or "another" in str(refused)  # noqa: PT017 - one of many outcomes

    def _run(self, run: Callable[[Mind], Any], turns: Any = (), of: str | None = None) -> None:
        run(self.mind)
        self.ops.append(Op(run, self._now, tuple(turns), of))

    def _node(self, uid: str, parent: str | None, place: dict[str, Any], session: str) -> str:
        world = f"world:{place['world']}" if place.get("world") else f"agent:{place['agent_id']}"
        self.nodes[uid] = Node(uid, parent, world, session, place)
        return uid

    def _beside(self, node: Node, other: Node) -> bool:
        return (node.world, node.session) == (other.world, other.session)

    def _last(self, place: dict[str, Any], session: str) -> str | None:
        world = f"world:{place['world']}" if place.get("world") else f"agent:{place['agent_id']}"
        there = [uid for uid, node in self.nodes.items() if (node.world, node.session) == (world, session)]
        return there[-1] if there else None

    def _some(self, place: dict[str, Any], choice: int) -> str | None:
        world = f"world:{place['world']}" if place.get("world") else f"agent:{place['agent_id']}"
        known = [uid for uid, node in self.nodes.items() if node.world == world and not uid.startswith("r")]
        return known[choice % len(known)] if known else None

    def _follows(self, uid: str | None) -> bool:
        """Whether this is the open turn, or came after it on its path."""
        while uid is not None and uid != self.open:
            uid = self.nodes[uid].parent
        return uid is not None

    def _next(self) -> int:
        self.made += 1
        return self.made

    @property
    def _now(self) -> float:
        return self.clock.now.timestamp()
