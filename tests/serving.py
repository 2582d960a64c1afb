"""A service for tests: over a mind with a stand-in embedder, called in process or on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.testclient import TestClient
from stubs import ManualClock, StubEmbedder

import dmha
from dmha.server.app import make_app
from dmha.server.service import Service, make_service
from dmha.settings import Settings

SECRET = "k3Jx9vQm2Zr8Lw5Tn7Yb4Hc6Pd1Fs0Ga"
PLENTY = "1000000/minute"
WORDS = "correct horse battery staple"


def settings(**changed: Any) -> Settings:
    """Settings under which nothing is throttled unless a test says so."""
    given = {"secret": SecretStr(SECRET), "rate": PLENTY, "rate_address": PLENTY, "rate_failures": PLENTY}
    return Settings(**given | {"trusted_hosts": ("testserver",)} | changed)


@contextmanager
def serving(path: Path, clock: ManualClock | None = None, **changed: Any) -> Iterator[tuple[Service, TestClient]]:
    """A service over a file, and a client that is nobody yet."""
    ticking = clock or ManualClock()
    mind = dmha.open(path, embedder=StubEmbedder(), chat="extractive", clock=ticking)
    service = make_service(settings(**changed), mind, ticking)
    with TestClient(make_app(service), raise_server_exceptions=False) as client:
        try:
            yield service, client
        finally:
            service.close()


def key_of(service: Service, user: str, **allowed: Any) -> dict[str, str]:
    """The header of a new key to the user's account, which is made where it is new."""
    if user not in {known.name for known in service.access.users()}:
        service.access.add_user(user)
    text, _ = service.access.create_key(user, **allowed)
    return {"Authorization": f"Bearer {text}"}
