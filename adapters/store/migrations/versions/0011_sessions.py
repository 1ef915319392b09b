"""Which requests were not as others are, and from where on logs of a minute came late.

Revision: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """A table and two columns; of minutes that were over before nothing is known of their requests."""
    op.add_column("minutes", sa.Column("end_offset", sa.BigInteger))
    op.add_column("minutes", sa.Column("end_part", sa.Integer))
    op.create_table(
        "session_findings",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("began", TIME, nullable=False),
        sa.Column("ended", TIME, nullable=False),
        sa.Column("logs", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("score", "p_value", "confidence")),
        sa.Column("reasons", JSON, nullable=False),
    )
    op.create_index("session_findings_minute", "session_findings", ["minute"])
    # A key may be longer than a B-tree takes.
    op.create_index("session_findings_key", "session_findings", ["key"], postgresql_using="hash")


def downgrade() -> None:
    """Drop them."""
    op.drop_table("session_findings")
    with op.batch_alter_table("minutes") as minutes:
        minutes.drop_column("end_offset")
        minutes.drop_column("end_part")
