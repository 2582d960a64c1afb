"""Tokens: what is minted is read back, and whatever else is shown is none."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmha.access import OWN, Grant
from dmha.errors import InvalidInput
from dmha.server.tokens import LEEWAY, LIFETIME, MOST_TOKEN, Claim, Tokens, parse_secrets

NOW = 1_767_225_600.0
SECRET, OTHER = "q3J-vT8wXz1LmN0pRsU5yBcDeFgHiKo7", "Zk9_wQ2eRt6YuI4oPa8SdFgHjKl3XcVb"
TOKENS = Tokens({"new": SECRET, "old": OTHER})
AYA = Grant("user:aya", "aya", OWN, seal="s")


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a token that is sound, but for these; None leaves one out."""
    sound = {
        "iss": "dmha", "aud": "dmha", "sub": "aya", "cred": "user:aya", "seal": "s", "exp": int(NOW) + 900,
        "iat": int(NOW), "jti": "x",
    }  # fmt: skip
    return {name: value for name, value in (sound | changed).items() if value is not None}


def signed(header: Any, payload: Any, secret: str = SECRET, digest: str = "sha256") -> str:
    """A token with this header and payload, JSON texts as they are, and a signature that is right."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (header, payload)]
    said = b".".join(_base64(part.encode()) for part in parts)
    return (said + b"." + _base64(hmac.digest(secret.encode(), said, digest))).decode()


def _base64(some: bytes) -> bytes:
    return base64.urlsafe_b64encode(some).rstrip(b"=")


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "new"}


# --- minting and reading ---------------------------------------------------------------------------------------------


def test_a_token_says_whose_it_is_and_what_was_shown() -> None:
    """What was minted is read back, with an id of its own and fifteen minutes to live."""
    first, second = (TOKENS.read(TOKENS.mint(AYA, NOW), NOW) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert first == Claim("aya", "user:aya", "s", first.id, int(NOW) + 15 * 60)


def test_the_tests_own_token_is_sound() -> None:
    """What the refusals below change is nothing else than what they name."""
    assert TOKENS.read(signed(HEADER, claims()), NOW) == Claim("aya", "user:aya", "s", "x", int(NOW) + 900)


def test_a_token_holds_every_claim() -> None:
    """Issuer, audience, subject, credential, its seal, expiry, time of issue and id; a kid in the header."""
    text = TOKENS.mint(AYA, NOW)
    assert jwt.get_unverified_header(text) == HEADER
    said = jwt.decode(text, options={"verify_signature": False})
    assert said.keys() == {"iss", "aud", "sub", "cred", "seal", "exp", "iat", "jti"}
    assert (said["iss"], said["aud"], said["exp"] - said["iat"]) == ("dmha", "dmha", LIFETIME)


@pytest.mark.parametrize(("after", "serves"), [(0, True), (899, True), (900 + LEEWAY - 1, True), (900 + LEEWAY, False)])
def test_a_token_ends(after: int, serves: bool) -> None:
    """For its lifetime and the leeway of clocks it serves, and not a second longer."""
    assert (TOKENS.read(TOKENS.mint(AYA, NOW), NOW + after) is not None) is serves


def test_a_token_of_the_future_is_none() -> None:
    """Clocks may differ by the leeway, and not by more."""
    assert TOKENS.read(TOKENS.mint(AYA, NOW + LEEWAY), NOW) is not None
    assert TOKENS.read(TOKENS.mint(AYA, NOW + LEEWAY + 1), NOW) is None


def test_the_longest_name_has_a_token() -> None:
    """256 characters of four bytes each, in the subject and in the credential."""
    name = "🦊" * 256
    text = TOKENS.mint(Grant(f"user:{name}", name, OWN), NOW)
    found = TOKENS.read(text, NOW)
    assert found is not None
    assert (found.user_id, found.credential) == (name, f"user:{name}")
    assert text.isascii()


# --- rotation --------------------------------------------------------------------------------------------------------


def test_the_first_secret_signs_and_all_verify() -> None:
    """A token of the old secret serves while that is listed, and no longer; a new one carries the first one's id."""
    old = Tokens({"old": OTHER}).mint(AYA, NOW)
    assert TOKENS.read(old, NOW) is not None
    assert jwt.get_unverified_header(TOKENS.mint(AYA, NOW))["kid"] == "new"
    assert Tokens({"new": SECRET}).read(old, NOW) is None


def test_one_secret_does_not_stand_for_another() -> None:
    """The id tells which secret has to have signed."""
    assert TOKENS.read(signed(HEADER, claims(), OTHER), NOW) is None
    assert TOKENS.read(signed(HEADER | {"kid": "old"}, claims(), OTHER), NOW) is not None


# --- refusals --------------------------------------------------------------------------------------------------------


def _unsigned(header: str) -> str:
    """A token with this header whose signature is empty."""
    return signed(header, claims()).rpartition(".")[0] + "."


UNSIGNED = signed({"alg": "none", "kid": "new"}, claims())
BAD: dict[str, str] = {
    "alg none": UNSIGNED,
    "alg none, no signature": UNSIGNED.rpartition(".")[0] + ".",
    "alg None": signed(HEADER | {"alg": "None"}, claims()),
    "alg HS384": signed(HEADER | {"alg": "HS384"}, claims(), digest="sha384"),
    "alg HS512": signed(HEADER | {"alg": "HS512"}, claims(), digest="sha512"),
    "alg RS256": signed(HEADER | {"alg": "RS256"}, claims()),
    "alg a list": signed(HEADER | {"alg": ["HS256"]}, claims()),
    "no alg": signed({"kid": "new"}, claims()),
    "no kid": signed({"alg": "HS256"}, claims()),
    "unknown kid": signed(HEADER | {"kid": "other"}, claims()),
    "kid a path": signed(HEADER | {"kid": "../../dev/null"}, claims(), ""),
    "kid a list": signed(HEADER | {"kid": ["new"]}, claims()),
    "kid an object": signed(HEADER | {"kid": {}}, claims()),
    "kid null": signed(HEADER | {"kid": None}, claims()),
    "signed with its kid": signed(HEADER, claims(), "new"),
    "a key it brings": signed(HEADER | {"jwk": {"kty": "oct", "k": "eHh4eA"}}, claims(), "xxxx"),
    "a key from elsewhere": signed(HEADER | {"jku": "https://evil.example/keys", "x5u": "file:///etc"}, claims(), "x"),
    "alg twice, at last none": _unsigned('{"alg": "HS256", "alg": "none", "kid": "new"}'),
    "alg twice, at first none": _unsigned('{"alg": "none", "alg": "HS256", "kid": "new"}'),
    "five parts": signed(HEADER, claims()) + ".AAAA.AAAA",
    "another key": signed(HEADER, claims(), "x" * 32),
    "empty key": signed(HEADER, claims(), ""),
    "a critical extension": signed(HEADER | {"crit": ["exp"], "exp": 1}, claims()),
    "detached payload": signed(HEADER | {"b64": False, "crit": ["b64"]}, claims()),
    "another issuer": signed(HEADER, claims(iss="other")),
    "issuers": signed(HEADER, claims(iss=["dmha"])),
    "another audience": signed(HEADER, claims(aud="other")),
    "audiences": signed(HEADER, claims(aud=["dmha", "other"])),
    "expired": signed(HEADER, claims(exp=int(NOW) - 60)),
    "exp a text": signed(HEADER, claims(exp=str(int(NOW) + 900))),
    "exp a float": signed(HEADER, claims(exp=NOW + 900.5)),
    "exp true": signed(HEADER, claims(exp=True)),
    "exp infinite": signed(HEADER, json.dumps(claims()).replace(str(int(NOW) + 900), "Infinity")),
    "exp 1e999": signed(HEADER, json.dumps(claims()).replace(str(int(NOW) + 900), "1e999")),
    "exp huge": signed(HEADER, json.dumps(claims()).replace(str(int(NOW) + 900), "9" * 5_000)),
    "iat a text": signed(HEADER, claims(iat="now")),
    "subject a number": signed(HEADER, claims(sub=7)),
    "credential a list": signed(HEADER, claims(cred=["user:aya"])),
    "seal a number": signed(HEADER, claims(seal=7)),
    "id a number": signed(HEADER, claims(jti=7)),
    **{f"no {name}": signed(HEADER, claims(**{name: None})) for name in claims()},
    "payload a list": signed(HEADER, "[1]"),
    "payload not JSON": signed(HEADER, "{"),
    "payload deep": signed(HEADER, "[" * 2_000),
    "header a list": signed("[]", claims()),
    "header not JSON": signed("{", claims()),
    "header deep": signed("[" * 2_000, claims()),
    "empty": "",
    "dots": "..",
    "many dots": "." * 1_000,
    "one part": "abc",
    "NUL": "\x00.\x00.\x00",
    "half a surrogate": "\ud800.\ud800.\ud800",
    "not ASCII": "é.é.é",
    "5 MB": "a" * 5_000_000,
    "5 MB of payload": signed(HEADER, claims(more="x" * 5_000_000)),
    "a space before": " " + signed(HEADER, claims()),
    "a line after": signed(HEADER, claims()) + "\n",
    "padded": signed(HEADER, claims()) + "=",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_sound_is_none(name: str) -> None:
    """One answer to all of it: no error, and no hint of what was wrong."""
    assert TOKENS.read(BAD[name], NOW) is None


@given(st.integers(0, 10_000), st.characters(codec="ascii"))
def test_a_token_changed_in_one_place_is_none(place: int, sign: str) -> None:
    """Whatever stands there instead."""
    text = signed(HEADER, claims())
    place %= len(text)
    changed = text[:place] + sign + text[place + 1 :]
    assert changed == text or TOKENS.read(changed, NOW) is None


@given(st.text(max_size=2 * MOST_TOKEN))
def test_any_text_is_read_as_none(text: str) -> None:
    """No text that we did not sign is a token, and none is an error."""
    assert TOKENS.read(text, NOW) is None


# --- the secret ------------------------------------------------------------------------------------------------------


def test_secrets_are_read_in_their_order() -> None:
    """A bare one has the id 1; several each have their own; spaces around them do not matter."""
    assert parse_secrets(SECRET) == {"1": SECRET}
    assert list(parse_secrets(f" new:{SECRET}, old:{OTHER} ,").items()) == [("new", SECRET), ("old", OTHER)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is none"), (" , ", "there is none"), ("secret", "6 characters"), (SECRET[:31], "31 characters"),
        ("a" * 64, "guessed"), ("secret" * 8, "guessed"), ("changeme" * 5, "guessed"), ("change-me-" * 5, "guessed"),
        ("0123456789abcdef" * 2, "guessed"), ("password-secret-default-test-1234", "guessed"), ("ab" * 16, "guessed"),
        (f"a:{SECRET},a:{OTHER}", "twice"), (f"{SECRET},{OTHER}", "twice"), (f"a b:{SECRET}", "an id is"),
        (f":{SECRET}", "an id is"), (f"{'k' * 33}:{SECRET}", "an id is"), ("秘密" * 20, "ASCII"),
        (SECRET[:20] + "\x00" + OTHER, "ASCII"), (f"new:{SECRET},old:short", "5 characters"),
    ],
)  # fmt: skip
def test_a_secret_that_could_be_guessed_is_refused(text: str, reason: str) -> None:
    """The error names the setting, why, and how to make one; it never tells a secret."""
    with pytest.raises(InvalidInput, match=reason) as caught:
        parse_secrets(text)
    assert caught.value.field == "DMHA_SECRET"
    assert "python -c" in caught.value.fix or "kid" in caught.value.fix or "id of its own" in caught.value.fix
    for secret in (SECRET, OTHER):
        assert secret not in str(caught.value)


@given(st.binary(min_size=32, max_size=32))
def test_what_the_fix_makes_is_taken(drawn: bytes) -> None:
    """32 random bytes in base64, and in hexadecimal, are a secret."""
    random = hashlib.sha256(drawn).digest()
    for secret in (base64.urlsafe_b64encode(random).rstrip(b"=").decode(), random.hex()):
        assert parse_secrets(secret) == {"1": secret}
