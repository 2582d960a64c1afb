"""JSON with one meaning alone: what Python's parser lets pass is refused, and what is legitimate comes through."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.server import strict_json
from dmha.server.problems import Problem

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip

REFUSED = {
    "NaN": (b'{"a": NaN}', 400),
    "infinity": (b'{"a": -Infinity}', 400),
    "a float beyond all": (b'{"a": 1e999}', 422),
    "an integer beyond 64 bits": (b'{"a": 9223372036854775808}', 422),
    "an integer of a million digits": (b'{"a": ' + b"9" * 1_000_000 + b"}", 422),
    "a key twice": (b'{"a": 1, "a": 2}', 422),
    "a key twice, escaped": (b'{"a": 1, "\\u0061": 2}', 422),
    "a key twice, deep": (b'[{"b": {"a": 1, "a": 1}}]', 422),
    "half a surrogate": (b'{"a": "\\ud800"}', 422),
    "half a surrogate in a key": (b'{"\\udc00": 1}', 422),
    "invalid UTF-8": (b'{"a": "\xff"}', 400),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', 400),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', 400),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), 400),
    "nothing": (b"", 400),
    "a cut body": (b'{"a": [1, 2', 400),
    "two values": (b"{} {}", 400),
    "a control character": (b'{"a": "\x00"}', 400),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, 400),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "33 levels": (b"[" * 34 + b"]" * 34, 400),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
def test_what_has_two_meanings_or_none_is_refused(body: bytes, status: int) -> None:
    """Each is a problem that says what to send instead."""
    with pytest.raises(Problem) as problem:
        strict_json.read(body)
    assert problem.value.status == status
    assert problem.value.errors[0].fix


@given(PLAIN)
def test_what_is_legitimate_comes_through_as_it_is(value: Any) -> None:
    """Emoji, bidi, zero-width and every other text, numbers within 64 bits, in flat enough lists and objects."""
    assert strict_json.read(json.dumps(value).encode()) == value
    assert strict_json.read(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=64))
def test_no_bytes_break_it(body: bytes) -> None:
    """Whatever comes is a value that can be written again, or a problem."""
    with suppress(Problem):
        json.dumps(strict_json.read(body), allow_nan=False, ensure_ascii=False).encode()
