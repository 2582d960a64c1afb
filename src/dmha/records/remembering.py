"""What is ready to be remembered, and what it came to: whatever needs a model or a clock is done by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmha.types import Affect, Fact, Kind, Source


@dataclass(frozen=True, slots=True)
class Counted:
    """A text as words: its counted terms (domain/terms), the language that segmented it, its length in terms.

    `segmentation` names what counted them (domain/segmentation), with which version of the tenant's `dictionary`.
    """

    terms: NDArray[np.void]
    language: str
    length: int
    segmentation: str
    dictionary: int


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A memory whose terms are to be counted again, as it was when that was seen."""

    id: int
    tenant_id: int
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Perceived:
    """A turn made ready to be remembered: everything that needs a model or a clock is already done.

    `unheard_of`: its uid was drawn for it just now, so that nothing can be known by it. `id_field` and `parent_field`
    are what the caller knows these two by, should one be at fault.
    """

    uid: str
    memory_uid: str
    text: str
    speaker: str
    at: float
    kind: Kind
    source: Source
    trust: float
    private_to: str | None
    recallable: bool
    metadata: Mapping[str, Any]
    parent: str | None
    vector: NDArray[np.float32] | None
    counted: Counted
    affect: Affect
    importance: float
    half_life: float
    facts: tuple[Fact, ...] = ()
    rules: tuple[str, ...] = ()
    unheard_of: bool = False
    id_field: str = "turn_id"
    parent_field: str = "parent"


@dataclass(frozen=True, slots=True)
class Tip:
    """A turn as the last of its path: how many turns are in the window there, and how many characters they are."""

    turn_id: int
    uid: str
    window_turns: int
    window_characters: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a unit of turns came to: each memory's id and public id in the order given, and the last turn."""

    memories: tuple[tuple[int, str], ...]
    last: Tip


@dataclass(frozen=True, slots=True)
class Gist:
    """A summary ready to be remembered, and the memories that it was made of."""

    memory_uid: str
    text: str
    at: float
    vector: NDArray[np.float32] | None
    counted: Counted
    affect: Affect
    importance: float
    half_life: float
    sources: tuple[int, ...]
