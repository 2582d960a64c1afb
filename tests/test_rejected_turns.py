"""Rejected words are kept under the turn that replaced them, and their ids stay used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from recallable import HERE, said

from dmha import InvalidInput, NotFound, Turn
from dmha.mind import Mind
from dmha.outcomes import reply_uid


def test_rejected_words_are_kept_as_variants(mind: Mind) -> None:
    """All that was rejected for a turn can be read under it, swipe after swipe, until its memory is deleted."""
    mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    reply = mind.contextualize("three", speaker="aya", turn_id="t3", replaces="t2", **HERE)
    rejected = mind.variants("t3", **HERE)
    assert [turn.text for turn in rejected if turn.source == "user"] == ["one", "two"]
    assert [turn.id for turn in rejected if turn.source == "user"] == ["t1", "t2"]
    assert [turn.speaker for turn in rejected] == ["aya", "relu", "aya", "relu"]
    mind.delete(reply.remembered[0], **HERE)
    with pytest.raises(NotFound):
        mind.variants("t3", **HERE)


def test_a_rejected_turn_s_id_stays_used(mind: Mind) -> None:
    """Neither a late retry nor another turn brings a rejected id back, and it is not replaced twice."""
    mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
        mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
        mind.add(Turn("one", "aya", id="t1"), **HERE)
    with pytest.raises(InvalidInput, match=r"replaces.*'t1' was replaced by 't2'"):
        mind.contextualize("three", speaker="aya", turn_id="t3", replaces="t1", **HERE)
    assert "three" not in said(mind)


def test_a_deleted_turn_s_id_stays_used_when_it_is_replaced(mind: Mind) -> None:
    """No late retry brings back words that were deleted, be it before their turn was replaced or after."""
    first = mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    mind.delete(first.remembered[0], **HERE)
    second = mind.contextualize("two", speaker="aya", turn_id="t2", replaces="t1", **HERE)
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't2'"):
        mind.add(Turn("one", "aya", id="t1"), **HERE)
    assert [turn.source for turn in mind.variants("t2", **HERE)] == ["assistant"]
    mind.delete(second.remembered[0], **HERE)
    mind.contextualize("three", speaker="aya", turn_id="t3", replaces="t2", **HERE)
    for uid, text in (("t1", "one"), ("t2", "two")):
        with pytest.raises(InvalidInput, match="was replaced by 't3'"):
            mind.add(Turn(text, "aya", id=uid), **HERE)
    assert [turn.text for turn in mind.variants("t3", **HERE) if turn.source == "user"] == []


def test_variants_are_told_in_the_order_of_rejection(mind: Mind) -> None:
    """The order is kept when other variants were deleted between two rejections."""
    for name in ("a", "b"):
        mind.contextualize("one", speaker="aya", turn_id=f"{name}1", session_id=name, **HERE)
        reply = mind.contextualize(
            "two", speaker="aya", turn_id=f"{name}2", replaces=f"{name}1", session_id=name, **HERE
        )
        if name == "a":
            gone = reply.remembered[0]
    mind.delete(gone, **HERE)
    mind.contextualize("three", speaker="aya", turn_id="b3", replaces="b2", session_id="b", **HERE)
    assert [turn.text for turn in mind.variants("b3", **HERE) if turn.source == "user"] == ["one", "two"]


def test_a_replacement_retried_is_one_replacement(mind: Mind) -> None:
    """The same call again gives the same reply and changes nothing."""
    mind.contextualize("one", speaker="aya", turn_id="t1", **HERE)
    again: dict[str, Any] = {"speaker": "aya", "turn_id": "t2", "replaces": "t1", **HERE}
    first = mind.contextualize("two", **again)
    before = said(mind)
    assert mind.contextualize("two", **again).text == first.text
    assert said(mind) == before
    assert len(mind.variants("t2", **HERE)) == 2


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"turn_id": "t2", "replaces": "t2"}, "replaces"),
        ({"replaces": "t1", "parent": "t0"}, "parent"),
        ({"replaces": ""}, "replaces"),
        ({"replaces": "t1", "session_id": "other"}, "replaces"),
        ({"replaces": reply_uid("t1", "relu")}, "replaces"),
    ],
)
def test_a_place_that_cannot_be_is_refused(mind: Mind, asked: dict[str, Any], field: str) -> None:
    """A turn that replaces itself or a reply, stands twice, names nothing or lives elsewhere changes nothing."""
    mind.add([Turn("zero", "aya", id="t0"), Turn("one", "aya", id="t1")], **HERE)
    before = said(mind)
    with pytest.raises(InvalidInput) as refused:
        mind.contextualize("two", speaker="aya", **asked, **HERE)
    assert refused.value.field == field
    assert said(mind) == before


def test_an_unknown_turn_is_not_found(mind: Mind) -> None:
    """A turn that is not there, or another companion's, can be neither replaced nor gone on from."""
    mind.add(Turn("mine", "aya", id="t1"), user_id="aya", agent_id="neuro")
    for asked in ({"replaces": "t1"}, {"parent": "t1"}):
        with pytest.raises(NotFound):
            mind.contextualize("two", speaker="aya", turn_id="t2", **asked, **HERE)  # type: ignore[arg-type]  # either
    assert said(mind) == []


def test_a_turn_taken_back_with_another_says_so(mind: Mind) -> None:
    """What followed a replaced turn was not replaced itself: its id is refused with what to go on from."""
    for number in range(3):
        mind.contextualize(f"turn {number}", speaker="aya", turn_id=f"t{number}", **HERE)
    mind.contextualize("turn 1, told better", speaker="aya", turn_id="t1b", replaces="t1", **HERE)
    for asked in ({"turn_id": "t2"}, {"turn_id": "t2b", "replaces": "t2"}):
        with pytest.raises(InvalidInput, match=r"'t2' was taken back when 't1b'.*after 't1b'"):
            mind.contextualize("turn 2", speaker="aya", **asked, **HERE)  # type: ignore[arg-type]  # either
    with pytest.raises(InvalidInput, match=r"'t1' was replaced by 't1b'. Replace 't1b' instead"):
        mind.contextualize("turn 1", speaker="aya", replaces="t1", **HERE)


def test_what_names_no_turn_is_told_by_its_keyword(mind: Mind) -> None:
    """`parent`, `replaces`, a turn's own parent and `turn_id` are the error's `field`, and begin its message."""
    lost: list[tuple[str, Callable[[], object]]] = [
        ("parent", lambda: mind.contextualize("Hello.", parent="lost", **HERE)),
        ("replaces", lambda: mind.contextualize("Hello.", replaces="lost", **HERE)),
        ("parent", lambda: mind.add(Turn("Hello.", parent="lost"), **HERE)),
        ("turns[1].parent", lambda: mind.add([Turn("Hello."), Turn("Hello.", parent="lost")], **HERE)),
        ("parent", lambda: mind.add([Turn("Hello.")], parent="lost", **HERE)),
        ("turn_id", lambda: mind.variants("lost", **HERE)),
    ]
    for named, call in lost:
        with pytest.raises(NotFound, match=rf"^{re.escape(named)}: no turn 'lost'") as refused:
            call()
        assert refused.value.field == named
    with pytest.raises(NotFound, match=r"^no memory 'lost'") as refused:
        mind.get("lost", **HERE)
    assert refused.value.field == "id"
