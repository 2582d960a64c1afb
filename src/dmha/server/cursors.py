"""Cursors and ETags: what a page ends with and what a version is; opaque, and refused where a caller made one up."""

from __future__ import annotations

import re
from collections.abc import Sequence

from itsdangerous import BadSignature, URLSafeSerializer

from dmha.server.problems import Problem, at_fault, invalid
from dmha.types import Memory

_ETAG = re.compile(r'"(\d{1,18})"')


class Cursors:
    """Signs where a list goes on, for one account's list alone."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._signer = URLSafeSerializer(list(reversed(secrets)), salt="dmha.cursor")  # the last signs, all verify

    def made(self, after: str, *of: str | None) -> str:
        """A cursor at that place of this list."""
        return str(self._signer.dumps([after, *of]))

    def read(self, cursor: str | None, *of: str | None) -> str | None:
        """The place that the cursor stands at; None for no cursor."""
        if cursor is None:
            return None
        try:
            after, *told = self._signer.loads(cursor)
        except BadSignature as error:
            raise _refused(_OR_ANEW) from error
        if told != list(of):
            raise _refused()
        return str(after)


def etag(memory: Memory) -> dict[str, str]:
    """The header that names a memory's version."""
    return {"ETag": f'"{memory.version}"'}


def version_of(if_match: str | None) -> int | None:
    """The version that a change is meant for; None for whatever it is by then (`*`)."""
    if if_match is None:
        fix = 'Send If-Match with the ETag of the memory that you read, or "*" to change it whatever it is by now.'
        raise at_fault(428, "precondition", "If-Match", "it is missing", fix, detail=fix)
    if if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise invalid("If-Match", "it is no ETag of ours", 'Send the ETag as it came, quotes and all, or "*".')
    return int(found[1])


_OR_ANEW = " Where the server was started anew without DMHA_SECRET, begin at the first page."


def _refused(more: str = "") -> Problem:
    fix = f"Send `next` of the page before, with the same parameters.{more}"
    return invalid("cursor", "it is none of this list's", fix)
