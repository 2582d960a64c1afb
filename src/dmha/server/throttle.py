"""How often a stranger may ask: counters in memory, one an identity and a kind, of bounded number.

Fixed windows, by `limits`: one integer an identity, where a moving window keeps every moment of it. At the border of
two windows twice the rate may pass within one; what these limits are for (guessing, a client gone wild) bears that. Its
own storage is not used: it never forgets who came once, and sweeps all it holds every 10 ms.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from dmha.errors import InvalidInput

Kind = Literal["credential", "address", "failure"]

# Identities of one kind that are counted at a time: 18 MB, and a minute of 1,000 new addresses a second.
MOST_IDENTITIES = 60_000
_FIX = "Give one such as 600/minute."


class Throttle:
    """Counts what is asked and what fails, and says how many seconds to wait. Safe to use from several threads."""

    def __init__(
        self,
        rates: Mapping[Kind, RateLimitItem],
        *,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_IDENTITIES,
    ) -> None:
        self._rates = dict(rates)
        self._clock = clock
        self._limiters = {kind: FixedWindowRateLimiter(Windows(clock, most)) for kind in self._rates}

    def allow(self, kind: Kind, identity: str) -> int | None:
        """Count one more: None where it may pass, else the seconds after which the next one may."""
        passes = self._limiters[kind].hit(self._rates[kind], identity)
        return None if passes else self._left(kind, identity)

    def barred(self, kind: Kind, identity: str) -> int | None:
        """As `allow`, counting nothing: whether one more would pass. Failures are asked for first, counted after."""
        passes = self._limiters[kind].test(self._rates[kind], identity)
        return None if passes else self._left(kind, identity)

    def _left(self, kind: Kind, identity: str) -> int:
        ends = self._limiters[kind].get_window_stats(self._rates[kind], identity).reset_time
        return max(1, math.ceil(ends - self._clock()))


class Windows(Storage):
    """Windows of one length, in the order in which they began and so end; the oldest makes room for a new one."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float], most: int) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._held: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()  # there is no connection that could fail

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        with self._lock:
            now = self._clock()
            while self._held and next(iter(self._held.values()))[1] <= now:
                self._held.popitem(last=False)
            if key not in self._held and len(self._held) >= self._most:
                self._held.popitem(last=False)
            count, ends = self._held.get(key, (0, now + expiry))
            self._held[key] = count + amount, ends
            return count + amount

    def get(self, key: str) -> int:
        count, ends = self._held.get(key, (0, 0.0))
        return count if ends > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        return self._held.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            held = len(self._held)
            self._held.clear()
            return held

    def clear(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)


def parse_rate(setting: str, written: str) -> RateLimitItem:
    """A rate such as 600/minute, or `InvalidInput` naming the setting."""
    try:
        rate = parse(written)
    except ValueError as error:
        raise InvalidInput(setting, f"{written!r} is no rate", _FIX) from error
    if rate.amount < 1 or any(sign in written for sign in ",;|"):
        raise InvalidInput(setting, f"{written!r} is not one rate that lets anything pass", _FIX)
    return rate


def network(address: str) -> str:
    """Who an address stands for: an IPv6 one for its /64, which one customer has, as one has an IPv4 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]  # a test's client, or a socket of this machine
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
