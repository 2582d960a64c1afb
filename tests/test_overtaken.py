"""A turn that is replaced, or gone on from, while it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from recallable import HERE, said
from stubs import Listening, ManualClock, StubEmbedder

import dmha
from dmha import InvalidInput, Turn
from dmha.outcomes import reply_uid


class Swiped(Listening):
    """A chat model that is overtaken: while it writes its reply, the turn is replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.overtake: Callable[[], object] | None = None

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]:
        overtake, self.overtake = self.overtake, None
        if overtake is not None:
            overtake()
        yield from super().reply(messages, max_tokens=max_tokens)


class Interrupted(StubEmbedder):
    """An embedder that is overtaken: before it embeds this query, something else happens."""

    def __init__(self, query: str, overtake: Callable[[], object]) -> None:
        super().__init__()
        self._waiting = {query: overtake}

    def embed(self, texts: list[str], /) -> Any:
        overtake = self._waiting.pop(texts[0], None) if texts else None
        if overtake is not None:
            overtake()
        return super().embed(texts)


def test_a_turn_replaced_while_it_is_answered_leaves_nothing(database: Path, clock: ManualClock) -> None:
    """The overtaken call hears that its turn was replaced, and what it would have written is not written."""
    chat = Swiped()
    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        chat.overtake = lambda: mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
        with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
            mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
        assert said(mind) == ["two"]
        assert [turn.text for turn in mind.variants("t2", **HERE)] == ["one"]


def test_a_reply_follows_what_went_on_from_its_turn(database: Path, clock: ManualClock) -> None:
    """What was said after the turn stays on the reply's path, though the session went elsewhere in the meantime."""
    chat = Swiped()

    def go_on_and_elsewhere() -> None:
        mind.add(Turn("moreover", "aya", id="t2"), **HERE)
        mind.add(Turn("instead", "aya", id="t3"), parent="t0", **HERE)

    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=clock) as mind:
        mind.add(Turn("zero", "aya", id="t0"), **HERE)
        chat.overtake = go_on_and_elsewhere
        mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
        mind.contextualize("go on", speaker="aya", parent=reply_uid("t1", "relu"), **HERE)
        assert "moreover" in chat.shown
        assert "instead" not in chat.shown


def test_a_turn_replaced_before_its_recall_is_told_so(database: Path, clock: ManualClock) -> None:
    """A call whose turn was taken back before it recalled anything hears of it, as one that was writing does."""
    place: dict[str, Any] = {"speaker": "aya", **HERE}
    overtaken = Interrupted("one two", lambda: mind.contextualize("three", turn_id="t2", replaces="t1", **place))
    with dmha.open(database, embedder=overtaken, chat="extractive", clock=clock) as mind:
        with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
            mind.contextualize("one two", turn_id="t1", **place)
        assert said(mind) == ["three"]
