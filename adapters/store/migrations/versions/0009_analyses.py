"""Analyses of uncommon incidents, calls of the model, changes that others tell of, and what people wrote in the end.

Revision: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Four tables; what was escalated before has no analysis."""
    _analyses()
    _calls()
    _changes()
    _notes()


def _analyses() -> None:
    op.create_table(
        "analyses",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("incident_id", sa.BigInteger, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", TIME),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("done_at", TIME),
        sa.Column("source", sa.Text, nullable=False, server_default=""),
        sa.Column("because", sa.Text, nullable=False, server_default=""),
        sa.Column("reused_from", sa.BigInteger),
        *(sa.Column(name, JSON) for name in ("dossier", "options", "turns", "answer")),
        sa.UniqueConstraint("incident_id", "episode", name="analyses_once"),
    )
    due = sa.text("state = 'due'")
    op.create_index("analyses_due", "analyses", ["due_at"], postgresql_where=due, sqlite_where=due)
    op.create_index("analyses_signature", "analyses", ["signature", "done_at"])


def _calls() -> None:
    op.create_table(
        "llm_calls",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("incident_id", sa.BigInteger, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("tokens_in", sa.Integer, nullable=False),
        sa.Column("tokens_out", sa.Integer, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("llm_calls_at", "llm_calls", ["at"])
    op.create_index("llm_calls_incident", "llm_calls", ["incident_id"])


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("at", TIME, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("service", "kind", "what", "by", "source")),
        sa.Column("received_at", TIME, nullable=False),
    )
    op.create_index("changes_at", "changes", ["at"])


def _notes() -> None:
    op.create_table(
        "resolution_notes",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("incident_id", sa.BigInteger, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("by", "cause", "helped", "origin", "verdict")),
    )
    op.create_index("resolution_notes_incident", "resolution_notes", ["incident_id"])


def downgrade() -> None:
    """Drop them."""
    for name in ("resolution_notes", "changes", "llm_calls", "analyses"):
        op.drop_table(name)
