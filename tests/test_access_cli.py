"""`dmha user`, `dmha key`, `dmha audit`: what is typed, what is shown, and what is never shown."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from dmha.cli.app import app
from dmha.server.tokens import parse_secrets
from dmha.wiring import open_access

runner = CliRunner()
WORDS = "correct horse battery"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own, a memory named by the environment, a terminal of 100 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DMHA_DATABASE", str(tmp_path / "life.db"))
    monkeypatch.setenv("COLUMNS", "100")


def run(*typed: str, stdin: str | bytes | None = None) -> Result:
    """What the shell sees of `dmha ...`; anything but a clean exit is a defect."""
    result = runner.invoke(app, typed, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*typed: str, stdin: str | bytes | None = None) -> Any:
    """The JSON that `dmha ... --json` printed."""
    result = run(*typed, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def signs_in(name: str, password: str) -> bool:
    with open_access() as access:
        return access.by_password(name, password) is not None


# --- accounts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [f"{WORDS}\n", f"{WORDS}\r\n", WORDS, f"\ufeff{WORDS}\nmore\n"])
def test_a_password_is_a_line_of_stdin(line: str) -> None:
    """Without its line end, on whichever system it was written."""
    assert run("user", "add", "aya", "--password-stdin", stdin=line.encode()).stdout == "aya has an account.\n"
    assert signs_in("aya", WORDS)


def test_at_a_terminal_it_is_typed_twice_without_an_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that differ are asked for again; stdout holds the answer alone."""
    monkeypatch.setattr("dmha.cli.accounts.at_terminal", lambda: True)
    typed = run("user", "add", "aya", stdin=f"{WORDS}\nanother horse battery\n{WORDS}\n{WORDS}\n")
    assert (typed.exit_code, typed.stdout.strip()) == (0, "aya has an account.")
    assert WORDS not in typed.output
    assert signs_in("aya", WORDS)


def test_a_name_that_is_taken_is_refused_before_anything_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types a password twice for nothing."""
    monkeypatch.setattr("dmha.cli.accounts.at_terminal", lambda: True)
    run("user", "add", "aya", "--no-password")
    refused = run("user", "add", "aya", stdin=f"{WORDS}\n{WORDS}\n")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "there is a user 'aya' already" in refused.stderr
    assert "Password" not in refused.stderr


def test_without_a_terminal_nobody_is_asked() -> None:
    """The error says what to give instead, and nothing is made."""
    refused = run("user", "add", "aya", stdin="")
    assert refused.exit_code == 2
    assert "--password-stdin or --no-password" in refused.stderr
    assert not Path("life.db").exists()


def test_a_password_is_changed_and_taken_away() -> None:
    """From then on the new one opens, then only keys do."""
    run("user", "add", "aya", "--password-stdin", stdin=WORDS)
    assert "new password opens aya" in run("user", "password", "aya", "--password-stdin", stdin=WORDS * 2).stdout
    assert (signs_in("aya", WORDS), signs_in("aya", WORDS * 2)) == (False, True)
    assert "Only keys open aya" in run("user", "password", "aya", "--no-password").stdout
    assert not signs_in("aya", WORDS * 2)


def test_a_new_file_is_told(tmp_path: Path) -> None:
    """Which one was made, once; where nothing may be made, which was looked for, where, and what names another."""
    for typed in (("user", "list"), ("key", "list"), ("audit",), ("user", "password", "aya", "--no-password")):
        refused = run(*typed, "--db", "wrong.db")
        assert (refused.exit_code, refused.stdout) == (2, "")
        for part in ("'wrong.db'", str(tmp_path), "--db", "DMHA_DATABASE", "dmha user add NAME"):
            assert part in refused.stderr
    assert list(tmp_path.iterdir()) == []
    assert f"Made the file {tmp_path / 'new.db'}" in run("user", "add", "aya", "--no-password", "--db", "new.db").stderr
    assert run("user", "add", "kenji", "--no-password", "--db", "new.db").stderr == ""
    assert told("user", "add", "mio", "--no-password", "--db", "new.db")["made"] is None
    assert told("user", "add", "mio", "--no-password")["made"] == str(tmp_path / "life.db")


def test_nobody_types_a_password_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no account, or a closed one, is told before anything is asked; the question says how long it must be."""
    monkeypatch.setattr("dmha.cli.accounts.at_terminal", lambda: True)
    typed = run("user", "add", "aya", stdin=f"{WORDS}\n{WORDS}\n")
    assert "Password (at least 12 characters):" in typed.stderr
    run("user", "close", "aya")
    for name, said in (("nobody", "there is no user"), ("aya", "is closed for good")):
        refused = run("user", "password", name, stdin=f"{WORDS}\n{WORDS}\n")
        assert refused.exit_code == 2
        assert said in refused.stderr
        assert "Password (" not in refused.output


def test_the_list_tells_what_opens_each_account() -> None:
    """By name: a password, keys alone, or nothing any more; JSON has the times, and no hash."""
    assert "Nobody has an account" in run("user", "list", "--db", ":memory:").stdout
    run("user", "add", "kenji", "--no-password")
    run("user", "add", "aya", "--password-stdin", stdin=WORDS)
    run("user", "add", "mio", "--no-password")
    run("user", "close", "mio")
    lines = [line.split()[:2] for line in run("user", "list").stdout.splitlines()]
    assert lines == [["name", "opened"], ["aya", "password"], ["kenji", "keys"], ["mio", "closed"]]
    listed = told("user", "list")
    assert [one["name"] for one in listed] == ["aya", "kenji", "mio"]
    assert all(datetime.fromisoformat(one["created_at"]).tzinfo == UTC for one in listed)
    assert "argon2" not in json.dumps(listed)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_whole_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at a terminal that is narrower than it; the list shows its id, never its text."""
    monkeypatch.setenv("COLUMNS", "40")
    run("user", "add", "aya", "--no-password")
    text = run("key", "create", "--user", "aya").stdout.splitlines()[0]
    assert re.fullmatch(r"dmha_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", text)
    with open_access() as access:
        assert access.by_key(text) is not None
    everything = run("key", "list").stdout + run("key", "list", "--json").stdout + run("audit", "--json").stdout
    assert text.split("_", 2)[1] in everything
    assert text.split("_", 2)[2] not in everything


def test_a_key_is_made_as_it_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Label, rights, companions, accounts and end; a date is that of DMHA_ZONE."""
    monkeypatch.setenv("DMHA_ZONE", "Asia/Tokyo")
    for name in ("service", "aya", "kenji"):
        run("user", "add", name, "--no-password")
    made = told(
        "key", "create", "--user", "service", "--label", "the bot", "--right", "read", "--right", "write", "--agent",
        "relu", "--agent", "tanh", "--world", "plaza", "--for", "kenji", "--for", "aya", "--expires",
        "2999-01-01",
    )  # fmt: skip
    text, since = made.pop("key"), made.pop("created_at")
    assert made == {
        "uid": text.split("_", 2)[1], "owner": "service", "label": "the bot", "rights": ["read", "write"],
        "agents": ["relu", "tanh"], "worlds": ["plaza"], "acts_for": ["aya", "kenji"],
        "expires_at": "2998-12-31T15:00:00+00:00", "revoked_at": None,
    }  # fmt: skip
    assert told("key", "list") == [made | {"created_at": since}]
    shown = run("key", "list").stdout
    assert "2999-01-01 00:00" in shown
    for part in ("✓", "service", "read write", "relu, tanh + plaza", "aya, kenji", "the bot"):
        assert part in shown


def test_a_key_says_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time that names no zone is that of DMHA_ZONE, and the answer says so."""
    monkeypatch.setenv("DMHA_ZONE", "Asia/Tokyo")
    run("user", "add", "aya", "--no-password")
    for given, end in (("2999-01-01T18:00", "2999-01-01 18:00"), ("2999-01-01T18:00Z", "2999-01-02 03:00")):
        made = run("key", "create", "--user", "aya", "--expires", given)
        assert f"it ends on {end} (Asia/Tokyo)" in made.stdout
    assert "it ends" not in run("key", "create", "--user", "aya").stdout


def test_an_end_that_is_suggested_is_to_come() -> None:
    """The example in the error is taken."""
    run("user", "add", "aya", "--no-password")
    refused = run("key", "create", "--user", "aya", "--expires", "tomorrow").stderr
    suggested = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d|\d{4}-\d\d-\d\d", refused)
    assert len(suggested) == 2
    for each in suggested:
        assert run("key", "create", "--user", "aya", "--expires", each).exit_code == 0


def test_a_revoked_key_is_listed_as_one() -> None:
    """It opens nothing any more and stays in the list."""
    assert "There is no key" in run("key", "list", "--db", ":memory:").stdout
    run("user", "add", "aya", "--no-password")
    made = told("key", "create", "--user", "aya")
    assert run("key", "revoke", made["uid"]).stdout == f"The key {made['uid']} opens nothing any more.\n"
    with open_access() as access:
        assert access.by_key(made["key"]) is None
    shown = run("key", "list", "--user", "aya").stdout
    assert "✗" in shown
    assert "revoked" in shown


def test_nobody_s_words_steer_the_terminal() -> None:
    """A name or a label with marks that turn a line round is shown with a sign in their place."""
    run("user", "add", "a\u202eya", "--no-password")
    run("key", "create", "--user", "a\u202eya", "--label", "x\u2066y")
    for shown in (run("user", "list"), run("key", "list"), run("audit")):
        assert "\ufffd" in shown.stdout
        assert not {"\u202e", "\u2066"} & set(shown.stdout)


# --- the audit -------------------------------------------------------------------------------------------------------


def test_the_audit_is_read_from_its_newest_line() -> None:
    """Of all or of one account, so many lines."""
    assert "Nothing was done" in run("audit", "--db", ":memory:").stdout
    run("user", "add", "aya", "--no-password")
    run("user", "add", "kenji", "--no-password")
    uid = told("key", "create", "--user", "aya")["uid"]
    assert [one["action"] for one in told("audit")] == [f"key create {uid}", "user add", "user add"]
    assert [one["user_id"] for one in told("audit", "--user", "kenji")] == ["kenji"]
    assert len(told("audit", "--limit", "1")) == 1
    assert f"operator  aya      key create {uid}" in run("audit").stdout


@pytest.mark.parametrize("columns", ["80", "100", "200"])
def test_a_trace_is_copied_whole(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """However wide the terminal is and long the names are; beside it stands how the request ended."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with open_access() as access:
        for status in (200, 403, 0, None):
            access.audit("key:abcdefghijkl", "1234567890" * 3, "POST /v1/search", trace, status)
    monkeypatch.setenv("COLUMNS", columns)
    shown = run("audit").stdout
    assert shown.count(trace) == 4
    ends = [line.partition("→")[2].strip() for line in shown.splitlines() if "→" in line]
    assert ends == ["let in", "left", "403", "200"]


def test_an_id_is_copied_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a list of 80 columns too."""
    monkeypatch.setenv("COLUMNS", "80")
    run("user", "add", "a-long-name-of-an-account", "--no-password")
    made = told(
        "key", "create", "--user", "a-long-name-of-an-account", "--agent", "one", "--agent", "another", "--world",
        "a-world-of-its-own", "--label", "what it is for", "--expires", "2999-01-01",
    )  # fmt: skip
    shown = run("key", "list").stdout
    assert made["uid"] in shown
    assert "2999-01-01" in shown


def test_a_list_of_keys_breaks_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns what else is told of a key stands in one column, a line each."""
    monkeypatch.setenv("COLUMNS", "80")
    run("user", "add", "discord", "--no-password")
    run("user", "add", "kenji", "--no-password")
    told(
        "key", "create", "--user", "discord", "--agent", "relu", "--agent", "shiori", "--world", "plaza", "--for",
        "kenji", "--label", "the bot that answers on the server of the band", "--expires", "2999-01-01",
    )  # fmt: skip
    shown = run("key", "list").stdout
    assert max(map(len, shown.splitlines())) <= 80
    words = (
        "reaches relu, shiori + plaza also for kenji until 2999-01-01 00:00 the bot that answers on the server of the"
    )
    assert set(words.split()) <= set(shown.split())


def test_a_help_says_what_is_taken_for_granted() -> None:
    """The defaults in brackets are no markup that vanishes."""
    assert "default: (all)" in run("key", "create", "--help").stdout


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stdin", "part"),
    [
        (("user", "list", "--db", "typo.db"), None, "there is no file 'typo.db'"),
        (("user", "password", "nobody", "--no-password"), None, "there is no user 'nobody'"),
        (("user", "close", "nobody"), None, "there is no user 'nobody'"),
        (("user", "add", "aya", "--no-password"), None, "there is a user 'aya' already"),
        (("user", "add", "x", "--password-stdin"), "short", "it has 5 characters"),
        (("user", "add", "x", "--password-stdin"), b"\xff" * 20, "not UTF-8"),
        (("user", "add", "x", "--password-stdin", "--no-password"), WORDS, "Give one of the two"),
        (("key", "create", "--user", "nobody"), None, "there is no user 'nobody'"),
        (("key", "create", "--user", "aya", "--right", "fly"), None, "--right: 'fly' is not one"),
        (("key", "create", "--user", "aya", "--for", "nobody"), None, "--for: there is no user 'nobody'"),
        (("key", "create", "--user", "aya", "--for", "gone"), None, "--for: the account of 'gone' is closed"),
        (("user", "close", "gone"), None, "the account of 'gone' is closed"),
        (("key", "create", "--user", "aya", "--world", "plaza"), None, "(--agent)"),
        (("key", "create", "--user", "aya", "--expires", "soon"), None, "'soon' is no date or time"),
        (("key", "create", "--user", "aya", "--expires", "2020-01-01"), None, "is past"),
        (("key", "create", "--user", "aya", "--agent", "relu, shiori"), None, "--agent relu --agent shiori"),
        (("key", "create", "--user", "aya", "--right", "read,write"), None, "--right read --right write"),
        (("key", "list", "--user", "nobody"), None, "there is no user 'nobody'"),
        (("key", "revoke", "nothing"), None, "there is no key 'nothing'"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_give(
    typed: tuple[str, ...], stdin: str | bytes | None, part: str
) -> None:
    """The caller's mistake is exit status 2, in words and in JSON."""
    for name in ("aya", "gone"):
        run("user", "add", name, "--no-password")
    run("user", "close", "gone")
    result = run(*typed, stdin=stdin)
    assert (result.exit_code, result.stdout) == (2, "")
    assert part in result.stderr
    assert result.stderr.count("\n") == 1
    assert part in json.loads(run(*typed, "--json", stdin=stdin).stderr)["message"]


# --- docs/access.md --------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parent.parent / "docs" / "access.md").read_text(encoding="utf-8")
EXAMPLES = "".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)).split("$ ")[1:]


def words_of(text: str) -> str:
    """The text but for how wide its columns are."""
    return " ".join(text.split())


def test_every_example_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/access.md from its first example to its last, in a fresh folder; `...` is what differs."""
    monkeypatch.delenv("DMHA_DATABASE")
    for example in EXAMPLES:
        line, _, printed = example.partition("\n")
        before, _, command = line.rpartition(" | ")
        result = run(*shlex.split(command)[1:], stdin=shlex.split(before)[1] + "\n" if before else None)
        assert result.exit_code == 0, line
        wanted = ".*".join(re.escape(words_of(part)) for part in printed.split("..."))
        assert re.fullmatch(wanted.replace(".*", " ?.* ?"), words_of(result.output)), f"{line}:\n{result.output}"


@pytest.mark.parametrize("line", sorted(set(re.findall(r"`(dmha [a-z]+ [a-z]+[^`]*)`", PAGE))))
def test_every_command_in_the_prose_is_one(line: str) -> None:
    """Each stands as it is typed."""
    assert run(*shlex.split(line)[1:], "--help").exit_code == 0


def test_secrets_rotate_as_the_page_says() -> None:
    """Its two lines typed in a fresh shell: the new secret signs, the old one is still accepted."""
    (lines,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    python = f'python() {{ "{sys.executable}" "$@"; }}\n'
    typed = subprocess.run(
        ["sh", "-ec", f'{python}{lines}printf %s "$DMHA_SECRET"'], check=True, capture_output=True, text=True
    )
    assert list(parse_secrets(typed.stdout)) == ["2027-01", "2026-07"]


def test_the_page_has_every_option_of_a_key() -> None:
    """The table of docs/access.md names each option of `dmha key create` that is its own, and no other."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has them
    own = {p.opts[0] for p in commands["key"].commands["create"].params} - {"--db", "--json"}
    assert set(re.findall(r"^\| `(--[a-z]+)` \|", PAGE, re.MULTILINE)) == own
