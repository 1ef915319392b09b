"""What each member of `watch` did since it began.

Revision: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """A table that is empty until the next window closes."""
    op.create_table(
        "watch_totals",
        sa.Column("member", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("seconds", JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("watch_totals")
