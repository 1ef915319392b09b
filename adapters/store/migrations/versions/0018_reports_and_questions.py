"""What the flow `report` found about pages, and what was decided about incidents while they were answered.

Revision: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Two tables."""
    op.create_table(
        "noise_reports",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("sections", JSON, nullable=False),
    )
    op.create_table(
        "questions",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("incident_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("knowledge", sa.Text, nullable=False),
        sa.Column("question", JSON, nullable=False),
        sa.Column("answer", JSON, nullable=False),
    )
    op.create_index("questions_at", "questions", ["at"])
    op.create_index("questions_incident", "questions", ["incident_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("questions")
    op.drop_table("noise_reports")
