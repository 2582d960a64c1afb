"""What is known, what was learned of mistakes, what keyed requests of a companion came to."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Index, String, Table, Text

from dmha.stores.schema.frame import metadata, own_id, refer

# `valid_to` is what the telling itself said; `retracted_at` takes the telling back.
facts = Table(
    "facts",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    refer("turns", "turn_id", nullable=True),
    Column("entity", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("negated", Boolean, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("scope", Text, nullable=False),
    Column("valid_from", Double, nullable=True),
    Column("valid_to", Double, nullable=True),
    Column("recorded_at", Double, nullable=False),
    Column("retracted_at", Double, nullable=True),
    refer("speakers", "private_to", nullable=True),
    Index(None, "tenant_id", "entity", "attribute"),
    Index(None, "turn_id"),
)

# Nothing is deleted when facts conflict: the reply to a turn ends a fact's truth, and `note` says why; `because_id` is
# the told fact that stands against it, null where a rule's conclusion does. A fact holds until its earliest ending.
endings = Table(
    "endings",
    metadata,
    refer("facts", "fact_id", primary_key=True),
    refer("turns", "turn_id", primary_key=True),
    refer("facts", "because_id", nullable=True),
    Column("valid_to", Double, nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "turn_id"),
    Index(None, "because_id"),
)

rules = Table(
    "rules",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    refer("turns", "turn_id", nullable=True),
    Column("text", Text, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("retracted_at", Double, nullable=True),
    refer("speakers", "private_to", nullable=True),
    Index(None, "tenant_id"),
    Index(None, "turn_id"),
)

lessons = Table(
    "lessons",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    refer("companions", "companion_id"),
    refer("turns", "turn_id", nullable=True),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Index(None, "tenant_id"),
    Index(None, "companion_id"),
    Index(None, "turn_id"),
)

# What a keyed request came to, so that a retry answers the same and does nothing. Keys are a tenant's own, as the uids
# of its turns are: one companion may live through a turn "t1" in each of its worlds.
outcomes = Table(
    "outcomes",
    metadata,
    refer("tenants", "tenant_id", primary_key=True),
    refer("companions", "companion_id", primary_key=True),
    Column("operation", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("body", JSON, nullable=False),
    Index(None, "tenant_id", "key"),
)

# What the reply to a turn showed or stood on, besides its window and what it recalled, which tell that themselves: with
# the first of these memories that is deleted, the words of the reply's outcome go (its body is empty), and its lessons.
reply_memories = Table(
    "reply_memories",
    metadata,
    refer("memories", "memory_id", primary_key=True),
    refer("turns", "turn_id", primary_key=True),
    Index(None, "turn_id"),
)
