"""Random lives: whatever is done in whatever order, every memory is there once and the truth stays sound."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from stubs import ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, NotFound, Turn
from dmha.mind import Mind

SOAK = os.environ.get("DMHA_SOAK") == "1"

WORDS = st.sampled_from(
    ["osaka", "tea", "cat", "rain", "sea", "大阪", "猫が好き", "fact: aya.city = Osaka", "I hate rain"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
AGENTS = st.sampled_from(["relu", "neuro"])
WORLDS = st.sampled_from([None, "scene"])
SPEAKERS = st.sampled_from(["aya", "ben"])


class Life(RuleBasedStateMachine):
    """Two companions of one account, at home and in a shared scene, beside a model of what they should hold."""

    said = Bundle("said")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.held: dict[str, tuple[str, dict[str, Any]]] = {}
        self.turns = 0

    @initialize()
    def begin(self) -> None:
        self.mind: Mind = dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=self.clock)

    def teardown(self) -> None:
        if hasattr(self, "mind"):
            self.whole()
            self.travels()
            self.mind.close()

    @rule(target=said, texts=st.lists(TEXTS, min_size=1, max_size=5), agent=AGENTS, world=WORLDS, speaker=SPEAKERS,
          private=st.booleans())  # fmt: skip
    def add(self, texts: list[str], agent: str, world: str | None, speaker: str, private: bool) -> Any:
        place: dict[str, Any] = {"user_id": "u", "agent_id": agent, "world": world}
        turns = [Turn(text, speaker, id=self._turn_id(), private=private) for text in texts]
        ids = self.mind.add(turns, **place)
        assert not self.held.keys() & set(ids)
        self.held |= {id: (turn.text, place) for id, turn in zip(ids, turns, strict=True)}
        assert self.mind.add(turns, **place) == ids
        return ids[0], turns[0], place

    @rule(said=said)
    def retry(self, said: tuple[str, Turn, dict[str, Any]]) -> None:
        id, turn, place = said
        if id in self.held:
            assert self.mind.add(turn, **place) == [id]
        else:
            with pytest.raises(InvalidInput, match="deleted"):
                self.mind.add(turn, **place)

    @rule(said=said, text=TEXTS)
    def say_otherwise_under_the_same_id(self, said: tuple[str, Turn, dict[str, Any]], text: str) -> None:
        _, turn, place = said
        with pytest.raises(InvalidInput):
            self.mind.add(Turn(f"other {text}", turn.speaker, id=turn.id), **place)

    @rule(text=TEXTS, agent=AGENTS, world=WORLDS, speaker=SPEAKERS, private=st.booleans())
    def contextualize(self, text: str, agent: str, world: str | None, speaker: str, private: bool) -> None:
        place: dict[str, Any] = {"user_id": "u", "agent_id": agent, "world": world}
        turn = self._turn_id()
        reply = self.mind.contextualize(text, speaker=speaker, turn_id=turn, private=private, **place)
        before = self._counts(place)
        again = self.mind.contextualize(text, speaker=speaker, turn_id=turn, private=private, **place)
        assert again.text == reply.text
        assert self._counts(place) == before
        (own,) = self.mind.add(Turn(text, speaker, id=turn, private=private), **place)
        self.held[own] = (text, place)

    @rule(query=TEXTS, agent=AGENTS, world=WORLDS, present=st.lists(SPEAKERS, unique=True), hours=st.integers(0, 500))
    def recall(self, query: str, agent: str, world: str | None, present: list[str], hours: int) -> None:
        self.clock.forward(hours=hours)
        place: dict[str, Any] = {"user_id": "u", "agent_id": agent, "world": world}
        key = self._turn_id()
        hits = self.mind.recall(query, key=key, present=present, **place)
        after = self._counts(place)
        assert [hit.memory.id for hit in self.mind.recall(query, key=key, present=present, **place)] == [
            hit.memory.id for hit in hits
        ]
        assert self._counts(place) == after
        for hit in hits:
            assert after[hit.memory.id] == hit.memory.recall_count + 1
            assert not hit.memory.private or present

    @rule(said=said, text=TEXTS)
    def update(self, said: tuple[str, Turn, dict[str, Any]], text: str) -> None:
        id, _, place = said
        if id not in self.held:
            return
        known = len(self.mind.history(id, **place))
        assert self.mind.update(id, text=text, **place).text == text
        assert len(self.mind.history(id, **place)) == known + 1
        self.held[id] = (text, place)

    @rule(said=consumes(said))
    def delete(self, said: tuple[str, Turn, dict[str, Any]]) -> None:
        id, _, place = said
        if self.held.pop(id, None) is not None:
            self.mind.delete(id, **place)
        with pytest.raises(NotFound):
            self.mind.delete(id, **place)

    @invariant()
    def every_memory_once(self) -> None:
        if not hasattr(self, "mind"):
            return
        for agent in ("relu", "neuro"):
            for world in (None, "scene"):
                place: dict[str, Any] = {"user_id": "u", "agent_id": agent, "world": world}
                counts = Counter(
                    id
                    for hit in self.mind.search("tea", top_k=1000, present=["aya", "ben"], kind="episode", **place)
                    for id in (hit.memory.id, *hit.also)
                )
                assert set(counts.values()) <= {1}
                home = {id for id, (_, at) in self.held.items() if at == place}
                assert home <= counts.keys()
                if world is None:
                    others = {id for id, (_, at) in self.held.items() if (at["agent_id"], at["world"]) != (agent, None)}
                    assert not others & counts.keys()

    def whole(self) -> None:
        """Each memory is as last told, and the database finds nothing wrong."""
        for id, (text, place) in self.held.items():
            assert self.mind.get(id, **place).text == text
        assert self.mind._truth.check() == []
        assert all(diagnosis.ok for diagnosis in self.mind.diagnose()[:3])

    def travels(self) -> None:
        """The account's export, imported elsewhere, exports the same bytes."""
        folder = Path(self.mind._truth.path.parent)  # type: ignore[attr-defined]  # the SQLite truth's own
        first, second = folder / "first.jsonl", folder / "second.jsonl"
        if not self.turns:
            return
        try:
            self.mind.export(first, user_id="u")
        except NotFound:
            return
        self.clock.forward(days=1)
        with dmha.open(":memory:", embedder=StubEmbedder(), chat="extractive", clock=self.clock) as other:
            other.import_(first, user_id="u")
            other.export(second, user_id="u")
        assert second.read_bytes() == first.read_bytes()

    def _turn_id(self) -> str:
        self.turns += 1
        return f"t{self.turns}"

    def _counts(self, place: dict[str, Any]) -> dict[str, int]:
        hits = self.mind.search("tea", top_k=1000, present=["aya", "ben"], **place)
        found = [id for hit in hits for id in (hit.memory.id, *hit.also)]
        return {id: self.mind.get(id, **place).recall_count for id in found}


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=300 if SOAK else 12, stateful_step_count=50 if SOAK else 15, deadline=None, derandomize=not SOAK
)
