"""What was said, as a tree, and what was said otherwise before."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, String, Table, Text, UniqueConstraint

from dmha.stores.schema.frame import metadata, own_id, refer

sessions = Table(
    "sessions",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    Column("name", Text, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

# A branch is an unforked run of turns of one session, ids ascending. It left its `parent_id` after the turn `fork_id`
# (no foreign key: turns refer to branches); the branches of one tree share the `root_id`.
branches = Table(
    "branches",
    metadata,
    own_id(),
    refer("sessions", "session_id"),
    Column("root_id", Integer, nullable=False, index=True),
    refer("branches", "parent_id", nullable=True),
    Column("fork_id", Integer, nullable=True),
    Index(None, "session_id"),
    Index(None, "parent_id"),
)

# The tree of the turns that count; a turn's words are its memory's text, kept once. The last `window_turns` turns of
# the path to a turn are the working memory at that turn, of `window_characters` in all: told by each turn of itself, so
# a fork or a turn taken back needs nothing put right. `in_window` is the same, looked up from the memory's side.
turns = Table(
    "turns",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    Column("uid", Text, nullable=False),
    refer("sessions", "session_id"),
    refer("branches", "branch_id"),
    refer("turns", "parent_id", nullable=True),
    Column("window_turns", Integer, nullable=False),
    Column("window_characters", Integer, nullable=False),
    Column("in_window", Boolean, nullable=False),
    Column("recorded_at", Double, nullable=False),
    UniqueConstraint("tenant_id", "uid"),
    Index(None, "session_id"),
    Index(None, "parent_id"),
)

# What was said and then said otherwise: the words alone, which nothing recalls. `instead` is the uid of the turn that
# took the place of this one, or (`followed`) of one that this one followed. Words that were deleted are empty: the id
# stays used.
variants = Table(
    "variants",
    metadata,
    refer("tenants", "tenant_id", primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("instead", Text, nullable=False),
    Column("followed", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("private", Boolean, nullable=False),
    Column("at", Double, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "tenant_id", "instead"),
)
