"""The frame: every table that the design's words name.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "companions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companions")),
        sa.UniqueConstraint("user_id", "agent_id", name=op.f("uq_companions_user_id_agent_id")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "embedders",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedders")),
        sa.UniqueConstraint("name", name=op.f("uq_embedders_name")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("user_id", "world", name=op.f("uq_tenants_user_id_world")),
    )
    op.create_table(
        "outcomes",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["companion_id"], ["companions.id"], name=op.f("fk_outcomes_companion_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_outcomes_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "companion_id", "operation", "key", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("head_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sessions_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_sessions_tenant_id_name")),
    )
    op.create_table(
        "speakers",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("trust", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_speakers_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_speakers")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_speakers_tenant_id_name")),
    )
    op.create_table(
        "speaker_names",
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["speaker_id"], ["speakers.id"], name=op.f("fk_speaker_names_speaker_id")),
        sa.PrimaryKeyConstraint("speaker_id", "name", name=op.f("pk_speaker_names")),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("in_window", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["turns.id"], name=op.f("fk_turns_parent_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["turns.id"], name=op.f("fk_turns_replaces_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_turns_session_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_turns_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint("tenant_id", "uid", name=op.f("uq_turns_tenant_id_uid")),
    )
    op.create_index(op.f("ix_turns_session_id_in_window_id"), "turns", ["session_id", "in_window", "id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("negated", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=True),
        sa.Column("valid_to", sa.Double(), nullable=True),
        sa.Column("recorded_at", sa.Double(), nullable=False),
        sa.Column("retracted_at", sa.Double(), nullable=True),
        sa.Column("private_to", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["ended_by"], ["turns.id"], name=op.f("fk_facts_ended_by")),
        sa.ForeignKeyConstraint(["private_to"], ["speakers.id"], name=op.f("fk_facts_private_to")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_facts_tenant_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_facts_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    op.create_index(
        op.f("ix_facts_tenant_id_entity_attribute"), "facts", ["tenant_id", "entity", "attribute"], unique=False
    )
    op.create_index(op.f("ix_facts_turn_id"), "facts", ["turn_id"], unique=False)
    op.create_table(
        "impulses",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("joy", sa.Double(), nullable=False),
        sa.Column("aversion", sa.Double(), nullable=False),
        sa.Column("trauma", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["companion_id"], ["companions.id"], name=op.f("fk_impulses_companion_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_impulses_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impulses")),
    )
    op.create_index(op.f("ix_impulses_companion_id_at"), "impulses", ["companion_id", "at"], unique=False)
    op.create_index(op.f("ix_impulses_turn_id"), "impulses", ["turn_id"], unique=False)
    op.create_table(
        "lessons",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["companion_id"], ["companions.id"], name=op.f("fk_lessons_companion_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_lessons_tenant_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_lessons_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lessons")),
    )
    op.create_index(op.f("ix_lessons_companion_id"), "lessons", ["companion_id"], unique=False)
    op.create_index(op.f("ix_lessons_tenant_id"), "lessons", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_lessons_turn_id"), "lessons", ["turn_id"], unique=False)
    op.create_table(
        "memories",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("speaker_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("trust", sa.Double(), nullable=False),
        sa.Column("private_to", sa.Integer(), nullable=True),
        sa.Column("recallable", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("recorded_at", sa.Double(), nullable=False),
        sa.Column("score0", sa.Double(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["private_to"], ["speakers.id"], name=op.f("fk_memories_private_to")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_memories_session_id")),
        sa.ForeignKeyConstraint(["speaker_id"], ["speakers.id"], name=op.f("fk_memories_speaker_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_memories_tenant_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_memories_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memories")),
        sa.UniqueConstraint("tenant_id", "uid", name=op.f("uq_memories_tenant_id_uid")),
    )
    op.create_index(op.f("ix_memories_tenant_id_kind_at"), "memories", ["tenant_id", "kind", "at"], unique=False)
    op.create_index(op.f("ix_memories_turn_id"), "memories", ["turn_id"], unique=False)
    op.create_table(
        "rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Double(), nullable=False),
        sa.Column("retracted_at", sa.Double(), nullable=True),
        sa.Column("private_to", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["private_to"], ["speakers.id"], name=op.f("fk_rules_private_to")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_rules_tenant_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_rules_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
    )
    op.create_index(op.f("ix_rules_tenant_id"), "rules", ["tenant_id"], unique=False)
    op.create_index(op.f("ix_rules_turn_id"), "rules", ["turn_id"], unique=False)
    op.create_table(
        "memory_sources",
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_memory_sources_memory_id")),
        sa.ForeignKeyConstraint(["source_id"], ["memories.id"], name=op.f("fk_memory_sources_source_id")),
        sa.PrimaryKeyConstraint("memory_id", "source_id", name=op.f("pk_memory_sources")),
    )
    op.create_index(op.f("ix_memory_sources_source_id"), "memory_sources", ["source_id"], unique=False)
    op.create_table(
        "memory_versions",
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.Double(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_memory_versions_memory_id")),
        sa.PrimaryKeyConstraint("memory_id", "version", name=op.f("pk_memory_versions")),
    )
    op.create_table(
        "perspectives",
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("half_life", sa.Double(), nullable=False),
        sa.Column("recall_count", sa.Integer(), nullable=False),
        sa.Column("last_recalled_at", sa.Double(), nullable=False),
        sa.Column("tier", sa.String(length=12), nullable=False),
        sa.Column("importance", sa.Double(), nullable=False),
        sa.Column("joy", sa.Double(), nullable=False),
        sa.Column("aversion", sa.Double(), nullable=False),
        sa.Column("trauma", sa.Double(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["companion_id"], ["companions.id"], name=op.f("fk_perspectives_companion_id")),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_perspectives_memory_id")),
        sa.PrimaryKeyConstraint("companion_id", "memory_id", name=op.f("pk_perspectives")),
    )
    op.create_index(op.f("ix_perspectives_memory_id"), "perspectives", ["memory_id"], unique=False)
    op.create_table(
        "recalls",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["companion_id"], ["companions.id"], name=op.f("fk_recalls_companion_id")),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_recalls_memory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
    )
    op.create_index(op.f("ix_recalls_memory_id"), "recalls", ["memory_id"], unique=False)
    op.create_table(
        "terms",
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_terms_memory_id")),
        sa.PrimaryKeyConstraint("memory_id", name=op.f("pk_terms")),
    )
    op.create_table(
        "vectors",
        sa.Column("memory_id", sa.Integer(), nullable=False),
        sa.Column("embedder_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["embedder_id"], ["embedders.id"], name=op.f("fk_vectors_embedder_id")),
        sa.ForeignKeyConstraint(["memory_id"], ["memories.id"], name=op.f("fk_vectors_memory_id")),
        sa.PrimaryKeyConstraint("memory_id", name=op.f("pk_vectors")),
    )
    op.create_index(op.f("ix_vectors_embedder_id"), "vectors", ["embedder_id"], unique=False)
