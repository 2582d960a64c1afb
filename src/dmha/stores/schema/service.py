"""Who may, what is asked over a network, and the work behind it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from dmha.stores.schema.frame import metadata, own_id, refer

# `name` is the `user_id` of all that is theirs; the rows of tenants know of none of these. `password` is an Argon2id
# hash; null: only keys open the account. A closed one opens nothing and keeps its memories.
users = Table(
    "users",
    metadata,
    own_id(),
    Column("name", Text, nullable=False, unique=True),
    Column("password", Text, nullable=True),
    Column("created_at", Double, nullable=False),
    Column("closed_at", Double, nullable=True),
)

# Of a key only the SHA-256 is kept: it is 32 random bytes, which no dictionary holds. `agents` are the companions it
# is for, null for all; `acts_for` are the accounts besides its user's in whose name it may ask.
keys = Table(
    "keys",
    metadata,
    own_id(),
    Column("uid", String(16), nullable=False, unique=True),
    refer("users", "owner_id"),
    Column("label", Text, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("rights", JSON, nullable=False),
    Column("agents", JSON, nullable=True),
    Column("worlds", JSON, nullable=False, server_default="[]"),
    Column("acts_for", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=True),
    Column("revoked_at", Double, nullable=True),
    Index(None, "owner_id"),
)

# What was done in another's name, and what changed who may. No foreign keys: it outlives all that it tells of.
audits = Table(
    "audits",
    metadata,
    own_id(),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("trace", String(32), nullable=False),
    Column("status", Integer, nullable=True),
    Index(None, "user_id", "at"),
)

# Requests under a caller's Idempotency-Key: the row is committed before the work begins, and closed in the transaction
# that holds its effect. `status` null: under way, by `holder`, until `leased_until` unless the holder asks for longer.
# `body` is what was answered, packed; once it is kept no more, `gone` says why. `ends` is where it ends in the stream
# of all that its owner was answered, in bytes: how far behind the newest it is tells when its room is taken.
requests = Table(
    "requests",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("status", Integer, nullable=True),
    Column("gone", String(8), nullable=True),
    Column("ends", BigInteger, nullable=False, server_default="0"),
    Column("body", LargeBinary, nullable=True),
    Index(None, "created_at"),
    Index(None, "holder"),
)
_KEPT = requests.c.body.is_not(None)
Index(None, requests.c.owner, requests.c.ends, sqlite_where=_KEPT, postgresql_where=_KEPT)

# Which memories a kept answer tells of, so that it goes when one of them does.
request_memories = Table(
    "request_memories",
    metadata,
    refer("memories", "memory_id", primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("key", String(255), primary_key=True),
    ForeignKeyConstraint(["owner", "key"], ["requests.owner", "requests.key"]),
    Index(None, "owner", "key"),
)

# Work that nobody waits for. `user_id` is whose it is, "" for the file's own; of one kind, account and `key` at most
# one is not over (see domain/jobs for the states). `body` is what the kind of work is given, `result` what it came to.
jobs = Table(
    "jobs",
    metadata,
    own_id(),
    Column("uid", String(32), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("holder", String(64), nullable=True),
    Column("leased_until", Double, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("body", JSON, nullable=False),
    Column("result", JSON, nullable=True),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Index(None, "state", "due_at"),
    Index(None, "kind", "key", "user_id"),
    Index(None, "user_id", "created_at"),
)
# Whose turn it is is found along the first, from account to account.
Index(
    "ix_jobs_turn", jobs.c.state, jobs.c.user_id, jobs.c.priority.desc(), jobs.c.due_at, jobs.c.created_at, jobs.c.uid
)
_NOT_OVER = jobs.c.state.in_(["waiting", "running", "stopping"])
Index(
    "ix_jobs_not_over", jobs.c.kind, jobs.c.key, jobs.c.user_id,
    unique=True, sqlite_where=_NOT_OVER, postgresql_where=_NOT_OVER,
)  # fmt: skip
