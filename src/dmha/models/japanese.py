"""Japanese words and their readings, by SudachiPy with its core dictionary (the extra `ja`)."""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import Any, Literal

from dmha.errors import MissingExtra

_AT_ONCE = 8_000  # characters; Sudachi takes 49,149 bytes


class Sudachi:
    """Cuts into short units (A), so that the parts of a compound are words as they are elsewhere."""

    name: Literal["sudachi"] = "sudachi"
    languages = frozenset({"ja"})

    def __init__(self) -> None:
        try:
            import sudachidict_core  # noqa: F401 - Sudachi finds it by its name
            import sudachipy
        except ImportError as error:
            raise MissingExtra("ja", "the segmenter 'sudachi'") from error
        self._dictionary = sudachipy.Dictionary(dict="core")
        self._per_thread = threading.local()  # a tokenizer must not be shared by threads
        self.id = f"sudachi-{version('sudachidict_core')}"

    def cut(self, run: str, /) -> list[tuple[str, str | None]]:
        """The words of the run, read in katakana."""
        parts = (run[start : start + _AT_ONCE] for start in range(0, len(run), _AT_ONCE))
        return [
            (word.raw_surface(), None if word.is_oov() else word.reading_form() or None)
            for part in parts
            for word in self._tokenizer().tokenize(part)
        ]

    def _tokenizer(self) -> Any:
        made = getattr(self._per_thread, "tokenizer", None)
        if made is None:
            made = self._per_thread.tokenizer = self._dictionary.tokenizer("A", {"surface", "reading_form"})
        return made
