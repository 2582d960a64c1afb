"""Settings: the only reader of the environment, and the only place that names adapters.

Each setting is an environment variable, or the same name in lower case without the prefix in a TOML file named by
DMHA_CONFIG. An argument to `open` outweighs both.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dmha.checks import check_zone
from dmha.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from dmha.mind import Mind
    from dmha.protocols import ChatModel, Clock, Embedder, Progress, Reranker, Words

_log = logging.getLogger("dmha")

PREFIX = "DMHA_"
_NOT_SETTINGS = {"config", "data", "soak"}
_SECRETS = {"api_key", "reranker_key"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set, with its defaults. docs/settings.md holds the table; a test holds the two together."""

    database: str = "companion.db"
    """The file that is the memory; `:memory:` for one that ends with the process."""
    embedder: str = "minilm"
    """`minilm`, `gloss` (the same, with Japanese and Chinese put into English word by word; extra `gloss`),
    `http(s)://host/v1#model` (OpenAI-compatible), or `sentence-transformers:NAME_OR_FOLDER`."""
    words: str = ""
    """`sudachi` (Japanese), `jieba` (Chinese) or both with a comma: they cut words, and know readings. Empty: rules."""
    chat: str = "extractive"
    """`extractive` (no model), or `http(s)://host/v1#model` (OpenAI-compatible)."""
    api_key: str = ""
    """Sent to the chat and embeddings endpoints as a bearer token."""
    reranker: str = ""
    """Empty (none), `http(s)://host/v1#model` (Cohere's and Jina's API), or a CrossEncoder's directory or name."""
    reranker_key: str = ""
    """Sent to the reranker's endpoint, and nowhere else, as a bearer token."""
    zone: str = "UTC"
    """The zone in which a new companion tells times, such as Asia/Tokyo."""
    cache: str = ""
    """Where the embedder's graph is kept once made; empty is the user's cache folder."""
    seed: int = 0
    """The seed of everything that is drawn."""

    def __repr__(self) -> str:
        shown = (f"{f.name}={'***' if f.name in _SECRETS else getattr(self, f.name)!r}" for f in fields(self))
        return f"Settings({', '.join(shown)})"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process: defaults, then the TOML file, then the environment."""
    return Settings(**_told(environment))


def told_zone(environment: Mapping[str, str] | None = None) -> str | None:
    """The zone that somebody set; None where it is the default."""
    zone: str | None = _told(environment).get("zone")
    return zone


def _told(environment: Mapping[str, str] | None) -> dict[str, Any]:
    """What is set, checked."""
    given = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    if config := given.get(PREFIX + "CONFIG"):
        values |= _from_toml(Path(config))
    names = {field.name for field in fields(Settings)}
    values |= {name: given[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in given}
    unknown = sorted((values.keys() | _named(given)) - names)
    if unknown:
        raise InvalidInput(unknown[0], "there is no such setting", f"Use {', '.join(sorted(names))}.")
    values["seed"] = _whole("DMHA_SEED", values.get("seed", 0))
    check_zone("DMHA_ZONE", values.get("zone", "UTC"))
    return values


def _named(environment: Mapping[str, str]) -> set[str]:
    """The settings that the environment names, misspelt ones too; `_NOT_SETTINGS` belong to tests and benchmarks."""
    return {name.removeprefix(PREFIX).lower() for name in environment if name.startswith(PREFIX)} - _NOT_SETTINGS


def open_mind(
    database: str | os.PathLike[str] | None = None,
    *,
    embedder: str | Embedder | None = None,
    chat: str | ChatModel | None = None,
    words: str | Sequence[Words] | None = None,
    reranker: str | Reranker | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
    zone: str | None = None,
    progress: Progress | None = None,
) -> Mind:
    """Open a mind on a file (made where it is new). What is not given comes from the settings.

    Vectors that another embedder made are made again before this returns, and words counted again that other `words`
    counted; `progress` sees how far.
    """
    from dmha.index.local import LocalIndex
    from dmha.mind import Mind
    from dmha.stores.truth import Truth

    settings = read_settings()
    path = settings.database if database is None else os.fspath(database)
    _refuse_servers(path)
    embeds = make_embedder(settings, embedder)
    chats = make_chat(settings, chat)
    cutters = make_words(settings, words)
    reranks = make_reranker(settings, reranker)
    truth = Truth(path)
    try:
        dimension = truth.adopt_embedder(embeds)
        mind = Mind(
            truth,
            LocalIndex(truth.feed, dimension),
            embeds,
            chats,
            clock or _utc_now,
            seed=settings.seed if seed is None else seed,
            zone=settings.zone if zone is None else check_zone("zone", zone),
            cutters=cutters,
            reranker=reranks,
        )
        _count_what_waits(mind, *([progress] if progress else []))
        _embed_what_waits(mind, *([progress] if progress else []))
    except BaseException:
        truth.close()
        raise
    return mind


def _embed_what_waits(mind: Mind, *progress: Progress) -> None:
    try:
        mind.reembed(*progress)
    except Unavailable as error:
        if error.component != "database":
            raise
        _log.warning("some memories have no vector of this embedder yet, and words alone find them: %s", error)


def _count_what_waits(mind: Mind, *progress: Progress) -> None:
    try:
        mind.recount(*progress)
    except Unavailable as error:
        _log.warning("some memories are found by the words that were counted before: %s", error)


def restore_file(
    backup: str | os.PathLike[str],
    database: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
) -> Path | None:
    """Make the database what the backup holds; returns where the file before is kept, None where there was none.

    Refused while anybody has the database open. Broken off at any moment, the database is what it was before.
    """
    from dmha.stores.backup import restore

    path = read_settings().database if database is None else os.fspath(database)
    _refuse_servers(path)
    return restore(Path(backup), Path(path).expanduser(), *([progress] if progress else []))


def make_embedder(settings: Settings, embedder: str | Embedder | None = None) -> Embedder:
    """The embedder of that name or setting; an object is taken as it is."""
    chosen = settings.embedder if embedder is None else embedder
    if not isinstance(chosen, str):
        lacking = [name for name in ("id", "dimension", "embed") if not hasattr(chosen, name)]
        if lacking:
            said = f"a {type(chosen).__name__} has no {' and no '.join(lacking)}"
            raise InvalidInput("embedder", said, "Give a name, or an object with `id`, `dimension` and `embed`.")
        return chosen
    if chosen == "minilm":
        from dmha.models.minilm import MiniLM

        return MiniLM(cache_folder(settings))
    if chosen == "gloss":
        from dmha.models.gloss.glossed import Glossed
        from dmha.models.minilm import MiniLM

        return Glossed(MiniLM(cache_folder(settings)))
    if chosen.startswith("sentence-transformers:"):
        from dmha.models.sentence_transformers import SentenceTransformersEmbedder

        return SentenceTransformersEmbedder(chosen.removeprefix("sentence-transformers:"))
    from dmha.models.openai import OpenAIEmbedder

    base_url, model = _endpoint("DMHA_EMBEDDER", chosen, "minilm, gloss or sentence-transformers:NAME")
    return OpenAIEmbedder(base_url, model, key=settings.api_key or None)


def make_chat(settings: Settings, chat: str | ChatModel | None = None) -> ChatModel:
    """The chat model of that name or setting; an object is taken as it is."""
    chosen = settings.chat if chat is None else chat
    if not isinstance(chosen, str):
        return chosen
    if chosen == "extractive":
        from dmha.models.extractive import Extractive

        return Extractive()
    from dmha.models.openai import OpenAIChat

    base_url, model = _endpoint("DMHA_CHAT", chosen, "extractive")
    return OpenAIChat(base_url, model, key=settings.api_key or None)


def make_words(settings: Settings, words: str | Sequence[Words] | None = None) -> Sequence[Words]:
    """The cutters of words of those names or setting; objects are taken as they are."""
    chosen = settings.words if words is None else words
    if not isinstance(chosen, str):
        return chosen
    made: list[Words] = []
    for name in filter(None, map(str.strip, chosen.split(","))):
        if name == "sudachi":
            from dmha.models.japanese import Sudachi

            made.append(Sudachi())
        elif name == "jieba":
            from dmha.models.chinese import Jieba

            made.append(Jieba())
        else:
            raise InvalidInput("DMHA_WORDS", f"{name!r} names no segmenter", "Use sudachi, jieba or both with a comma.")
    return made


def make_reranker(settings: Settings, reranker: str | Reranker | None = None) -> Reranker | None:
    """The reranker of that name or setting, None where it is empty; an object is taken as it is."""
    chosen = settings.reranker if reranker is None else reranker
    if not isinstance(chosen, str):
        return chosen
    if not chosen:
        return None
    if "://" not in chosen and ("#" not in chosen or Path(chosen).exists()):
        from dmha.models.cross_encoder import CrossEncoderReranker

        return CrossEncoderReranker(chosen)
    from dmha.models.reranker import HTTPReranker

    base_url, model = _endpoint("DMHA_RERANKER", chosen, "a CrossEncoder's directory or name")
    return HTTPReranker(base_url, model, key=settings.reranker_key or None)


def cache_folder(settings: Settings) -> Path:
    """Where made models are kept: one folder for all of a user's databases, so that each stays one file."""
    if settings.cache:
        return Path(settings.cache).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("dmha", appauthor=False)


def _whole(field: str, value: str | int) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise InvalidInput(field, f"{value!r} is not a whole number", "Give one such as 7.") from error


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput("DMHA_CONFIG", f"{path} cannot be read: {error}", "Give a TOML file.") from error


def _endpoint(setting: str, chosen: str, otherwise: str) -> tuple[str, str]:
    base_url, marked, model = chosen.partition("#")
    if not base_url.startswith(("http://", "https://")):
        if marked:
            raise InvalidInput(setting, f"the address {chosen!r} has no http://", f"Give http://{chosen}.")
        raise InvalidInput(setting, f"there is no {chosen!r}", f"Use {otherwise}, or http://host:port/v1#model.")
    if not model:
        raise InvalidInput(setting, f"{chosen!r} names no model", f"Put its name behind it: {base_url}#model.")
    return base_url, model


def _refuse_servers(path: str) -> None:
    if "://" in path:
        scheme = path.partition("://")[0]
        raise Unavailable("database", f"{scheme} is not served by this version", "Give a path, such as companion.db.")


def _utc_now() -> datetime:
    return datetime.now(UTC)
