"""JSON as it has to be before anybody reads it: one meaning alone, and numbers and texts that can be kept as they came.

Python's parser takes the last of two keys that are the same, NaN, 1e999 as infinity, half surrogates and integers that
no database holds. Here each is refused, by name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from dmha.server.problems import Problem, invalid

DEEPEST = 32  # no request of ours nests deeper than 5; metadata may add its own
_LARGEST = 2**63


def read(body: bytes, *, field: str = "body") -> Any:
    """The value that the bytes say; `Problem` 400 where they are no JSON, 422 where it could mean two things."""
    if not body.strip():
        raise invalid(field, "it is empty", "Send one JSON value, whole.", status=400)
    try:
        value = _decoder.decode(_text(body, field))
    except json.JSONDecodeError as error:
        said = f"it is no JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise invalid(field, said, "Send one JSON value, whole.", status=400) from error
    except RecursionError as error:
        raise _too_deep(field) from error
    if _deeper(value, DEEPEST):
        raise _too_deep(field)
    if b"\\u" in body:
        _refuse_halves(value, field)
    return value


def _text(body: bytes, field: str) -> str:
    fix = "Send UTF-8 without a byte order mark."
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise invalid(field, "it begins with a byte order mark", fix, status=400)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise invalid(field, f"byte {error.start} is no UTF-8", fix, status=400) from error


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # a set's way
        raise invalid(_shown(twice), "it stands twice", "Send each key once.", ours=False)
    return found


def _whole(digits: str) -> int:
    # The length first: Python reads no more than 4,300 digits, and takes long over as many.
    if len(digits) > 20 or not -_LARGEST <= (number := int(digits)) < _LARGEST:
        raise invalid("body", f"{digits[:20]} lies beyond 64 bits", "Send a smaller number, or text.")
    return number


def _broken(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise invalid("body", f"{digits[:20]} is larger than any number", "Send a finite number.")
    return number


def _constant(name: str) -> Any:
    raise invalid("body", f"{name} is no JSON", "Send a finite number, or null.", status=400)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in one another deeper than that."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return False
    return True


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _refuse_halves(value: Any, field: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise invalid(field, "it holds half a surrogate pair", "Escape characters whole, as UTF-16 pairs.") from error


def _too_deep(field: str) -> Problem:
    return invalid(field, f"it nests deeper than {DEEPEST} levels", "Send flatter JSON.", status=400)


def _shown(key: str) -> str:
    return key.encode("ascii", "backslashreplace").decode()[:64]


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_whole, parse_float=_broken, parse_constant=_constant)
