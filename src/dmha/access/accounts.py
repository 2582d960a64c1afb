"""The accounts of one file: its users and their keys, what a credential opens now, and the audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from dmha.access.grants import OWN, Grant
from dmha.access.keys import KEY, digest, new_key, refuse_more
from dmha.access.passwords import COST, Cost, Passwords, check_password, normalised
from dmha.checks import check_name
from dmha.errors import InvalidInput, OutOfBounds
from dmha.protocols import Clock, Ledger, Truth
from dmha.records import Audit, Key, User

OPERATOR = "operator"
"""The actor of what is done at a terminal, by whoever may open the file."""


class Access:
    """The accounts of one file. Safe to use from several threads."""

    def __init__(self, truth: Truth, clock: Clock, cost: Cost = COST) -> None:
        self._truth = truth
        self._clock = clock
        self._passwords = Passwords(cost)

    # -- users -------------------------------------------------------------------------------------------------------

    def add_user(self, name: str, password: str | None = None) -> None:
        """Make an account under this name; without a password, only keys open it."""
        check_name("name", name)
        hashed = None if password is None else self._passwords.hash(check_password(password))

        def unit(ledger: Ledger) -> None:
            _free_name(ledger, name)
            ledger.accounts.add_user(name, hashed, self._now())
            ledger.accounts.audit(self._by_operator(name, "user add"))

        self._truth.write(unit)

    def set_password(self, name: str, password: str | None) -> None:
        """From now on this password opens the account; None: only keys do."""
        hashed = None if password is None else self._passwords.hash(check_password(password))

        def unit(ledger: Ledger) -> None:
            _known_user(ledger, "name", name)
            ledger.accounts.set_password(name, hashed)
            ledger.accounts.audit(self._by_operator(name, "user password"))

        self._truth.write(unit)

    def check_user(self, name: str) -> None:
        """Raise where there is no such user, or the account is closed."""
        with self._truth.read() as ledger:
            _known_user(ledger, "name", name)

    def check_free(self, name: str) -> None:
        """Raise where no account can be made under the name."""
        check_name("name", name)
        with self._truth.read() as ledger:
            _free_name(ledger, name)

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
        text, key = new_key(
            user, label=label, rights=rights, agents=agents, worlds=worlds, acts_for=acts_for, expires_at=expires_at,
            now=self._now(),
        )  # fmt: skip
        if maker is not None:
            refuse_more(key, maker)
        actor = OPERATOR if maker is None else maker.credential

        def unit(ledger: Ledger) -> None:
            _known_user(ledger, "user", user)
            if strangers := sorted(key.acts_for - ledger.accounts.open_users(key.acts_for)):
                _known_user(ledger, "acts_for", strangers[0])
            ledger.accounts.add_key(key, digest(text))
            ledger.accounts.audit(Audit(key.created_at, actor, user, f"key create {key.uid}", ""))

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
        nobodys = self._passwords.nobodys  # made by whoever comes first, so that it tells nothing
        with self._truth.read() as ledger:
            kept = ledger.accounts.password(name)
        if not self._passwords.verify(kept or nobodys, said) or kept is None:
            return None
        if not self._passwords.outdated(kept):
            return self.of_credential(f"user:{name}", _seal(kept))
        renewed = self._passwords.hash(said)
        self._truth.write(lambda ledger: ledger.accounts.renew_password(name, kept, renewed))
        return self.of_credential(f"user:{name}", _seal(renewed))

    def by_key(self, text: str) -> Grant | None:
        """What the key of this text opens; None where it is unknown, revoked, expired or of a closed account."""
        if not KEY.fullmatch(text):
            return None
        return self._grant(lambda ledger: ledger.accounts.opened_by(self._now(), digest=digest(text)))

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
        # Who is limited to companions operates nothing; such keys are no longer made, but there may be some.
        rights = key.rights if key.agents is None else key.rights - {"operate"}
        return Grant(f"key:{key.uid}", key.owner, rights, key.agents, acts_for, key.worlds)

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

    def _now(self) -> float:
        return self._clock().timestamp()


def _seal(kept: str) -> str:
    return digest(kept)[:16]


def _free_name(ledger: Ledger, name: str) -> None:
    known = ledger.accounts.user(name)
    if known is not None:
        closed = "" if known.closed_at is None else ", closed; its memories stay under its name"
        raise InvalidInput("name", f"there is a user {name!r} already{closed}", "Choose another name.")


def _known_user(ledger: Ledger, field: str, name: str) -> User:
    user = ledger.accounts.user(check_name(field, name))
    if user is None:
        raise _no_user(field, name)
    if user.closed_at is not None:
        raise InvalidInput(field, f"the account of {name!r} is closed for good", "Choose another user.")
    return user


def _no_user(field: str, name: str) -> InvalidInput:
    return InvalidInput(field, f"there is no user {name!r}", "Give a name that dmha user list shows.")
