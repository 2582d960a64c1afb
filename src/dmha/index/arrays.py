"""One tenant's memories as columns: times, speakers, who has to be present, vectors, words, and where each was said.

A row is never overwritten: a new version of a memory is a new row and the old one dies. When a quarter are dead, the
living move together, in place: loading a million again would take as long as the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dmha.domain.terms import REFERENCE_LENGTH, saturated, term_id
from dmha.errors import Unavailable
from dmha.index.evidence import ALL, Words, find
from dmha.index.lookup import Lookup
from dmha.index.nearest import Nearest
from dmha.index.pairs import Pairs, Read
from dmha.index.postings import Postings
from dmha.index.talk import Talk, branching
from dmha.index.vectors import Codes, Exact, Vectors
from dmha.records import Reach, Rows

# From here on vectors are kept as codes. 50,000 exact products take 3 ms, as scanning so many codes and reading 400
# vectors does; beyond, codes win, and they take a thirtieth of the memory.
CODES_FROM = 50_000

# Rows looked at in one go: a float column of so many stays in a processor's second cache.
BLOCK = 1 << 14

Mask = Callable[[slice], NDArray[np.bool_]]
"""Which of a stretch of rows may come back."""

_OBJECTS = 8_192  # what Python keeps of a tenant around the columns, the question's lock included
_MOST_DEAD = 0.25
_COLUMNS = ("_memory_ids", "_versions", "_at", "_speaker_ids", "_private_to", "_alive", "_shares")


class TenantArrays:
    """The columns of one tenant, grown by half."""

    def __init__(
        self, dimension: int, expected: int = 0, rows: Iterable[Rows] = (), *, codes_from: int = CODES_FROM
    ) -> None:
        self._dimension = dimension
        self._codes_from = codes_from
        self.count = 0
        self.dead = 0
        self._memory_ids = np.empty(0, np.int64)
        self._versions = np.empty(0, np.int64)
        self._at = np.empty(0, np.float64)
        self._speaker_ids = np.empty(0, np.int64)
        self._private_to = np.empty(0, np.int64)
        self._alive = np.empty(0, np.bool_)
        self._shares = np.empty(0, np.float32)  # lengths in usual utterances
        self._talk = Talk()
        self._lookup = Lookup()
        self._postings = Postings()
        self._nearest = Nearest()
        self._vectors: Vectors = (Exact if expected < codes_from else Codes)(dimension)
        self._reserve(expected)
        self._load(rows)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        columns: Iterator[int] = (getattr(self, name).nbytes for name in _COLUMNS)
        parts = (self._lookup, self._postings, self._vectors, self._talk, self._nearest)
        return _OBJECTS + sum(columns) + sum(part.nbytes for part in parts)

    @property
    def living(self) -> int:
        """How many memories are held."""
        return self.count - self.dead

    @property
    def coded(self) -> bool:
        """Whether similarities are estimates."""
        return isinstance(self._vectors, Codes)

    @property
    def memory_ids(self) -> NDArray[np.int64]:
        return self._memory_ids[: self.count]

    @property
    def at(self) -> NDArray[np.float64]:
        return self._at[: self.count]

    @property
    def shares(self) -> NDArray[np.float32]:
        """How long each memory is, in usual utterances of its language."""
        return self._shares[: self.count]

    def neighbours(self, heard: NDArray[np.bool_] | None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The rows of the turn before and of the turn after each row, among the heard; -1 where there is none."""
        return self._talk.neighbours(self._lookup, self.memory_ids, heard)

    def put(self, rows: Rows) -> None:
        """Take memories as the truth has them now; a version older than the one held changes nothing."""
        held = self._lookup.rows(rows.memory_ids)
        newest = dict(zip(self._memory_ids[held].tolist(), self._versions[held].tolist(), strict=True))
        given = zip(rows.memory_ids.tolist(), rows.versions.tolist(), strict=True)
        fresh = np.array([newest.get(memory_id, 0) <= version for memory_id, version in given], np.bool_)
        if not fresh.all():
            rows = _only(rows, fresh)
        self.drop(rows.memory_ids)
        self._postings.add(*self._append(rows))

    def drop(self, memory_ids: Sequence[int] | NDArray[np.int64]) -> None:
        """Let memories go; unknown ones are gone already."""
        rows = self._lookup.pop(memory_ids)
        self._alive[rows] = False
        self._talk.drop(rows, self.memory_ids)
        self._nearest.drop(rows)
        self.dead += len(rows)
        if self.dead > _MOST_DEAD * self.count:
            self._compact()

    def find(self, memory_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each of these memories, -1 where it is not held."""
        return self._lookup.find(memory_ids)

    def audible(self, reach: Reach) -> NDArray[np.bool_] | None:
        """The rows that may be listened to, whatever may come back: alive, heard by who is present; None: all."""
        private = self._private_to[: self.count] >= 0
        if not self.dead and not reach.exclude and not private.any():
            return None
        heard = ~private
        for speaker_id in reach.present:
            heard |= self._private_to[: self.count] == speaker_id
        heard &= self._alive[: self.count]
        heard[self._lookup.rows(reach.exclude)] = False
        return heard

    def visible(self, reach: Reach) -> Mask:
        """Which rows may come back: alive, and within reach as far as these columns tell."""
        open_ = self._alive[: self.count]
        if reach.exclude:
            open_ = open_.copy()
            open_[self._lookup.rows(reach.exclude)] = False

        def mask(part: slice) -> NDArray[np.bool_]:
            heard = self._private_to[part] < 0
            for speaker_id in reach.present:
                heard |= self._private_to[part] == speaker_id
            heard &= open_[part]
            if reach.since is not None:
                heard &= self._at[part] >= reach.since
            if reach.until is not None:
                heard &= self._at[part] < reach.until
            if reach.speaker_id is not None:
                heard &= self._speaker_ids[part] == reach.speaker_id
            return heard

        return mask

    def vectors(self, memory_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of these memories while they are exact; all zero where there is none."""
        if not isinstance(self._vectors, Exact):
            raise TypeError("only the signs of their numbers are held")
        rows = self._lookup.find(memory_ids)
        found = self._vectors.of(rows)
        found[rows < 0] = 0.0
        return found

    def nearest(self, memory_ids: Sequence[int], read: Read, rescored: int, *, keep: bool) -> list[Mapping[int, float]]:
        """The nearest of each memory with their cosines, best first. `keep`: what is `read` is as new as the rows are.

        Where vectors are coded, the `rescored` best of a stretch by their estimates are compared exactly.
        """
        rows = self._lookup.find(memory_ids)
        living = [row for row in rows.tolist() if row >= 0]
        pairs = Pairs(self._vectors, self.memory_ids, self._alive)
        compare = partial(pairs.estimated, read=read, rescored=rescored) if self.coded else pairs.exact
        found = (self._nearest if keep else Nearest()).of(living, self.count, self.memory_ids, self._alive, compare)
        told = {
            row: dict(zip(self.memory_ids[near].tolist(), cosines.tolist(), strict=True))
            for row, (near, cosines) in zip(living, found, strict=True)
        }
        return [told.get(row, {}) for row in rows.tolist()]

    def similarity(self, vector: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """Cosine to every row, an estimate where they are coded; 0 where either side has no vector."""
        column = np.zeros(self.count)
        if vector is not None:
            similar = self._vectors.against(vector)
            for start in range(0, self.count, BLOCK):
                part = slice(start, min(start + BLOCK, self.count))
                column[part] = similar(part)
        return column

    def words(
        self,
        terms: Mapping[str, float],
        heard: NDArray[np.bool_] | None,
        exclude: Sequence[int],
        earning: Mapping[str, float] = ALL,
        sounds: frozenset[str] = frozenset(),
    ) -> Words:
        """What a question's words say of the rows, as far as these are heard; `exclude` are the memories left out."""
        before, after = self.neighbours(heard)
        aside = self._talk.branching(self.count) if heard is None else branching(before, after)
        sizes = self._talk.sizes_without(self._lookup.rows(sorted(set(exclude))))
        documents = self.count if heard is None else int(np.count_nonzero(heard))
        found, most = find(self._postings, terms, heard, documents, earning, sounds)
        return Words(found, most, before, after, aside, self._talk.stretches(self.count), sizes)

    def marked(self, mark: str) -> NDArray[np.float64]:
        """1 for each row that bears the mark, else 0."""
        column = np.zeros(self.count)
        column[self._postings.of(term_id(mark))[0]] = 1.0
        return column

    def fingerprints(self) -> dict[int, int]:
        """For each memory held a number that tells its content from any other: equal ones are held alike."""
        prints = np.zeros(self.count, np.uint64)
        places = self._talk.places(self._lookup, self.memory_ids)
        for start in range(0, self.count, BLOCK):
            part = slice(start, min(start + BLOCK, self.count))
            columns = (self._versions, self._at, self._speaker_ids, self._private_to)
            plain = np.column_stack([column[part].view(np.uint64) for column in columns])
            told = [plain, places[part].view(np.uint64), self._vectors.words(part)]
            prints[part] = _mixed(np.concatenate(told, axis=1)).sum(axis=1)
        terms, rows, weights = self._postings.every()
        np.add.at(prints, rows, _mixed(np.column_stack([terms, weights.view(np.uint32)])).prod(axis=1))
        alive = self._alive[: self.count]
        return dict(zip(self.memory_ids[alive].tolist(), prints[alive].tolist(), strict=True))

    def _load(self, chunks: Iterable[Rows]) -> None:
        postings = [self._append(rows) for rows in chunks]
        if postings:
            terms, rows, weights = (np.concatenate(parts) for parts in zip(*postings, strict=True))
            postings.clear()
            self._postings.load(terms, rows, weights)
            self._lookup.fold()

    def _append(self, rows: Rows) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.float32]]:
        """Put these rows behind the others; their postings."""
        first, count, vectors = self.count, len(rows.memory_ids), self._spread(rows)
        self._reserve(first + count)
        here = slice(first, first + count)
        self._memory_ids[here], self._versions[here], self._at[here] = rows.memory_ids, rows.versions, rows.at
        self._speaker_ids[here], self._private_to[here] = rows.speaker_ids, rows.private_to
        self._alive[here] = True
        self._shares[here] = rows.lengths / _references(rows)
        open_ = np.where(rows.private_to < 0, self._shares[here], 0.0)
        self._lookup.add(rows.memory_ids, first)
        self._talk.put(first, rows.memory_ids, rows.before, rows.sessions, rows.at, open_, self._lookup)
        self._vectors.put(first, vectors)
        self.count += count
        if isinstance(self._vectors, Exact) and self.count >= self._codes_from:
            self._vectors = self._vectors.coded(self.count)
        return _postings(rows, first)

    def _spread(self, rows: Rows) -> NDArray[np.float32]:
        """A vector for each row, all zero where it has none."""
        if len(rows.vectors) and rows.vectors.shape[1] != self._dimension:
            held = rows.vectors.shape[1]
            reason = f"a kept vector has {held} numbers, the embedder of that name {self._dimension}"
            raise Unavailable("embedder", reason, "Give embedders of different dimensions different ids.")
        if len(rows.vectors) == len(rows.memory_ids) > 0:
            return rows.vectors
        vectors = np.zeros((len(rows.memory_ids), self._dimension), np.float32)
        if len(rows.vectors):
            vectors[rows.embedded] = rows.vectors
        return vectors

    def _reserve(self, wanted: int) -> None:
        held = len(self._memory_ids)
        if wanted <= held:
            return
        for name in _COLUMNS:
            column = getattr(self, name)
            made = np.empty(max(wanted, 3 * held // 2), column.dtype)
            made[:held] = column
            setattr(self, name, made)
        self._vectors.reserve(len(self._memory_ids))
        self._talk.reserve(len(self._memory_ids))

    def _compact(self) -> None:
        living = np.flatnonzero(self._alive[: self.count])
        new_rows = np.full(self.count, -1, np.int64)
        new_rows[living] = np.arange(len(living))
        for name in _COLUMNS:
            setattr(self, name, getattr(self, name)[living])
        self._vectors.keep(living)
        self._postings.renumber(new_rows)
        self._lookup.renumber(new_rows)
        self._nearest.keep(living, new_rows)
        self._talk.keep(living)
        self.count, self.dead = len(living), 0


def _postings(rows: Rows, first: int) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.float32]]:
    count = len(rows.memory_ids)
    references = _references(rows)
    weights = saturated(rows.terms, np.repeat(rows.lengths, rows.term_counts), np.repeat(references, rows.term_counts))
    owners = np.repeat(np.arange(first, first + count, dtype=np.int32), rows.term_counts)
    return rows.terms["term"].astype(np.uint64), owners, weights


def _references(rows: Rows) -> NDArray[np.float64]:
    return np.array([REFERENCE_LENGTH.get(name, REFERENCE_LENGTH["other"]) for name in rows.languages], np.float64)


def _only(rows: Rows, kept: NDArray[np.bool_]) -> Rows:
    """Some of the rows."""
    return Rows(
        memory_ids=rows.memory_ids[kept], versions=rows.versions[kept], at=rows.at[kept],
        speaker_ids=rows.speaker_ids[kept], private_to=rows.private_to[kept], before=rows.before[kept],
        sessions=rows.sessions[kept],
        languages=[language for language, keep in zip(rows.languages, kept, strict=True) if keep],
        lengths=rows.lengths[kept], terms=rows.terms[np.repeat(kept, rows.term_counts)],
        term_counts=rows.term_counts[kept], embedded=rows.embedded[kept], vectors=rows.vectors[kept[rows.embedded]],
    )  # fmt: skip


def _mixed(columns: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number scattered over 64 bits, in each column otherwise (SplitMix64: Steele, Lea & Flood 2014)."""
    steps = np.arange(1, columns.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = columns + steps
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
