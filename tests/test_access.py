"""Who may: accounts, passwords, keys, what a credential grants now, and the audit of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from stubs import ManualClock

import dmha.access.passwords
from dmha.access import COST, MOST_NAMED, MOST_PASSWORD, OWN, Access, Cost, Grant, check_password, normalised
from dmha.errors import InvalidInput, OutOfBounds, Unavailable
from dmha.stores.truth import Truth

CHEAP = Cost(8, 1, 1)
WORDS = "correct horse battery"
PLAZA = frozenset({"plaza"})


@pytest.fixture
def truth(database: Path) -> Iterator[Truth]:
    opened = Truth(str(database))
    yield opened
    opened.close()


@pytest.fixture
def access(truth: Truth, clock: ManualClock) -> Access:
    return Access(truth, clock, CHEAP)


def grant(access: Access, credential: str) -> Grant:
    found = access.of_credential(credential)
    assert found is not None
    return found


# --- users -----------------------------------------------------------------------------------------------------------


def test_a_password_opens_its_own_account(access: Access) -> None:
    """Read and write, every companion, nobody else's account."""
    access.add_user("aya", WORDS)
    assert access.by_password("aya", WORDS) == Grant("user:aya", "aya", frozenset({"read", "write"}), None, frozenset())


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("aya", "wrong horse battery"), ("aya", WORDS.upper()), ("aya", ""), ("aya", WORDS[:-1]), ("kenji", WORDS),
        ("nobody", WORDS), ("Aya", WORDS), ("gone", WORDS), ("", WORDS), ("a\x00b", WORDS), ("\ud800", WORDS),
        ("aya", "\ud800" * 12), ("user:aya", WORDS),
        pytest.param("aya", "x" * 5_000_000, id="a password of 5 MB"),
        pytest.param("x" * 5_000_000, WORDS, id="a name of 5 MB"),
        ("aya' OR '1'='1", WORDS), ("aya", WORDS + "\x00"),
    ],
)  # fmt: skip
def test_what_opens_nothing_is_none(access: Access, name: str, password: str) -> None:
    """A wrong password, nobody's name, a closed account, one without a password, and what is no name or password."""
    access.add_user("aya", WORDS)
    access.add_user("kenji")
    access.add_user("gone", WORDS)
    access.close_user("gone")
    assert access.by_password(name, password) is None


def test_an_unknown_name_costs_what_a_known_one_does(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of Argon2 with the same parameters, whether there is such a user, one without a password, or none."""
    access.add_user("aya", WORDS)
    access.add_user("kenji")
    access.by_password("aya", WORDS)
    runs: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hash: str, password: str) -> bool:
        runs.append(hash.rpartition("$")[0].rpartition("$")[0])
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for name in ("aya", "kenji", "nobody"):
        access.by_password(name, "wrong horse battery")
    assert runs == ["$argon2id$v=19$m=8,t=1,p=1"] * 3


def test_passwords_are_kept_as_owasp_asks(truth: Truth, clock: ManualClock) -> None:
    """Argon2id with at least 19 MiB, two passes and one lane, unless a test says otherwise."""
    access = Access(truth, clock)
    access.add_user("aya", WORDS)
    with truth.read() as ledger:
        kept = ledger.accounts.password("aya")
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert COST == (19_456, 2, 1)


def test_a_hash_of_old_parameters_is_renewed_by_the_next_sign_in(truth: Truth, clock: ManualClock) -> None:
    """Signing in under another cost keeps the same password under the new one; a wrong password renews nothing."""

    def kept() -> str:
        with truth.read() as ledger:
            return ledger.accounts.password("aya") or ""

    Access(truth, clock, CHEAP).add_user("aya", WORDS)
    dearer = Access(truth, clock, Cost(16, 2, 1))
    assert dearer.by_password("aya", "wrong horse battery") is None
    assert "m=8,t=1" in kept()
    assert dearer.by_password("aya", WORDS) is not None
    assert "m=16,t=2" in kept()
    renewed = kept()
    assert dearer.by_password("aya", WORDS) is not None
    assert kept() == renewed


def test_a_renewed_hash_does_not_undo_a_new_password(access: Access, truth: Truth) -> None:
    """What was set between the check and the renewal stands."""
    access.add_user("aya", WORDS)
    truth.write(lambda ledger: ledger.accounts.renew_password("aya", "what it was before", "its renewal"))
    assert access.by_password("aya", WORDS) is not None


def test_a_password_is_set_anew_or_taken_away(access: Access) -> None:
    """The old one opens nothing from then on; without one, neither does what was shown before."""
    access.add_user("aya", WORDS)
    access.set_password("aya", "another horse battery")
    assert access.by_password("aya", WORDS) is None
    assert access.by_password("aya", "another horse battery") is not None
    access.set_password("aya", None)
    assert access.by_password("aya", "another horse battery") is None
    assert access.of_credential("user:aya") is None


def test_another_password_ends_what_was_shown_before(access: Access) -> None:
    """A grant by the old password is none any more, even where the same one is set again; nor is one without a seal."""
    access.add_user("aya", WORDS)
    shown = access.by_password("aya", WORDS)
    assert shown is not None
    assert access.of_credential(shown.credential, shown.seal) == shown
    access.set_password("aya", WORDS)
    assert access.of_credential(shown.credential, shown.seal) is None
    assert access.of_credential(shown.credential, "") is None
    again = access.by_password("aya", WORDS)
    assert again is not None
    assert access.of_credential(again.credential, again.seal) == again


def test_a_password_changed_while_it_is_checked_opens_nothing(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever shows the old one in that moment gets nothing that the new one would keep open."""
    access.add_user("aya", WORDS)
    verify = PasswordHasher.verify

    def meanwhile(self: PasswordHasher, hash: str, password: str) -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(PasswordHasher, "verify", verify)
            access.set_password("aya", "another horse battery")
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", meanwhile)
    assert access.by_password("aya", WORDS) is None


def test_nothing_opens_a_closed_account(access: Access) -> None:
    """Its password, its keys and what was made of them open nothing; its name is never given to another."""
    access.add_user("aya", WORDS)
    text, key = access.create_key("aya")
    access.close_user("aya")
    shown = (access.by_password("aya", WORDS), access.by_key(text))
    assert (*shown, access.of_credential("user:aya"), access.of_credential(f"key:{key.uid}")) == (None,) * 4
    with pytest.raises(InvalidInput, match="closed"):
        access.add_user("aya", WORDS)
    for change in (lambda: access.set_password("aya", WORDS), lambda: access.create_key("aya")):
        with pytest.raises(InvalidInput, match="closed"):
            change()
    assert [(one.name, one.by_password, one.closed_at is None) for one in access.users()] == [("aya", False, False)]


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "\ud800", "x" * 257])
def test_a_name_is_one_line(access: Access, name: str) -> None:
    """A name that cannot be one is refused, naming the field."""
    with pytest.raises((InvalidInput, OutOfBounds)) as caught:
        access.add_user(name, WORDS)
    assert vars(caught.value)["field"] == "name"


@pytest.mark.parametrize("name", ["綾", "🦊", "O'Brien; DROP TABLE users", "../../etc", "user:key:x", "a b"])
def test_a_name_may_be_any_writing(access: Access, name: str) -> None:
    """Whatever one line holds is a name, and signs in."""
    access.add_user(name, WORDS)
    signed_in = access.by_password(name, WORDS)
    assert signed_in is not None
    assert grant(access, signed_in.credential).user_id == name


def test_a_name_is_given_once(access: Access) -> None:
    """A second user of the same name is refused and changes nothing."""
    access.add_user("aya", WORDS)
    with pytest.raises(InvalidInput, match="already"):
        access.add_user("aya", "another horse battery")
    assert access.by_password("aya", WORDS) is not None


@pytest.mark.parametrize(
    "password", ["", "elevenchars", "é" * 11, "e\u0301" * 11, "x" * (MOST_PASSWORD + 1), "\ud800" * 12]
)
def test_a_password_out_of_bounds_is_refused(access: Access, password: str) -> None:
    """Fewer than twelve characters as they are read, more than 1,024, and half characters are refused; none is told."""
    with pytest.raises((InvalidInput, OutOfBounds)) as caught:
        access.add_user("aya", password)
    assert vars(caught.value)["field"] == "password"
    assert not password or password not in str(caught.value)
    assert access.users() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ｃｏｒｒｅｃｔ　ｈｏｒｓｅ", "correct horse"), ("cafe\u0301 au lait!", "caf\u00e9 au lait!"),
        ("ﾊﾟｽﾜｰﾄﾞをわすれないで", "パスワードをわすれないで"),
    ],
)  # fmt: skip
def test_a_keyboard_s_width_and_composition_do_not_matter(access: Access, typed: str, kept: str) -> None:
    """Full-width, half-width and decomposed characters are the password that their usual forms are."""
    access.add_user("aya", kept)
    assert access.by_password("aya", typed) is not None
    assert access.by_password("aya", kept.upper() + "!") is None


@given(st.text(max_size=40))
def test_any_text_is_a_password_or_a_clear_refusal(text: str) -> None:
    """What is taken is taken the same the second time."""
    try:
        said = check_password(text)
    except InvalidInput:
        return
    assert check_password(said) == said == normalised(said)


def test_passwords_wait_for_their_turn_and_not_for_ever(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """While as many as may are being checked, the next one is told to come again."""
    access.add_user("aya", WORDS)
    access.by_password("aya", WORDS)
    monkeypatch.setattr(dmha.access.passwords, "_PATIENCE", 0.01)
    entered, leave = threading.Semaphore(0), threading.Event()
    verify = PasswordHasher.verify

    def slow(self: PasswordHasher, hash: str, password: str) -> bool:
        entered.release()
        leave.wait(30)
        return verify(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", slow)
    done: list[Grant | None] = []
    busy = [threading.Thread(target=lambda: done.append(access.by_password("aya", WORDS))) for _ in range(2)]
    for thread in busy:
        thread.start()
    for _ in busy:
        assert entered.acquire(timeout=30)
    with pytest.raises(Unavailable, match="password"):
        access.by_password("aya", WORDS)
    leave.set()
    for thread in busy:
        thread.join()
    assert [one is not None for one in done] == [True, True]


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_opens_what_it_was_made_for(access: Access) -> None:
    """Its rights, its companions, the accounts that it acts for; by its text as by its id."""
    access.add_user("service")
    access.add_user("aya")
    text, key = access.create_key(
        "service", label="bot", rights=["read"], agents=["relu"], worlds=PLAZA, acts_for=["aya"]
    )
    wanted = Grant(f"key:{key.uid}", "service", frozenset({"read"}), frozenset({"relu"}), frozenset({"aya"}), PLAZA)
    assert access.by_key(text) == access.of_credential(f"key:{key.uid}") == wanted
    assert access.keys("service") == access.keys() == [key]
    assert access.keys("aya") == []


def test_of_a_key_only_the_digest_is_kept(access: Access, truth: Truth, database: Path) -> None:
    """Neither the text nor its secret half stands in any byte of the file, nor does a password."""
    access.add_user("aya", WORDS)
    text, _ = access.create_key("aya")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    written = b"".join(file.read_bytes() for file in database.parent.iterdir())
    assert text.rpartition("_")[2].encode() not in written
    assert WORDS.encode() not in written
    assert access.by_key(text) is not None


def test_two_keys_share_nothing(access: Access) -> None:
    """Ids and secrets are drawn anew for each, in the form that is documented."""
    access.add_user("aya")
    texts = [access.create_key("aya")[0] for _ in range(20)]
    assert len({text.split("_", 2)[1] for text in texts}) == len({text.split("_", 2)[2] for text in texts}) == 20
    assert {len(text.split("_", 2)[2]) for text in texts} == {43}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1], lambda text: text + "A", lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.upper(), lambda text: text + "\n", lambda text: " " + text,
        lambda text: text.removeprefix("dmha_"), lambda _: "", lambda _: "dmha_", lambda _: "\x00" * 60,
        lambda _: "\ud800" * 60, lambda _: "dmha_" + "a" * 5_000_000, lambda text: text.replace("dmha", "ｄｍｈａ"),
        lambda _: "dmha_aaaaaaaaaaaa_" + "é" * 43,
    ],
)  # fmt: skip
def test_what_is_nearly_a_key_is_none(access: Access, change: Any) -> None:
    """Cut, lengthened, changed in one place, in other letters, or of any other form."""
    access.add_user("aya")
    text, _ = access.create_key("aya")
    assert access.by_key(change(text)) is None


def test_a_key_ends_when_it_was_told_to(access: Access, clock: ManualClock) -> None:
    """Until the moment it names it opens, from then on it does not."""
    access.add_user("aya")
    text, key = access.create_key("aya", expires_at=clock() + timedelta(hours=1))
    clock.forward(minutes=59, seconds=59)
    assert access.by_key(text) is not None
    clock.forward(seconds=1)
    assert (access.by_key(text), access.of_credential(f"key:{key.uid}")) == (None, None)


def test_a_revoked_key_opens_nothing_at_once(access: Access) -> None:
    """Neither by its text nor for a token made earlier; the others go on."""
    access.add_user("aya")
    (gone, key), (text, _) = access.create_key("aya"), access.create_key("aya")
    access.revoke(key.uid)
    access.revoke(key.uid)
    assert (access.by_key(gone), access.of_credential(f"key:{key.uid}")) == (None, None)
    assert access.by_key(text) is not None
    with pytest.raises(InvalidInput, match="no key"):
        access.revoke("nothing")


def test_a_key_acts_for_nobody_whose_account_is_closed(access: Access) -> None:
    """Closing an account closes it to the keys of others, too."""
    access.add_user("service")
    for name in ("aya", "kenji"):
        access.add_user(name)
    text, _ = access.create_key("service", acts_for=["aya", "kenji"])
    access.close_user("aya")
    found = access.by_key(text)
    assert found is not None
    assert found.acts_for == {"kenji"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"rights": []}, "rights"), ({"rights": ["admin"]}, "rights"), ({"rights": "read"}, "rights"),
        ({"rights": ["read", "operate"], "agents": ["relu"]}, "rights"),
        ({"worlds": ["plaza"]}, "worlds"), ({"agents": ["relu"], "worlds": ["a\nb"]}, "worlds"),
        ({"agents": ["relu"], "worlds": "plaza"}, "worlds"),
        ({"agents": []}, "agents"), ({"agents": "relu"}, "agents"), ({"agents": ["a\nb"]}, "agents"),
        ({"acts_for": ["stranger"]}, "acts_for"), ({"acts_for": ["gone"]}, "acts_for"),
        ({"acts_for": "aya"}, "acts_for"), ({"acts_for": map(str, range(MOST_NAMED + 1))}, "acts_for"),
        ({"label": "a\x00"}, "label"), ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "expires_at"),
        ({"expires_at": datetime(2027, 1, 1)}, "expires_at"),  # noqa: DTZ001 - without a zone is the point
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_right_is_refused(access: Access, given: dict[str, Any], field: str) -> None:
    """The error names what was wrong, and no key is made."""
    for name in ("aya", "gone"):
        access.add_user(name)
    access.close_user("gone")
    with pytest.raises((InvalidInput, OutOfBounds)) as caught:
        access.create_key("aya", **given)
    assert vars(caught.value)["field"] == field
    assert access.keys() == []
    with pytest.raises(InvalidInput, match="no user"):
        access.create_key("nobody")


MAKER = Grant("user:aya", "aya", OWN, frozenset({"relu"}), frozenset({"kenji"}), PLAZA)


@pytest.mark.parametrize(
    ("user", "given", "field"),
    [
        ("kenji", {"agents": ["relu"]}, "user"), ("aya", {"agents": ["relu"], "rights": ["operate"]}, "rights"),
        ("aya", {}, "agents"), ("aya", {"agents": ["relu", "tanh"]}, "agents"),
        ("aya", {"agents": ["relu"], "acts_for": ["mio"]}, "acts_for"),
        ("aya", {"agents": ["relu"], "worlds": ["park"]}, "worlds"),
        ("aya", {"agents": ["relu"], "worlds": ["plaza", "park"]}, "worlds"),
    ],
)  # fmt: skip
def test_a_key_never_may_more_than_its_maker(access: Access, user: str, given: dict[str, Any], field: str) -> None:
    """Another's account, a further right, another companion or account is refused; what the maker has is given."""
    for name in ("aya", "kenji", "mio"):
        access.add_user(name)
    with pytest.raises(InvalidInput) as caught:
        access.create_key(user, maker=MAKER, **given)
    assert caught.value.field == field
    text, _ = access.create_key(
        "aya", rights=["read"], agents=["relu"], acts_for=["kenji"], worlds=["plaza"], maker=MAKER
    )
    assert access.by_key(text) is not None
    assert access.audits("aya")[0].actor == "user:aya"


def test_a_key_makes_no_keys(access: Access) -> None:
    """Whatever it may, since what it made would outlive it."""
    access.add_user("aya")
    text, _ = access.create_key("aya", rights=["read", "write", "operate"])
    with pytest.raises(InvalidInput, match="a key makes no keys"):
        access.create_key("aya", rights=["read"], maker=access.by_key(text))


@pytest.mark.parametrize(
    "credential", ["", "aya", "user:", "key:", "user:nobody", "key:nothing", "dev:aya", "USER:aya"]
)
def test_a_credential_that_names_nothing_opens_nothing(access: Access, credential: str) -> None:
    """Only a user with a password and a key that opens are credentials."""
    access.add_user("aya", WORDS)
    assert access.of_credential(credential) is None


# --- what a grant may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("agent", "reached"), [("relu", True), ("tanh", False), (None, False)])
def test_a_grant_reaches_the_companions_that_it_names_and_no_more(agent: str | None, reached: bool) -> None:
    """Not the account as a whole either."""
    limited = Grant("key:x", "service", frozenset({"read"}), frozenset({"relu"}))
    assert limited.reaches(agent) is reached


@pytest.mark.parametrize(
    ("agent", "world", "reached"),
    [("relu", "plaza", True), ("relu", "park", False), ("tanh", "plaza", False), (None, "plaza", False)],
)
def test_a_grant_reaches_the_shared_worlds_that_it_names(agent: str | None, world: str, reached: bool) -> None:
    """With a companion of its own; one that names none reaches none."""
    limited = Grant("key:x", "service", OWN, frozenset({"relu"}), worlds=frozenset({"plaza"}))
    assert limited.reaches(agent, world) is reached
    assert not Grant("key:x", "service", OWN, frozenset({"relu"})).reaches(agent, world)


def test_a_grant_without_a_list_reaches_every_companion() -> None:
    """And every shared world, and the account as a whole."""
    whole = Grant("user:aya", "aya", OWN)
    assert whole.reaches("anyone")
    assert whole.reaches("anyone", "plaza")
    assert whole.reaches(None)


# --- the audit -------------------------------------------------------------------------------------------------------


def test_the_audit_tells_what_was_done_newest_first(access: Access, clock: ManualClock) -> None:
    """Of one account or of all, with who did it and the request's trace; at most as many as were asked for."""
    access.add_user("aya", WORDS)
    access.add_user("service")
    clock.forward(seconds=5)
    _, key = access.create_key("service", acts_for=["aya"])
    access.audit(f"key:{key.uid}", "aya", "POST /v1/search", "4bf92f3577b34da6a3ce929d0e0e4736")
    told = [(one.actor, one.action) for one in access.audits("aya")]
    assert told == [(f"key:{key.uid}", "POST /v1/search"), ("operator", "user add")]
    everything = access.audits()
    assert [one.user_id for one in everything] == ["aya", "service", "service", "aya"]
    assert everything[0].at == clock().timestamp()
    assert everything[0].trace == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert access.audits(limit=1) == everything[:1]


def test_what_is_refused_leaves_no_trace(access: Access) -> None:
    """A change and its audit are one: neither stands without the other."""
    access.add_user("aya")
    with pytest.raises(InvalidInput):
        access.add_user("aya")
    with pytest.raises(InvalidInput):
        access.create_key("aya", acts_for=["stranger"])
    assert [one.action for one in access.audits()] == ["user add"]


def test_accounts_survive_the_process(access: Access, truth: Truth, database: Path, clock: ManualClock) -> None:
    """Another opening of the file knows the users, the keys and the audit."""
    access.add_user("aya", WORDS)
    text, _ = access.create_key("aya", agents=["relu"], expires_at=clock() + timedelta(days=1))
    told = access.users(), access.keys(), access.audits(), access.by_key(text)
    truth.close()
    again = Truth(str(database))
    try:
        other = Access(again, clock, CHEAP)
        assert (other.users(), other.keys(), other.audits(), other.by_key(text)) == told
        assert other.by_password("aya", WORDS) is not None
    finally:
        again.close()
