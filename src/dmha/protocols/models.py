"""The models: what embeds, what writes, what judges, what cuts words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dmha.types import WordSource


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors of unit length.

    `embed` gives float32 `[n, dimension]`, rows of length 1; a text's row does not depend on the other texts of the
    call. `id` names the model, its precision and its tokenizer: vectors of different ids are never mixed. An embedder
    that cannot read every script has an attribute `scripts`, a frozenset of script names as
    `dmha.domain.characters.scripts` spells them ("Latin", "Han", "Kana", ...); without that attribute it reads all.
    Raises `Unavailable` when the model cannot be reached or made.
    """

    @property
    def dimension(self) -> int: ...
    @property
    def id(self) -> str: ...

    def embed(self, texts: list[str], /) -> NDArray[np.float32]: ...


@runtime_checkable
class ChatModel(Protocol):
    """Writes replies. `reply` yields pieces of text; `count_tokens` is the measure of every token budget.

    A message is `{"role": "system" | "user" | "assistant", "content": str}`. A model whose replies only ever quote what
    it was given has an attribute `quotes_only` that is true: they are kept, and never brought back as new. One that
    may keep its caller waiting has a method `within(seconds)`: the same model, which gives up when so much time has
    passed. Raises `Unavailable` when the model cannot be reached in time; pieces already yielded stay valid.
    """

    def reply(self, messages: list[dict[str, Any]], /, *, max_tokens: int) -> Iterator[str]: ...

    def count_tokens(self, text: str, /) -> int: ...


class Words(Protocol):
    """Cuts a run of Han characters and kana, folded, into words, each with its reading where it knows one.

    The words together are the run. `name` is what an `Analysis` calls the source of a word; `id` also names the
    dictionary's version: texts that another one cut are cut again. `languages` ("ja", "zh") are those it knows.
    """

    @property
    def name(self) -> WordSource: ...
    @property
    def id(self) -> str: ...
    @property
    def languages(self) -> frozenset[str]: ...

    def cut(self, run: str, /) -> list[tuple[str, str | None]]: ...


@runtime_checkable
class Reranker(Protocol):
    """Judges texts by reading each beside the question; asked of the few best, for it costs a model's run for each.

    `rerank` gives float32 `[n]`, finite, one relevance a text in the order given: higher is better, on any scale that
    is the same for all texts of the call. `id` names the model, for errors and traces. It may have a method `within` as
    a chat model has. Raises `Unavailable` when the model cannot be reached in time or does not judge every text.
    """

    @property
    def id(self) -> str: ...

    def rerank(self, query: str, texts: list[str], /) -> NDArray[np.float32]: ...
