"""Pages about old news are looked for in every batch: an index over those few; files that have no row are written down.

Revision: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One small index, one small table."""
    late = sa.text("late")
    op.create_index("pages_late", "pages", ["created_at"], postgresql_where=late, sqlite_where=late)
    op.create_table(
        "unnamed_files",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("unnamed_files")
    op.drop_index("pages_late", "pages")
