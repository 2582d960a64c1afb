"""How a companion holds its memories, told to a coarse stage that ranks by it: one sweep over perspectives, no more.

Only what differs from the stand-ins is fetched. Of 100,000 memories the sweep takes 12 ms, and fetching
a hundred thousand of them another 50.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, bindparam, case, or_, select

from dmha.domain.forgetting import DEFAULT_HALF_LIFE
from dmha.records import Held, Scope
from dmha.stores import schema
from dmha.stores.prepared import Prepared

_VIEWS = schema.perspectives.c

# By the ranking language's names: the column, and where it may differ from the stand-in. What is pinned does not fade.
_HELD: Mapping[str, tuple[ColumnElement[Any], ColumnElement[bool]]] = MappingProxyType({
    "last_recalled_at": (
        case((_VIEWS.pinned.is_(True), bindparam("now")), else_=_VIEWS.last_recalled_at),
        or_(_VIEWS.recall_count > 0, _VIEWS.pinned.is_(True)),
    ),
    "half_life": (_VIEWS.half_life, _VIEWS.half_life != DEFAULT_HALF_LIFE),
    "recalls": (_VIEWS.recall_count, _VIEWS.recall_count != 0),
    "importance": (_VIEWS.importance, _VIEWS.importance != 0.5),
    "joy": (_VIEWS.joy, _VIEWS.joy != 0.0),
    "aversion": (_VIEWS.aversion, _VIEWS.aversion != 0.0),
    "trauma": (_VIEWS.trauma, _VIEWS.trauma != 0.0),
})  # fmt: skip


def read_held(connection: Connection, scope: Scope, names: frozenset[str], now: float) -> Held:
    """These columns of the memories of which the stand-ins would tell any of them otherwise than it is."""
    rows = _statement(names).all(connection, companion=scope.companion_id, now=now)
    width = 1 + len(names)
    table = np.fromiter(chain.from_iterable(rows), np.float64, len(rows) * width).reshape(len(rows), width)
    return Held(table[:, 0].astype(np.int64), dict(zip(sorted(names), table[:, 1:].T, strict=True)))


@lru_cache(maxsize=128)  # as many as there are sets of seven names
def _statement(names: frozenset[str]) -> Prepared:
    columns, differing = zip(*(_HELD[name] for name in sorted(names)), strict=True)
    mine = _VIEWS.companion_id == bindparam("companion")
    query: Select[Any] = select(_VIEWS.memory_id, *columns).where(mine, or_(*differing))
    return Prepared(lambda _: query)
