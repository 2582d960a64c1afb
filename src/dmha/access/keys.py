"""Keys as they are made: their text, what is asked of them, and that none may more than its maker."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from dmha.access.grants import RIGHTS, Grant
from dmha.checks import check_choice, check_name, check_names, check_time
from dmha.errors import InvalidInput, OutOfBounds
from dmha.records import Key

# A key's lists are read at every request.
MOST_NAMED = 1_000
KEY = re.compile(r"dmha_[a-z0-9]{8,16}_[A-Za-z0-9_-]{43}")
_UID = string.ascii_lowercase + string.digits


def new_key(
    user: str, *, label: str, rights: Iterable[str], agents: Iterable[str] | None, worlds: Iterable[str],
    acts_for: Iterable[str], expires_at: datetime | None, now: float,
) -> tuple[str, Key]:  # fmt: skip
    """A key's text, drawn now, and what it may; `InvalidInput` where that cannot be."""
    uid = "".join(secrets.choice(_UID) for _ in range(12))
    text = f"dmha_{uid}_{secrets.token_urlsafe(32)}"
    asked = _some("rights", rights)
    for right in asked:
        check_choice("rights", right, RIGHTS)
    key = Key(
        uid=uid,
        owner=check_name("user", user),
        label=label and check_name("label", label),
        rights=frozenset(right for right in RIGHTS if right in asked),
        agents=None if agents is None else _some("agents", agents),
        worlds=_few("worlds", worlds),
        acts_for=_few("acts_for", acts_for) - {user},
        created_at=now,
        expires_at=None if expires_at is None else check_time("expires_at", expires_at).timestamp(),
        revoked_at=None,
    )
    if key.worlds and key.agents is None:
        reason = "without a companion it would limit nothing: the key reaches every world"
        raise InvalidInput("worlds", reason, "Name its companions too (--agent), or leave it out.")
    if key.agents is not None and "operate" in key.rights:
        reason = "beside a companion it would limit nothing: who operates sees and cancels everybody's work"
        raise InvalidInput("rights", reason, "Make two keys, one with operate (--right) and one for the companion.")
    if key.expires_at is not None and key.expires_at <= now:
        raise InvalidInput("expires_at", f"{expires_at} is past", "Give a time to come, or none.")
    return text, key


def refuse_more(key: Key, maker: Grant) -> None:
    """No key may more than its maker; and none is made by a key, since it would outlive that one."""
    if maker.credential.startswith("key:"):
        raise InvalidInput("maker", "a key makes no keys", "Sign in with the password.")
    if key.owner != maker.user_id:
        raise InvalidInput("user", f"{key.owner!r} is another's account", f"Make a key to {maker.user_id!r}.")
    if key.rights - maker.rights:
        raise InvalidInput("rights", "its maker has fewer", f"Give {', '.join(sorted(maker.rights))}.")
    if key.acts_for - maker.acts_for:
        raise InvalidInput("acts_for", "its maker may act for fewer", "Leave it out.")
    if maker.agents is not None and (key.agents is None or key.agents - maker.agents):
        raise InvalidInput("agents", "its maker may not ask all of them", f"Give {', '.join(sorted(maker.agents))}.")
    if maker.agents is not None and key.worlds - maker.worlds:
        raise InvalidInput("worlds", "its maker reaches fewer", f"Give {', '.join(sorted(maker.worlds)) or 'none'}.")


def digest(text: str) -> str:
    """All that is kept of a secret that no dictionary holds."""
    return sha256(text.encode()).hexdigest()


def _some(field: str, names: Iterable[str]) -> frozenset[str]:
    if not (found := _few(field, names)):
        raise InvalidInput(field, "it names none", "Name at least one, or leave it out.")
    return found


def _few(field: str, names: Iterable[str]) -> frozenset[str]:
    found = frozenset(check_names(field, names))
    if len(found) > MOST_NAMED:
        raise OutOfBounds(field, MOST_NAMED, len(found), "Make several keys.")
    return found
