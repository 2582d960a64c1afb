"""Term weights: how much a term says of a text (saturated counts) and of a collection (idf).

Only the BM25 arithmetic and the packed form of counted terms live here. The document's side knows nothing of the
collection: idf belongs to the query alone, so no stored weight goes stale when the collection grows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import overload

import numpy as np
from numpy.typing import NDArray

TERM_DTYPE = np.dtype([("term", "<u8"), ("count", "<u2")])
_MOST_COUNTED = 65_535

# Measured on LoCoMo's five development conversations (recall@10 of the term index alone, turns of 1-60 terms): K1 from
# 0.6 to 1.6 moves it by .003; B = 0 gives .601, 0.2 .605, 0.4 .599, 0.75 .582.
K1 = 0.45
B = 0.1
# Terms of a usual utterance: medians of LoCoMo turns (10), WRIME posts (25) and MemoryBank's Chinese turns (61).
# Fixed for ever: changing one makes every stored weight stale.
REFERENCE_LENGTH = {"en": 10.0, "ja": 25.0, "zh": 60.0, "other": 10.0}
# Documents without the term that every collection is taken to hold besides its own: in a memory of three sentences a
# word that all of them share would otherwise be worth nothing, and the first question would find nobody at home.
PRIOR_DOCUMENTS = 100
MAX_SATURATION = K1 + 1.0  # what a query can earn per unit of idf at most; brings static_bm25() into 0..1


@lru_cache(maxsize=1 << 16)
def term_id(term: str) -> int:
    """The same 64 bits for a term on every machine, for ever: the first bytes of its blake2b."""
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def pack(text_terms: Sequence[str]) -> NDArray[np.void]:
    """The terms with their counts, sorted by id: what is stored of a text and loaded without segmenting again."""
    counts: dict[int, int] = Counter(map(term_id, text_terms))
    if len(text_terms) > _MOST_COUNTED:  # in a shorter text no term can be more than its two bytes tell
        counts = {term: min(count, _MOST_COUNTED) for term, count in counts.items()}
    packed = np.fromiter(counts.items(), TERM_DTYPE, len(counts))
    return packed[packed["term"].argsort()]


def saturated(
    packed: NDArray[np.void], length: NDArray[np.int64] | int, reference_length: NDArray[np.float64] | float
) -> NDArray[np.float32]:
    """Each term's weight in its text, below `MAX_SATURATION`: BM25's tf part with a fixed reference length.

    Terms of several texts come with the length of each one's own text.
    """
    count = packed["count"].astype(np.float64)
    weight: NDArray[np.float64] = count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / reference_length))
    return weight.astype(np.float32)


@overload
def idf(documents: int, frequency: int) -> float: ...
@overload
def idf(documents: int, frequency: NDArray[np.integer]) -> NDArray[np.float64]: ...
def idf(documents: int, frequency: int | NDArray[np.integer]) -> float | NDArray[np.float64]:
    """How rare a term is among `documents` texts when `frequency` of them hold it; above 0 for every term."""
    value = np.log1p((documents - frequency + 0.5) / (np.asarray(frequency) + 0.5))
    return float(value) if isinstance(frequency, int) else value
