"""Runs of the agent's test of itself.

Revision: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """One table."""
    op.create_table(
        "canary_runs",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("reached", JSON, nullable=False),
    )
    op.create_index("canary_runs_sent", "canary_runs", ["sent_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("canary_runs")
