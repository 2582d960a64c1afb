"""Who may: users, their passwords and keys, and what a credential may do as it stands now.

Passwords are kept as Argon2id hashes; a key is 32 random bytes, of which the SHA-256 alone is kept. Nothing here knows
of networks: a door shows a credential and is told what it may.
"""

from __future__ import annotations

import re
import secrets
import string
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, get_args

from dmha.checks import check_choice, check_name, check_names, check_time
from dmha.errors import InvalidInput, MissingExtra, OutOfBounds, Unavailable
from dmha.protocols import Clock, Ledger, Truth
from dmha.records import Audit, Key, Right, User

if TYPE_CHECKING:
    from argon2 import PasswordHasher

RIGHTS: tuple[Right, ...] = get_args(Right)
OWN: frozenset[Right] = frozenset({"read", "write"})
"""What a user's own password opens; whoever holds the file may give a key more."""

# NIST SP 800-63B asks for 8 at the least, and 15 where nothing else is asked for; it wants 64 and more to be taken.
LEAST_PASSWORD, MOST_PASSWORD = 12, 1_024
# A key's lists are read at every request.
MOST_NAMED = 1_000
OPERATOR = "operator"
"""The actor of what is done at a terminal, by whoever may open the file."""


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

_UID = string.ascii_lowercase + string.digits
_KEY = re.compile(r"dmha_[a-z0-9]{8,16}_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential may, now. `agents` None: all companions and all shared worlds; else, of shared worlds, those of
    `worlds`. `acts_for`: the other accounts that it may ask for."""

    credential: str
    user_id: str
    rights: frozenset[Right]
    agents: frozenset[str] | None = None
    acts_for: frozenset[str] = frozenset()
    worlds: frozenset[str] = frozenset()
    seal: str = field(default="", compare=False, repr=False)
    """Which password was shown, as a token tells it: another one, set since, ends the token. Empty for a key."""

    def reaches(self, agent_id: str | None, world: str | None = None) -> bool:
        """Whether it is for that companion, in its own world or the shared one; or (None) for the whole account."""
        return self.agents is None or (agent_id in self.agents and (world is None or world in self.worlds))


class Access:
    """The accounts of one file. Safe to use from several threads."""

    def __init__(self, truth: Truth, clock: Clock, cost: Cost = COST) -> None:
        self._truth = truth
        self._clock = clock
        self._cost = cost
        self._runs = threading.BoundedSemaphore(_RUNS)

    # -- users -------------------------------------------------------------------------------------------------------

    def add_user(self, name: str, password: str | None = None) -> None:
        """Make an account under this name; without a password, only keys open it."""
        check_name("name", name)
        hashed = None if password is None else self._hash(check_password(password))

        def unit(ledger: Ledger) -> None:
            known = ledger.accounts.user(name)
            if known is not None:
                closed = "" if known.closed_at is None else ", closed; its memories stay under its name"
                raise InvalidInput("name", f"there is a user {name!r} already{closed}", "Choose another name.")
            ledger.accounts.add_user(name, hashed, self._now())
            ledger.accounts.audit(self._by_operator(name, "user add"))

        self._truth.write(unit)

    def set_password(self, name: str, password: str | None) -> None:
        """From now on this password opens the account; None: only keys do."""
        hashed = None if password is None else self._hash(check_password(password))

        def unit(ledger: Ledger) -> None:
            _known_user(ledger, "name", name)
            ledger.accounts.set_password(name, hashed)
            ledger.accounts.audit(self._by_operator(name, "user password"))

        self._truth.write(unit)

    def check_user(self, name: str) -> None:
        """Raise where there is no such user, or the account is closed."""
        with self._truth.read() as ledger:
            _known_user(ledger, "name", name)

    def close_user(self, name: str) -> None:
        """From now on nothing opens the account: no password, no key, no token. Its memories stay."""

        def unit(ledger: Ledger) -> None:
            _known_user(ledger, "name", name)
            ledger.accounts.close_user(name, self._now())
            ledger.accounts.audit(self._by_operator(name, "user close"))

        self._truth.write(unit)

    def users(self) -> list[User]:
        """All users by name, closed ones too."""
        with self._truth.read() as ledger:
            return ledger.accounts.users()

    # -- keys --------------------------------------------------------------------------------------------------------

    def create_key(
        self,
        user: str,
        *,
        label: str = "",
        rights: Iterable[str] = ("read", "write"),
        agents: Iterable[str] | None = None,
        worlds: Iterable[str] = (),
        acts_for: Iterable[str] = (),
        expires_at: datetime | None = None,
        maker: Grant | None = None,
    ) -> tuple[str, Key]:
        """A new key to the user's account: its text, which is kept nowhere, and what it may.

        Limited to companions (`agents`), it reaches their own worlds and the shared ones that `worlds` names.
        `maker` is who asks for it: no key may more than the one who makes it. None is whoever holds the file.
        """
        uid = "".join(secrets.choice(_UID) for _ in range(12))
        text = f"dmha_{uid}_{secrets.token_urlsafe(32)}"
        now, asked = self._now(), _some("rights", rights)
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
        if key.expires_at is not None and key.expires_at <= now:
            raise InvalidInput("expires_at", f"{expires_at} is past", "Give a time to come, or none.")
        if maker is not None:
            _refuse_more(key, maker)
        actor = OPERATOR if maker is None else maker.credential

        def unit(ledger: Ledger) -> None:
            _known_user(ledger, "user", user)
            if strangers := sorted(key.acts_for - ledger.accounts.open_users(key.acts_for)):
                _known_user(ledger, "acts_for", strangers[0])
            ledger.accounts.add_key(key, _digest(text))
            ledger.accounts.audit(Audit(now, actor, user, f"key create {uid}", ""))

        self._truth.write(unit)
        return text, key

    def keys(self, user: str | None = None) -> list[Key]:
        """The keys of one user, or of all, in the order in which they were made; those that open nothing too."""
        with self._truth.read() as ledger:
            if user is not None and ledger.accounts.user(check_name("user", user)) is None:
                raise _no_user("user", user)
            return ledger.accounts.keys(user)

    def revoke(self, uid: str) -> None:
        """From now on this key opens nothing, nor does any token made from it."""
        check_name("key", uid)

        def unit(ledger: Ledger) -> None:
            key = ledger.accounts.key(uid)
            if key is None:
                raise InvalidInput("key", f"there is no key {uid!r}", "Give the id that dmha key list shows.")
            ledger.accounts.revoke_key(uid, self._now())
            ledger.accounts.audit(self._by_operator(key.owner, f"key revoke {uid}"))

        self._truth.write(unit)

    # -- credentials -------------------------------------------------------------------------------------------------

    def by_password(self, name: str, password: str) -> Grant | None:
        """What this password opens; None says nothing of why, and takes as long whether there is such a user or not.

        Raises `Unavailable` where too many passwords are being checked at once.
        """
        try:
            check_name("name", name)
            said = normalised(password)
        except (InvalidInput, OutOfBounds):  # neither was ever taken as a name or a password
            return None
        nobodys = self._nobodys  # made by whoever comes first, so that it tells nothing
        with self._truth.read() as ledger:
            kept = ledger.accounts.password(name)
        if not self._verify(kept or nobodys, said) or kept is None:
            return None
        if not self._hasher.check_needs_rehash(kept):
            return self.of_credential(f"user:{name}", _seal(kept))
        renewed = self._hash(said)
        self._truth.write(lambda ledger: ledger.accounts.renew_password(name, kept, renewed))
        return self.of_credential(f"user:{name}", _seal(renewed))

    def by_key(self, text: str) -> Grant | None:
        """What the key of this text opens; None where it is unknown, revoked, expired or of a closed account."""
        if not _KEY.fullmatch(text):
            return None
        return self._grant(lambda ledger: ledger.accounts.opened_by(self._now(), digest=_digest(text)))

    def of_credential(self, credential: str, seal: str | None = None) -> Grant | None:
        """What `user:NAME` or `key:UID`, shown and proven earlier, may now; None where it opens nothing any more.

        `seal` is that of the grant it was then: another password since, and it opens nothing. None does not ask.
        """
        kind, _, named = credential.partition(":")
        if kind == "key":
            return self._grant(lambda ledger: ledger.accounts.opened_by(self._now(), uid=named))
        if kind != "user":
            return None
        with self._truth.read() as ledger:
            kept = ledger.accounts.password(named)
        if kept is None or seal not in (None, _seal(kept)):
            return None
        return Grant(credential, named, OWN, seal=_seal(kept))

    def _grant(self, find: Callable[[Ledger], Key | None]) -> Grant | None:
        with self._truth.read() as ledger:
            key = find(ledger)
            if key is None:
                return None
            acts_for = ledger.accounts.open_users(key.acts_for) if key.acts_for else frozenset()
        return Grant(f"key:{key.uid}", key.owner, key.rights, key.agents, acts_for, key.worlds)

    # -- the audit ---------------------------------------------------------------------------------------------------

    def audit(self, actor: str, user_id: str, action: str, trace: str = "", status: int | None = None) -> int:
        """Keep that this credential does this in that account, or was refused it; returns its number, for `ended`."""
        made = Audit(self._now(), actor, user_id, action, trace, status)
        return self._truth.write(lambda ledger: ledger.accounts.audit(made))

    def ended(self, audit: int, status: int) -> None:
        """Keep how the request was answered that `audit` was kept of."""
        self._truth.write(lambda ledger: ledger.accounts.ended(audit, status))

    def audits(self, user_id: str | None = None, *, limit: int = 100) -> list[Audit]:
        """What was done in another's name, and what changed who may: of one account or of all, the newest first."""
        with self._truth.read() as ledger:
            return ledger.accounts.audits(user_id, limit)

    def _by_operator(self, user_id: str, action: str) -> Audit:
        return Audit(self._now(), OPERATOR, user_id, action, "")

    # -- Argon2 ------------------------------------------------------------------------------------------------------

    @cached_property
    def _hasher(self) -> PasswordHasher:
        try:
            from argon2 import PasswordHasher
        except ImportError as error:
            raise MissingExtra("serve", "a password") from error
        return PasswordHasher(self._cost.passes, self._cost.memory, self._cost.lanes)

    @cached_property
    def _nobodys(self) -> str:
        """The hash of a password that nobody knows: checked in place of one that is not there."""
        return self._hash(secrets.token_urlsafe())

    def _hash(self, password: str) -> str:
        with self._run():
            return self._hasher.hash(password)

    def _verify(self, kept: str, password: str) -> bool:
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

    def _now(self) -> float:
        return self._clock().timestamp()


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


def _seal(kept: str) -> str:
    return _digest(kept)[:16]


def _digest(text: str) -> str:
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


def _refuse_more(key: Key, maker: Grant) -> None:
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


def _known_user(ledger: Ledger, field: str, name: str) -> User:
    user = ledger.accounts.user(check_name(field, name))
    if user is None:
        raise _no_user(field, name)
    if user.closed_at is not None:
        raise InvalidInput(field, f"the account of {name!r} is closed for good", "Choose another user.")
    return user


def _no_user(field: str, name: str) -> InvalidInput:
    return InvalidInput(field, f"there is no user {name!r}", "Give a name that dmha user list shows.")
