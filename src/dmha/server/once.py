"""Requests under an Idempotency-Key: however often one is sent, it takes effect once and is answered the same.

The claim is committed before the work begins, and closed in the transaction that holds the effect, so that there is no
moment at which a crash could leave one without the other. While a process lives it holds on to its claims; when it
dies, whoever sends the request again takes it over once the lease has run out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import count
from typing import TypeVar
from uuid import uuid4

from dmha.errors import Unavailable
from dmha.protocols import Also, Clock, Ledger, Truth
from dmha.records import Answered, Telling
from dmha.server.problems import in_flight, invalid

T = TypeVar("T")

# Seconds that a claim outlives its process, and between two renewals: two may fail before one is lost.
LEASE, RENEWED = 15.0, 5.0
LONGEST_KEY = 252  # with `key:` before it, it may be a turn's id, which has 256
# Characters of memories that an answer holds beyond which it is not even written out to be kept: the store keeps none
# of so many, and a thousand of the longest would be 200 MB, on which the one writer would spend a second.
MOST_TOLD = 1 << 20
_TOO_LARGE = Answered(200, "", "large")


class Once:
    """The claims of this process."""

    def __init__(self, truth: Truth, clock: Clock) -> None:
        self._truth = truth
        self._clock = clock
        self._holder = uuid4().hex
        self._claims = count()
        self._held = 0
        # Claims whose work failed (owner, key, holder), still in the truth: the disk may be full.
        self._dropped: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="dmha-leases", daemon=True)
        self._renewing.start()

    def run(
        self, owner: str, key: str, digest: str, work: Callable[[Also[T]], T], told: Callable[[T], Answered],
        telling: Callable[[T], Telling | None],
    ) -> tuple[Answered, bool]:  # fmt: skip
        """What the work comes to, or came to before (True): `told` says it as it is kept and sent, `telling` of what.

        What tells of it knows not what (None) is not kept: a retry comes to it anew.
        """
        # Each claim has a name of its own: where one was lost, and its key claimed again by this very process, the
        # first neither closes nor lets go of the second.
        holder = f"{self._holder}.{next(self._claims)}"
        claimed = self._claim(owner, key, digest, holder)
        if isinstance(claimed, Answered):
            return claimed, True
        if not claimed:
            raise in_flight()
        answers: list[Answered] = []

        def close(ledger: Ledger, came: T) -> None:
            answers.clear()  # a unit may be run again, and its last run counts
            tells = telling(came)
            if tells is None:
                ledger.requests.release(owner, key, holder=holder)
                return
            if tells.characters <= MOST_TOLD:
                answers.append(told(came))
            kept = answers[0] if answers else _TOO_LARGE
            ledger.requests.close(owner, key, kept, tells, holder=holder)

        with self._holding():
            try:
                came = work(close)
                return (answers or [told(came)])[0], False  # what is kept, so that the same comes again
            except BaseException:
                self._drop(owner, key, holder)
                with suppress(Unavailable):  # then it goes with the next that is written
                    self._write(lambda _: None)
                raise

    def close(self) -> None:
        """Let the leases be: nothing is under way any more."""
        self._ended.set()
        self._renewing.join()

    def _claim(self, owner: str, key: str, digest: str, holder: str) -> bool | Answered:
        now = self._clock().timestamp()
        try:
            return self._write(
                lambda ledger: ledger.requests.claim(owner, key, digest, holder=holder, now=now, until=now + LEASE)
            )
        except Unavailable:  # a commit that failed may stand all the same, and would be held on to with the others
            self._drop(owner, key, holder)
            raise

    def _drop(self, owner: str, key: str, holder: str) -> None:
        with self._lock:
            self._dropped.append((owner, key, holder))

    def _write(self, unit: Callable[[Ledger], T]) -> T:
        """Write this, and before it that nothing is held of what was dropped."""
        with self._lock:
            dropped, self._dropped = self._dropped, []

        def both(ledger: Ledger) -> T:
            for owner, key, holder in dropped:
                ledger.requests.release(owner, key, holder=holder)
            return unit(ledger)

        try:
            return self._truth.write(both)
        except BaseException:
            with self._lock:
                self._dropped += dropped
            raise

    @contextmanager
    def _holding(self) -> Iterator[None]:
        with self._lock:
            self._held += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1

    def _renew(self) -> None:
        while not self._ended.wait(RENEWED):
            if self._held or self._dropped:
                until = self._clock().timestamp() + LEASE
                with suppress(Unavailable):  # it is tried again before the lease ends
                    self._write(lambda ledger: ledger.requests.renew(self._holder, until))  # noqa: B023 - at once


def check_key(key: str) -> str:
    """A key that can be kept: printable ASCII, as the header's standard has it."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise invalid("Idempotency-Key", "it is no key", f"Give 1 to {LONGEST_KEY} ASCII characters, such as a UUID.")
    return key


def digest_of(method: str, target: str, body: bytes) -> str:
    """What tells one request from another."""
    return sha256(b"\n".join([method.encode(), target.encode(), body])).hexdigest()
