"""Memories, and how each companion holds them."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Index, Integer, String, Table, Text, UniqueConstraint, false, true

from dmha.stores.schema.frame import metadata, own_id, refer

# `at` is when it happened (valid time), `recorded_at` when it was learned. `recallable` is false for words that merely
# repeat what was recalled: they are kept, but never brought back as new. `wrong` is what somebody said is not so: it is
# kept, and brought back no more. `private_to` is the speaker who has to be present for it to come back; null for what
# was said openly. `turn_id` is the turn whose words these are, or (`source` is `dream`) the turn after which the memory
# was made of others.
memories = Table(
    "memories",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    Column("uid", Text, nullable=False),
    refer("turns", "turn_id", nullable=True),
    refer("sessions", "session_id"),
    refer("speakers", "speaker_id"),
    Column("kind", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("trust", Double, nullable=False),
    refer("speakers", "private_to", nullable=True),
    Column("recallable", Boolean, nullable=False),
    Column("wrong", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("recorded_at", Double, nullable=False),
    Column("score0", Double, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("tenant_id", "uid"),
    Index(None, "turn_id"),
    Index(None, "tenant_id", "kind", "at"),
    Index(None, "tenant_id", "private_to", "id"),  # pages: what was told openly, and to each one who is there
)
_SUMMARIES = memories.c.kind == "summary"
Index(None, memories.c.session_id, memories.c.at, sqlite_where=_SUMMARIES, postgresql_where=_SUMMARIES)

# What a memory was before: its words, and what of its marks is no companion's own.
memory_versions = Table(
    "memory_versions",
    metadata,
    refer("memories", "memory_id", primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("recorded_at", Double, nullable=False),
    Column("wrong", Boolean, nullable=False, server_default=false()),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("metadata", JSON, nullable=False),
    Column("text", Text, nullable=False),
)

# What a summary, insight or wish was made of; it is out of sight while one of these is wrong or private.
memory_sources = Table(
    "memory_sources",
    metadata,
    refer("memories", "memory_id", primary_key=True),
    refer("memories", "source_id", primary_key=True),
    Index(None, "source_id"),
)

# `born` is false for one that began when its companion recalled or pinned what another had lived through. `raised` is
# false for what this companion is never to bring up: it is found by who searches for it, and said by nobody.
perspectives = Table(
    "perspectives",
    metadata,
    refer("companions", "companion_id", primary_key=True),
    refer("memories", "memory_id", primary_key=True),
    Column("half_life", Double, nullable=False),
    Column("recall_count", Integer, nullable=False),
    Column("last_recalled_at", Double, nullable=False),
    Column("tier", String(12), nullable=False),
    Column("importance", Double, nullable=False),
    Column("joy", Double, nullable=False),
    Column("aversion", Double, nullable=False),
    Column("trauma", Double, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("raised", Boolean, nullable=False, server_default=true()),
    Column("born", Boolean, nullable=False),
    Index(None, "memory_id"),
)
_UNRAISED = perspectives.c.raised.is_(False)
Index(None, perspectives.c.companion_id, perspectives.c.raised, sqlite_where=_UNRAISED, postgresql_where=_UNRAISED)

# Every act of recall, so that a perspective can be told again without the ones that a rejected variant caused: by which
# turn's reply, or under which key of a caller's, and how the memory felt then.
recalls = Table(
    "recalls",
    metadata,
    own_id(),
    refer("companions", "companion_id"),
    refer("memories", "memory_id"),
    refer("turns", "turn_id", nullable=True),
    Column("key", Text, nullable=True),
    Column("at", Double, nullable=False),
    Column("joy", Double, nullable=False),
    Column("aversion", Double, nullable=False),
    Index(None, "memory_id"),
    Index(None, "turn_id"),
)

# The mood is the decayed sum of these; taking one away leaves the mood as if it had never been.
impulses = Table(
    "impulses",
    metadata,
    own_id(),
    refer("companions", "companion_id"),
    refer("turns", "turn_id"),
    Column("at", Double, nullable=False),
    Column("joy", Double, nullable=False),
    Column("aversion", Double, nullable=False),
    Column("trauma", Double, nullable=False),
    Index(None, "companion_id", "at"),
    Index(None, "turn_id"),
)
