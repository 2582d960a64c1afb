"""Tokens: a short-lived, signed statement of which credential was shown. What it may is read from the truth each time.

JSON Web Tokens with one algorithm. Whatever is wrong with one, the answer is the same: it is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt

from dmha.access import Grant
from dmha.errors import InvalidInput

if TYPE_CHECKING:
    from jwt.types import Options

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "dmha"
LIFETIME = 15 * 60  # seconds: how long a stolen one serves, where its credential is not revoked before
# Seconds that the clocks of two servers that share a secret may differ.
LEEWAY = 10
# A name of 256 four-byte characters, twice, in base64: 2,900. Proxies take 8 KiB of headers as a rule.
MOST_TOKEN = 4_096
# As many bytes as HS256 makes (RFC 7518, 3.2).
LEAST_SECRET = 32
# Times are compared here: PyJWT would ask the machine's clock for now.
_OPTIONS: Options = {
    "require": ["iss", "aud", "sub", "cred", "seal", "exp", "iat", "jti"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "strict_aud": True,
}
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_GUESSED = ("secret", "password", "changeme", "change-me", "change_me", "default", "example", "dmha", "test", "1234")
_FIX = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'

Secrets = Mapping[str, str]
"""Secrets by their ids, in order: the first signs, all verify."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a token that is sound says: whose it is, and which credential was shown for it."""

    user_id: str
    credential: str
    seal: str
    id: str
    expires_at: int


class Tokens:
    """Mints tokens and reads them back."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = dict(secrets)

    def mint(self, grant: Grant, now: float) -> str:
        """A token for what was granted at `now` (seconds since the epoch); it serves for `LIFETIME`."""
        kid, secret = next(iter(self._secrets.items()))
        at = int(now)
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": grant.user_id, "cred": grant.credential, "seal": grant.seal,
            "exp": at + LIFETIME, "iat": at, "jti": uuid4().hex,
        }  # fmt: skip
        return jwt.encode(claims, secret, ALGORITHM, {"kid": kid}, _Unescaped)

    def read(self, text: str, now: float) -> Claim | None:
        """What the token says; None where it is none of ours, changed, expired, or no token at all."""
        if len(text) > MOST_TOKEN or not _FORM.fullmatch(text):
            return None
        try:
            secret = self._secrets[jwt.get_unverified_header(text)["kid"]]
            claims = jwt.decode(text, secret, [ALGORITHM], _OPTIONS, audience=AUDIENCE, issuer=ISSUER)
        except (jwt.InvalidTokenError, KeyError, RecursionError):
            return None
        return _claim(claims, now)


class _Unescaped(json.JSONEncoder):
    """Writes a name as it is: escaped, one in Japanese would take twice the room."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False})


def _claim(claims: dict[str, Any], now: float) -> Claim | None:
    claim = Claim(claims["sub"], claims["cred"], claims["seal"], claims["jti"], claims["exp"])
    texts, times = (claim.user_id, claim.credential, claim.seal, claim.id), (claim.expires_at, claims["iat"])
    if not all(type(text) is str for text in texts) or not all(type(time) is int for time in times):
        return None
    return claim if claims["iat"] - LEEWAY <= now < claim.expires_at + LEEWAY else None


def parse_secrets(text: str) -> Secrets:
    """Read `DMHA_SECRET`: one secret, or several as `kid:secret` with commas between; the first one signs."""
    found: dict[str, str] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        kid, colon, secret = entry.rpartition(":")
        kid = kid if colon else "1"
        if not _KID.fullmatch(kid):
            raise _refused(f"{len(found) + 1}. entry: an id is 1 to 32 letters, digits, - or _", "Write kid:secret.")
        if kid in found:
            raise _refused(
                f"the id {kid} stands there twice", "Give every secret an id of its own, as in new:...,old:..."
            )
        found[kid] = _strong(kid, secret)
    if not found:
        raise _refused("there is none", _FIX)
    return found


def _strong(kid: str, secret: str) -> str:
    """The secret, unless somebody could guess it; it is never told in an error."""
    if len(secret) < LEAST_SECRET:
        raise _refused(f"the secret {kid} has {len(secret)} characters, not {LEAST_SECRET}", _FIX)
    if not secret.isascii() or not secret.isprintable():
        raise _refused(f"the secret {kid} holds what is not printable ASCII", _FIX)
    left = secret.lower()
    for word in _GUESSED:
        left = left.replace(word, "")
    if len(set(secret)) < 8 or len(left) < LEAST_SECRET // 2 or _repeats(secret):
        raise _refused(f"the secret {kid} can be guessed", _FIX)
    return secret


def _repeats(secret: str) -> bool:
    """Whether it is one piece said twice or more often."""
    return secret in (secret + secret)[1:-1]


def _refused(reason: str, fix: str) -> InvalidInput:
    return InvalidInput("DMHA_SECRET", reason, fix)
