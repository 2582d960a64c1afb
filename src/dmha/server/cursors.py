"""Cursors and ETags: what a page ends with and what a version is; opaque, and refused where a caller made one up."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Sequence
from hashlib import sha256

from itsdangerous import Signer
from itsdangerous.encoding import base64_decode, base64_encode

from dmha.server.problems import Problem, at_fault, invalid
from dmha.types import Memory

_ETAG = re.compile(r'"(0|[1-9]\d{0,17})"')

_NONCE, _OF = 16, 32
# A number of the database has at most 19 digits, a job's moment and id 57 characters. Every place is filled up to this:
# it is what HMAC-SHA512 gives, and a cursor's length tells nothing.
_PLACE = 64


class Cursors:
    """Seals where a list goes on, for one account's list alone."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._seals = [_Seal(secret) for secret in secrets]  # the first seals, all open

    def made(self, after: str, *of: str | None) -> str:
        """A cursor at that place of this list."""
        return self._seals[0].made(after, of)

    def read(self, cursor: str | None, *of: str | None) -> str | None:
        """The place that the cursor stands at; None for no cursor."""
        if cursor is None:
            return None
        for seal in self._seals:
            if seal.made_it(cursor):
                return seal.read(cursor, of)
        raise _refused()


class _Seal:
    """One secret's: a place is encrypted, then signed together with the list that it is of.

    A place is a number that the whole file counts by: whoever could read it would know how much everybody writes. It is
    padded with a pseudo-random function of a nonce that is drawn for each cursor: HMAC under a key of its own.
    """

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"dmha.cursor.pad", sha256)
        self._signer = Signer(secret, salt="dmha.cursor")

    def made(self, after: str, of: Sequence[str | None]) -> str:
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._padded(nonce, after.encode().ljust(_PLACE)) + _digest(nonce, of)
        return self._signer.sign(base64_encode(sealed)).decode()

    def made_it(self, cursor: str) -> bool:
        return self._signer.validate(cursor.encode(errors="replace"))

    def read(self, cursor: str, of: Sequence[str | None]) -> str:
        sealed = base64_decode(self._signer.unsign(cursor))
        nonce, place, told = sealed[:_NONCE], sealed[_NONCE:-_OF], sealed[-_OF:]
        if told != _digest(nonce, of):
            raise _refused()
        return self._padded(nonce, place).rstrip().decode()

    def _padded(self, nonce: bytes, text: bytes) -> bytes:
        pad = hmac.digest(self._key, nonce, "sha512")
        return bytes(one ^ other for one, other in zip(pad, text, strict=True))


def _digest(nonce: bytes, of: Sequence[str | None]) -> bytes:
    return sha256(nonce + json.dumps(of).encode()).digest()


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


def _refused() -> Problem:
    """Of another list or of nobody's: told alike, so that nothing is told of lists that are not the caller's."""
    fix = "Send `next` of the page before, with the same parameters; or begin at the first page, as after a new start"
    return invalid("cursor", "it is none of this list's", f"{fix} of the server without DMHA_SECRET.")
