"""The parts of a running service, each in its place; nothing here answers a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dmha.access import Access, Grant
from dmha.jobs import Scheduler
from dmha.mind import Mind
from dmha.server.metrics import Metrics
from dmha.server.once import Once
from dmha.server.pool import Pool
from dmha.server.problems import busy, unauthorized
from dmha.server.throttle import Throttle
from dmha.server.tokens import Tokens
from dmha.settings import Settings


@dataclass(frozen=True)
class Service:
    """What routes reach: the mind, who may, and what keeps many callers from each other's way."""

    settings: Settings
    mind: Mind
    access: Access
    tokens: Tokens
    throttle: Throttle
    once: Once
    pool: Pool
    scheduler: Scheduler
    metrics: Metrics

    def grant_of(self, credential: str, address: str) -> Grant:
        """What the credential allows now."""
        return self.judged(lambda: self._found(credential), address)

    def judged(self, found: Callable[[], Grant | None], address: str) -> Grant:
        """What was found to be allowed; one and the same `Problem` for all that allow nothing."""
        if (wait := self.throttle.failing(address)) is not None:
            raise busy("Too many credentials from this address opened nothing.", status=429, after=wait)
        grant = found()
        if grant is None:
            self.throttle.failed(address)
            raise unauthorized()
        return grant

    def _found(self, credential: str) -> Grant | None:
        if credential.startswith("dmha_"):
            return self.access.by_key(credential)
        named = self.tokens.read(credential) if credential else None
        return None if named is None else self.access.of_credential(named)

    def close(self) -> None:
        """Finish what is under way, in the order in which one needs the other."""
        self.scheduler.close()
        self.pool.close()
        self.once.close()
        self.mind.close()
