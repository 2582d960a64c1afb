"""Settings: where they come from, what is refused, and that importing the package costs little."""

from __future__ import annotations

import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from stubs import StubEmbedder

import dmha
from dmha.errors import InvalidInput, Unavailable
from dmha.models.extractive import Extractive
from dmha.models.openai import OpenAIChat
from dmha.settings import SECRETS, Settings, cache_folder, read_settings, told_zone, trace_settings
from dmha.wiring import make_chat, make_embedder, make_reranker


def test_the_environment_outweighs_the_file_and_the_file_the_defaults(tmp_path: Path) -> None:
    """Each setting has one value, from the most particular place that gives it."""
    config = tmp_path / "dmha.toml"
    config.write_text('zone = "Asia/Tokyo"\nseed = 3\n')
    settings = read_settings({"DMHA_CONFIG": str(config), "DMHA_SEED": "7"})
    assert (settings.zone, settings.seed, settings.embedder) == ("Asia/Tokyo", 7, "minilm")


@pytest.mark.parametrize(
    ("environment", "field"),
    [
        ({"DMHA_SEED": "many"}, "DMHA_SEED"),
        ({"DMHA_ZONE": "Mars/Olympus"}, "DMHA_ZONE"),
        ({"DMHA_ZONE": "../etc/passwd"}, "DMHA_ZONE"),
        ({"DMHA_CONFIG": "/nowhere/dmha.toml"}, "DMHA_CONFIG"),
        ({"DMHA_EMBEDER": "minilm"}, "DMHA_EMBEDER"),
    ],
)
def test_a_wrong_setting_is_named(environment: dict[str, str], field: str) -> None:
    """The error names the variable and what to give."""
    with pytest.raises(InvalidInput) as caught:
        read_settings(environment)
    assert caught.value.field == field


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    """A misspelt setting is not silently ignored."""
    config = tmp_path / "dmha.toml"
    config.write_text('embeder = "minilm"\n')
    with pytest.raises(InvalidInput, match="embeder"):
        read_settings({"DMHA_CONFIG": str(config)})


@pytest.mark.parametrize(
    ("chosen", "part"),
    [
        ("openai", "there is no 'openai'. Use extractive"),
        ("http://host/v1", "names no model. Put its name behind it: http://host/v1#model"),
        ("localhost:9#m", "has no http://. Give http://localhost:9#m"),
    ],
)
def test_an_address_that_is_none_says_what_it_lacks(chosen: str, part: str) -> None:
    """No such name, no model, or no http://: each with what to give."""
    with pytest.raises(InvalidInput, match=re.escape(part)):
        make_chat(Settings(chat=chosen))


def test_a_reranker_without_http_is_taken_for_an_address() -> None:
    """host:port#model asks for no extra: it lacks its http://."""
    with pytest.raises(InvalidInput, match="Give http://localhost:9#m"):
        make_reranker(Settings(reranker="localhost:9#m"))


def test_a_zone_is_told_only_where_it_is_set(tmp_path: Path) -> None:
    """By the environment or the file, UTC too; the default tells nobody's zone."""
    config = tmp_path / "dmha.toml"
    config.write_text('zone = "Asia/Tokyo"\n')
    assert [told_zone(given) for given in ({}, {"DMHA_ZONE": "UTC"}, {"DMHA_CONFIG": str(config)})] == [
        None, "UTC", "Asia/Tokyo",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DMHA_PORT": "65536"}, "DMHA_PORT: '65536' .* less than or equal to 65535.* 8181"),
        ({"DMHA_PORT": "-1"}, "DMHA_PORT: '-1' .* greater than or equal to 0"),
        ({"DMHA_PORT": "abc"}, "DMHA_PORT: 'abc' cannot be: it is no whole number. Give, for example, 8181.$"),
        ({"DMHA_PORT": "9" * 5_000}, "DMHA_PORT: '9+\\.\\.\\.9+' cannot be"),
        ({"DMHA_RATE": "600 a minute"}, "DMHA_RATE: '600 a minute' .* 600/minute"),
        ({"DMHA_RATE_FAILURES": "0/minute"}, "DMHA_RATE_FAILURES: .* 20/minute"),
        ({"DMHA_HOST": ""}, "DMHA_HOST: '' .* 127.0.0.1"),
        ({"DMHA_HOST": "127.0.0.1:8181"}, "DMHA_HOST: "),
        ({"DMHA_LOG": "loud"}, "DMHA_LOG: 'loud' .* 'debug', 'info', 'warning' or 'error'"),
        ({"DMHA_LOG_TEXT": "perhaps"}, "DMHA_LOG_TEXT: 'perhaps' .* true"),
        ({"DMHA_REQUEST_S": "nan"}, "DMHA_REQUEST_S: 'nan'"),
        ({"DMHA_REQUEST_S": "inf"}, "DMHA_REQUEST_S: 'inf'"),
        ({"DMHA_WORKERS": "0"}, "DMHA_WORKERS: '0'"),
        ({"DMHA_CORS": "https://a.example/page"}, "DMHA_CORS: 'https://a.example/page' .* https://app.example.org"),
        ({"DMHA_PROXIES": "10.0.0.1, everywhere"}, "DMHA_PROXIES: 'everywhere' .* 10.0.0.0/8"),
        ({"DMHA_TRUSTED_HOSTS": "http://a.example"}, "DMHA_TRUSTED_HOSTS: 'http://a.example'"),
        ({"DMHA_DATABASE": "a\0b"}, "DMHA_DATABASE: .* control character"),
        ({"DMHA_DATABASE": "\udcff.db"}, "DMHA_DATABASE: .* not UTF-8"),
        ({"DMHA_CHAT": "x" * 9_000}, "DMHA_CHAT: .* 9000 characters"),
        ({"DMHA_CONFIG": "a\0b"}, "DMHA_CONFIG: .* null byte"),
        ({"DMHA_CONFIG": "/dev/zero"}, "DMHA_CONFIG: .* longer than 65536 bytes"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_to_give(environment: dict[str, str], said: str) -> None:
    """The error holds the variable, the value, what is wrong with it, and a right one."""
    with pytest.raises(InvalidInput, match=f"^{said}"):
        read_settings(environment)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"port = [1]", "port in {}: "),
        (b"port = true", "port in {}: True "),
        (b"seed = 1.5", "seed in {}: 1.5 "),
        (b"database = 3", "database in {}: 3 "),
        (b"cors = [1]", "cors in {}: 1 "),
        (b"request_s = true", "request_s in {}: True "),
        (b"zone = 1979-05-27", "zone in {}: "),
        (b"[port]\nnumber = 1", "port in {}: tables are not used here. "),
        (
            b"[server]\nhost = 'a'",
            "server in {}: tables are not used here. Write what stands under it above all tables, ",
        ),
        (b"portt = 1", "portt in {}: there is no such setting. Use port."),
        (b"Port = 1", "Port in {}: there is no such setting. Use port."),
        (b"port = 1\nport = 2", "DMHA_CONFIG: {} cannot be read"),
        (b"a = " + b"[" * 50_000, "DMHA_CONFIG: {} cannot be read: it is nested too deeply"),
        (b"seed = " + b"9" * 5_000, "DMHA_CONFIG: {} cannot be read"),
        (b"#" * 70_000, "DMHA_CONFIG: {} cannot be read: it is longer than 65536 bytes"),
        (b"a\0 = 1", "DMHA_CONFIG: {} cannot be read"),
        (b"zone = '\xff'", "DMHA_CONFIG: {} cannot be read: byte 8 is not UTF-8"),
        ("port = 1".encode("utf-16"), "DMHA_CONFIG: {} cannot be read: byte 0 is not UTF-8"),
    ],
)
def test_what_a_file_cannot_say_is_refused_by_file_and_key(tmp_path: Path, written: bytes, said: str) -> None:
    """The error names the key and the file, or the file alone where it cannot be read."""
    config = tmp_path / "dmha.toml"
    config.write_bytes(written)
    with pytest.raises(InvalidInput, match=f"^{re.escape(said.format(config))}"):
        read_settings({"DMHA_CONFIG": str(config)})


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Of the values, wherever they stand; and of the names in one place."""
    config = tmp_path / "dmha.toml"
    config.write_text('port = "abc"\nrate = "fast"\n')
    with pytest.raises(InvalidInput, match=r"no whole number.* rate in .*: 'fast' .* DMHA_LOG: 'loud'") as caught:
        read_settings({"DMHA_CONFIG": str(config), "DMHA_LOG": "loud"})
    assert caught.value.field == f"port in {config}"
    with pytest.raises(InvalidInput, match=r"DMHA_PROT: .* Use DMHA_PORT. DMHA_RATES: .* Use DMHA_RATE.$"):
        read_settings({"DMHA_PROT": "1", "DMHA_RATES": "1"})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder for the file is told from a file that is not there."""
    with pytest.raises(InvalidInput, match="Is a directory"):
        read_settings({"DMHA_CONFIG": str(tmp_path)})


def test_the_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors that write one are forgiven."""
    config = tmp_path / "dmha.toml"
    config.write_bytes(b"\xef\xbb\xbfport = 90")
    assert read_settings({"DMHA_CONFIG": str(config)}).port == 90


def test_a_list_is_written_with_commas_or_as_a_list(tmp_path: Path) -> None:
    """Both places say the same, each in its own way."""
    config = tmp_path / "dmha.toml"
    config.write_text('cors = ["https://a.example", "http://[::1]:5173"]\nproxies = "::1"\nlog_text = true')
    settings = read_settings({"DMHA_CONFIG": str(config), "DMHA_TRUSTED_HOSTS": " *.a.example , localhost,"})
    assert settings.cors == ("https://a.example", "http://[::1]:5173")
    assert (settings.trusted_hosts, settings.proxies, settings.log_text) == (
        ("*.a.example", "localhost"),
        ("::1",),
        True,
    )


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("DMHA_RATES", "DMHA_RATE"), ("DMHA_database", "DMHA_DATABASE"), ("DMHA_APIKEY", "DMHA_API_KEY")],
)
def test_the_nearest_name_is_suggested(variable: str, meant: str) -> None:
    """A misspelt variable is told with the one that was probably meant."""
    with pytest.raises(InvalidInput, match=f"^{variable}: there is no such setting. Use {meant}.$"):
        read_settings({variable: "1"})


def test_settings_are_frozen() -> None:
    """What was read stays what was read."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_made_directly_they_are_what_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `read_settings` looks at the surroundings."""
    monkeypatch.setenv("DMHA_PORT", "90")
    assert (Settings().port, Settings(port=91).port, read_settings().port) == (8181, 91, 90)


def test_each_setting_knows_what_gave_it(tmp_path: Path) -> None:
    """A variable, a key of the file, or nobody; the environment outweighs the file."""
    config = tmp_path / "dmha.toml"
    config.write_text('zone = "Asia/Tokyo"\nseed = 3\n')
    _, called = trace_settings({"DMHA_CONFIG": str(config), "DMHA_SEED": "7"})
    assert called == {"zone": f"zone in {config}", "seed": "DMHA_SEED"}


# --- what is secret --------------------------------------------------------------------------------------------------

HIDDEN = "hush-hush-hush-hush-hush-hush-hush-hush"


def test_a_key_is_never_printed() -> None:
    """The settings' own representation hides the secret."""
    assert "sk-secret" not in repr(Settings(api_key="sk-secret"))


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_no_way_of_printing_settings_prints_a_secret(name: str) -> None:
    """Neither repr, str, a dictionary of them nor JSON; who asks for the value has it."""
    settings = read_settings({f"DMHA_{name.upper()}": HIDDEN, "DMHA_CHAT": f"http://me:{HIDDEN}@host/v1#m"})
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert HIDDEN not in shown
    assert HIDDEN not in f"{settings.model_dump()[name]}{settings.model_dump(mode='json')[name]}"
    assert getattr(settings, name).get_secret_value() == HIDDEN


@pytest.mark.parametrize(
    ("variables", "file"),
    [
        ({"DMHA_SECRET": f"{HIDDEN}\0"}, ""),
        ({"DMHA_SECRET": HIDDEN, "DMHA_PORT": "x"}, ""),
        ({"DMHA_API_KEY": f"{HIDDEN}\r\n"}, ""),
        ({"DMHA_SECRT": HIDDEN}, ""),
        ({"DMHA_CONFIG": "{}"}, f'secret = ["{HIDDEN}"]'),
        ({"DMHA_CONFIG": "{}"}, f'secret = {{ main = "{HIDDEN}" }}'),
        ({"DMHA_CONFIG": "{}"}, f'secret = "{HIDDEN}\n'),
        ({"DMHA_CONFIG": "{}"}, f'secret = "{HIDDEN}"\nport = "x"'),
        ({"DMHA_CONFIG": "{}"}, f'secret = "{HIDDEN}\udcff"'),
        ({"DMHA_CONFIG": "{}"}, f'secrets = "{HIDDEN}"'),
    ],
)
def test_no_error_about_settings_holds_a_secret(tmp_path: Path, variables: dict[str, str], file: str) -> None:
    """Not the error, not its traceback with all that led to it, not the errors behind it as a program sees them."""
    config = tmp_path / "dmha.toml"
    config.write_bytes(file.encode(errors="surrogateescape"))
    with pytest.raises(InvalidInput) as caught:
        read_settings({name: value.format(config) for name, value in variables.items()})
    seen: BaseException | None = caught.value
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))
    while seen is not None:
        assert HIDDEN not in f"{seen!r}{vars(seen)}"
        seen = seen.__cause__ or seen.__context__


def test_no_log_of_reading_settings_holds_a_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """pydantic-settings can be told to log what its sources give: it was given no plain secret."""
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    with caplog.at_level("DEBUG"):
        read_settings({"DMHA_SECRET": HIDDEN, "DMHA_PORT": "8282"})
    assert "8282" in caplog.text
    assert HIDDEN not in caplog.text


# --- what is made of them --------------------------------------------------------------------------------------------


def test_an_address_that_names_no_model_is_refused_without_its_password() -> None:
    """What the error shows of an address is not its password."""
    with pytest.raises(InvalidInput, match=r"ftp://\*\*\*@host#m") as caught:
        make_chat(Settings(chat=f"ftp://me:{HIDDEN}@host#m"))
    assert HIDDEN not in str(caught.value)


def test_a_chat_model_is_named_by_its_address() -> None:
    """`extractive` needs nothing; an address and a model make an OpenAI-compatible one; anything else is refused."""
    assert isinstance(make_chat(Settings()), Extractive)
    assert isinstance(make_chat(Settings(chat="http://127.0.0.1:1/v1#llama3.1")), OpenAIChat)
    for wrong in ("gpt-4", "http://127.0.0.1:1/v1", "ftp://host#model"):
        with pytest.raises(InvalidInput, match="DMHA_CHAT"):
            make_chat(Settings(chat=wrong))
    with pytest.raises(InvalidInput, match="DMHA_EMBEDDER"):
        make_embedder(Settings(embedder="bge-m3"))


def test_an_object_is_taken_as_it_is() -> None:
    """A caller's own embedder or chat model is used unchanged."""
    embedder = StubEmbedder()
    assert make_embedder(Settings(), embedder) is embedder


def test_a_server_s_address_is_not_taken_for_a_file() -> None:
    """A database URL is refused in words until servers are served."""
    with pytest.raises(Unavailable, match="postgresql"):
        dmha.open("postgresql://localhost/dmha", embedder=StubEmbedder())


def test_a_mind_in_memory_leaves_nothing_behind() -> None:
    """`:memory:` works as a file does and is gone after close."""
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:
        mind.add("bees", user_id="a")
        assert len(mind.search("bees", user_id="a")) == 1
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:
        assert mind.search("bees", user_id="a") == []


def test_an_object_that_is_no_embedder_is_refused_by_name() -> None:
    """What it lacks is said, before anything is opened."""
    with pytest.raises(InvalidInput, match="has no id and no dimension"):
        make_embedder(Settings(), embedder=type("Half", (), {"embed": None})())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: made * np.nan, "not of length 1"),
        (lambda made: made * 3, "not of length 1"),
        (lambda made: made * 0, "not of length 1"),
        (lambda made: made[:, :3], "shape"),
        (lambda made: made[:0], "shape"),
    ],
)
def test_what_an_embedder_gives_is_not_taken_on_trust(spoil: Callable[[Any], Any], said: str) -> None:
    """Vectors of another length or shape are the embedder's fault, and nothing is remembered with them."""

    class Spoilt(StubEmbedder):
        def embed(self, texts: list[str], /) -> Any:
            return spoil(super().embed(texts))

    with dmha.open(":memory:", embedder=Spoilt()) as mind:
        with pytest.raises(Unavailable, match=said):
            mind.add("bees", user_id="a")
        with pytest.raises(Unavailable, match=said):
            mind.search("bees", user_id="a")


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {}, "~/.cache/dmha"),
        ("linux", {"XDG_CACHE_HOME": "/var/kept"}, "/var/kept/dmha"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "~/.cache/dmha"),
        ("darwin", {}, "~/Library/Caches/dmha"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/dmha/Cache"),
        ("win32", {}, "~/AppData/Local/dmha/Cache"),
        ("linux", {"DMHA_CACHE": "~/mine"}, "~/mine"),
    ],
)
def test_made_models_are_kept_where_the_system_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch, system: str, environment: dict[str, str], folder: str
) -> None:
    """The user's cache folder of each system, or the folder that DMHA_CACHE names."""
    monkeypatch.setattr("sys.platform", system)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder(read_settings(environment)) == Path(folder).expanduser()


def test_importing_the_package_brings_nothing_heavy() -> None:
    """`import dmha` alone loads neither NumPy, SQLAlchemy, ONNX Runtime nor rich, nor `dmha --help` pydantic."""
    code = "import sys, dmha; print([m for m in ('numpy', 'sqlalchemy', 'onnxruntime', 'rich') if m in sys.modules])"
    code += "; import dmha.cli.app; assert 'pydantic' not in sys.modules"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
