"""Who and where: accounts' worlds, the companions and speakers in them, worlds on their way in."""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, String, Table, Text, UniqueConstraint

from dmha.stores.schema.frame import metadata, own_id, refer

# A tenant is an account's world. A companion's own world is called "agent:<agent_id>", a shared one "world:<name>".
tenants = Table(
    "tenants",
    metadata,
    own_id(),
    Column("user_id", Text, nullable=False),
    Column("world", Text, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("user_id", "world"),
)

# Worlds on their way in out of an exported file: the tenant that holds what has come (no call can name it), the world
# that it will be, the digest of the file, and how many of the `lines` of this world stand in it.
arrivals = Table(
    "arrivals",
    metadata,
    refer("tenants", "tenant_id", primary_key=True),
    Column("world", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("line", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("begun_at", Double, nullable=False),
)

companions = Table(
    "companions",
    metadata,
    own_id(),
    Column("user_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    UniqueConstraint("user_id", "agent_id"),
)

# `zone` empty: the tenant's. `trust` is how far the speaker is believed about others.
speakers = Table(
    "speakers",
    metadata,
    own_id(),
    refer("tenants", "tenant_id"),
    Column("name", Text, nullable=False),
    Column("zone", String(64), nullable=False, default=""),
    Column("trust", Double, nullable=False, default=1.0),
    UniqueConstraint("tenant_id", "name"),
)

# Further names of one speaker; `speakers.name` is the first.
speaker_names = Table(
    "speaker_names",
    metadata,
    refer("speakers", "speaker_id", primary_key=True),
    Column("name", Text, primary_key=True),
)
