"""Perception: a turn as the caller gave it becomes one that is ready to be remembered; a query, one ready to be asked.

Here alone outside text is segmented, embedded, appraised and read for statements. No I/O but the embedder's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dmha.checks import MOST_QUERY, check_text, check_turn, in_turn
from dmha.domain import affect
from dmha.domain.characters import language, served
from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.domain.logic.statements import FactStatement, Parsed, parse_statements
from dmha.domain.marks import marks
from dmha.domain.query import Query, parse_query
from dmha.domain.segmentation import Segmentation
from dmha.domain.terms import pack
from dmha.domain.text import terms
from dmha.errors import InvalidInput, Unavailable
from dmha.protocols import Embedder
from dmha.records import Counted, Perceived, Question
from dmha.types import NEVER_FADES, Affect, Kind, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


RULES_ALONE = Segmentation()

# How far each source is believed: what the assistant or a tool said is not evidence about the world.
TRUST = {"user": 1.0, "import": 0.9, "tool": 0.7, "assistant": 0.5, "dream": 0.5}

# A memory that never fades is given a half-life no life reaches: a thousand years.
_FOREVER = 1_000 * 365.25 * 86_400.0

# A given vector is brought to length 1, which float32 cannot do near its limits.
_SHORTEST, _LONGEST = 1e-12, 1e12

# How far the square of a vector's length may be from 1: what half precision loses over thousands of numbers.
_UNIT = 1e-2

# What is embedded begins with the speaker: measured on LoCoMo, recall@10 .50 with the name and .30 without.
_EMBEDDED = "{speaker}: {text}"


class Perception:
    """Makes turns and queries ready. Stateless but for a cache of the latest queries."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.embedder_id = embedder.id
        self.scripts: frozenset[str] | None = getattr(embedder, "scripts", None)
        # Both tell of the query's text alone, never of what is remembered: nothing in them can be stale.
        self._parsed = lru_cache(maxsize=1_024)(parse_query)
        self._vector_of = lru_cache(maxsize=1_024)(self._embed_query)

    def perceive(
        self, turns: Sequence[Turn], *, user_id: str, world: str, kind: Kind, now: datetime, recallable: bool = True,
        private_to: str | None = None, segmentation: Segmentation = RULES_ALONE, first: int | None = None,
    ) -> tuple[list[Perceived], tuple[InvalidInput, ...]]:  # fmt: skip
        """The turns made ready, and what was wrong with statements in them (said, never raised: the turn stays).

        `first` is the place of the first in the caller's list, where there is one: an error names the turn by it.
        """
        places = [None if first is None else first + offset for offset in range(len(turns))]
        checked = [check_turn(turn, nth) for turn, nth in zip(turns, places, strict=True)]
        vectors = self._vectors(checked, places) if recallable else [None] * len(checked)
        perceived: list[Perceived] = []
        problems: list[InvalidInput] = []
        for turn, vector, nth in zip(checked, vectors, places, strict=True):
            parsed = parse_statements(turn.text) if turn.source in ("user", "import") else Parsed((), ())
            problems += parsed.problems
            felt = affect.appraise(turn.text) if turn.source != "assistant" else Affect()  # what it said is no event
            counted = count(turn.text, segmentation)
            uid = turn.id or uuid4().hex
            perceived.append(
                Perceived(
                    uid=uid,
                    memory_uid=memory_uid(user_id, world, uid),
                    text=turn.text,
                    speaker=turn.speaker,
                    at=(turn.at or now).timestamp(),
                    kind=kind,
                    source=turn.source,
                    trust=TRUST[turn.source],
                    private_to=turn.speaker if turn.private else private_to,
                    recallable=recallable,
                    metadata=turn.metadata,
                    parent=turn.parent,
                    vector=vector,
                    counted=counted,
                    affect=felt,
                    importance=affect.importance(felt, turn.text, counted.length),
                    half_life=_FOREVER if kind in NEVER_FADES else DEFAULT_HALF_LIFE,
                    facts=tuple(s.fact() for s in parsed.statements if isinstance(s, FactStatement)),
                    rules=tuple(s.text for s in parsed.statements if not isinstance(s, FactStatement)),
                    unheard_of=turn.id is None,
                    id_field="turn_id" if nth is None else f"{in_turn(nth)}id",
                    parent_field=f"{in_turn(nth)}parent",
                )
            )
        return perceived, tuple(problems)

    def embed(self, spoken: Sequence[tuple[str, str]]) -> list[NDArray[np.float32] | None]:
        """A vector for each (speaker, text); None where the embedder does not serve the text's script."""
        readable = [i for i, (_, words) in enumerate(spoken) if served(words, self.scripts)]
        made = self._made([_EMBEDDED.format(speaker=spoken[i][0], text=spoken[i][1]) for i in readable])
        vectors: list[NDArray[np.float32] | None] = [None] * len(spoken)
        for place, vector in zip(readable, made, strict=True):
            vectors[place] = vector
        return vectors

    def ask(self, query: str) -> tuple[Question, Query]:
        """A query made ready for the index, and its words for exact matching."""
        check_text("query", query, most=MOST_QUERY)
        parsed = self._parsed(query)
        vector = self._vector_of(parsed.text) if served(parsed.text, self.scripts) else None
        return Question(query, parsed.weights, vector), parsed

    def _embed_query(self, query: str) -> NDArray[np.float32]:
        return self._made([query])[0]

    def _made(self, texts: list[str]) -> Sequence[NDArray[np.float32]]:
        """What the embedder makes of them, which is never taken on trust: a NaN would stay in the truth for years."""
        if not texts:
            return []
        made = self._embedder.embed(texts)
        wanted = (len(texts), self._embedder.dimension)
        if getattr(made, "shape", None) != wanted:
            said = f"it gave an array of shape {getattr(made, 'shape', None)} for {wanted}"
            raise Unavailable("embedder", said, "`embed` gives float32 [len(texts), dimension].")
        lengths = (made * made).sum(axis=1)
        if not (abs(lengths - 1.0) <= _UNIT).all():  # NaN is not
            said = "it gave a vector that is not of length 1"
            raise Unavailable("embedder", said, "Divide each vector by its length; none may be zero or hold NaN.")
        return list(made)

    def _vectors(self, turns: Sequence[Turn], places: Sequence[int | None]) -> list[NDArray[np.float32] | None]:
        wanting = [i for i, turn in enumerate(turns) if turn.vector is None]
        vectors: list[NDArray[np.float32] | None] = [
            None if turn.vector is None else self._given(turn.vector, f"{in_turn(nth)}vector")
            for turn, nth in zip(turns, places, strict=True)
        ]
        if wanting:
            made = self.embed([(turns[i].speaker, turns[i].text) for i in wanting])
            for place, vector in zip(wanting, made, strict=True):
                vectors[place] = vector
        return vectors

    def _given(self, vector: Any, field: str) -> NDArray[np.float32]:
        import numpy as np

        try:
            array = np.asarray(vector, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self._no_vector(field) from error
        length = math.sqrt(array.dot(array)) if array.shape == (self._embedder.dimension,) else 0.0
        if not _SHORTEST < length < _LONGEST:  # NaN is neither
            raise self._no_vector(field)
        return (array / length).astype(np.float32)

    def _no_vector(self, field: str) -> InvalidInput:
        return InvalidInput(
            field,
            f"it must be {self._embedder.dimension} finite numbers, not all zero",
            f"Embed the text with {self._embedder.id}, or leave `vector` out.",
        )


def count(words: str, segmentation: Segmentation = RULES_ALONE) -> Counted:
    """A text as counted terms, with marks of what kind of turn it is. Its length is that of the rules' terms alone."""
    found = terms(words)
    counted = pack([*found, *segmentation.added(words), *marks(words)])
    return Counted(counted, language(words), len(found), segmentation.id, segmentation.dictionary.version)


def memory_uid(user_id: str, world: str, turn_uid: str) -> str:
    """The memory's public id: the same turn of the same world makes the same one, whichever process writes it."""
    key = "\x1f".join((user_id, world, turn_uid)).encode()
    return "m_" + blake2b(key, digest_size=16).hexdigest()
