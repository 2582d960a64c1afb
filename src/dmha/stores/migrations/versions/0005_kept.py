"""What a kept answer tells of and how large it is; a version's marks; the worlds of a key; no job twice.

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
    for mark in ("wrong", "private"):
        op.add_column("memory_versions", sa.Column(mark, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("requests", sa.Column("size", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_requests_owner_created_at", "requests", ["owner", "created_at"])
    op.create_table(
        "request_memories",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("memory_uid", sa.Text(), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner", "key"], ["requests.owner", "requests.key"], name=op.f("fk_request_memories_owner")
        ),
        sa.PrimaryKeyConstraint("owner", "memory_uid", "key", name=op.f("pk_request_memories")),
    )
    op.create_index("ix_request_memories_owner_key", "request_memories", ["owner", "key"])
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
