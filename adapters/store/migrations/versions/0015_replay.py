"""What a batch must say beside its knowledge to be decided again.

Revision: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
COLUMNS = ("runs", "judged", "after_entry")


def upgrade() -> None:
    """Three columns; of batches that were stored before they are null, which is not known."""
    op.add_column("batches", sa.Column("runs", JSON))
    op.add_column("batches", sa.Column("judged", sa.BigInteger))
    op.add_column("batches", sa.Column("after_entry", sa.BigInteger))


def downgrade() -> None:
    """Drop them."""
    for name in COLUMNS:
        op.drop_column("batches", name)
