"""Wiring: what the settings name is made here, and put together to a mind. The only place that names adapters.

An argument to `open` outweighs the settings.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dmha.checks import check_zone
from dmha.errors import InvalidInput, Unavailable
from dmha.settings import Settings, cache_folder, read_settings, shown

if TYPE_CHECKING:
    from dmha.access import Access
    from dmha.mind import Mind
    from dmha.protocols import ChatModel, Clock, Embedder, Progress, Reranker, Words

_log = logging.getLogger("dmha")


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
            stand_in=make_chat(settings, "extractive"),
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


@contextmanager
def open_access(database: str | os.PathLike[str] | None = None, *, clock: Clock | None = None) -> Iterator[Access]:
    """The accounts of a file (made where it is new), without its mind: no embedder is loaded."""
    from dmha.access import Access
    from dmha.stores.truth import Truth

    path = read_settings().database if database is None else os.fspath(database)
    _refuse_servers(path)
    truth = Truth(path)
    try:
        yield Access(truth, clock or _utc_now)
    finally:
        truth.close()


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
    return OpenAIEmbedder(base_url, model, key=settings.api_key.get_secret_value() or None)


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
    return OpenAIChat(base_url, model, key=settings.api_key.get_secret_value() or None)


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
    return HTTPReranker(base_url, model, key=settings.reranker_key.get_secret_value() or None)


def _endpoint(setting: str, chosen: str, otherwise: str) -> tuple[str, str]:
    base_url, marked, model = chosen.partition("#")
    said = shown(chosen)
    if not base_url.startswith(("http://", "https://")):
        if marked:
            raise InvalidInput(setting, f"the address {said!r} has no http://", f"Give http://{said}.")
        raise InvalidInput(setting, f"there is no {said!r}", f"Use {otherwise}, or http://host:port/v1#model.")
    if not model:
        raise InvalidInput(setting, f"{said!r} names no model", f"Put its name behind it: {shown(base_url)}#model.")
    return base_url, model


def _refuse_servers(path: str) -> None:
    if "://" in path:
        scheme = path.partition("://")[0]
        raise Unavailable("database", f"{scheme} is not served by this version", "Give a path, such as companion.db.")


def _utc_now() -> datetime:
    return datetime.now(UTC)
