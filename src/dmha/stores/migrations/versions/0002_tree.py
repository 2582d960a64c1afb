"""The tree of turns: branches and windows told by each turn, variants kept apart, every consequence with its cause.

Revision ID: 0002
Revises: 0001
"""

import secrets
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_AT_ONCE = 10_000
# Before this revision a turn's words alone named it: the summaries do so later (`_summaries`).
_TURNS = """
    SELECT turns.id, turns.session_id, turns.parent_id, in_window, coalesce(length(memories.text), 0) AS characters
    FROM turns LEFT JOIN memories ON memories.turn_id = turns.id ORDER BY turns.id
"""
_BRANCH = ("id", "session_id", "root_id", "parent_id", "fork_id")


def upgrade() -> None:
    _make_tables()
    _grow_branches()
    _turns()
    _summaries()
    _recalls()
    _endings()
    with op.batch_alter_table("perspectives") as table:
        table.add_column(sa.Column("born", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("perspectives", recreate="always") as table:
        table.alter_column("born", server_default=None)
    with op.batch_alter_table("sessions") as table:
        table.drop_column("head_id")
        table.drop_column("created_at")
    with op.batch_alter_table("companions") as table:
        table.drop_column("created_at")
    op.create_index("ix_changes_tenant_id_seq", "changes", ["tenant_id", "seq"])


def _make_tables() -> None:
    op.create_table(
        "branches",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("root_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("fork_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["branches.id"], name=op.f("fk_branches_parent_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_branches_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branches")),
    )
    for column in ("parent_id", "root_id", "session_id"):
        op.create_index(op.f(f"ix_branches_{column}"), "branches", [column])
    op.create_table(
        "variants",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("instead", sa.Text(), nullable=False),
        sa.Column("followed", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_variants_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "uid", name=op.f("pk_variants")),
    )
    op.create_index(op.f("ix_variants_tenant_id_instead"), "variants", ["tenant_id", "instead"])
    op.create_table(
        "endings",
        sa.Column("fact_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("because_id", sa.Integer(), nullable=True),
        sa.Column("valid_to", sa.Double(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["because_id"], ["facts.id"], name=op.f("fk_endings_because_id")),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"], name=op.f("fk_endings_fact_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_endings_turn_id")),
        sa.PrimaryKeyConstraint("fact_id", "turn_id", name=op.f("pk_endings")),
    )
    for column in ("turn_id", "because_id"):
        op.create_index(op.f(f"ix_endings_{column}"), "endings", [column])
    op.create_table(
        "arrivals",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("world", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_arrivals_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_arrivals")),
    )
    op.execute(sa.text("INSERT INTO counters VALUES ('moment', :drawn)").bindparams(drawn=secrets.randbits(63)))


def _grow_branches() -> None:
    """Give every turn its branch: a turn goes on with its parent's where it is the first of its session to follow.

    And its window, which before this revision was a session's: the end of the path to it, from the first turn that
    stood in the window on. A persona or lore told among those takes a place, though no words.
    """
    connection = op.get_bind()
    for column in ("branch_id", "window_turns", "window_characters"):
        op.add_column("turns", sa.Column(column, sa.Integer(), nullable=True))
    branch_of: dict[int, int] = {}
    windows: dict[int | None, tuple[int, int]] = {None: (0, 0)}
    branches: list[dict[str, Any]] = []
    tips: dict[int, int] = {}
    for turns in _in_parts(connection, _TURNS):
        for turn in turns:
            held, characters = windows[turn.parent_id]
            said = turn.characters if turn.in_window else 0
            windows[turn.id] = (held + (turn.in_window or held > 0), characters + said)
            parent = branch_of.get(turn.parent_id)
            here = branches[parent - 1] if parent is not None else None
            if here is None or here["session_id"] != turn.session_id or tips[here["id"]] != turn.parent_id:
                made = len(branches) + 1
                root = here["root_id"] if here is not None else made
                fork = turn.parent_id if here is not None else None
                here = {
                    "id": made,
                    "session_id": turn.session_id,
                    "root_id": root,
                    "parent_id": parent,
                    "fork_id": fork,
                }
                branches.append(here)
            branch_of[turn.id] = here["id"]
            tips[here["id"]] = turn.id
    if not branches:
        return
    connection.execute(sa.insert(sa.table("branches", *map(sa.column, _BRANCH))), branches)
    connection.execute(
        sa.text(
            "UPDATE turns SET branch_id = :branch, window_turns = :held, window_characters = :long WHERE id = :turn"
        ),
        [
            {"branch": branch, "turn": turn, "held": windows[turn][0], "long": windows[turn][1]}
            for turn, branch in branch_of.items()
        ],
    )
    connection.execute(sa.text("INSERT INTO counters VALUES ('branches', :next)"), {"next": len(branches) + 1})


def _in_parts(connection: sa.Connection, query: str) -> Iterator[Any]:
    return connection.execute(sa.text(query)).partitions(_AT_ONCE)


def _turns() -> None:
    """Hold every turn to what it has now; what it replaced is told by the variants."""
    op.drop_index("ix_turns_session_id_in_window_id", "turns")
    with op.batch_alter_table("turns", recreate="always") as table:
        for column in ("branch_id", "window_turns", "window_characters"):
            table.alter_column(column, nullable=False)
        table.drop_constraint("fk_turns_replaces_id", type_="foreignkey")
        table.drop_column("replaces_id")
        table.drop_column("active")
        table.create_foreign_key("fk_turns_branch_id", "branches", ["branch_id"], ["id"])
        table.create_index("ix_turns_session_id", ["session_id"])
        table.create_index("ix_turns_parent_id", ["parent_id"])


def _summaries() -> None:
    """Tell each summary the turn after which it was made: the last of those that it tells of."""
    op.execute("""
        UPDATE memories SET turn_id = (
            SELECT max(told.turn_id) FROM memory_sources AS links JOIN memories AS told ON told.id = links.source_id
            WHERE links.memory_id = memories.id
        ) WHERE kind = 'summary'
    """)
    where = sa.text("kind = 'summary'")
    op.create_index(
        "ix_memories_session_id_at", "memories", ["session_id", "at"], sqlite_where=where, postgresql_where=where
    )


def _recalls() -> None:
    """A cause was a turn's id or a caller's key: they become two columns. What was felt then is what is felt now."""
    op.add_column("recalls", sa.Column("turn_id", sa.Integer(), nullable=True))
    op.add_column("recalls", sa.Column("key", sa.Text(), nullable=True))
    for feeling in ("joy", "aversion"):
        op.add_column("recalls", sa.Column(feeling, sa.Double(), nullable=False, server_default="0"))
    op.execute("""
        UPDATE recalls SET turn_id = (
            SELECT turns.id FROM memories
            JOIN turns ON turns.tenant_id = memories.tenant_id AND turns.uid = recalls.cause
            JOIN outcomes ON outcomes.tenant_id = turns.tenant_id AND outcomes.companion_id = recalls.companion_id
                AND outcomes.operation = 'contextualize' AND outcomes.key = recalls.cause
            WHERE memories.id = recalls.memory_id
        )
    """)
    op.execute("""
        UPDATE recalls SET key = cause WHERE turn_id IS NULL AND EXISTS (
            SELECT 1 FROM outcomes WHERE outcomes.companion_id = recalls.companion_id
            AND outcomes.operation = 'recall' AND outcomes.key = recalls.cause
        )
    """)
    op.execute("""
        UPDATE recalls SET joy = views.joy, aversion = views.aversion FROM perspectives AS views
        WHERE views.companion_id = recalls.companion_id AND views.memory_id = recalls.memory_id
    """)
    with op.batch_alter_table("recalls", recreate="always") as table:
        for feeling in ("joy", "aversion"):
            table.alter_column(feeling, server_default=None)
        table.drop_column("cause")
        table.create_foreign_key("fk_recalls_turn_id", "turns", ["turn_id"], ["id"])
        table.create_index("ix_recalls_turn_id", ["turn_id"])


def _endings() -> None:
    """What ended a fact becomes a row of its own, and the fact again what was told."""
    op.execute("""
        INSERT INTO endings (fact_id, turn_id, valid_to, note)
        SELECT id, ended_by, valid_to, note FROM facts WHERE ended_by IS NOT NULL AND valid_to IS NOT NULL
    """)
    op.execute("UPDATE facts SET valid_to = NULL WHERE ended_by IS NOT NULL")
    with op.batch_alter_table("facts") as table:
        table.drop_constraint("fk_facts_ended_by", type_="foreignkey")
        table.drop_column("ended_by")
        table.drop_column("note")
