"""The truth as the mind sees it: snapshots to read, units to write, one file beneath."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from dmha.errors import InvalidInput
from dmha.protocols import Embedder
from dmha.stores import schema
from dmha.stores.engine import in_words, open_engine
from dmha.stores.feed import Feed
from dmha.stores.group import group_of
from dmha.stores.knowledge import Knowledge
from dmha.stores.life import Life
from dmha.stores.memories import Memories
from dmha.stores.migrate import upgrade
from dmha.stores.places import Places, allocate
from dmha.stores.portable import Portable
from dmha.stores.reading import Reading
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
    def portable(self) -> Portable:
        return Portable(self._connection, self.places, self.embedder_id)


class Truth:
    """A SQLite file, brought to the present schema, with its one writer.

    `:memory:` is a file too, in a temporary folder that goes with `close`: one code path, the same behaviour.
    """

    def __init__(self, database: str) -> None:
        if "\x00" in database:
            raise InvalidInput("database", "the path holds a NUL character", "Give a path, such as companion.db.")
        self._folder = Path(tempfile.mkdtemp(prefix="dmha-")) if database == ":memory:" else None
        self.path = Path(database).expanduser() if self._folder is None else self._folder / "memory.db"
        self._embedder_id = 0
        self._engine = open_engine(self.path)
        try:
            with in_words():
                upgrade(self._engine)
        except BaseException:
            self._let_go()
            raise
        self._writer = Writer(self._engine)

    @contextmanager
    def read(self) -> Iterator[Ledger]:
        """A snapshot: everything read inside belongs to one moment."""
        self._writer.refuse_if_closed()
        with in_words(), self._engine.connect() as connection:
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
        with in_words(), self._engine.connect() as connection:
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

        self._embedder_id = self._writer.write(unit)
        return dimension

    def check(self) -> list[str]:
        """What the database itself finds wrong with the file; empty when all is well."""
        with in_words(), self._engine.connect() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [line for line in found if line != "ok"] + [f"orphan row in {row[0]}: {row[1]}" for row in orphans]

    def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        self._writer.close()
        self._let_go()

    def _let_go(self) -> None:
        self._engine.dispose()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
