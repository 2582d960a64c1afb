"""`dmha user`, `dmha key` and `dmha audit`: who may use the service on this file, and what was done in whose name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dmha.cli import render
from dmha.cli.door import at_terminal, console, show
from dmha.cli.lines import flat
from dmha.cli.options import Db, Json, is_new, moment, named, zone
from dmha.errors import InvalidInput

if TYPE_CHECKING:
    from dmha.access import Access
    from dmha.records import Audit, Key
    from dmha.records import User as Account

user = typer.Typer(no_args_is_help=True, help="Accounts of the service, and their passwords (docs/access.md).")
key = typer.Typer(no_args_is_help=True, help="Keys that programs show instead of a password (docs/access.md).")

Name = Annotated[str, typer.Argument(help="The account's name, which is its user_id.")]
Owner = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only this account's.", show_default="all")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password as a line of stdin.")]
NoPassword = Annotated[bool, typer.Option("--no-password", help="Let only keys open the account.")]


@user.command("add")
def add_user(
    name: Name, password_stdin: FromStdin = False, no_password: NoPassword = False, db: Db = None, as_json: Json = False
) -> None:
    """Make an account. Asks for its password, unless told otherwise."""
    path = named(db, made=True)
    made = str(Path(path).absolute()) if is_new(path) else None
    if made is None:
        with _access(path, made=True) as access:
            access.check_free(name)  # before anything is typed
    password = _password(password_stdin, no_password)
    with _access(path, made=True) as access:
        access.add_user(name, password)
    if made is not None and not as_json:
        typer.echo(f"Made the file {render.shown(made)}, which was not there; --db names another.", err=True)
    told = {"name": name, "by_password": password is not None, "made": made}
    show(f"{render.shown(name)} has an account.", told, as_json)


@user.command("password")
def set_password(
    name: Name, password_stdin: FromStdin = False, no_password: NoPassword = False, db: Db = None, as_json: Json = False
) -> None:
    """Give an account another password, or none."""
    with _access(db) as access:
        access.check_user(name)  # before anything is typed
        password = _password(password_stdin, no_password)
        access.set_password(name, password)
    opens = "Only keys open" if password is None else "The new password opens"
    show(f"{opens} {render.shown(name)}.", {"name": name, "by_password": password is not None}, as_json)


@user.command("close")
def close_user(name: Name, db: Db = None, as_json: Json = False) -> None:
    """Let nothing open an account any more. Its memories stay."""
    with _access(db) as access:
        access.close_user(name)
    show(f"Nothing opens {render.shown(name)} any more.", {"name": name}, as_json)


@user.command("list")
def list_users(db: Db = None, as_json: Json = False) -> None:
    """The accounts by name, closed ones too."""
    with _access(db) as access:
        found = access.users()
    show(_users(found), [_told(one) for one in found], as_json)


@key.command("create")
def create_key(
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Whose account it opens.")],
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for.")] = "",
    right: Annotated[
        list[str] | None,
        typer.Option(
            "--right", metavar="RIGHT", help="read, write or operate. Repeatable.", show_default="read and write"
        ),
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option("--agent", metavar="NAME", help="For this companion alone. Repeatable.", show_default="all"),
    ] = None,
    world: Annotated[
        list[str] | None,
        typer.Option(
            "--world",
            metavar="NAME",
            help="With --agent: a shared world to enter. Repeatable.",
            show_default="their own alone",
        ),
    ] = None,
    acts_for: Annotated[
        list[str] | None, typer.Option("--for", metavar="USER", help="May ask in this account, too. Repeatable.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="ISO", help="Until when.", show_default="no end")
    ] = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once."""
    for option, names in (("--right", right), ("--agent", agent), ("--world", world), ("--for", acts_for)):
        _one_each(option, names or ())
    next_year = f"{datetime.now(UTC).year + 1}-01-01"
    with _access(db) as access:
        text, made = access.create_key(
            user, label=label, rights=right or ("read", "write"), agents=agent or None, worlds=world or (),
            acts_for=acts_for or (), expires_at=moment("--expires", expires, such_as=next_year),
        )  # fmt: skip
    if not as_json:
        typer.echo(text)  # a console would cut it where the terminal ends
    until = "" if made.expires_at is None else f"; it ends on {_when(made.expires_at)} ({zone().key})"
    said = Text.assemble(("Keep it now: it is not shown again. Its id is ", "dim"), made.uid, (until, "dim"))
    show(said, {"key": text} | _told(made), as_json)


@key.command("list")
def list_keys(user: Owner = None, db: Db = None, as_json: Json = False) -> None:
    """The keys in the order in which they were made, those that open nothing any more too."""
    with _access(db) as access:
        found = access.keys(user)
    show(_keys(found, datetime.now(UTC).timestamp()), [_told(one) for one in found], as_json)


@key.command("revoke")
def revoke_key(
    uid: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as the list shows it.")],
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Let a key open nothing any more, from this moment on."""
    with _access(db) as access:
        access.revoke(uid)
    show(f"The key {render.shown(uid)} opens nothing any more.", {"uid": uid}, as_json)


def audit(
    user: Owner = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """What was done in another's name, and what changed who may; the newest first."""
    with _access(db) as access:
        found = access.audits(user, limit=limit)
    show(_audits(found, user), [_told(one) for one in found], as_json)


_OPTIONS = {
    "user": "--user", "label": "--label", "rights": "--right", "agents": "--agent", "worlds": "--world",
    "acts_for": "--for", "expires_at": "--expires",
}  # fmt: skip
"""What the fields of a key are called here."""


def _one_each(option: str, names: Sequence[str]) -> None:
    """Refuse a list as one name: nobody would see that the key is for none of them."""
    for name in names:
        if "," in name:
            fix = " ".join(f"{option} {part.strip()}" for part in name.split(",") if part.strip())
            raise InvalidInput(option, f"{name!r} is several names", f"Give one each: {fix or option + ' NAME'}.")


@contextmanager
def _access(db: str | None, *, made: bool = False) -> Iterator[Access]:
    from dmha.wiring import open_access

    with open_access(named(db, made=made, begin="dmha user add NAME")) as access:
        try:
            yield access
        except InvalidInput as error:
            raise InvalidInput(_OPTIONS.get(error.field, error.field), error.reason, error.fix) from error


def _password(from_stdin: bool, none: bool) -> str | None:
    """The password: a line of stdin, or what is typed twice without an echo."""
    if from_stdin and none:
        raise InvalidInput("--password-stdin", "there is no password to read", "Give one of the two.")
    if none:
        return None
    if from_stdin:
        return _line()
    if not at_terminal():
        raise InvalidInput("password", "there is no terminal to ask at", "Give --password-stdin or --no-password.")
    from dmha.access import LEAST_PASSWORD

    question = f"Password (at least {LEAST_PASSWORD} characters)"
    asked: str = typer.prompt(question, hide_input=True, confirmation_prompt="Once more", err=True)
    return asked


def _line() -> str:
    try:
        return sys.stdin.buffer.readline().decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("password", "it is not UTF-8", "Write it to stdin as UTF-8.") from error


# --- how it looks ----------------------------------------------------------------------------------------------------


def _users(found: list[Account]) -> RenderableType:
    if not found:
        return Text("Nobody has an account. Make one with: dmha user add NAME")
    table = _table("name", "opened by", "since")
    for one in found:
        state = ("closed", "dim") if one.closed_at is not None else ("password" if one.by_password else "keys", "")
        table.add_row(Text(render.shown(one.name), "bold"), Text(*state), _when(one.created_at))
    return table


def _keys(found: list[Key], now: float) -> RenderableType:
    if not found:
        return Text("There is no key. Make one with: dmha key create --user NAME")
    wide = console().width >= _WIDE
    table = _table("", "id", "user", "may", *(("reaches", "also for", "until", "label") if wide else ("what else",)))
    for whole in (1, 6) if wide else (1,):  # an id is copied, and half a date is none
        table.columns[whole].no_wrap = True
    for one in found:
        live = one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
        ends = "" if one.expires_at is None else _when(one.expires_at)
        until = "revoked" if one.revoked_at is not None else ends
        more = [flat(told) for told in (_reach(one), _list(one.acts_for), until, one.label)]
        cells = (
            one.uid,
            render.shown(one.owner),
            " ".join(sorted(one.rights)),
            *(more if wide else [_below_each_other(*more)]),
        )
        mark = Text("✓", render.WELL) if live else Text("✗", "dim")
        table.add_row(mark, *(Text(cell, "" if live else "dim") for cell in cells))
    return table


def _audits(found: list[Audit], user: str | None) -> RenderableType:
    if not found and user is not None:
        return Text(f"Nothing was done for {render.shown(user)} or tried, and who may is as it was.")
    if not found:
        return Text("Nothing was done in another's name, and who may is as it was.")
    table = _table("when", "who", "account", "what")
    table.columns[2].max_width = max(len("account"), console().width - _BESIDE)
    for one in found:
        who, account = Text(render.shown(one.actor), "bold"), Text(render.shown(one.user_id))
        table.add_row(_when(one.at), who, account, _done(one))
    return table


# Columns of the terminal for when it was, a key's id and a whole trace, to be copied as it stands: names take the rest.
_BESIDE = 16 + 2 + 16 + 2 + 2 + 32


def _done(one: Audit) -> Text:
    """What was asked, how it ended, and under it the trace of the request that it was."""
    what = Text(render.shown(one.action))
    if one.trace:
        ended = "let in" if one.status is None else str(one.status or "left")
        style = render.WEAK if one.status is not None and one.status >= 400 else ""
        what = Text.assemble(what, (" → ", "dim"), (ended, style), "\n", (render.shown(one.trace), "dim"))
    return what


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


_WIDE = 100  # columns in which all that is told of a key stands side by side, and names keep room


def _below_each_other(reach: str, acts_for: str, until: str, label: str) -> str:
    """What else is told of a key, a line each, where columns for it would be narrower than its words."""
    told = (("reaches ", reach), ("also for ", acts_for), ("" if until == "revoked" else "until ", until), ("", label))
    return "\n".join(before + said for before, said in told if said)


def _reach(key: Key) -> str:
    """The companions that a key is for, and behind a + the shared worlds."""
    return "all" if key.agents is None else _list(key.agents) + (f" + {_list(key.worlds)}" if key.worlds else "")


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, zone()):%Y-%m-%d %H:%M}"


def _told(record: Any) -> dict[str, Any]:
    """A record as JSON has it: times in ISO 8601, sets as sorted lists."""
    said = {field.name: getattr(record, field.name) for field in fields(record)}
    for name, value in said.items():
        if isinstance(value, frozenset):
            said[name] = sorted(value)
        elif name.split("_")[-1] == "at" and value is not None:
            said[name] = datetime.fromtimestamp(value, UTC)
    return said
