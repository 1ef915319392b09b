"""Encryption at rest: keys of our own, sealed with a master key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One small table; sealed values stand in the columns that there are."""
    op.create_table(
        "sealed_keys",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    # A sealed text is longer, and a B-tree takes 2,700 bytes at most.
    op.drop_index("outside_alerts_group", "outside_alerts")
    op.create_index("outside_alerts_group", "outside_alerts", ["group_key"], postgresql_using="hash")


def downgrade() -> None:
    """Nothing signed can be read without its key: `sre encryption rotate` writes it plain before."""
    op.drop_table("sealed_keys")
    op.drop_index("outside_alerts_group", "outside_alerts")
    op.create_index("outside_alerts_group", "outside_alerts", ["group_key"])
