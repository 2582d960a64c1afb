"""Serving: what must hold before a port is opened, and how it is closed."""

from __future__ import annotations

import hmac
import logging
import secrets
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import uvicorn
from pydantic import SecretStr

from dmha.errors import InvalidInput, Unavailable
from dmha.server import logs
from dmha.server.app import is_loopback, make_app
from dmha.server.connections import LETS_GO_S, Impatient, Server
from dmha.server.gate import MOST_HEAD
from dmha.server.service import Service, make_service
from dmha.server.tokens import parse_secrets
from dmha.settings import Settings
from dmha.wiring import open_mind

_log = logging.getLogger("dmha.server")

_BACKLOG = 128  # so many are taken in at a time, before one too many can be told so
# Seconds that a thread may keep the others from running Python. Of Python's 5 ms a search pays several for each thread
# that composes a reply meanwhile: of 8 clients its p99 was 256 ms, with 1 ms 181 (benchmarks.service).
_SWITCHED_S = 0.001
_NOBODY = "nobody"
_FIX = 'Set DMHA_SECRET to what this prints: python -c "import secrets; print(secrets.token_urlsafe(32))"'


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what was begun, and return."""
    logs.set_up(settings.log, text=settings.log_text)
    settings = secured(settings)
    _refuse_taken(settings)
    signal.signal(signal.SIGTERM, _end)  # uvicorn has its own while it serves, drains, and then raises the signal anew
    sys.setswitchinterval(_SWITCHED_S)
    service = make_service(settings, open_mind(settings.database, seed=_seed(settings)))
    try:
        with suppress(Unavailable):  # then whoever asks is told
            service.mind.search("ready?", user_id=_NOBODY)  # loads the embedder: no caller waits for it
        _server(service).run()
    finally:
        service.close()


def secured(settings: Settings) -> Settings:
    """The settings with a secret; refused where a stranger could reach what is not protected."""
    near = is_loopback(settings.host)
    if settings.dev_tokens and not near:
        said = f"{settings.host} is no loopback address"
        raise InvalidInput("DMHA_DEV_TOKENS", said, "Bind to 127.0.0.1, or leave it.")
    if settings.dev_tokens:
        _log.warning("DMHA_DEV_TOKENS: whoever sits at this machine gets a token for any name")
    if settings.secret.get_secret_value():
        return settings
    if not near:
        raise InvalidInput("DMHA_SECRET", f"there is none, and {settings.host} is no loopback address", _FIX)
    _log.warning("no DMHA_SECRET: tokens and cursors end with this process")
    return settings.model_copy(update={"secret": SecretStr(secrets.token_urlsafe(32))})


def _seed(settings: Settings) -> int:
    """What chance is drawn from: who knew it could tell from `random()` in a ranking how many memories all have."""
    secret = next(iter(parse_secrets(settings.secret.get_secret_value()).values()))
    return int.from_bytes(hmac.digest(secret.encode(), b"dmha.seed", "sha256"))


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


def _refuse_taken(settings: Settings) -> None:
    """Say in words, before anything is opened, that somebody listens there already."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            said = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}"
            raise InvalidInput("DMHA_PORT", said, "Give another, such as DMHA_PORT=8282, or --port 8282.") from error


def _server(service: Service) -> Server:
    settings = service.settings
    return Server(
        uvicorn.Config(
            make_app(service), host=settings.host, port=settings.port, http=Impatient, ws="none", lifespan="on",
            h11_max_incomplete_event_size=MOST_HEAD, timeout_keep_alive=5, backlog=_BACKLOG,
            timeout_graceful_shutdown=int(settings.request_s) + 1 + LETS_GO_S, log_config=None, access_log=False,
            server_header=False, proxy_headers=bool(settings.proxies), forwarded_allow_ips=list(settings.proxies),
        )
    )  # fmt: skip
