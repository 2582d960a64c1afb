"""Settings: what can be set, what is refused, and the only reader of the environment.

Each setting is an environment variable, or the same name in lower case without the prefix in a TOML file named by
DMHA_CONFIG. What is made of them is for `wiring`. This module brings pydantic: it is imported where settings are read.
"""

from __future__ import annotations

import difflib
import os
import re
import reprlib
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from dmha.errors import InvalidInput
from dmha.values import Host, Networks, Origins, Rate, Seconds, Secret, Text, TrustedHosts, Whole, Zone

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

PREFIX = "DMHA_"
MOST_BYTES = 65_536  # of the file: the whole table of docs/settings.md written out is a tenth of it

_MOST_NAME = 64  # of a name that is none, in the error that says so
_NOT_SETTINGS = {"config", "data", "soak"}  # the file itself, and what tests and benchmarks go by
_WORDS = {
    "string_pattern_mismatch": "it has another shape",
    "int_parsing": "it is no whole number",
    "int_from_float": "it is no whole number",
    "float_parsing": "it is no number",
    "bool_parsing": "it is neither true nor false",
}
_PASSWORD = re.compile(r"(?<=://)[^/@]*@")


class Settings(BaseSettings):
    """What can be set, with its defaults, as a value: only `read_settings` looks at the surroundings.

    docs/settings.md holds the table; a test holds the two together. An example is what an error says to give.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database: Text = Field(
        "companion.db",
        description="The file that is the memory, made where it is new; `:memory:` for one that ends with the process.",
    )
    embedder: Text = Field(
        "minilm",
        description="`minilm`, `gloss` (extra `gloss`), `http://host:port/v1#model` (OpenAI-compatible), or "
        "`sentence-transformers:NAME_OR_FOLDER`.",
    )
    words: Text = Field(
        "",
        description="What cuts words and knows readings beside the rules: `sudachi` (the extra `ja`), `jieba` (the "
        "extra `zh`), or both with a comma. Memories that were counted otherwise are counted again when the file is "
        "opened.",
    )
    chat: Text = Field(
        "extractive",
        description="What writes replies: `extractive` (quotes memories, needs no model), or "
        "`http://host:port/v1#model` (OpenAI-compatible).",
    )
    api_key: Secret = Field(
        SecretStr(""),
        description="Sent to the chat and the embeddings endpoint as a bearer token.",
        examples=["the key as it was shown to you, on one line"],
    )
    reranker: Text = Field(
        "",
        description="A model that orders what was found again: empty (none), `http://host:port/v1#model` (the API of "
        "Cohere and Jina), or a CrossEncoder's folder or name.",
    )
    reranker_key: Secret = Field(
        SecretStr(""),
        description="Sent to the reranker's endpoint, and to no other, as a bearer token.",
        examples=["the key as it was shown to you, on one line"],
    )
    zone: Zone = Field(
        "UTC",
        description="The time zone of a new companion, such as `Asia/Tokyo`: the days and hours that it speaks of. One "
        "that exists keeps the zone that it was first opened with. The terminal reads and shows times in it.",
        examples=["Asia/Tokyo"],
    )
    cache: Text = Field(
        "",
        description="The folder of the embedder's graph (24 MB, made once, safe to delete). Empty is the user's cache "
        "folder: `~/.cache/dmha` on Linux, `~/Library/Caches/dmha` on macOS, `%LOCALAPPDATA%\\dmha\\Cache` on Windows.",
    )
    seed: Whole = Field(
        0,
        description="The seed of everything that is drawn, such as `random()` in a ranking. A service's is its secret.",
        examples=[7],
    )

    secret: Secret = Field(
        SecretStr(""),
        description="What signs tokens: at least 32 characters nobody can guess. Several as `id:secret` with commas, "
        "of which the first signs and all are believed, so that one can take another's place. Empty: one that ends "
        "with the process, on a loopback address alone.",
        examples=['what this prints: python -c "import secrets; print(secrets.token_urlsafe(32))"'],
    )
    host: Host = Field(
        "127.0.0.1", description="The address on which the service listens; `0.0.0.0` is every one of this machine."
    )
    port: Whole = Field(8181, ge=0, le=65_535, description="Its port; `0` takes one that is free.")
    trusted_hosts: TrustedHosts = Field(
        (),
        description="The names by which it may be called, with commas; `*.example.org` is any below it. Empty: the "
        "address on which it listens, or any where that is every one.",
        examples=["memory.example.org"],
    )
    cors: Origins = Field(
        (),
        description="The origins whose pages may call it from a browser, with commas. Empty: none.",
        examples=["https://app.example.org"],
    )
    proxies: Networks = Field(
        (),
        description="The addresses or networks of proxies whose `X-Forwarded-For` is believed, with commas. "
        "Empty: none.",
        examples=["10.0.0.0/8"],
    )
    workers: Whole = Field(8, ge=1, le=256, description="The threads that do what requests ask for.")
    waiting: Whole = Field(
        32, ge=0, le=10_000, description="The requests that may wait for a thread; to one more the answer is 503."
    )
    body_bytes: Whole = Field(1_048_576, ge=1_024, description="The longest body of a request.")
    import_bytes: Whole = Field(67_108_864, ge=1_024, description="The longest body of an import.")
    request_s: Seconds = Field(30, description="The seconds that a request may take.")
    rate: Rate = Field(
        "600/minute", description="The requests of one credential: a number a `second`, `minute`, `hour` or `day`."
    )
    rate_address: Rate = Field(
        "1200/minute", description="The requests from one address, whatever they ask for but how it is."
    )
    rate_failures: Rate = Field(
        "20/minute",
        description="The credentials from one address that may be wrong, and the requests of one for others that are "
        "refused.",
    )
    log: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged: `debug`, `info`, `warning` or `error`."
    )
    log_text: bool = Field(False, description="Whether the words of messages stand in the log.", examples=["true"])
    dev_tokens: bool = Field(
        False,
        description="Whether a bare user name gets a token: for development, on a loopback address alone.",
        examples=["true"],
    )

    def __init__(self, *places: PydanticBaseSettingsSource, **values: Any) -> None:
        """Made of what is given, then of what the places say, the first before the others."""
        super().__init__(_build_sources=((InitSettingsSource(type(self), values), *places), {}))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """For repr and str: nothing secret, nor the password of an address."""
        return ((name, shown(value)) for name, value in super().__repr_args__())


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)


def shown(value: Any) -> Any:
    """A setting's value as it may be printed."""
    if isinstance(value, SecretStr):
        return "***" if value.get_secret_value() else ""
    return _PASSWORD.sub("***@", value) if isinstance(value, str) else value


# --- reading ---------------------------------------------------------------------------------------------------------


class _Place(PydanticBaseSettingsSource):
    """Where settings stand: the environment, or the file. It knows what it gives, and how each is called there."""

    def __init__(self, given: Mapping[str, Any], spell: Callable[[str], str], where: str = "") -> None:
        super().__init__(Settings)
        # Wrapped before anything can fail: neither a traceback's variables nor pydantic-settings' own log shows it.
        self.given = {n: SecretStr(v) if n in SECRETS and isinstance(v, str) else v for n, v in given.items()}
        self._spell, self._where = spell, where
        unknown = given.keys() - Settings.model_fields.keys()
        tables = {name for name, value in given.items() if isinstance(value, dict)}
        if wrong := [self._unknown(name, table=name in tables) for name in sorted(unknown | tables)]:
            raise _together(wrong)

    def _unknown(self, name: str, *, table: bool) -> InvalidInput:
        name = name[:_MOST_NAME]
        if table:
            fix = f"Write what stands under it above all tables, without [{self._spell(name)}]."
            return InvalidInput(self.called(name), "tables are not used here", fix)
        near = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1) or sorted(Settings.model_fields)
        fix = f"Use {', '.join(map(self._spell, near))}."
        return InvalidInput(self.called(name), "there is no such setting", fix)

    def called(self, name: str) -> str:
        return f"{self._spell(name)}{self._where}"

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base's
        return self.given.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self.given


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process: defaults, then the TOML file, then the environment."""
    return trace_settings(environment)[0]


def told_zone(environment: Mapping[str, str] | None = None) -> str | None:
    """The zone that somebody set; None where it is the default."""
    settings, called = trace_settings(environment)
    return settings.zone if "zone" in called else None


def trace_settings(environment: Mapping[str, str] | None = None) -> tuple[Settings, dict[str, str]]:
    """The settings, and what gave each that is not at its default: a variable, or a key of the file."""
    places = _places(os.environ if environment is None else environment)
    called = {name: place.called(name) for place in reversed(places) for name in place.given}
    try:
        return Settings(*places), called
    except ValidationError as error:
        found = error.errors(include_url=False)
    # Raised outside of the handler: the caught error holds the value, which may be secret.
    raise _together([_refused(wrong, called) for wrong in found])


def _places(environment: Mapping[str, str]) -> tuple[_Place, ...]:
    named = {name.removeprefix(PREFIX).swapcase(): name for name in environment if name.startswith(PREFIX)}
    variables = {name: environment[variable] for name, variable in named.items() if name not in _NOT_SETTINGS}
    first = _Place(variables, lambda name: PREFIX + name.swapcase())
    if not (config := environment.get(PREFIX + "CONFIG")):
        return (first,)
    return first, _Place(_from_toml(Path(config)), str, f" in {config}")


def _together(wrong: Sequence[InvalidInput]) -> InvalidInput:
    """The first of what is wrong; its fix goes on with the others, so that they are mended in one go."""
    first, *others = wrong
    return InvalidInput(first.field, first.reason, " ".join([first.fix, *map(str, others)]))


def _refused(wrong: ErrorDetails, called: Mapping[str, str]) -> InvalidInput:
    name = str(wrong["loc"][0])
    field = Settings.model_fields[name]
    if wrong["type"] == "value_error":
        said = str(wrong["ctx"]["error"])
    elif wrong["type"] in _WORDS:
        said = _WORDS[wrong["type"]]
    else:
        said = wrong["msg"].replace("Input should", "it should").replace("Unable", "unable")
    value = "" if name in SECRETS else f"{reprlib.repr(shown(wrong['input']))} cannot be: "
    example = field.examples[0] if field.examples else field.default
    return InvalidInput(called[name], f"{value}{said}", f"Give, for example, {example}.")


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            written = file.read(MOST_BYTES + 1)
        if len(written) <= MOST_BYTES:
            return tomllib.loads(written.decode("utf-8-sig"))
        reason = f"it is longer than {MOST_BYTES} bytes"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    # Raised outside of the handlers: a caught error may hold the file's words, which may be secret.
    raise InvalidInput("DMHA_CONFIG", f"{path} cannot be read: {reason}", "Give a TOML file.")


# --- folders ---------------------------------------------------------------------------------------------------------


def cache_folder(settings: Settings) -> Path:
    """Where made models are kept: one folder for all of a user's databases, so that each stays one file."""
    if settings.cache:
        return Path(settings.cache).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser() / "dmha" / "Cache"
    told, usual = os.environ.get("XDG_CACHE_HOME", ""), "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return Path(told if Path(told).is_absolute() else usual).expanduser() / "dmha"
