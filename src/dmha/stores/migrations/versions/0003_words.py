"""Dictionaries of a tenant's own, and of each memory's counted terms what counted them: until now, the rules alone.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "words",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("surface", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_words_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "surface", name=op.f("pk_words")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("uq_words_tenant_id_version")),
    )
    op.add_column("terms", sa.Column("segmentation", sa.Text(), nullable=False, server_default="1"))
    op.create_index("ix_terms_segmentation", "terms", ["segmentation"])
