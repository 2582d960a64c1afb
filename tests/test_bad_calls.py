"""Whatever a program may pass: an error that names the field and the fix, or the right answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dmha import InvalidInput, OutOfBounds, Turn
from dmha.mind import Mind

WHO: dict[str, Any] = {"user_id": "acct", "agent_id": "relu"}

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def untyped(value: Any) -> Any:
    """The value as a caller without a type checker would give it."""
    return value


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("text", lambda mind: mind.add("", **WHO)),
        ("text", lambda mind: mind.add("a\ud800b", **WHO)),
        ("text", lambda mind: mind.add("a\x00b", **WHO)),
        ("turns[0].text", lambda mind: mind.add([Turn(untyped(5))], **WHO)),
        ("turns", lambda mind: mind.add([{"text": "hi"}], **WHO)),
        ("turns[0].at", lambda mind: mind.add([Turn("hi", at=datetime(2026, 1, 1))], **WHO)),  # noqa: DTZ001 - a naive time is the point
        ("turns[0].source", lambda mind: mind.add([Turn("hi", source=untyped("god"))], **WHO)),
        ("turns[0].metadata", lambda mind: mind.add([Turn("hi", metadata={"x": float("nan")})], **WHO)),
        ("turns[0].metadata", lambda mind: mind.add([Turn("hi", metadata={"x": {1, 2}})], **WHO)),
        ("vector", lambda mind: mind.add(Turn("hi", vector=untyped([1.0])), **WHO)),
        ("turns[1].id", lambda mind: mind.add([Turn("a", id="x"), Turn("b", id="x")], **WHO)),
        ("turns[1].id", lambda mind: mind.add([Turn("a"), Turn("b", id=untyped([]))], **WHO)),
        ("turns[3].text", lambda mind: mind.add([Turn("a"), Turn("b"), Turn("c"), Turn(" ")], **WHO)),
        ("turns[1].vector", lambda mind: mind.add([Turn("a"), Turn("b", vector=untyped([1.0]))], **WHO)),
        ("kind", lambda mind: mind.add("hi", kind="rumour", **WHO)),
        ("user_id", lambda mind: mind.add("hi", user_id="")),
        ("agent_id", lambda mind: mind.search("hi", user_id="a", agent_id="b\x00")),
        ("query", lambda mind: mind.search("", **WHO)),
        ("top_k", lambda mind: mind.search("hi", top_k=0, **WHO)),
        ("top_k", lambda mind: mind.search("hi", top_k=True, **WHO)),
        ("ranking", lambda mind: mind.search("hi", ranking="similarity +", **WHO)),
        ("tier", lambda mind: mind.search("hi", tier="deep", **WHO)),
        ("polarity", lambda mind: mind.search("hi", polarity="meh", **WHO)),
        ("min_confidence", lambda mind: mind.search("hi", min_confidence=2, **WHO)),
        ("present", lambda mind: mind.search("hi", present="aya", **WHO)),
        ("since", lambda mind: mind.search("hi", since=datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")), **WHO)),
        ("since", lambda mind: mind.search("hi", since=DAY + timedelta(1), until=DAY, **WHO)),
        ("since", lambda mind: mind.search("hi", since=datetime(2026, 1, 1), **WHO)),  # noqa: DTZ001 - a naive time is the point
        ("statement", lambda mind: mind.knowledge(**WHO).tell("nonsense")),
    ],
)
def test_bad_input_names_its_field_and_writes_nothing(mind: Mind, field: str, call: Any) -> None:
    """Whatever is wrong, the error names the field and the fix, and the file holds nothing of it."""
    with pytest.raises(InvalidInput) as caught:
        call(mind)
    assert caught.value.field == field
    assert caught.value.fix
    assert mind.search("hi", **WHO) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda mind: mind.add("x" * 1_000_001, **WHO),
        lambda mind: mind.add([Turn("hi", speaker="x" * 300)], **WHO),
        lambda mind: mind.add([Turn("hi", metadata={"x": "y" * 70_000})], **WHO),
        lambda mind: mind.search("hi", top_k=10_000, **WHO),
        lambda mind: mind.search("x" * 10_001, **WHO),
    ],
)
def test_too_much_is_out_of_bounds(mind: Mind, call: Any) -> None:
    """A limit is told with what was given."""
    with pytest.raises(OutOfBounds):
        call(mind)


@pytest.mark.parametrize(
    "text",
    [
        "😀😀😀",
        "\u200b\u200bzero\u200bwidth",
        "\u202egnorw\u202c",
        "Ａｙａ　ｆｕｌｌ",
        "'; DROP TABLE memories; --",
        "a" * 100_000,
        "猫",
    ],
)
def test_strange_but_legitimate_text_comes_back_unchanged(mind: Mind, text: str) -> None:
    """Stored text is never altered, and a reply to it is given."""
    (id,) = mind.add(text, **WHO)
    assert mind.get(id, **WHO).text == text
    assert mind.contextualize(text, **WHO).text
