"""The truth as the mind sees it: snapshots to read, units to write, one file beneath."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from dmha.errors import InvalidInput, Unavailable
from dmha.protocols import Embedder, Progress
from dmha.stores import schema
from dmha.stores.accounts import Accounts
from dmha.stores.backup import back_up
from dmha.stores.copies import free_name, keep
from dmha.stores.dictionaries import Dictionaries
from dmha.stores.engine import BUSY_TIMEOUT, beside, connect, in_words, open_engine
from dmha.stores.feed import Feed
from dmha.stores.group import group_of
from dmha.stores.jobs import Jobs
from dmha.stores.knowledge import Knowledge
from dmha.stores.life import Life
from dmha.stores.memories import Memories
from dmha.stores.mending import Mending
from dmha.stores.migrate import upgrade
from dmha.stores.places import Places, allocate
from dmha.stores.portable import Portable
from dmha.stores.reading import Reading
from dmha.stores.requests import Requests
from dmha.stores.writer import Writer

T = TypeVar("T")


class Ledger:
    """One transaction on the truth: each attribute is one subject. Reading ones are harmless in a snapshot."""

    def __init__(self, connection: Connection, embedder_id: int) -> None:
        self._connection = connection
        self.embedder_id = embedder_id

    @cached_property
    def places(self) -> Places:
        return Places(self._connection)

    @cached_property
    def memories(self) -> Memories:
        return Memories(self._connection, self.places)

    @cached_property
    def reading(self) -> Reading:
        return Reading(self._connection, self.places)

    @cached_property
    def knowledge(self) -> Knowledge:
        return Knowledge(self._connection, self.places)

    @cached_property
    def life(self) -> Life:
        return Life(self._connection)

    @cached_property
    def feed(self) -> Feed:
        return Feed(self._connection, self.embedder_id)

    @cached_property
    def mending(self) -> Mending:
        return Mending(self._connection)

    @cached_property
    def dictionaries(self) -> Dictionaries:
        return Dictionaries(self._connection)

    @cached_property
    def requests(self) -> Requests:
        return Requests(self._connection)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._connection)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self._connection)

    @cached_property
    def portable(self) -> Portable:
        return Portable(self._connection, self.places, self.embedder_id)


class Truth:
    """A SQLite file, brought to the present schema, with its one writer.

    `:memory:` is a file too, in a temporary folder that goes with `close`: one code path, the same behaviour.
    """

    def __init__(self, database: str, *, patience: float = BUSY_TIMEOUT) -> None:
        if "\x00" in database:
            raise InvalidInput("database", "the path holds a NUL character", "Give a path, such as companion.db.")
        self._folder = Path(tempfile.mkdtemp(prefix="dmha-")) if database == ":memory:" else None
        named = Path(database).expanduser() if self._folder is None else self._folder / "memory.db"
        self.path = Path(os.path.realpath(named))  # what lies beside it lies beside what a link points to
        self._embedder_id = 0
        self._engine = open_engine(self.path, patience=patience)
        try:
            with in_words(self.path):
                upgrade(self._engine)
        except BaseException:
            self._let_go()
            raise
        self._writer = Writer(self._engine)

    @contextmanager
    def read(self) -> Iterator[Ledger]:
        """A snapshot: everything read inside belongs to one moment."""
        self._writer.refuse_if_closed()
        with in_words(self.path), self._engine.connect() as connection:
            connection.begin()  # prepared statements begin none; it ends with the connection, as nothing was written
            yield Ledger(connection, self._embedder_id)

    @contextmanager
    def feed(self) -> Iterator[Feed]:
        """A snapshot for an index."""
        with self.read() as ledger:
            yield ledger.feed

    def write(self, unit: Callable[[Ledger], T]) -> T:
        """Run the unit in a transaction of its own; returns once it is durable."""
        return self._writer.write(lambda connection: unit(self._ledger(connection)))

    def _ledger(self, connection: Connection) -> Ledger:
        """The ledger of the writer's transaction: the units of a group share it, and with it what it knows by then."""
        memo = group_of(connection).memo
        if "ledger" not in memo:
            memo["ledger"] = Ledger(connection, self._embedder_id)
        ledger: Ledger = memo["ledger"]
        return ledger

    def adopt_embedder(self, embedder: Embedder) -> int:
        """From now on vectors are this embedder's; those of another stay unread until they are made again.

        Returns the dimension. An embedder that the file knows is not asked for it, since asking may need a network.
        """
        embedders = schema.embedders
        with self._engine.connect() as connection:
            known = connection.execute(select(embedders).where(embedders.c.name == embedder.id)).first()
        if known is not None:
            self._embedder_id = known.id
            return int(known.dimension)
        dimension = embedder.dimension

        def unit(connection: Connection) -> int:
            found = connection.execute(select(embedders.c.id).where(embedders.c.name == embedder.id)).scalar()
            if found is None:
                found = allocate(connection, embedders)
                connection.execute(insert(embedders).values(id=found, name=embedder.id, dimension=dimension))
            return int(found)

        try:
            self._embedder_id = self._writer.write(unit)
        except Unavailable as error:
            raise Unavailable(
                error.component,
                f"{error.reason}, and the embedder {embedder.id} is new to it",
                f"{error.fix} Or open it with the embedder that made its vectors.",
            ) from error
        return dimension

    def check(self) -> list[str]:
        """What the database itself finds wrong with the file; empty when all is well."""
        with self.read() as ledger:
            damaged = ledger.mending.damage()
            if damaged:
                return damaged
            return [f"orphan rows in {table}: {rows}" for table, rows in ledger.mending.orphans().items()]

    def backup(self, path: Path, /, *, overwrite: bool, progress: Progress) -> int:
        """Copy the file as it is now to the path, proven whole; returns the copy's bytes. Writing goes on meanwhile."""
        self._writer.refuse_if_closed()
        return back_up(self.path, path, overwriting=overwrite, progress=progress)

    def keep(self) -> Path:
        """Copy the file to its side, damage and all, before it is mended; returns where."""
        kept = free_name(beside(self.path, ".before-mending"))
        with in_words(self.path), closing(connect(self.path)) as source:
            keep(source, kept)
        return kept

    def leftovers(self) -> list[Path]:
        """Copies and halves of copies that lie beside the file: of upgrades, restores and mendings."""
        beginnings = (f"{self.path.name}.before-", f"{self.path.name}.")
        ends = (".part", ".copy")
        return sorted(
            file
            for file in self.path.parent.iterdir()
            if file.name.startswith(beginnings[0]) or (file.name.startswith(beginnings[1]) and file.suffix in ends)
        )

    def close(self) -> None:
        """Finish the writes under way and let go of the file; in a forked process, both are left to the first."""
        if self._writer.forked:
            return
        self._writer.close()
        self._let_go()

    def _let_go(self) -> None:
        self._engine.dispose()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
