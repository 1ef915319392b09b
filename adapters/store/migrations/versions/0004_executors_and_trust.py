"""Effects that leave no other trace, sharper watches, and how far a playbook is trusted on a service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """New tables only."""
    op.create_index("actions_trust", "actions", ["source", "service"])
    op.create_table(
        "effects",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("pid_started", sa.Float(), nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("end", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
    )
    op.create_table(
        "watches",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
    )
    op.create_index("watches_service", "watches", ["service", "until"])
    op.create_table(
        "autonomy_words",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_index("autonomy_words_of", "autonomy_words", ["playbook", "service"])


def downgrade() -> None:
    """Back to the version before; what was trusted by a person is forgotten."""
    op.drop_table("autonomy_words")
    op.drop_table("watches")
    op.drop_table("effects")
    op.drop_index("actions_trust", "actions")
