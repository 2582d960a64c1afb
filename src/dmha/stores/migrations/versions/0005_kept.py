"""What a kept answer tells of and how large it is; a version's marks; a key's worlds; how an audit ended; no job twice.

Answers that were kept before are let go, as nothing knows what they tell of: a retry is told so.

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
    _jobs()


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
    not_over = sa.text("state IN ('waiting', 'running', 'stopping')")
    op.create_index(
        "ix_jobs_not_over", "jobs", ["kind", "key", "user_id"],
        unique=True, sqlite_where=not_over, postgresql_where=not_over,
    )  # fmt: skip
