"""What indexes are fed with: vectors, counted terms and the words that they are counted by, the change log."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from dmha.stores.schema.frame import metadata, own_id, refer

embedders = Table(
    "embedders",
    metadata,
    own_id(),
    Column("name", Text, nullable=False, unique=True),
    Column("dimension", Integer, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    refer("memories", "memory_id", primary_key=True),
    refer("embedders", "embedder_id"),
    Column("data", LargeBinary, nullable=False),
    Index(None, "embedder_id"),
)

# Counted terms as packed integers (see domain/terms.py). `segmentation` is what counted them: the rules' number and the
# cutters of words beside them (see domain/segmentation.py); empty where a dictionary has changed since.
terms = Table(
    "terms",
    metadata,
    refer("memories", "memory_id", primary_key=True),
    Column("language", String(8), nullable=False),
    Column("length", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("segmentation", Text, nullable=False, server_default="1"),
    Index(None, "segmentation"),
)

# A tenant's dictionary: surfaces as they were given, and how they are read. Each change has the next version; the row
# without a surface stands for the last removal, so that the version grows with that, too.
words = Table(
    "words",
    metadata,
    refer("tenants", "tenant_id", primary_key=True),
    Column("surface", Text, primary_key=True),
    Column("reading", Text, nullable=True),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant_id", "version"),
)

# The change log: the feed of every index, in commit order. No foreign keys: a delete's row outlives its
# memory as the tombstone.
changes = Table(
    "changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", Integer, nullable=False),
    Column("memory_id", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Index(None, "tenant_id", "seq"),
    sqlite_autoincrement=True,
)
