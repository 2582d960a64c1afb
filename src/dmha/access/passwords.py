"""Passwords: which are taken, and their Argon2id hashes."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from dmha.errors import InvalidInput, MissingExtra, OutOfBounds, Unavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# NIST SP 800-63B asks for 8 at the least, and 15 where nothing else is asked for; it wants 64 and more to be taken.
LEAST_PASSWORD, MOST_PASSWORD = 12, 1_024


class Cost(NamedTuple):
    """What one Argon2id run takes: KiB of memory, passes over it, lanes."""

    memory: int
    passes: int
    lanes: int


# The least that OWASP's Password Storage Cheat Sheet recommends for Argon2id. It takes a core for 20 ms.
COST = Cost(19 * 1024, 2, 1)
# Runs of Argon2 at once: each takes a core and its memory, and replies come first.
_RUNS = 2
# Seconds that a password waits for its run: 500 others have had theirs by then.
_PATIENCE = 5.0


class Passwords:
    """The hashes of passwords at one cost. Safe to use from several threads."""

    def __init__(self, cost: Cost) -> None:
        self._cost = cost
        self._runs = threading.BoundedSemaphore(_RUNS)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        try:
            from argon2 import PasswordHasher
        except ImportError as error:
            raise MissingExtra("serve", "a password") from error
        return PasswordHasher(self._cost.passes, self._cost.memory, self._cost.lanes)

    @cached_property
    def nobodys(self) -> str:
        """The hash of a password that nobody knows: checked in place of one that is not there."""
        return self.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """What is kept of it; `Unavailable` where too many are being checked at once."""
        with self._run():
            return self._hasher.hash(password)

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed at another cost."""
        return self._hasher.check_needs_rehash(kept)

    def verify(self, kept: str, password: str) -> bool:
        """Whether this is the password of which that was kept; `Unavailable` as `hash` is."""
        from argon2.exceptions import VerifyMismatchError

        with self._run():
            try:
                return self._hasher.verify(kept, password)
            except VerifyMismatchError:
                return False

    @contextmanager
    def _run(self) -> Iterator[None]:
        if not self._runs.acquire(timeout=_PATIENCE):
            raise Unavailable("password", "too many are being checked at once", "Try again in a few seconds.")
        try:
            yield
        finally:
            self._runs.release()


def check_password(password: str) -> str:
    """The password as it is hashed, or why it is none."""
    said = normalised(password)
    if len(said) < LEAST_PASSWORD:
        raise InvalidInput(
            "password",
            f"it has {len(said)} characters",
            f"Give at least {LEAST_PASSWORD}; a few words make a good one.",
        )
    return said


def normalised(password: str) -> str:
    """A password as it is compared: the same, whatever width and composition a keyboard gives its characters.

    NFKC, as NIST SP 800-63B advises (5.1.1.2). RFC 8265's OpaqueString asks for NFC and for every space as U+0020, and
    would tell full-width letters from others: a Japanese keyboard gives either. Case and spaces stay.
    """
    if len(password) > MOST_PASSWORD:
        raise OutOfBounds("password", MOST_PASSWORD, len(password), "Give a shorter one.")
    try:
        return unicodedata.normalize("NFKC", password).encode().decode()
    except UnicodeEncodeError as error:
        raise InvalidInput("password", "it holds half a surrogate pair", "Decode the source as UTF-8.") from error
