"""The truth, its transactions, and what else is written in one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from dmha.protocols.calls import Progress
from dmha.protocols.index import Feed
from dmha.protocols.life import Knowing, Life
from dmha.protocols.memories import Memories, Places, Reading
from dmha.protocols.models import Embedder
from dmha.protocols.portable import Portable
from dmha.protocols.service import Accounts, Jobs, Requests
from dmha.protocols.upkeep import Dictionaries, Mending

T = TypeVar("T")


class Ledger(Protocol):
    """One transaction on the truth, by subject."""

    @property
    def embedder_id(self) -> int: ...
    @property
    def places(self) -> Places: ...
    @property
    def memories(self) -> Memories: ...
    @property
    def reading(self) -> Reading: ...
    @property
    def knowledge(self) -> Knowing: ...
    @property
    def life(self) -> Life: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def mending(self) -> Mending: ...
    @property
    def dictionaries(self) -> Dictionaries: ...
    @property
    def portable(self) -> Portable: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def jobs(self) -> Jobs: ...


Also = Callable[[Ledger, T], None]
"""What else is written in the transaction of a call's effect, given what the call came to; both or neither stand."""


def nothing_else(ledger: Ledger, came_to: object) -> None:
    """What else is written where a caller writes nothing else."""


class Truth(Protocol):
    """The one source of truth. `read` is a snapshot; `write` runs a unit whole or not at all, and returns once it is
    durable. Both raise `Unavailable` when the database fails. `check` says what is wrong with the file; `backup` copies
    it as it is now, while anybody writes, and returns the bytes; `keep` copies it to its own side before it is mended;
    `leftovers` are such copies, and halves of copies, that lie there."""

    def read(self) -> AbstractContextManager[Ledger]: ...
    def write(self, unit: Callable[[Ledger], T], /) -> T: ...
    def adopt_embedder(self, embedder: Embedder, /) -> int: ...
    def check(self) -> list[str]: ...
    def backup(self, path: Path, /, *, overwrite: bool, progress: Progress) -> int: ...
    def keep(self) -> Path: ...
    def leftovers(self) -> list[Path]: ...
    def close(self) -> None: ...
