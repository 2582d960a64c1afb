"""The vectors of one tenant: exact while they are few, the signs of their numbers when they are many.

384 float32 are 1,536 bytes, their signs 48: a million memories fit where 30,000 did, and comparing signs is one XOR and
a count of bits. The angle between two vectors shows in how many of their signs differ (Charikar 2002), well enough to
choose a thousand of a million, which the truth then ranks exactly. Signs are of the vector as it is: neither centring
(.976) nor a random rotation (.979) finds notably more of the ten nearest among that thousand than .972 (a million
mixtures of MiniLM sentence vectors; docs/benchmarks.md), and both would be one more thing that index and rebuilt index
have to agree on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Similar = Callable[[slice], NDArray[np.float64]]
"""The similarity of a stretch of rows to one vector."""

_WORD = 64


def cosines(vectors: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosines row by row in double precision: a matrix product's last bits depend on how many rows it has."""
    return np.asarray((vectors.astype(np.float64) * vector).sum(axis=1))


class Vectors(Protocol):
    """Rows that are similar to a question; a row without a vector, which is all zero, is similar to nothing."""

    @property
    def nbytes(self) -> int: ...
    def reserve(self, rows: int, /) -> None: ...
    def put(self, first: int, vectors: NDArray[np.float32], /) -> None: ...
    def against(self, vector: NDArray[np.float32], /) -> Similar: ...
    def keep(self, rows: NDArray[np.int64], /) -> None: ...
    def words(self, part: slice, /) -> NDArray[np.uint64]: ...


class Exact:
    """The vectors themselves."""

    def __init__(self, dimension: int) -> None:
        self._held = np.zeros((0, dimension), np.float32)

    @property
    def nbytes(self) -> int:
        return self._held.nbytes

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        made = np.zeros((rows, self._held.shape[1]), np.float32)
        made[: len(self._held)] = self._held
        self._held = made

    def put(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Take these as the rows from `first` on."""
        self._held[first : first + len(vectors)] = vectors

    def against(self, vector: NDArray[np.float32]) -> Similar:
        """Cosines to a vector of unit length."""
        return lambda part: (self._held[part] @ vector).astype(np.float64)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Let all other rows go."""
        self._held = self._held[rows]

    def words(self, part: slice) -> NDArray[np.uint64]:
        """The rows' content as whole numbers, for comparing indexes."""
        return self._held[part].view(np.uint32).astype(np.uint64)

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """The vectors of these rows."""
        return self._held[rows]

    def products(self, start: int, stop: int, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of a stretch of rows to several vectors, a column each; their last bits depend on how many."""
        return self._held[start:stop] @ vectors.T

    def coded(self, count: int) -> Codes:
        """The signs of the first `count` rows."""
        codes = Codes(self._held.shape[1])
        codes.reserve(len(self._held))
        for start in range(0, count, 10_000):
            codes.put(start, self._held[start : min(start + 10_000, count)])
        return codes


class Codes:
    """One bit a number: whether it is above zero."""

    def __init__(self, dimension: int) -> None:
        self._width = -(-dimension // _WORD)
        # What the cosine would be if signs differed as those of random directions do.
        self._cosine = np.cos(np.pi * np.arange(self._width * _WORD + 1) / dimension)
        self._bits = np.zeros((self._width, 0), np.uint64)  # a word of all rows, then the next: scanned in order
        self._embedded = np.zeros(0, np.bool_)

    @property
    def nbytes(self) -> int:
        return self._bits.nbytes + self._embedded.nbytes + self._cosine.nbytes

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        held = len(self._embedded)
        bits, embedded = np.zeros((self._width, rows), np.uint64), np.zeros(rows, np.bool_)
        bits[:, :held], embedded[:held] = self._bits, self._embedded
        self._bits, self._embedded = bits, embedded

    def put(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Take these as the rows from `first` on."""
        wanted = first + len(vectors)
        self._bits[:, first:wanted] = self._signs(vectors).T
        self._embedded[first:wanted] = vectors.any(axis=1)

    def against(self, vector: NDArray[np.float32]) -> Similar:
        """Cosines to a vector, estimated."""
        (asked,) = self._signs(vector[None])

        def similar(part: slice) -> NDArray[np.float64]:
            differing = np.bitwise_count(self._bits[0, part] ^ asked[0]).astype(np.uint16)
            for held, word in zip(self._bits[1:, part], asked[1:], strict=True):
                differing += np.bitwise_count(held ^ word)
            return np.asarray(self._cosine[differing] * self._embedded[part])

        return similar

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Let all other rows go."""
        self._bits, self._embedded = np.ascontiguousarray(self._bits[:, rows]), self._embedded[rows]

    def words(self, part: slice) -> NDArray[np.uint64]:
        """The rows' content as whole numbers, for comparing indexes."""
        return np.column_stack([self._bits[:, part].T, self._embedded[part]]).astype(np.uint64)

    def _signs(self, vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
        packed = np.zeros((len(vectors), self._width * _WORD // 8), np.uint8)
        signs = np.packbits(vectors > 0, axis=1)
        packed[:, : signs.shape[1]] = signs
        return packed.view(np.uint64)
