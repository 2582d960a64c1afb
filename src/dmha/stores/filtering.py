"""What the filters of a search let pass, as far as the truth has to judge it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select

from dmha.errors import InvalidInput
from dmha.records import Allowed, Filters, Scope
from dmha.stores import schema
from dmha.stores.columns import BY_ID_AND_OF_TENANT
from dmha.stores.perspectives import TIER
from dmha.stores.turns import SAID

_FEELING = 0.05  # a feeling weaker than this is noise of the lexicon, not a memory "of" joy or aversion

_OF_TENANT = schema.memories.c.tenant_id == bindparam("tenant")
_GIVEN = select(func.json_each(bindparam("ids")).table_valued("value").c.value)  # one statement for any number of ids


def passed_by(connection: Connection, scope: Scope, filters: Filters) -> Allowed | None:
    """What judges memories by the filters, while this snapshot lasts; None when nothing limits them.

    Tier, kind, metadata and polarity are judged here; times, speaker and who is present by the index, which holds
    them (see `Reach`).
    """
    memories, views = schema.memories, schema.perspectives
    conditions = _conditions(filters)
    if not conditions:
        return None
    view = and_(views.c.memory_id == memories.c.id, views.c.companion_id == bindparam("companion"))
    bound = {"tenant": scope.tenant_id, "companion": scope.companion_id}
    query = select(memories.c.id).join(views, view, isouter=True).where(*conditions)
    if filters.tier is not None:
        query = query.join(schema.turns, SAID, isouter=True)

    def passing(memory_ids: Sequence[int] | None) -> list[int]:
        if memory_ids is None:
            found = connection.execute(query.where(_OF_TENANT), bound)
        else:
            these = query.where(memories.c.id.in_(_GIVEN), BY_ID_AND_OF_TENANT)
            found = connection.execute(these, bound | {"ids": json.dumps(memory_ids)})
        return list(found.scalars())

    return passing


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    memories, views = schema.memories, schema.perspectives
    conditions: list[ColumnElement[bool]] = []
    if filters.tier == "working":
        conditions.append(TIER == "working")
    elif filters.tier is not None:  # said in this way, few of a tier are found without looking at all memories
        held = views.c.tier if filters.tier != "short_term" else func.coalesce(views.c.tier, "short_term")
        conditions += [held == filters.tier, schema.turns.c.in_window.is_not(True)]
    if filters.kind is not None:
        conditions.append(memories.c.kind == filters.kind)
    for key, value in filters.metadata.items():
        conditions.append(_metadata_equals(key, value))
    if filters.polarity == "joy":
        conditions.append(and_(views.c.joy > views.c.aversion, views.c.joy > _FEELING))
    elif filters.polarity == "aversion":
        conditions.append(and_(views.c.aversion > views.c.joy, views.c.aversion > _FEELING))
    elif filters.polarity == "both":
        conditions.append(or_(views.c.joy > _FEELING, views.c.aversion > _FEELING))
    return conditions


def _metadata_equals(key: str, value: str | float | bool) -> ColumnElement[bool]:
    """Equal in type and value: 1, "1" and true are three different things, 1 and 1.0 are one."""
    if not _storable(key) or not key or any(letter in '"\\' or letter < " " for letter in key):
        raise InvalidInput(
            "metadata", f"the key {key!r} cannot be asked for", "Use a key without quotes, backslashes and controls."
        )
    if not _storable(value):
        raise InvalidInput("metadata", f"the value of {key!r} cannot be stored", "Give text, or a number below 2^63.")
    place = (schema.memories.c.metadata, f'$."{key}"')
    kind, found = func.json_type(*place), func.json_extract(*place)
    if isinstance(value, bool):
        return kind == ("true" if value else "false")
    if isinstance(value, str):
        return and_(kind == "text", found == value)
    return and_(kind.in_(("integer", "real")), found == value)


def _storable(value: str | float) -> bool:
    """Whether the database can hold the value at all: no half surrogates, no number that no column takes."""
    if not isinstance(value, str):
        return -(2**63) <= value < 2**63
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
