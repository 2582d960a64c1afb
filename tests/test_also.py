"""What else is written with a call: it and the call's effect stand together or fall together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stubs import ManualClock, StubEmbedder
from test_truth import contents

import dmha
from dmha import Turn
from dmha.mind import Mind
from dmha.protocols import Ledger
from dmha.records import Answered

HERE: dict[str, Any] = {"user_id": "aya", "agent_id": "relu"}
Call = Callable[[Mind, str, Any], object]

CALLS: dict[str, Call] = {
    "add": lambda mind, id, also: mind.add([Turn("one", id="1"), Turn("two", id="2")], also=also, **HERE),
    "add nothing": lambda mind, id, also: mind.add([], also=also, **HERE),
    "add known": lambda mind, id, also: mind.add(Turn("I moved to Osaka.", id="o"), also=also, **HERE),
    "contextualize": lambda mind, id, also: mind.contextualize("Where did I move?", turn_id="t", also=also, **HERE),
    "recall": lambda mind, id, also: mind.recall("Osaka", also=also, **HERE),
    "recall by key": lambda mind, id, also: mind.recall("Osaka", key="k", also=also, **HERE),
    "recall nowhere": lambda mind, id, also: mind.recall("Osaka", user_id="nobody", also=also),
    "update words": lambda mind, id, also: mind.update(id, text="I moved to Kyoto.", pinned=True, also=also, **HERE),
    "update nothing": lambda mind, id, also: mind.update(id, also=also, **HERE),
    "delete": lambda mind, id, also: mind.delete(id, also=also, **HERE),
    "delete all": lambda mind, id, also: mind.delete_all(user_id="aya", also=also),
    "tell a fact": lambda mind, id, also: mind.knowledge(**HERE).tell("fact: aya.city = Osaka", also=also),
    "teach": lambda mind, id, also: mind.teach("Who?", "Me.", also=also, **HERE),
    "put a word": lambda mind, id, also: mind.dictionary(**HERE).put("Osaka", also=also),
    "put it again": lambda mind, id, also: mind.dictionary(**HERE).put("moved", also=also),
}


def held(database: Path) -> dict[str, str]:
    """What the file holds; numbers that were drawn stay drawn."""
    return {table: digest for table, digest in contents(database).items() if table != "counters"}


def close(ledger: Ledger, came_to: object) -> None:
    """Close a request in this transaction."""
    ledger.requests.close("user:aya", "key", Answered(200, repr(type(came_to))), holder="here")


@pytest.fixture
def known(mind: Mind) -> str:
    """The id of a memory, in a mind that knows a word and holds a request open."""
    (id,) = mind.add(Turn("I moved to Osaka.", id="o"), **HERE)
    mind.dictionary(**HERE).put("moved")
    mind._truth.write(lambda ledger: ledger.requests.claim("user:aya", "key", "d", holder="here", now=0.0, until=9e9))
    return id


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_raises_undoes_the_call(mind: Mind, database: Path, known: str, call: Call) -> None:
    """Whatever raises there, no row of the effect stays, what was written there goes too, and the caller hears it."""

    def also(ledger: Ledger, came_to: object) -> None:
        close(ledger, came_to)
        raise KeyError("no")

    with pytest.raises(KeyError):  # what contextualize hears stays: the turn is kept before the reply is made
        call(mind, known, also)
    undone = held(database)
    assert mind._truth.write(_claimed) is False
    with pytest.raises(KeyError):
        call(mind, known, also)
    assert held(database) == undone


def _claimed(ledger: Ledger) -> bool | Answered:
    return ledger.requests.claim("user:aya", "key", "d", holder="there", now=0.0, until=9e9)


@pytest.mark.parametrize("call", [call for name, call in CALLS.items() if name != "contextualize"],
                         ids=[name for name in CALLS if name != "contextualize"])  # fmt: skip
def test_a_call_undone_leaves_the_file_as_it_was(mind: Mind, database: Path, known: str, call: Call) -> None:
    """Each table holds what it held before the call."""

    def also(ledger: Ledger, came_to: object) -> None:
        raise KeyError("no")

    before = held(database)
    with pytest.raises(KeyError):
        call(mind, known, also)
    assert held(database) == before


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_is_given_what_the_call_came_to(mind: Mind, known: str, call: Call) -> None:
    """It runs once, is given what the call returns, and is durable when that returns."""
    given: list[object] = []

    def also(ledger: Ledger, came_to: object) -> None:
        given.append(came_to)
        close(ledger, came_to)

    came_to = call(mind, known, also)
    (told,) = given
    if isinstance(told, dmha.Reply):
        assert isinstance(came_to, dmha.Reply)
        assert "commit" not in told.trace
        assert told.text == came_to.text
    else:
        assert told == came_to
    assert mind._truth.write(_claimed) == Answered(200, repr(type(told)))


def test_a_retry_is_given_the_earlier_answer(mind: Mind, known: str) -> None:
    """A turn that was answered, and a recall whose key is known, call it again with what they came to before."""
    given: list[Any] = []

    def also(ledger: Ledger, came_to: object) -> None:
        given.append(came_to)

    for _ in range(2):
        mind.contextualize("Where did I move?", turn_id="t", also=also, **HERE)
    first, again = given
    assert (again.text, again.remembered) == (first.text, first.remembered)
    assert list(again.trace) == ["retry"]
    given.clear()
    for _ in range(2):
        mind.recall("Osaka", key="k", also=also, **HERE)
    first, again = given
    assert [hit.memory.id for hit in again] == [hit.memory.id for hit in first] != []
    assert [hit.memory.recall_count for hit in mind.search("Osaka", top_k=1, **HERE)] == [2]  # the reply's, the key's


class Meanwhile:
    """A chat model during whose reply the same turn is answered by another call."""

    quotes_only = True

    def __init__(self) -> None:
        self.answer: Callable[[], object] | None = None

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Any:
        answer, self.answer = self.answer, None
        if answer is not None:
            answer()
            yield "The second."
        else:
            yield "The first."

    def count_tokens(self, text: str, /) -> int:
        return len(text) // 4


def test_a_turn_answered_meanwhile_gives_its_answer(database: Path) -> None:
    """Of two that answer one turn at once, both are given the reply that was kept."""
    chat, given = Meanwhile(), list[str]()

    def also(ledger: Ledger, reply: dmha.Reply) -> None:
        given.append(reply.text)

    with dmha.open(database, embedder=StubEmbedder(), chat=chat, clock=ManualClock()) as mind:
        chat.answer = lambda: mind.contextualize("Hello.", turn_id="t", also=also, **HERE)
        told = mind.contextualize("Hello.", turn_id="t", also=also, **HERE)
    assert given == ["The first.", "The first."]
    assert told.text == "The first."


def test_an_import_undone_can_be_run_again(mind: Mind, database: Path, tmp_path: Path, known: str) -> None:
    """What raises when an import appears keeps it hidden; run again, it comes whole, and is told its memories."""
    mind.export(tmp_path / "life.jsonl", **HERE)

    def refuse(ledger: Ledger, came_to: int) -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        mind.import_(tmp_path / "life.jsonl", user_id="ben", also=refuse)
    assert mind.search("Osaka", user_id="ben", agent_id="relu") == []
    given: list[int] = []
    made = mind.import_(tmp_path / "life.jsonl", user_id="ben", also=lambda _, came_to: given.append(came_to))
    assert given == [made] == [1]
    assert mind.search("Osaka", user_id="ben", agent_id="relu")
