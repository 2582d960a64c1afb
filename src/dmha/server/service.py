"""The parts of a running service, each in its place; nothing here answers a request."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Literal

from dmha.access import OWN, Access, Grant
from dmha.checks import is_name
from dmha.errors import Unavailable
from dmha.jobs import Scheduler
from dmha.mind import Mind
from dmha.protocols import Clock
from dmha.server.cursors import Cursors
from dmha.server.metrics import Metrics
from dmha.server.once import Once
from dmha.server.pool import Pool
from dmha.server.problems import Problem, throttled, unauthorized
from dmha.server.throttle import Throttle, network, parse_rate
from dmha.server.tokens import Tokens, parse_secrets
from dmha.settings import Settings

State = Literal["ready", "degraded", "down"]

_FRESH_S = 1.0  # probes come every few seconds; strangers as often as they like

DEV = "dev:"
"""Begins the credential of a token for a bare name."""


@dataclass(frozen=True)
class Service:
    """What routes reach: the mind, who may, and what keeps many callers from each other's way."""

    settings: Settings
    mind: Mind
    access: Access
    tokens: Tokens
    cursors: Cursors
    throttle: Throttle
    once: Once
    pool: Pool
    scheduler: Scheduler
    metrics: Metrics
    database: Glance
    clock: Clock

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock().timestamp()

    def grant_of(self, credential: str, address: str) -> Grant:
        """What the credential allows now, whatever failed from the same address: nobody guesses a key or a token."""
        return self._found(credential) or self.judged(lambda: None, address)

    def judged(
        self, find: Callable[[], Grant | None], address: str, refused: Callable[[], Problem] = unauthorized
    ) -> Grant:
        """What was found to be allowed; one and the same `Problem` for all that allow nothing."""
        if (wait := self.throttle.barred("failure", network(address))) is not None:
            raise throttled("Too many credentials from this address opened nothing", after=wait)
        grant = find()
        if grant is None:
            self.throttle.allow("failure", network(address))
            raise refused()
        return grant

    def named(self, user_id: str) -> Grant | None:
        """For development alone: what a bare name opens, unless its account was closed."""
        if not self.settings.dev_tokens:
            return None
        if not is_name(user_id):
            return None
        with self.mind.truth.read() as ledger:
            user = ledger.accounts.user(user_id)
        return None if user is not None and user.closed_at is not None else Grant(DEV + user_id, user_id, OWN)

    async def components(self) -> dict[str, State]:
        """How each part is: `degraded` is served, but worse."""
        found: dict[str, State] = {
            "workers": "degraded" if self.pool.full else "ready",
            "jobs": "ready" if self.scheduler.alive else "degraded",
        }
        found["database"] = "ready" if await self.database.seen() else "down"
        return found

    def close(self) -> None:
        """Finish what is under way, in the order in which one needs the other."""
        self.scheduler.close()
        self.pool.close()
        self.once.close()
        self.mind.close()

    def _found(self, credential: str) -> Grant | None:
        if credential.startswith("dmha_"):
            return self.access.by_key(credential)
        claim = self.tokens.read(credential, self.now()) if credential else None
        if claim is None:
            return None
        if claim.credential.startswith(DEV):
            return self.named(claim.user_id)
        return self.access.of_credential(claim.credential, claim.seal)


class Glance:
    """Whether a look succeeds. However many ask, one looks, and what it saw is good for a second."""

    def __init__(self, look: Callable[[], bool], clock: Callable[[], float] = monotonic) -> None:
        self._look = look
        self._clock = clock
        self._lock = asyncio.Lock()
        self._saw, self._until = False, -math.inf

    async def seen(self) -> bool:
        """What the last look saw, or a new one where that is old."""
        async with self._lock:
            if self._clock() >= self._until:
                self._saw = await asyncio.to_thread(self._look)
                self._until = self._clock() + _FRESH_S
            return self._saw


def _reads(mind: Mind) -> bool:
    """Whether the database can be read."""
    try:
        with mind.truth.read() as ledger:
            ledger.feed.head()
    except Unavailable:
        return False
    return True


def make_service(settings: Settings, mind: Mind, clock: Clock | None = None) -> Service:
    """The parts over this mind, which the service closes with itself."""
    secrets, now = parse_secrets(settings.secret.get_secret_value()), clock or _utc_now
    return Service(
        settings=settings,
        mind=mind,
        access=Access(mind.truth, now),
        tokens=Tokens(secrets),
        cursors=Cursors(list(secrets.values())),
        throttle=Throttle({
            "credential": parse_rate("DMHA_RATE", settings.rate),
            "address": parse_rate("DMHA_RATE_ADDRESS", settings.rate_address),
            "failure": parse_rate("DMHA_RATE_FAILURES", settings.rate_failures),
        }),
        once=Once(mind.truth, now),
        pool=Pool(settings.workers, settings.waiting),
        scheduler=mind.scheduler(),
        metrics=Metrics(),
        database=Glance(partial(_reads, mind)),
        clock=now,
    )  # fmt: skip


def _utc_now() -> datetime:
    return datetime.now(UTC)
