"""What schemathesis does not know by itself: how lines of JSON are sent. Read by it alone, in a process of its own."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")  # type: ignore[untyped-decorator]  # where it is not installed
def lines(_: Any, value: Any) -> bytes:
    """A text as it is; anything else in its Python spelling, which is as wrong as any."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook  # type: ignore[untyped-decorator]  # where it is not installed
def map_headers(_: Any, headers: Any) -> Any:
    """Drawn headers that would shut the door, as ones that open it: what is behind it is to be tried."""
    for name, opening in (("X-DMHA-User", "aya"), ("If-Match", "*")):
        if headers and name in headers:
            headers[name] = opening
    return headers


@schemathesis.hook  # type: ignore[untyped-decorator]  # where it is not installed
def filter_query(_: Any, query: Any) -> bool:
    """Leave out false, true and null: a query is text, in which they are names like others, and no wrong ones."""
    return not any(value is None or isinstance(value, bool) for value in (query or {}).values())
