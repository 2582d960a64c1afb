"""Dictionaries of tenants, and the counted terms that a change of one, or of the segmentation, leaves to be made again.

A change marks the rows that it touches in its own transaction; until they are counted again their old terms serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from dmha.records import Counted, Overtaken
from dmha.stores import schema
from dmha.stores.changelog import log
from dmha.stores.group import dictionary_memo, group_of
from dmha.stores.places import CHUNK, of_account
from dmha.stores.prepared import Prepared

_WAITING = ""  # the segmentation of a row whose terms a dictionary's change has overtaken
_AT_ONCE = 1_000

_SETTLED = schema.memories.c.tenant_id.not_in(select(schema.arrivals.c.tenant_id))
_VERSION = Prepared(lambda _: select(func.max(schema.words.c.version)).where(_of(bindparam("tenant"))))
_RECOUNTED = update(schema.terms).where(schema.terms.c.memory_id == bindparam("of"))


def _of(tenant_id: int | BindParameter[Any]) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = schema.words.c.tenant_id == tenant_id
    return mine


class Dictionaries:
    """The dictionaries, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def version(self, tenant_id: int) -> int:
        """How often the tenant's dictionary was changed."""
        return int(_VERSION.all(self._connection, tenant=tenant_id)[0][0] or 0)

    def entries(self, tenant_id: int) -> list[tuple[str, str | None]]:
        """The surfaces with their readings, in the order in which they were put."""
        words = schema.words
        query = select(words.c.surface, words.c.reading).where(_of(tenant_id), words.c.surface != "")
        return [(row.surface, row.reading) for row in self._connection.execute(query.order_by(words.c.version))]

    def change(self, tenant_id: int, gone: Sequence[str], put: tuple[str, str | None] | None) -> int:
        """Take these surfaces out and put that entry in, as one change; returns the new version."""
        words, version = schema.words, self.version(tenant_id) + 1
        surface, reading = put or ("", None)
        out = [*gone, surface]
        self._connection.execute(delete(words).where(_of(tenant_id), words.c.surface.in_(out)))
        values = {"tenant_id": tenant_id, "surface": surface, "reading": reading, "version": version}
        self._connection.execute(insert(words).values(values))
        group_of(self._connection).memo.pop(dictionary_memo(tenant_id), None)
        return version

    def go_on(self, tenant_id: int, version: int) -> None:
        """Let an emptied dictionary's versions go on after that one: none may ever mean another dictionary."""
        if version:
            values = {"tenant_id": tenant_id, "surface": "", "reading": None, "version": version + 1}
            self._connection.execute(insert(schema.words).values(values))

    def texts(self, tenant_id: int, memory_ids: Sequence[int] | None = None) -> Iterator[tuple[int, str]]:
        """The texts that have counted terms, of all of the tenant's memories or of these."""
        memories, terms = schema.memories, schema.terms
        query = select(memories.c.id, memories.c.text).join(terms).where(memories.c.tenant_id == tenant_id)
        if memory_ids is None:
            rows = self._connection.execution_options(yield_per=_AT_ONCE).execute(query)
            yield from ((row.id, row.text) for row in rows)
            return
        for start in range(0, len(memory_ids), CHUNK):
            some = query.where(memories.c.id.in_(memory_ids[start : start + CHUNK]))
            yield from ((row.id, row.text) for row in self._connection.execute(some))

    def overtake(self, memory_ids: Sequence[int]) -> None:
        """Mark the terms of these memories: they are to be counted again."""
        terms = schema.terms
        for start in range(0, len(memory_ids), CHUNK):
            these = terms.c.memory_id.in_(memory_ids[start : start + CHUNK])
            self._connection.execute(update(terms).where(these).values(segmentation=_WAITING))

    def stale(self, segmentation: str, limit: int, after: int = 0, user_id: str | None = None) -> list[Overtaken]:
        """Memories past that id whose terms something else counted, or a dictionary has overtaken, by id; of that
        account, or of all."""
        memories = schema.memories
        query = (
            select(memories.c.id, memories.c.tenant_id, memories.c.version, memories.c.text)
            .join(schema.terms)
            .where(_other(segmentation), schema.terms.c.memory_id > after, of_account(user_id))
            .order_by(schema.terms.c.memory_id)
            .limit(limit)
        )
        return [Overtaken(*row) for row in self._connection.execute(query)]

    def stale_count(self, segmentation: str, user_id: str | None = None) -> int:
        """How many memories wait for their terms to be counted again, of that account or of all."""
        count = select(func.count()).select_from(schema.terms.join(schema.memories)).where(_other(segmentation))
        count = count.where(of_account(user_id))
        return int(self._connection.execute(count).scalar_one())

    def recount(self, counted: Sequence[tuple[Overtaken, Counted]]) -> None:
        """Replace the terms of memories that are still what was read, and tell every index."""
        memories, held = schema.memories, dict[int, int]()
        ids = [each.id for each, _ in counted]
        for start in range(0, len(ids), CHUNK):
            query = select(memories.c.id, memories.c.version).where(memories.c.id.in_(ids[start : start + CHUNK]))
            held |= {row.id: row.version for row in self._connection.execute(query)}
        same = [(each, said) for each, said in counted if held.get(each.id) == each.version]
        if same:
            rows = [{"of": each.id, **counted_values(self._connection, each.tenant_id, said)} for each, said in same]
            self._connection.execute(_RECOUNTED, rows)
        for tenant_id in {each.tenant_id for each, _ in same}:
            mine = [(each.id, each.version) for each, _ in same if each.tenant_id == tenant_id]
            log(self._connection, tenant_id, mine)


def _other(segmentation: str) -> ColumnElement[bool]:
    """Two ranges of the index: nearly all rows lie between them. Not of worlds that are still on their way in."""
    column = schema.terms.c.segmentation
    return and_(or_(column < segmentation, column > segmentation), _SETTLED)


def counted_values(connection: Connection, tenant_id: int, said: Counted) -> dict[str, Any]:
    """The columns of counted terms; marked, where the dictionary was changed while they were counted."""
    memo, name = group_of(connection).memo, dictionary_memo(tenant_id)
    if name not in memo:
        memo[name] = Dictionaries(connection).version(tenant_id)
    abreast = said.dictionary == memo[name]
    return {
        "language": said.language, "length": said.length, "data": said.terms.tobytes(),
        "segmentation": said.segmentation if abreast else _WAITING,
    }  # fmt: skip
