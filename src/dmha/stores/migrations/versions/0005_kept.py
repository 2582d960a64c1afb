"""What a kept answer tells of and how large it is; a version's marks; a key's worlds; how an audit ended; no job twice.

Answers that were kept before are let go, replies' outcomes among them, as nothing knows what they tell of: a retry is
told so. Of unfinished twins of a job the one that was begun, or else the oldest, goes on.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("worlds", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("audits", sa.Column("status", sa.Integer(), nullable=True))
    for mark in ("wrong", "private"):
        op.add_column("memory_versions", sa.Column(mark, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(  # until now that was said once and for all
        "UPDATE memory_versions SET private = true "
        "WHERE memory_id IN (SELECT id FROM memories WHERE private_to IS NOT NULL)"
    )
    op.create_index("ix_memories_tenant_id_private_to_id", "memories", ["tenant_id", "private_to", "id"])
    _requests()
    _outcomes()
    _jobs()


def _outcomes() -> None:
    op.create_table(
        "reply_memories",
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_reply_memories_memory_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_reply_memories_turn_id")),
        sa.PrimaryKeyConstraint("memory_id", "turn_id", name=op.f("pk_reply_memories")),
    )
    op.create_index("ix_reply_memories_turn_id", "reply_memories", ["turn_id"])
    op.create_index("ix_outcomes_tenant_id_key", "outcomes", ["tenant_id", "key"])
    op.execute("UPDATE outcomes SET body = '{}' WHERE operation = 'contextualize'")


def _requests() -> None:
    op.add_column("requests", sa.Column("gone", sa.String(8), nullable=True))
    op.add_column("requests", sa.Column("ends", sa.BigInteger(), nullable=False, server_default="0"))
    op.drop_column("requests", "body")
    op.add_column("requests", sa.Column("body", sa.LargeBinary(), nullable=True))
    op.execute("UPDATE requests SET gone = 'upgrade' WHERE status IS NOT NULL")
    kept = sa.text("body IS NOT NULL")
    op.create_index("ix_requests_owner_ends", "requests", ["owner", "ends"], sqlite_where=kept, postgresql_where=kept)
    op.create_table(
        "request_memories",
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_request_memories_memory_id")),
        sa.ForeignKeyConstraint(
            ["owner", "key"], ["requests.owner", "requests.key"], name=op.f("fk_request_memories_owner")
        ),
        sa.PrimaryKeyConstraint("memory_id", "owner", "key", name=op.f("pk_request_memories")),
    )
    op.create_index("ix_request_memories_owner_key", "request_memories", ["owner", "key"])


def _jobs() -> None:
    op.drop_index("ix_jobs_kind_key", "jobs")
    op.create_index("ix_jobs_kind_key_user_id", "jobs", ["kind", "key", "user_id"])
    op.create_index(
        "ix_jobs_turn", "jobs", ["state", "user_id", sa.text("priority DESC"), "due_at", "created_at", "uid"]
    )
    op.execute(
        "UPDATE jobs SET state = 'cancelled', holder = NULL, leased_until = NULL, "
        "reason = 'another of its kind goes on' "
        "WHERE state IN ('waiting', 'running', 'stopping') AND EXISTS (SELECT 1 FROM jobs AS other "
        "WHERE other.kind = jobs.kind AND other.key = jobs.key AND other.user_id = jobs.user_id "
        "AND other.state IN ('waiting', 'running', 'stopping') "
        "AND (other.state = 'waiting', other.id) < (jobs.state = 'waiting', jobs.id))"
    )
    not_over = sa.text("state IN ('waiting', 'running', 'stopping')")
    op.create_index(
        "ix_jobs_not_over", "jobs", ["kind", "key", "user_id"],
        unique=True, sqlite_where=not_over, postgresql_where=not_over,
    )  # fmt: skip
