"""Random lives: whatever was done, a life travels to the same bytes."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lives import as_left, open_mind
from stubs import ManualClock

from dmha import InvalidInput, NotFound, Turn
from dmha.mind import Mind
from dmha.types import Kind

TEXTS = st.sampled_from(
    ["osaka tea", "大阪の猫が好き", "我爱北京", "fact: aya.city = Osaka", "fact: aya.city = Sapporo", "I hate rain 😀",
     "rule: if aya.city = Osaka then aya.region = Kansai"]
)  # fmt: skip
ACTS = st.tuples(
    st.sampled_from(("add", "reply", "reply", "fork", "replace", "delete", "update", "pin", "recall", "fill", "teach")),
    TEXTS, st.integers(0, 99), st.booleans(), st.sampled_from([None, "scene"]), st.sampled_from(["relu", "neuro"]),
)  # fmt: skip


def act(mind: Mind, number: int, what: str, text: str, which: int, flag: bool, place: dict[str, Any]) -> None:
    """One thing that happens; what cannot happen now does not."""
    turns = [f"n{n}" for n in range(number)]
    past, session = turns[which % len(turns)] if turns else "none", f"s{which % 3}"
    said: dict[str, Any] = {"speaker": "ben" if which % 2 else "aya", "session_id": session, "private": flag, **place}
    match what:
        case "add":
            kind: Kind = "persona" if which < 10 else "episode"
            given = [Turn(text, said["speaker"], id=f"n{number}", private=flag), Turn(f"{text}!", "zoe")]
            mind.add(given, session_id=session, kind=kind, **place)
        case "reply":
            mind.contextualize(text, turn_id=f"n{number}", **said)
        case "fork":
            mind.contextualize(text, turn_id=f"n{number}", parent=past, **said)
        case "replace":
            mind.contextualize(text, turn_id=f"n{number}", replaces=past, **said)
        case "fill":
            mind.add([Turn(f"{text} {n}", "zoe") for n in range(25)], session_id=session, **place)
        case "recall":
            mind.recall(text, key=f"k{number}" if flag else None, present=["aya", "ben"], **place)
        case "teach":
            mind.teach(text, text, **place)
            mind.knowledge(**place).tell("fact: ben.pet = cat")
        case _:
            (hit, *_) = mind.search(text, present=["aya", "ben"], **place)
            if what == "delete":
                mind.delete(hit.memory.id, **place)
            else:
                change: dict[str, Any] = {"pinned": flag} if what == "pin" else {"text": f"{text} again"}
                mind.update(hit.memory.id, **change, **place)


@settings(max_examples=200 if os.environ.get("DMHA_SOAK") == "1" else 10, deadline=None, derandomize=True)
@given(st.lists(ACTS, min_size=1, max_size=15))
def test_any_life_travels_to_the_same_bytes(acts: list[Any]) -> None:
    """Whatever was said, forked, replaced, deleted, changed and recalled: it comes back as it went."""
    clock = ManualClock()
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        mind, other = (stack.enter_context(open_mind(folder / file, clock=clock)) for file in ("a.db", "b.db"))
        for number, (what, text, which, flag, world, agent) in enumerate(acts):
            clock.forward(hours=1)
            with suppress(InvalidInput, NotFound, ValueError):  # ValueError: nothing was found to delete or change
                act(mind, number, what, text, which, flag, {"user_id": "u", "agent_id": agent, "world": world})
        try:
            mind.export(folder / "a.jsonl", user_id="u")
        except NotFound:
            return
        other.import_(folder / "a.jsonl", user_id="u")
        other.export(folder / "b.jsonl", user_id="u")
        assert (folder / "b.jsonl").read_bytes() == (folder / "a.jsonl").read_bytes()
        assert other._truth.check() == []
        assert {(turn[0], *turn[2:]) for turn in as_left(other)} == {(turn[0], *turn[2:]) for turn in as_left(mind)}
